"""The report of a month: what the log of an area comes to."""

from dataclasses import dataclass
from datetime import date, datetime

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.report import Month, month_of
from loa.controller.ports import Clock
from loa.controller.services.rights import permit
from loa.controller.store.database import Session
from loa.controller.store.log_sums import Span, node_sums, sums
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId
from loa.protocol.when import DEFAULT_TZ
from loa.schedules.localtime import from_wall, to_wall

MOST_NODES = 10
"""Nodes that a report names."""


@dataclass(frozen=True, slots=True)
class MonthReport:
    """The sums, and the days that the month has had so far."""

    month: Month
    days: int
    last_due: int


class LogReports:
    """Adds up lines of the log that the person may read."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock

    def month(self, session: Session, who: Person, first: date, *, area: AreaId | None) -> MonthReport:
        """The month that begins on `first`, of an area or of all that the person may read.

        Raises `NotFound` for an area that the person may not know of.
        """
        if area is not None:
            permit(session, who, Act.READ_LOG, area)
        within = [area] if area is not None else sorted(granted(who, Act.READ_LOG))
        tree = read_tree(session)
        known = [one for one in within if one in tree]
        tz = tree.tz_of(known[0]) if known else DEFAULT_TZ
        after = next_month(first)
        span = Span(within=within, from_at=_starts(first, tz), until_at=_starts(after, tz))
        today = to_wall(self._clock.now(), tz).date()
        last_due = min((today - first).days, (after - first).days)
        found = month_of(sums(session, span), node_sums(session, span, most=MOST_NODES), last_due=last_due)
        return MonthReport(found, (after - first).days, last_due)


def next_month(first: date) -> date:
    """The first day of the month after."""
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def _starts(day: date, tz: str) -> datetime:
    return from_wall(datetime(day.year, day.month, day.day), tz)  # noqa: DTZ001 -- a wall clock's time
