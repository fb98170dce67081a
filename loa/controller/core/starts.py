"""Which starts a plan has, whether its class may sound then, and which starts near by would be allowed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from loa.controller.core.notices import Notice, NoticeCode
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import Policy
from loa.protocol.when import When, parse_local, rule_parts
from loa.schedules.errors import RecurrenceError
from loa.schedules.localtime import from_wall
from loa.schedules.model import Window
from loa.schedules.policy import allowed_until, next_change, version_at
from loa.schedules.recurrence import starts

PAST_GRACE = timedelta(seconds=60)
"""A start this little in the past still sounds: forms and approvals take their time."""
LONGEST = timedelta(days=366)
"""A recurrence without end ends after this: last year's notice must not go on for ever."""
LOOK = timedelta(days=31)
"""Starts this far ahead of the first one are examined one by one."""

_HORIZONS = (timedelta(days=8), timedelta(days=62), LONGEST)
_MANY = 400
"""Starts a year from which on a rule is dense: one more year tells whether it goes on."""
_STEPS = 64
_MINUTE = timedelta(minutes=1)
_BACK = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Hours:
    """The policy and time zone that bind some of the nodes."""

    policy: Policy
    tz: str


@dataclass(frozen=True, slots=True)
class Starts:
    """The starts of a plan from now on, as far as they are examined."""

    near: tuple[datetime, ...]
    """Those within `LOOK` of the first."""
    last_at: datetime | None
    """The last of all, None where there is none."""
    bounded_at: datetime | None
    """Where a recurrence is made to end, if it does not say so itself."""
    goes_on: bool = False
    """Whether it would have gone on after that."""
    is_too_far: bool = False
    """Whether the first start is more than `LONGEST` ahead."""


def find_starts(when: When, now: datetime, *, limit: int | None, expires_at: datetime | None) -> Starts:
    """The starts from now on; raises RecurrenceError for a rule that cannot be followed or began long ago."""
    begin = now - PAST_GRACE
    recurs = when.rrule is not None or bool(when.rdates)
    start_at = from_wall(parse_local(when.start_local), when.tz)
    if recurs and start_at < now - LONGEST:
        raise RecurrenceError(when.rrule or "", "begins more than a year ago; begin it nearer")
    first = _first_start(when, begin, limit)
    if first is None or (expires_at is not None and first >= expires_at):
        return Starts((), None, None, is_too_far=start_at > begin + LONGEST)
    bound = first + LONGEST
    until = bound if expires_at is None else min(bound, expires_at)
    every = starts(when, Window(from_at=begin, until_at=until), limit=limit)
    bounded_at = bound if recurs and until == bound else None
    goes_on = bounded_at is not None and _goes_on(when, bound, limit, len(every))
    return Starts(tuple(one for one in every if one < first + LOOK), every[-1], bounded_at, goes_on=goes_on)


def allowed(hours: Hours, class_: BroadcastClass, at: datetime, duration_ms: int) -> Notice | None:
    """None if what starts at `at` may sound whole; else why not, and the allowed starts around it."""
    until = allowed_until(hours.policy, class_, at, hours.tz)
    if until is not None and until - at >= timedelta(milliseconds=duration_ms):
        return None
    edge = at if until is None else until
    found = Notice(
        code=NoticeCode.QUIET_HOURS,
        at=at,
        legal_source=version_at(hours.policy, edge).quiet_source,
        quiet_until_at=_opens(hours, class_, edge),
    )
    if until is None:
        return found
    over_ms = (at + timedelta(milliseconds=duration_ms) - until) // _MS
    return replace(found, code=NoticeCode.INTO_QUIET_HOURS, quiet_from_at=until, delta_ms=over_ms)


def allowed_after(
    every: Sequence[Hours], class_: BroadcastClass, at: datetime, duration_ms: int
) -> datetime | None:
    """The first start from `at` on that all hours allow; None if there is none within about ten days."""
    return _settle(every, at, lambda hours, start: _next_allowed(hours, class_, start, duration_ms))


def allowed_before(
    every: Sequence[Hours], class_: BroadcastClass, at: datetime, duration_ms: int, *, not_before: datetime
) -> datetime | None:
    """The last whole minute up to `at`, and not before `not_before`, that all hours allow."""
    return _settle(
        every, at, lambda hours, start: _last_allowed(hours, class_, start, duration_ms, not_before)
    )


def mended(
    notice: Notice, every: Sequence[Hours], class_: BroadcastClass, duration_ms: int, now: datetime
) -> Notice:
    """The notice with the nearest starts that would be allowed."""
    at = now if notice.at is None else max(notice.at, now)
    return replace(
        notice,
        repaired_before=allowed_before(every, class_, at, duration_ms, not_before=soon(now)),
        repaired_after=allowed_after(every, class_, max(at, soon(now)), duration_ms),
    )


def soon(now: datetime) -> datetime:
    """The whole minute by which a plan can be changed and approved: at least one minute from now."""
    return ceil_minute(now + _MINUTE)


def ceil_minute(at: datetime) -> datetime:
    """The first whole minute at or after `at`."""
    cut = at.replace(second=0, microsecond=0)
    return cut if cut == at else cut + _MINUTE


def judge_starts(
    found: Starts,
    when: When,
    hours: Iterable[Hours],
    class_: BroadcastClass,
    *,
    duration_ms: int,
    now: datetime,
) -> list[Notice]:
    """Why the plan cannot be approved as it is; nothing if it can."""
    every = list(dict.fromkeys(hours))
    if not found.near:
        return [_no_start(found, when, every, class_, duration_ms=duration_ms, now=now)]
    problems = [
        _first_refused(found.near, every, class_, duration_ms, now),
        _overlap(found.near, duration_ms),
    ]
    return [problem for problem in problems if problem is not None]


def _no_start(
    found: Starts,
    when: When,
    every: Sequence[Hours],
    class_: BroadcastClass,
    *,
    duration_ms: int,
    now: datetime,
) -> Notice:
    at = from_wall(parse_local(when.start_local), when.tz)
    if found.is_too_far:
        return Notice(code=NoticeCode.TOO_FAR, at=at)
    if when.rrule is not None or when.rdates:
        return Notice(code=NoticeCode.NEVER)
    after = allowed_after(every, class_, soon(now), duration_ms)
    return Notice(code=NoticeCode.IN_THE_PAST, at=at, repaired_after=after)


def _first_refused(
    near: Iterable[datetime], every: Sequence[Hours], class_: BroadcastClass, duration_ms: int, now: datetime
) -> Notice | None:
    if class_ is BroadcastClass.EMERGENCY:
        return None
    for at in near:
        for hours in every:
            refused = allowed(hours, class_, at, duration_ms)
            if refused is not None:
                return mended(refused, every, class_, duration_ms, now)
    return None


def _overlap(near: Sequence[datetime], duration_ms: int) -> Notice | None:
    length = timedelta(milliseconds=duration_ms)
    for at, following in pairwise(near):
        if following - at < length:
            return Notice(
                code=NoticeCode.OVERLAPS_ITSELF, at=at, delta_ms=(at + length - following) // _MS, by=None
            )
    return None


def _first_start(when: When, begin: datetime, limit: int | None) -> datetime | None:
    for horizon in _HORIZONS:
        found = starts(when, Window(from_at=begin, until_at=begin + horizon), limit=limit)
        if found:
            return found[0]
    return None


def _goes_on(when: When, bound: datetime, limit: int | None, so_far: int) -> bool:
    """Whether there is a start at or after `bound`; by the rule alone where that has no end."""
    if when.rrule is not None and limit is None and not {"COUNT", "UNTIL"} & set(rule_parts(when.rrule)):
        return True
    beyond = LONGEST if so_far > _MANY else 10 * LONGEST
    return bool(starts(when, Window(from_at=bound, until_at=bound + beyond), limit=limit))


def _settle(
    every: Sequence[Hours], at: datetime, move: Callable[[Hours, datetime], datetime | None]
) -> datetime | None:
    """Move `at` by each hours in turn until none of them moves it any more."""
    for _ in range(_STEPS):
        moved: datetime | None = at
        for hours in every:
            moved = None if moved is None else move(hours, moved)
        if moved is None or moved == at:
            return moved
        at = moved
    return None


def _opens(hours: Hours, class_: BroadcastClass, at: datetime) -> datetime | None:
    """When the class may sound again that may not at `at`."""
    for _ in range(_STEPS):
        if allowed_until(hours.policy, class_, at, hours.tz) is not None:
            return at
        at = next_change(hours.policy, class_, at, hours.tz)
    return None


def _next_allowed(hours: Hours, class_: BroadcastClass, at: datetime, duration_ms: int) -> datetime | None:
    for _ in range(_STEPS):
        if allowed(hours, class_, at, duration_ms) is None:
            return at
        at = next_change(hours.policy, class_, at, hours.tz)
    return None


def _last_allowed(
    hours: Hours, class_: BroadcastClass, at: datetime, duration_ms: int, not_before: datetime
) -> datetime | None:
    if allowed(hours, class_, at, duration_ms) is None:
        return at if at >= not_before else None
    length = timedelta(milliseconds=duration_ms)
    step, best = at - _BACK, None
    while step <= at:
        until = allowed_until(hours.policy, class_, step, hours.tz)
        if until is not None:
            last = min(until - length, at).replace(second=0, microsecond=0)
            best = last if last >= max(step, not_before) else best
        step = next_change(hours.policy, class_, step, hours.tz)
    return best


_MS = timedelta(milliseconds=1)
