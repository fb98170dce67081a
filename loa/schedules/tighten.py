"""What two policies both allow: the keepers say how wide it may be, the controller may be stricter."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import AllowedHours, DailyMinutes, Policy, PolicyVersion, VolumeCap, Weekday
from loa.schedules.hours import WEEKDAYS, minute_of
from loa.schedules.policy import version_at

_DAY = 24 * 60
_WEEK = 7 * _DAY
_MOST_CHARS = 500

_Line = TypeVar("_Line", bound=VolumeCap | DailyMinutes)
_Stretch = tuple[int, int]
"""From, included, and to, not included, in local minutes since Monday 00:00."""


def tighten(widest: Policy, own: Policy) -> Policy:
    """The policy that allows at every instant what both allow, at the lower volume and the fewer minutes."""
    if widest == own:
        return own
    changes = {version.effective_from for policy in (widest, own) for version in policy.versions}
    return Policy(versions=tuple(_both(widest, own, at) for at in sorted(changes)))


def _both(widest: Policy, own: Policy, at: datetime) -> PolicyVersion:
    one, other = version_at(widest, at), version_at(own, at)
    return PolicyVersion(
        effective_from=at,
        quiet_source=_joined(other.quiet_source, one.quiet_source),
        hours=tuple(_common_hours(one.hours, other.hours)),
        caps=_each_once(one.caps, other.caps),
        minutes=_each_once(one.minutes, other.minutes),
    )


def _common_hours(widest: Sequence[AllowedHours], own: Sequence[AllowedHours]) -> Iterator[AllowedHours]:
    for class_ in BroadcastClass:
        allowed = _week(widest, class_)
        for window in own:
            if class_ in window.classes:
                yield from _cut(window, class_, allowed)


def _cut(window: AllowedHours, class_: BroadcastClass, allowed: Sequence[_Stretch]) -> Iterator[AllowedHours]:
    """What of the window lies within the stretches, as windows of its legal source within one day each."""
    days: defaultdict[_Stretch, set[Weekday]] = defaultdict(set)
    for begin, end in _common(_week([window], class_), allowed):
        for day in range(begin // _DAY, (end - 1) // _DAY + 1):
            within = max(begin, day * _DAY) - day * _DAY, min(end, (day + 1) * _DAY) - day * _DAY
            days[within].add(WEEKDAYS[day])
    for (begin, end), on in sorted(days.items()):
        yield AllowedHours(
            classes=frozenset({class_}),
            from_local=_wall(begin),
            to_local=_wall(end),
            days=None if len(on) == len(WEEKDAYS) else frozenset(on),
            legal_source=window.legal_source,
        )


def _week(windows: Iterable[AllowedHours], class_: BroadcastClass) -> list[_Stretch]:
    """The windows of a class in one week, in order, apart from each other."""
    open_at = [False] * _WEEK
    for window in windows:
        if class_ in window.classes:
            for day, name in enumerate(WEEKDAYS):
                if window.days is None or name in window.days:
                    for minute in range(*_on_day(window, day)):
                        open_at[minute % _WEEK] = True
    edges = [at for at in range(_WEEK) if open_at[at] != (at > 0 and open_at[at - 1])]
    return list(zip(edges[::2], [*edges[1::2], _WEEK], strict=False))


def _on_day(window: AllowedHours, day: int) -> _Stretch:
    begin, end = minute_of(window.from_local), minute_of(window.to_local)
    return day * _DAY + begin, day * _DAY + (end if end > begin else end + _DAY)


def _common(some: Sequence[_Stretch], others: Sequence[_Stretch]) -> Iterator[_Stretch]:
    for begin, end in some:
        for since, until in others:
            if max(begin, since) < min(end, until):
                yield max(begin, since), min(end, until)


def _wall(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _joined(*sources: str) -> str:
    return " / ".join(dict.fromkeys(sources))[:_MOST_CHARS]


def _each_once(some: Iterable[_Line], others: Iterable[_Line]) -> tuple[_Line, ...]:
    return tuple(dict.fromkeys([*others, *some]))
