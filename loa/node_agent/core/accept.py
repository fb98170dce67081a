"""Whether a genuine message may also be taken in: its version, time, approvals and audience."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.protocol.broadcast import Entry
from loa.protocol.errors import ProtocolError
from loa.protocol.ids import AreaId
from loa.protocol.programme import Pointer, Programme, Urgent
from loa.protocol.reasons import RefusalReason
from loa.protocol.units import format_instant
from loa.schedules.errors import RecurrenceError
from loa.schedules.model import Window
from loa.schedules.recurrence import starts

MOST_AHEAD = timedelta(minutes=2)
"""How far a message may be ahead of the node's clock."""


Check = Callable[[Entry], None]
"""Returns if an entry carries the approvals that it needs here; raises a `ProtocolError`."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """Take it in."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Already held; nothing to do and nothing to report."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Leave it, and report so."""

    reason: RefusalReason
    detail: str


Verdict = Fresh | Duplicate | Refused


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """One broadcast of a message that is left, while the rest is taken."""

    entry: Entry
    refused: Refused


def judge(
    message: Urgent | Pointer | Programme, *, held: int, now: datetime, is_sure: bool = True
) -> Verdict:
    """By version and time; `held` is the version that is held of the same kind and owner, 0 for none.

    A clock that is not sure says nothing of the future.
    """
    if message.version == held:
        return Duplicate()
    if message.version < held:
        return Refused(RefusalReason.STALE, f"version {message.version}, but {held} is held")
    if is_sure and message.issued_at > now + MOST_AHEAD:
        ahead = f"issued at {format_instant(message.issued_at)}, it is {format_instant(now)} here"
        return Refused(RefusalReason.FROM_THE_FUTURE, ahead)
    return Fresh()


def sift(
    entries: Iterable[Entry],
    *,
    areas: Collection[AreaId],
    check: Check,
    now: datetime,
    is_sure: bool = True,
) -> tuple[list[Entry], list[RefusedEntry]]:
    """The entries that may sound here, and the others with the reason; `check` judges their approvals."""
    taken: list[Entry] = []
    left: list[RefusedEntry] = []
    for entry in entries:
        refused = _fault(entry, areas, check, now)
        if refused is None and is_sure:
            refused = _ahead(entry, now)
        if refused is None:
            taken.append(entry)
        else:
            left.append(RefusedEntry(entry, refused))
    return taken, left


def _fault(entry: Entry, areas: Collection[AreaId], check: Check, now: datetime) -> Refused | None:
    broadcast = entry.broadcast
    if not set(broadcast.audience) & set(areas):
        return Refused(
            RefusalReason.NOT_ADDRESSED_HERE, f"{entry.id} is for {', '.join(broadcast.audience)}"[:500]
        )
    try:
        check(entry)
        starts(
            broadcast.when, Window(from_at=now, until_at=now + timedelta(days=1)), limit=broadcast.max_plays
        )
    except ProtocolError as error:
        return Refused(error.reason, str(error))
    except RecurrenceError as error:
        return Refused(RefusalReason.MALFORMED, str(error)[:500])
    return None


def _ahead(entry: Entry, now: datetime) -> Refused | None:
    if entry.issued_at <= now + MOST_AHEAD:
        return None
    return Refused(RefusalReason.FROM_THE_FUTURE, f"{entry.id} issued at {format_instant(entry.issued_at)}")
