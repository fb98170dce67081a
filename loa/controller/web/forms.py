"""What people typed, read with patience, and the mistakes in it, by the field where they were made."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from pydantic import ValidationError

from loa.controller.web import phrases
from loa.controller.web.catalogue import WEEKDAY_CODES, WEEKDAYS
from loa.controller.web.localtime import day_words, full_day
from loa.controller.web.rules import (
    days_of,
    kind_of,
    monthly_of,
    times_of,
    until_of,
    which_week,
    write_rule,
)
from loa.controller.web.times import read_time
from loa.protocol.when import DEFAULT_TZ, FIRST_YEAR, LAST_YEAR, When, parse_local, rule_parts

Errors = dict[str, str]
"""Words by the name of the field; empty when all is well."""

KINDS = ("now", "once", "daily", "weekdays", "monthly")
MOST_TIMES = 8
MOST_SKIPS = 100
_DATE_LENGTH = 10


@dataclass(frozen=True, slots=True)
class WhenForm:
    """The third step as it stands on the page."""

    kind: str = "once"
    date: str = ""
    times: tuple[str, ...] = ("",)
    until: str = ""
    days: tuple[str, ...] = ()
    monthly: str = "date"
    skips: tuple[str, ...] = ()
    """Days left out, `2026-06-11`, or single starts on them, `2026-06-11T17:30`."""
    extras: tuple[str, ...] = ()
    """Starts beside the rhythm, `2026-06-11T17:30`."""


@dataclass(slots=True)
class Read:
    """A form that was read: the value if it holds, else the mistakes."""

    when: When | Literal["now"] | None = None
    errors: Errors = field(default_factory=dict)


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
    others = [parse_local(other) for other in when.rdates]
    if when.rrule is None:
        beside = [other for other in others if other.date() == start.date()]
        clocks = tuple(f"{at:%H:%M}" for at in (start, *beside))
        extras = tuple(_local(other) for other in others if other not in beside)
        return WhenForm(date=f"{start:%Y-%m-%d}", times=clocks, extras=extras)
    parts = rule_parts(when.rrule)
    times = times_of(parts) or (f"{start:%H:%M}",)
    return WhenForm(
        kind=kind_of(parts),
        date=f"{start:%Y-%m-%d}",
        times=times,
        until=until_of(parts),
        days=days_of(parts),
        monthly=monthly_of(parts),
        skips=_skips_of(when, times),
        extras=tuple(map(_local, others)),
    )


def say_when(when: When | Literal["now"] | None) -> str:
    """The time in one line, as people say it."""
    if when is None:
        return phrases.WHEN_UNSET
    if when == "now":
        return phrases.WHEN_NOW
    form = form_of(when, date.min)
    start = parse_local(when.start_local).date()
    how = _pattern(form).format(
        day=day_words(start),
        times=phrases.AND.join(form.times),
        number=start.day,
        days=_day_names(form.days),
        weekday=WEEKDAYS[start.weekday()],
        week=which_week(start),
    )
    if until := read_date(form.until):
        how = phrases.WHEN_UNTIL.format(when=how, until=full_day(until))
    if form.extras:
        how = phrases.WHEN_ALSO.format(when=how, days=", ".join(map(say_start, form.extras)))
    if form.skips:
        how = phrases.WHEN_EXCEPT.format(when=how, days=", ".join(map(say_start, form.skips)))
    return how


def say_start(text: str) -> str:
    """`Thứ Năm, 11/6` of a day, `17:30 Thứ Năm, 11/6` of a start."""
    at = parse_local(text)
    day = day_words(at.date())
    return day if len(text) == _DATE_LENGTH else f"{at:%H:%M} {day}"


def is_start(text: str) -> bool:
    """Whether it is a day or a start as forms keep them."""
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2})?", text) is not None and _is_real(text)


def repaired(form: WhenForm, was: datetime, becomes: datetime) -> WhenForm:
    """The form with one wall time changed for another; the day moves along if it was asked for once."""
    if _local(was) in form.extras:
        extras = tuple(_local(becomes) if one == _local(was) else one for one in form.extras)
        return replace(form, extras=tuple(dict.fromkeys(extras)))
    clock, other = f"{was:%H:%M}", f"{becomes:%H:%M}"
    times = tuple(other if read_time(typed) == clock else typed for typed in form.times)
    day = f"{becomes:%Y-%m-%d}" if form.kind == "once" and len(times) == 1 else form.date
    return replace(form, date=day, times=tuple(dict.fromkeys(times)))


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
            rdates = tuple(dict.fromkeys((*starts[1:], *form.extras)))
            read.when = When(tz=tz, start_local=starts[0], rdates=rdates)
            return
        rrule = write_rule(form.kind, day, times, days=form.days, monthly=form.monthly, until=until)
        if rrule is None:
            read.errors["time"] = phrases.TIMES_UNEVEN
            return
        exdates = tuple(_exdates(form.skips, times))
        read.when = When(tz=tz, start_local=starts[0], rrule=rrule, exdates=exdates, rdates=form.extras)
    except ValidationError:
        read.errors["date"] = phrases.WHEN_WRONG


def _exdates(skips: Iterable[str], times: Sequence[str]) -> Iterator[str]:
    for skip in dict.fromkeys(skips):
        if len(skip) > _DATE_LENGTH:
            yield skip
        else:
            yield from (f"{skip}T{time}" for time in times)


def _skips_of(when: When, times: Sequence[str]) -> tuple[str, ...]:
    """The days on which nothing is left of the rhythm, and the starts that are left out of others."""
    left_out = sorted({_local(parse_local(text)) for text in when.exdates})
    days = {text[:_DATE_LENGTH] for text in left_out}
    whole = {day for day in days if all(f"{day}T{time}" in left_out for time in times)}
    single = [text for text in left_out if text[:_DATE_LENGTH] not in whole]
    return tuple(sorted((*whole, *single)))


def _is_real(text: str) -> bool:
    try:
        return FIRST_YEAR <= parse_local(text).year <= LAST_YEAR
    except ValueError:
        return False


def _local(wall: datetime) -> str:
    return f"{wall:%Y-%m-%dT%H:%M}"


def _pattern(form: WhenForm) -> str:
    monthly = {"weekday": phrases.WHEN_MONTHLY_WEEKDAY, "last": phrases.WHEN_MONTHLY_LAST}
    if form.kind == "monthly":
        number = phrases.WHEN_MONTHLY
        last = phrases.WHEN_MONTHLY_LAST_WEEKDAY
        is_last = form.monthly == "weekday" and which_week(read_date(form.date) or date.min) < 0
        return last if is_last else monthly.get(form.monthly, number)
    return {"daily": phrases.WHEN_DAILY, "weekdays": phrases.WHEN_WEEKDAYS}.get(form.kind, phrases.WHEN_ONCE)


def _days(days: Iterable[str]) -> list[str]:
    chosen = set(days)
    return [code for code in WEEKDAY_CODES if code in chosen]


def _day_names(days: Iterable[str]) -> str:
    return ", ".join(str(WEEKDAYS[WEEKDAY_CODES.index(code)]) for code in _days(days))
