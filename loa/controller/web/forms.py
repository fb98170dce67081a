"""What people typed, read with patience, and the mistakes in it, by the field where they were made."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from pydantic import ValidationError

from loa.controller.web import phrases
from loa.controller.web.catalogue import WEEKDAY_CODES, WEEKDAYS
from loa.controller.web.localtime import day_words, full_day
from loa.protocol.when import DEFAULT_TZ, When, parse_local, rule_parts

Errors = dict[str, str]
"""Words by the name of the field; empty when all is well."""

KINDS = ("now", "once", "daily", "weekdays", "monthly")
MOST_TIMES = 8
_TIME = re.compile(r"(\d{1,2})\s*[:hg.]\s*(\d{2})?|(\d{2})(\d{2})")


@dataclass(frozen=True, slots=True)
class WhenForm:
    """The third step as it stands on the page."""

    kind: str = "once"
    date: str = ""
    times: tuple[str, ...] = ("",)
    until: str = ""
    days: tuple[str, ...] = ()


@dataclass(slots=True)
class Read:
    """A form that was read: the value if it holds, else the mistakes."""

    when: When | Literal["now"] | None = None
    errors: Errors = field(default_factory=dict)


def read_time(text: str) -> str | None:
    """`17:30` from `17:30`, `17h30`, `17h` or `1730`; None if it is no time of day."""
    found = _TIME.fullmatch(text.strip().lower())
    if not found:
        return None
    hour, minute = int(found[1] or found[3]), int(found[2] or found[4] or 0)
    return f"{hour:02d}:{minute:02d}" if hour < 24 and minute < 60 else None  # noqa: PLR2004 -- a day's hours, an hour's minutes


def read_date(text: str) -> date | None:
    """A day as browsers send it (`2026-06-11`), or as people write it (`11/6/2026`)."""
    text = text.strip()
    if written := re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", text):
        text = f"{written[3]}-{int(written[2]):02d}-{int(written[1]):02d}"
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def read_when(form: WhenForm, tz: str = DEFAULT_TZ) -> Read:
    """The time that the form asks for; `now` needs nothing else."""
    if form.kind == "now":
        return Read(when="now")
    read = Read()
    day = read_date(form.date)
    if day is None:
        read.errors["date"] = phrases.DATE_MISSING
    times = _read_times(form.times, read.errors)
    if form.kind == "weekdays" and not _days(form.days):
        read.errors["days"] = phrases.DAYS_MISSING
    until = _read_until(form, day, read.errors)
    if day is not None and times and not read.errors:
        _build(read, form, day, times=times, until=until, tz=tz)
    return read


def form_of(when: When | Literal["now"] | None, today: date) -> WhenForm:
    """The page that asks for this time; a fresh page asks for once, today."""
    if when == "now":
        return WhenForm(kind="now", date=today.isoformat())
    if when is None:
        return WhenForm(date=today.isoformat())
    start = parse_local(when.start_local)
    times = [parse_local(other) for other in (when.start_local, *when.rdates)]
    clock = tuple(f"{at:%H:%M}" for at in times)
    if when.rrule is None:
        return WhenForm(date=f"{start:%Y-%m-%d}", times=clock)
    parts = rule_parts(when.rrule)
    kind = {"DAILY": "daily", "WEEKLY": "weekdays", "MONTHLY": "monthly"}.get(parts["FREQ"], "daily")
    return WhenForm(
        kind=kind,
        date=f"{start:%Y-%m-%d}",
        times=_times_of(parts) or clock,
        until=_until_of(parts),
        days=tuple(parts.get("BYDAY", "").split(",")) if "BYDAY" in parts else (),
    )


def say_when(when: When | Literal["now"] | None) -> str:
    """The time in one line, as people say it."""
    if when is None:
        return phrases.WHEN_UNSET
    if when == "now":
        return phrases.WHEN_NOW
    form = form_of(when, date.min)
    start = parse_local(when.start_local).date()
    clock = phrases.AND.join(form.times)
    pattern = {
        "once": phrases.WHEN_ONCE,
        "daily": phrases.WHEN_DAILY,
        "weekdays": phrases.WHEN_WEEKDAYS,
        "monthly": phrases.WHEN_MONTHLY,
    }[form.kind]
    how = pattern.format(day=day_words(start), times=clock, number=start.day, days=_day_names(form.days))
    until = read_date(form.until)
    if not until:
        return how
    return phrases.WHEN_UNTIL.format(when=how, until=full_day(until))


def repaired(form: WhenForm, was: datetime, becomes: datetime) -> WhenForm:
    """The form with one wall time changed for another; the day moves along if it was asked for once."""
    clock, other = f"{was:%H:%M}", f"{becomes:%H:%M}"
    times = tuple(other if read_time(typed) == clock else typed for typed in form.times)
    day = f"{becomes:%Y-%m-%d}" if form.kind == "once" and len(times) == 1 else form.date
    return WhenForm(
        kind=form.kind, date=day, times=tuple(dict.fromkeys(times)), until=form.until, days=form.days
    )


def _read_times(typed: Sequence[str], errors: Errors) -> list[str]:
    given = [text for text in typed if text.strip()]
    read = [read_time(text) for text in given]
    if not given:
        errors["time"] = phrases.TIME_MISSING
    elif None in read:
        wrong = given[read.index(None)]
        errors["time"] = phrases.TIME_WRONG.format(typed=wrong)
    return sorted({time for time in read if time})


def _read_until(form: WhenForm, day: date | None, errors: Errors) -> date | None:
    if form.kind == "once" or not form.until.strip():
        return None
    until = read_date(form.until)
    if until is None:
        errors["until"] = phrases.UNTIL_WRONG
    elif day and until < day:
        errors["until"] = phrases.UNTIL_EARLY
    return until


def _build(read: Read, form: WhenForm, day: date, *, times: list[str], until: date | None, tz: str) -> None:
    starts = [f"{day.isoformat()}T{time}" for time in times]
    try:
        if form.kind == "once":
            read.when = When(tz=tz, start_local=starts[0], rdates=tuple(starts[1:]))
        elif not _is_product(times):
            read.errors["time"] = phrases.TIMES_UNEVEN
        else:
            read.when = When(tz=tz, start_local=starts[0], rrule=_rule(form, day, times, until))
    except ValidationError:
        read.errors["date"] = phrases.WHEN_WRONG


def _rule(form: WhenForm, day: date, times: list[str], until: date | None) -> str:
    hours = sorted({int(time[:2]) for time in times})
    minutes = sorted({int(time[3:]) for time in times})
    parts = {
        "daily": ["FREQ=DAILY"],
        "weekdays": ["FREQ=WEEKLY", f"BYDAY={','.join(_days(form.days))}"],
        "monthly": ["FREQ=MONTHLY", f"BYMONTHDAY={day.day}"],
    }[form.kind]
    parts.append(f"BYHOUR={','.join(map(str, hours))}")
    parts.append(f"BYMINUTE={','.join(map(str, minutes))}")
    if until:
        parts.append(f"UNTIL={until:%Y%m%d}T235959")
    return ";".join(parts)


def _is_product(times: list[str]) -> bool:
    hours, minutes = {time[:2] for time in times}, {time[3:] for time in times}
    return len(hours) * len(minutes) == len(times)


def _times_of(parts: dict[str, str]) -> tuple[str, ...]:
    if "BYHOUR" not in parts or "BYMINUTE" not in parts:
        return ()
    hours = sorted(map(int, parts["BYHOUR"].split(",")))
    minutes = sorted(map(int, parts["BYMINUTE"].split(",")))
    return tuple(f"{hour:02d}:{minute:02d}" for hour in hours for minute in minutes)


def _until_of(parts: dict[str, str]) -> str:
    text = parts.get("UNTIL", "")[:8]
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if text else ""


def _days(days: Iterable[str]) -> list[str]:
    chosen = set(days)
    return [code for code in WEEKDAY_CODES if code in chosen]


def _day_names(days: Iterable[str]) -> str:
    return ", ".join(str(WEEKDAYS[WEEKDAY_CODES.index(code)]) for code in _days(days))
