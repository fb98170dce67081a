"""Recurrences as pages know them (daily, on weekdays, monthly), written as RRULEs and read from them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from loa.controller.web.catalogue import WEEKDAY_CODES
from loa.protocol.when import MAX_STARTS_A_DAY

MONTHLY = ("date", "weekday", "last")
"""By the number of the day, by its weekday (the second Thursday), or on the last day of the month."""
_WEEKS = 4
"""A weekday that comes a fifth time is meant as the last."""


def write_rule(
    kind: str, day: date, times: Sequence[str], *, days: Iterable[str], monthly: str, until: date | None
) -> str | None:
    """The RRULE; None if the times cannot be written in one, since they are too many and too uneven.

    Times that do not form hours × minutes, as 05:30 and 17:00, are picked by BYSETPOS from those that do.
    """
    hours, minutes = sorted({int(time[:2]) for time in times}), sorted({int(time[3:]) for time in times})
    every = _product(hours, minutes)
    if len(every) > MAX_STARTS_A_DAY:
        return None
    uneven = len(every) != len(set(times))
    parts = _rhythm(kind, day, list(days), monthly, uneven=uneven)
    parts += [f"BYHOUR={_numbers(hours)}", f"BYMINUTE={_numbers(minutes)}"]
    if uneven:
        parts.append(f"BYSETPOS={_numbers(every.index(time) + 1 for time in sorted(set(times)))}")
    if until:
        parts.append(f"UNTIL={until:%Y%m%d}T235959")
    return ";".join(parts)


def times_of(parts: Mapping[str, str]) -> tuple[str, ...]:
    """The times of day of a rule by its parts; none if it does not name them."""
    if "BYHOUR" not in parts or "BYMINUTE" not in parts:
        return ()
    every = _product(*(sorted(map(int, parts[name].split(","))) for name in ("BYHOUR", "BYMINUTE")))
    if "BYSETPOS" not in parts:
        return tuple(every)
    chosen = [int(number) for number in parts["BYSETPOS"].split(",")]
    return tuple(every[number - 1] for number in chosen if 0 < number <= len(every))


def kind_of(parts: Mapping[str, str]) -> str:
    """`daily`, `weekdays` or `monthly`."""
    if parts["FREQ"] == "MONTHLY":
        return "monthly"
    return "weekdays" if parts["FREQ"] == "WEEKLY" or "BYDAY" in parts else "daily"


def days_of(parts: Mapping[str, str]) -> tuple[str, ...]:
    """The weekdays of a rule on weekdays."""
    return tuple(parts["BYDAY"].split(",")) if "BYDAY" in parts and kind_of(parts) == "weekdays" else ()


def monthly_of(parts: Mapping[str, str]) -> str:
    """How a monthly rule counts."""
    if parts["FREQ"] == "MONTHLY" and "BYDAY" in parts:
        return "weekday"
    return "last" if parts.get("BYMONTHDAY") == "-1" else "date"


def until_of(parts: Mapping[str, str]) -> str:
    """The last day, `2026-06-11`; empty if it has none."""
    text = parts.get("UNTIL", "")[:8]
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if text else ""


def which_week(day: date) -> int:
    """1 to 4 for the first to fourth of its weekday in the month, -1 for a fifth, which is the last."""
    number = (day.day - 1) // 7 + 1
    return number if number <= _WEEKS else -1


def _rhythm(kind: str, day: date, days: list[str], monthly: str, *, uneven: bool) -> list[str]:
    if kind == "daily":
        return ["FREQ=DAILY"]
    if kind == "weekdays":
        chosen = ",".join(code for code in WEEKDAY_CODES if code in days)
        return ["FREQ=DAILY" if uneven else "FREQ=WEEKLY", f"BYDAY={chosen}"]
    by = {
        "weekday": f"BYDAY={which_week(day)}{WEEKDAY_CODES[day.weekday()]}",
        "last": "BYMONTHDAY=-1",
    }
    return ["FREQ=MONTHLY", by.get(monthly, f"BYMONTHDAY={day.day}")]


def _product(hours: Iterable[int], minutes: Iterable[int]) -> list[str]:
    minutes = list(minutes)
    return [f"{hour:02d}:{minute:02d}" for hour in hours for minute in minutes]


def _numbers(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))
