"""Starts of a `When` in a window of time."""

from collections.abc import Iterator
from datetime import MAXYEAR, date, datetime, timedelta
from itertools import islice

from dateutil.rrule import rrulestr

from loa.protocol.when import When, parse_local, rule_parts
from loa.schedules.errors import RecurrenceError
from loa.schedules.localtime import from_wall, to_wall
from loa.schedules.model import Window


def starts(when: When, window: Window, *, limit: int | None = None) -> list[datetime]:
    """The instants in the window at which `when` starts, in order, each once.

    With `limit` only the first so many starts of all count, wherever the window lies. A rule that
    never ends is followed only to the end of the window. Raises RecurrenceError for a rule whose
    hours never fall on its rhythm.
    """
    excluded = {parse_local(text) for text in when.exdates}
    enough = None if limit is None else limit + len(excluded)
    walls = _rule_walls(when, window, enough) if when.rrule else [parse_local(when.start_local)]
    dates = [parse_local(text) for text in when.rdates]
    every = {from_wall(wall, when.tz) for wall in (*walls, *dates) if wall not in excluded}
    counting = sorted(every)[:limit]
    return [start for start in counting if window.from_at <= start < window.until_at]


def _rule_walls(when: When, window: Window, enough: int | None) -> list[datetime]:
    """Wall times of the rule to the window's end: those around the window, or the first `enough` of all."""
    text = when.rrule or ""
    parts = rule_parts(text)
    first = parse_local(when.start_local)
    until = _until(parts.pop("UNTIL", None), when.tz, to_wall(window.until_at, when.tz) + _MARGIN)
    count = int(parts.pop("COUNT")) if "COUNT" in parts else None
    if count is None and enough is None:
        first = _forward(parts, first, to_wall(window.from_at, when.tz) - _MARGIN)
    if until < first:
        return []
    most = min((number for number in (count, enough) if number is not None), default=None)
    return list(islice(_follow(text, parts, first, until), most))


def _follow(text: str, parts: dict[str, str], first: datetime, until: datetime) -> Iterator[datetime]:
    parts = {**parts, "UNTIL": f"{_late(until):%Y%m%dT%H%M%S}"}
    try:
        rule = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=_late(first))
    except ValueError as error:
        raise RecurrenceError(text, f"matches nothing ({error}); change its BY parts") from error
    return (wall.replace(year=wall.year - _CYCLES) for wall in rule)


def _late(wall: datetime) -> datetime:
    if wall.year + _CYCLES > MAXYEAR:
        return wall.replace(year=MAXYEAR, month=12, day=31)
    return wall.replace(year=wall.year + _CYCLES)


def _until(given: str | None, tz: str, window_end: datetime) -> datetime:
    """The wall time up to which a rule goes: UNTIL (UTC, wall time or a whole day), or the window's end."""
    if given is None:
        return window_end
    if given.endswith("Z"):
        until = to_wall(datetime.fromisoformat(given), tz)
    elif "T" in given:
        until = datetime.fromisoformat(given)
    else:
        until = datetime.combine(date.fromisoformat(given), datetime.max.time())
    return min(until, window_end)


def _forward(parts: dict[str, str], first: datetime, near: datetime) -> datetime:
    """The first start moved as near to the window as the rule's rhythm allows; months and years are few.

    One step is left over, since the first week of a rule counts from its first day only.
    """
    if parts["FREQ"] in {"MONTHLY", "YEARLY"} or near <= first:
        return first
    step = _UNITS[parts["FREQ"]] * int(parts.get("INTERVAL", "1"))
    return first + max((near - first) // step - 1, 0) * step


_MARGIN = timedelta(days=2)
"""More than any zone's offset from another, and than any gap."""
_CYCLES = 19 * 400
"""Years by which a rule is moved ahead while it is followed.

dateutil looks at UNTIL only where a rule matches: one that never does is followed to the year 9999, for
many seconds. The calendar repeats every 400 years to the weekday, so rules are followed close to that end.
"""
_UNITS = {
    "HOURLY": timedelta(hours=1),
    "DAILY": timedelta(days=1),
    "WEEKLY": timedelta(weeks=1),
    "MONTHLY": timedelta(days=28),
    "YEARLY": timedelta(days=365),
}
