"""When a self-test is due, what keeps it from sounding, and what its result is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.node_agent.core.plan import Plan
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Config
from loa.protocol.reasons import SelfTestOutcome
from loa.protocol.reports import Evidence
from loa.schedules.localtime import at_wall, local_date
from loa.schedules.model import Silence
from loa.schedules.policy import allowed_until

ASKED_VALID = timedelta(minutes=10)
"""So long somebody who asked for a self-test waits for it: later it would surprise."""
HOUR_VALID = timedelta(minutes=30)
GUARD = timedelta(seconds=10)
"""No self-test begins if anything has to sound within this time after its end."""
_DAY = timedelta(days=1)
_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Due:
    """A self-test that ought to sound."""

    at: datetime
    until_at: datetime
    on_demand: bool


def due_self_test(config: Config, now: datetime, done_until: datetime | None) -> Due | None:
    """The self-test that is due now and not done yet, that on demand before that of the day."""
    asked_at = config.settings.self_test_asked_at
    dues = [Due(asked_at, asked_at + ASKED_VALID, on_demand=True)] if asked_at is not None else []
    dues += _of_the_day(config, now)
    return next((due for due in dues if _is_open(due, now, done_until)), None)


def hindrance(
    config: Config, plan: Plan | None, silences: Iterable[Silence], from_at: datetime, to_at: datetime
) -> SelfTestOutcome | None:
    """Why nothing may sound beside the timeline between two instants; None if it may."""
    if any(one.from_at < to_at and from_at < one.until_at for one in silences):
        return SelfTestOutcome.SILENCED
    allowed = allowed_until(config.policy, BroadcastClass.NORMAL, from_at, config.tz)
    if allowed is None or allowed < to_at:
        return SelfTestOutcome.QUIET_HOURS
    return SelfTestOutcome.BUSY if is_demanded(plan, from_at, to_at + GUARD) else None


def is_demanded(plan: Plan | None, from_at: datetime, to_at: datetime) -> bool:
    """Whether the timeline wants anything between two instants; also while there is no timeline yet."""
    return plan is None or any(one.from_at < to_at and one.to_at > from_at for one in plan.segments)


def judge_self_test(evidence: Evidence) -> SelfTestOutcome:
    """Of one that sounded whole: no ear may miss it."""
    found = [one for one in (evidence.rendered, evidence.heard) if one is not None]
    if not found:
        return SelfTestOutcome.UNPROVEN
    return SelfTestOutcome.PASSED if all(found) else SelfTestOutcome.SILENT


def _of_the_day(config: Config, now: datetime) -> list[Due]:
    if config.settings.self_test_at is None:
        return []
    hours, minutes = map(int, config.settings.self_test_at.split(":"))
    today = local_date(now, config.tz)
    slots = [at_wall(day, hours * _MINUTES + minutes, config.tz) for day in (today - _DAY, today)]
    return [Due(slot, slot + HOUR_VALID, on_demand=False) for slot in slots]


def _is_open(due: Due, now: datetime, done_until: datetime | None) -> bool:
    return due.at <= now < due.until_at and (done_until is None or done_until < due.at)
