"""What a new policy takes from what is approved: the timeline by it, held against the one without it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.standing import Laid, Standing, items_of, lay
from loa.controller.core.starts import LONGEST, Hours
from loa.protocol.broadcast import Entry
from loa.protocol.ids import broadcast_of
from loa.protocol.policy import Policy, PolicyVersion
from loa.protocol.reasons import Reason
from loa.protocol.units import GainDb
from loa.schedules.localtime import broadcast_day
from loa.schedules.model import Item, Segment, Window
from loa.schedules.policy import Cap, next_change, volume_cap

LOOK = timedelta(days=35)
"""Holds each weekday five times and each day of a month; of what comes only later, its first day counts."""
INAUDIBLE_DB = GainDb(-40.0)
"""From this cap on nobody hears it: a horn of 105 dB at a metre is then at 31 dB in 50 m, a still night."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Lost:
    """An occurrence that will sound less, or too softly."""

    entry: Entry
    item: Item
    sounded_ms: int
    """What is left of it."""
    reason: Reason | None
    """None: it sounds, and nobody hears it."""
    legal_source: str | None


def changes_from(old: Policy, new: Policy, now: datetime) -> datetime | None:
    """From when on the policies differ; None if they never do from now on."""
    differing = set(_future(old, now)) ^ set(_future(new, now))
    return min((at for at, _ in differing), default=None)


def lost(standing: Standing, old: Hours, new: Hours, from_at: datetime) -> Iterator[Lost]:
    """What sounds by the old policy, and not, or less, by the new one, by the time of its start."""
    for window in _windows(standing, from_at, new.tz):
        before, after = lay(standing, old, window), lay(standing, new, window)
        for item in sorted(after.items.values(), key=lambda one: (one.start_at, one.id)):
            was, will_be = before.timeline.outcomes[item.id], after.timeline.outcomes[item.id]
            entry = standing.entries[broadcast_of(item.id)]
            if will_be.sounded_ms < was.sounded_ms:
                yield Lost(entry, item, will_be.sounded_ms, will_be.reason, will_be.legal_source)
            elif (cap := _hushed(before, old, after, new, item)) is not None:
                yield Lost(entry, item, will_be.sounded_ms, None, cap.legal_source)


def _future(policy: Policy, now: datetime) -> Iterator[tuple[datetime, PolicyVersion]]:
    past = [one for one in policy.versions if one.effective_from <= now]
    coming = [one for one in policy.versions if one.effective_from > now]
    yield from ((max(one.effective_from, now), one) for one in (*past[-1:], *coming))


def _windows(standing: Standing, from_at: datetime, tz: str) -> Iterator[Window]:
    """The next weeks, with the day before, since what began then may go on; then single days far ahead."""
    near = Window(from_at=from_at, until_at=from_at + LOOK)
    far = Window(from_at=near.until_at, until_at=from_at + LONGEST)
    yield Window(from_at=from_at - _DAY, until_at=near.until_at)
    days = set()
    for entry in standing.entries.values():
        if not items_of(standing, entry, near) and (later := items_of(standing, entry, far)):
            days.add(broadcast_day(min(one.start_at for one in later), tz))
    yield from (Window(from_at=begin, until_at=end) for begin, end in sorted(days))


def _hushed(before: Laid, old: Hours, after: Laid, new: Hours, item: Item) -> Cap | None:
    """The cap under which it sounds throughout, if nobody hears it for that and somebody did before."""
    if not any(cap.cap_db <= INAUDIBLE_DB for one in new.policy.versions for cap in one.caps):
        return None
    loudest = _loudest(after, new, item)
    if loudest is None or loudest.cap_db > INAUDIBLE_DB:
        return None
    was = _loudest(before, old, item)
    return loudest if was is not None and was.cap_db > INAUDIBLE_DB else None


def _loudest(laid: Laid, hours: Hours, item: Item) -> Cap | None:
    caps = [cap for piece in laid.pieces.get(item.id, ()) for cap in _caps(hours, item, piece)]
    return max(caps, key=lambda cap: cap.cap_db, default=None)


def _caps(hours: Hours, item: Item, piece: Segment) -> Iterator[Cap]:
    at = piece.from_at
    while at < piece.to_at:
        yield volume_cap(hours.policy, item.class_, at, hours.tz)
        at = next_change(hours.policy, item.class_, at, hours.tz)
