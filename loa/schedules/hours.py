"""Hours of the day as stretches of time: local windows of a policy, merged and turned into milliseconds."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from loa.protocol.policy import AllowedHours, VolumeCap, Weekday
from loa.protocol.units import from_ms, to_ms
from loa.schedules import localtime

AHEAD_DAYS = 8
"""How far a calendar looks ahead: hours that never close end there, and the question is asked again."""

_REUSE_DAYS = 3
WEEKDAYS: tuple[Weekday, ...] = ("mo", "tu", "we", "th", "fr", "sa", "su")

Span = tuple[int, int]
"""From, included, and to, not included, in ms since the epoch."""


class Calendar:
    """When a class may sound by one version of a policy. Quick when it is asked in order of time."""

    def __init__(self, windows: Sequence[AllowedHours], tz: str) -> None:
        self._windows = windows
        self._tz = tz
        self._spans: list[Span] = []
        self._starts: list[int] = []
        self._from_ms = self._ask_again_ms = self._until_ms = 0
        self._since_ms = 0
        self._state = False, 0

    def state(self, at_ms: int) -> tuple[bool, int]:
        """Whether the class may sound at `at_ms`, and until when that holds at least."""
        if not self._since_ms <= at_ms < self._state[1]:
            if not self._from_ms <= at_ms < self._ask_again_ms:
                self._look_ahead(at_ms)
            self._since_ms, self._state = at_ms, self._find(at_ms)
        return self._state

    def _find(self, at_ms: int) -> tuple[bool, int]:
        place = bisect_right(self._starts, at_ms)
        if place and at_ms < self._spans[place - 1][1]:
            return True, self._spans[place - 1][1]
        return False, self._starts[place] if place < len(self._starts) else self._until_ms

    def _look_ahead(self, at_ms: int) -> None:
        day = localtime.local_date(from_ms(at_ms), self._tz)
        self._spans = spans(self._windows, day, AHEAD_DAYS, self._tz)
        self._starts = [span[0] for span in self._spans]
        self._from_ms = _midnight(day, 0, self._tz)
        self._ask_again_ms = _midnight(day, _REUSE_DAYS, self._tz)
        self._until_ms = _midnight(day, AHEAD_DAYS, self._tz)


def spans(windows: Iterable[AllowedHours | VolumeCap], day: date, days: int, tz: str) -> list[Span]:
    """The windows that begin on the local `days` from the eve of `day` on, merged, in order of time."""
    return _merge(
        span for window in windows for ahead in range(-1, days) for span in _on(window, _plus(day, ahead), tz)
    )


def _on(window: AllowedHours | VolumeCap, day: date, tz: str) -> list[Span]:
    if window.days is not None and WEEKDAYS[day.weekday()] not in window.days:
        return []
    begin, end = minute_of(window.from_local), minute_of(window.to_local)
    if end <= begin:
        end += 24 * 60
    span = to_ms(localtime.at_wall(day, begin, tz)), to_ms(localtime.at_wall(day, end, tz))
    return [span] if span[0] < span[1] else []


def _merge(scattered: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for begin, end in sorted(scattered):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return merged


def minute_of(wall: str) -> int:
    """The minute of the day of a wall time."""
    return int(wall[:2]) * 60 + int(wall[3:])


def _midnight(day: date, ahead: int, tz: str) -> int:
    return to_ms(localtime.at_wall(_plus(day, ahead), 0, tz))


def _plus(day: date, days: int) -> date:
    return day + timedelta(days=days)
