"""When a broadcast sounds: once, or by an RFC 5545 recurrence, in the wall time of its area."""

import re
from collections import Counter
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

DEFAULT_TZ = "Asia/Ho_Chi_Minh"
MAX_STARTS_A_DAY = 48
"""More starts a day than one each half hour is a mistake, not a programme."""
MAX_DATES = 1_000
FIRST_YEAR, LAST_YEAR = 2000, 2199

_LOCAL = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{3})?)?$"


def rule_parts(rrule: str) -> dict[str, str]:
    """The parts of an RRULE by name, upper case. Raises ValueError, which says what to change."""
    parts: dict[str, str] = {}
    for part in rrule.upper().split(";"):
        name, equals, value = part.partition("=")
        if not equals or name not in _PARTS:
            raise ValueError(f"RRULE part {part!r} is not known; use {', '.join(_PARTS)}")
        if name in parts:
            raise ValueError(f"RRULE part {name} is given twice; give it once")
        if not re.fullmatch(_PARTS[name], value):
            raise ValueError(f"RRULE part {part!r} is not valid by RFC 5545, section 3.3.10")
        _check_numbers(name, value)
        parts[name] = value
    _check_together(parts)
    return parts


def _check_numbers(name: str, value: str) -> None:
    if name == "UNTIL":
        datetime.fromisoformat(value)
    if name not in _RANGES:
        return
    least, greatest, signed = _RANGES[name]
    for number in map(int, value.split(",")):
        if not least <= (abs(number) if signed else number) <= greatest:
            raise ValueError(f"RRULE part {name} has {number}; use {least} to {greatest}")


def _check_together(parts: dict[str, str]) -> None:
    if "FREQ" not in parts:
        raise ValueError("RRULE lacks FREQ; begin it with FREQ=DAILY or the like")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("RRULE has COUNT and UNTIL; RFC 5545 allows one of them")
    for name, frequencies in _ONLY_WITH.items():
        if name in parts and parts["FREQ"] not in frequencies:
            raise ValueError(f"RRULE part {name} needs FREQ={' or '.join(frequencies)} by RFC 5545")
    if re.search(r"\d", parts.get("BYDAY", "")) and (
        parts["FREQ"] not in {"MONTHLY", "YEARLY"} or "BYWEEKNO" in parts
    ):
        raise ValueError("RRULE part BYDAY may number its days only in a month or a year, without BYWEEKNO")
    if "BYSETPOS" in parts and not set(parts) & (_BY_PARTS - {"BYSETPOS"}):
        raise ValueError("RRULE part BYSETPOS needs another BY part to choose from")


def parse_local(text: str) -> datetime:
    """The naive wall time of `2026-11-23T05:30` or `2026-11-23T05:30:00`; raises ValueError."""
    return datetime.fromisoformat(text)


def _check_tz(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", name):
        raise ValueError(f"{name!r} is not the name of a time zone; use an IANA name such as {DEFAULT_TZ}")
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"{name!r} is not a known time zone; use an IANA name such as {DEFAULT_TZ}"
        ) from error
    return name


def _check_local(text: str) -> str:
    year = parse_local(text).year
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"{text} is out of range; use a year from {FIRST_YEAR} to {LAST_YEAR}")
    return text


def _check_rule(rrule: str) -> str:
    a_day = most_starts_a_day(rule_parts(rrule))
    if a_day > MAX_STARTS_A_DAY:
        raise ValueError(f"RRULE gives up to {a_day} starts a day; at most {MAX_STARTS_A_DAY} are allowed")
    return rrule


def most_starts_a_day(parts: dict[str, str]) -> int:
    """An upper bound of the starts that a rule of these parts gives in one day."""
    hours = _count(parts, "BYHOUR")
    if parts["FREQ"] == "HOURLY" and "BYHOUR" not in parts:
        hours = -(-24 // int(parts.get("INTERVAL", "1")))
    return hours * _count(parts, "BYMINUTE")


def _count(parts: dict[str, str], name: str) -> int:
    return len(set(parts[name].split(","))) if name in parts else 1


TzName = Annotated[str, StringConstraints(max_length=64), AfterValidator(_check_tz)]
"""IANA name of a time zone, such as `Asia/Ho_Chi_Minh`."""
LocalTime = Annotated[str, StringConstraints(pattern=_LOCAL), AfterValidator(_check_local)]
"""Naive wall time, `2026-11-23T05:30`, or with seconds, or with seconds and milliseconds."""
Rule = Annotated[str, StringConstraints(max_length=500), AfterValidator(_check_rule)]
"""Value of an RFC 5545 RRULE, without `RRULE:`; hours at the finest."""


class When(BaseModel):
    """Once at `start_local`, or by `rrule` from there on; all dates are wall times of `tz`.

    As in RFC 5545, a wall time that is skipped counts by the offset before the gap, and of one that
    comes twice the first is meant. With a rule, `start_local` itself is a start only if the rule matches it.
    """

    model_config = ConfigDict(frozen=True)

    tz: TzName = DEFAULT_TZ
    start_local: LocalTime
    rrule: Rule | None = None
    exdates: Annotated[tuple[LocalTime, ...], Field(max_length=MAX_DATES)] = ()
    rdates: Annotated[tuple[LocalTime, ...], Field(max_length=MAX_DATES)] = ()

    @model_validator(mode="after")
    def _check_rhythm(self) -> "When":
        if self.rrule and "." in self.start_local:
            raise ValueError("a recurrence starts at a whole second; leave out the milliseconds")
        return self

    @model_validator(mode="after")
    def _check_density(self) -> "When":
        a_day = most_starts_a_day(rule_parts(self.rrule)) if self.rrule else 0
        crowded = Counter(date[:10] for date in set(self.rdates)).most_common(1)
        if crowded and crowded[0][1] + a_day > MAX_STARTS_A_DAY:
            raise ValueError(f"{crowded[0][0]} has more than {MAX_STARTS_A_DAY} starts; give fewer rdates")
        return self


_INTS = r"[+-]?\d{1,3}(,[+-]?\d{1,3})*"
_DAY = r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)"
_PARTS = {
    "FREQ": r"HOURLY|DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9]\d{0,3}",
    "COUNT": r"[1-9]\d{0,3}",
    "UNTIL": r"\d{8}(T\d{6}Z?)?",
    "BYMONTH": r"\d{1,2}(,\d{1,2})*",
    "BYWEEKNO": _INTS,
    "BYYEARDAY": _INTS,
    "BYMONTHDAY": _INTS,
    "BYDAY": rf"{_DAY}(,{_DAY})*",
    "BYHOUR": r"\d{1,2}(,\d{1,2})*",
    "BYMINUTE": r"\d{1,2}(,\d{1,2})*",
    "BYSETPOS": _INTS,
    "WKST": r"MO|TU|WE|TH|FR|SA|SU",
}
_BY_PARTS = {name for name in _PARTS if name.startswith("BY")}
_RANGES = {
    "BYMONTH": (1, 12, False),
    "BYWEEKNO": (1, 53, True),
    "BYYEARDAY": (1, 366, True),
    "BYMONTHDAY": (1, 31, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
    "BYSETPOS": (1, 366, True),
}
_ONLY_WITH = {
    "BYWEEKNO": ("YEARLY",),
    "BYYEARDAY": ("YEARLY", "HOURLY"),
    "BYMONTHDAY": ("MONTHLY", "YEARLY", "DAILY", "HOURLY"),
}
