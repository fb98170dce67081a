"""Months of a SIM: from one billing day to the next."""

import calendar
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Month:
    """From one billing day to the next, in local time."""

    begins: date
    ends: date
    """The day after its last."""


def month_at(day: date, billing_day: int) -> Month:
    """The month that holds `day`; one without the billing day begins with its last day."""
    this = _billing_day_of(day.year, day.month, billing_day)
    if day >= this:
        return Month(this, _billing_day_of(*_next(day.year, day.month), billing_day))
    return Month(_billing_day_of(*_before(day.year, day.month), billing_day), this)


def _billing_day_of(year: int, month: int, billing_day: int) -> date:
    return date(year, month, min(billing_day, calendar.monthrange(year, month)[1]))


def _next(year: int, month: int) -> tuple[int, int]:
    return (year, month + 1) if month < 12 else (year + 1, 1)  # noqa: PLR2004 -- months of a year


def _before(year: int, month: int) -> tuple[int, int]:
    return (year, month - 1) if month > 1 else (year - 1, 12)
