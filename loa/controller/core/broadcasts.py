"""Broadcasts (lịch phát): how an approved bulletin becomes one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from loa.controller.core.bulletins import Draft, Plan
from loa.controller.core.notices import Notice
from loa.controller.core.starts import Starts
from loa.protocol.broadcast import DAY_MS, Broadcast, RecordingSource
from loa.protocol.ids import BroadcastId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.units import DurationMs
from loa.protocol.when import When
from loa.schedules.localtime import to_wall

NOT_AFTER_MS = {
    BroadcastClass.NORMAL: DurationMs(30 * 60_000),
    BroadcastClass.PRIORITY: DurationMs(2 * 3_600_000),
    BroadcastClass.EMERGENCY: DurationMs(3_600_000),
}
"""How long after its start a broadcast of the class may begin, where the plan does not say."""
SLACK_MS = DurationMs(3_600_000)
"""What interruptions may add before the last end, where the plan does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A broadcast as it is kept."""

    id: BroadcastId
    broadcast: Broadcast
    approved_by: str
    approved_at: datetime
    first_start_at: datetime
    over_at: datetime | None
    """After it nothing of the broadcast can sound."""
    withdrawn_at: datetime | None
    """When it was withdrawn everywhere, if it was."""


@dataclass(frozen=True, slots=True)
class Approved:
    """What came of an approval, and what the approver is to know about it."""

    scheduled: Scheduled
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class HalfApproved:
    """It was signed, and waits for this many others to sign it, too."""

    missing: int


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who is to answer for it: an area and its rank."""

    draft: Draft
    bulletin: str
    authority: int
    text_sha256: str | None


def fix_when(when: When | Literal["now"] | None, now: datetime, lead: timedelta, tz: str) -> When:
    """The time asked for; now is the instant after the lead, so that near nodes begin together."""
    if isinstance(when, When):
        return when
    return When(tz=tz, start_local=to_wall(now + lead, tz).isoformat(timespec="milliseconds"))


def limits(plan: Plan, class_: BroadcastClass, duration_ms: int) -> tuple[DurationMs, DurationMs]:
    """`not_after_ms` and `last_end_ms`, by the plan or by the class; at most a day."""
    not_after_ms = NOT_AFTER_MS[class_] if plan.not_after_ms is None else plan.not_after_ms
    last_end_ms = plan.last_end_ms
    if last_end_ms is None:
        last_end_ms = DurationMs(min(not_after_ms + duration_ms + SLACK_MS, DAY_MS))
    return DurationMs(not_after_ms), DurationMs(last_end_ms)


def make_broadcast(
    issuer: Issuer, source: RecordingSource, when: When, found: Starts, *, created_at: datetime
) -> Broadcast:
    """The document to be approved."""
    draft, plan = issuer.draft, issuer.draft.plan
    not_after_ms, last_end_ms = limits(plan, draft.class_, source.duration_ms)
    return Broadcast(
        bulletin=issuer.bulletin,
        created_at=created_at,
        title=draft.title.strip(),
        field=draft.field,
        class_=draft.class_,
        source=source,
        text_sha256=issuer.text_sha256,
        audience=plan.audience,
        when=when,
        issuer=draft.area,
        authority=issuer.authority,
        not_after_ms=not_after_ms,
        last_end_ms=last_end_ms,
        after_interruption=plan.after_interruption,
        late=plan.late,
        max_plays=plan.max_plays,
        expires_at=found.bounded_at or plan.expires_at,
        drill=draft.drill or None,
    )


def over_at(broadcast: Broadcast, found: Starts) -> datetime | None:
    """The instant after which nothing of it can sound."""
    return None if found.last_at is None else found.last_at + timedelta(milliseconds=broadcast.last_end_ms)
