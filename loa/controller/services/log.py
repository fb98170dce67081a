"""The broadcast log: a line for each occurrence on each node, before anybody reports it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.expected import BACK, expected_lines, line_row
from loa.controller.core.ingest import Row
from loa.controller.core.tree import Tree
from loa.controller.errors import Invalid, NotFound
from loa.controller.ports import Clock, EventKind, Events
from loa.controller.services import cursors
from loa.controller.services.places import place_of
from loa.controller.services.rights import permit
from loa.controller.store import log as store
from loa.controller.store.database import Database, Session
from loa.controller.store.log import LogFilter
from loa.controller.store.nodes import is_node
from loa.controller.store.tables import LogRow
from loa.controller.store.tree import read_tree
from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, NodeId

_log = structlog.get_logger(__name__)
ROWS_AT_ONCE = 5_000
"""Lines in one transaction: others want to write, too."""
LINES_AT_ONCE = 2_000
"""Lines of an export that are in memory together."""
_MOST_DIGITS = 18
"""Of the number of a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTimes:
    """When lines are made, and when they are given up."""

    horizon: timedelta = timedelta(hours=48)
    """How long before its start an occurrence has its lines."""
    grace: timedelta = timedelta(minutes=10)
    """How long after its planned end a node may take to report."""
    look_back: timedelta = timedelta(days=30)
    """After an outage lines are made for at most so long ago."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some lines, and where the next ones begin."""

    lines: list[LogRow]
    cursor: str | None
    total: int | None = None
    """How many there are on all pages, where that was cheap to know."""


class Log:
    """Makes lines, marks those that nobody reported, finds them again."""

    def __init__(self, *, db: Database, clock: Clock, events: Events, times: LogTimes) -> None:
        self._db = db
        self._clock = clock
        self._events = events
        self._times = times

    def expect(self, areas: frozenset[AreaId]) -> None:
        """Make the lines that the programmes of these areas promise; raises Unavailable, DiskFull."""
        now = self._clock.now()
        with self._db.look() as session:
            placed = store.placements(session, areas, now - BACK)
            rows = self._rows(session, placed, now - BACK, now + self._times.horizon)
        self._insert(rows)
        for area in sorted({area for area, _ in placed}):
            self._events.announce(EventKind.LOG, area, area)

    def expect_all(self) -> None:
        """The job: the lines of all areas up to the horizon, and those of an outage."""
        now = self._clock.now()
        with self._db.look() as session:
            made_until = store.expected_until(session) or now
            from_at = max(min(made_until, now), now - self._times.look_back)
            placed = store.placements(session, None, from_at - BACK)
            rows = self._rows(session, placed, from_at, now + self._times.horizon)
        self._insert(rows)
        with self._db.work() as work:
            store.store_expected_until(work.session, now + self._times.horizon)

    def mark_missed(self) -> int:
        """The job: lines without a report by their end and the grace; a late report overwrites. How many."""
        now = self._clock.now()
        with self._db.work() as work:
            candidates = store.overdue(work.session, now - self._times.grace)
            late = [line for line in candidates if self._is_missed(line, now)]
            for start in range(0, len(late), ROWS_AT_ONCE):
                store.mark_missed(work.session, [line.id or 0 for line in late[start : start + ROWS_AT_ONCE]])
        for area in sorted({line.area_id for line in late}):
            self._events.announce(EventKind.LOG, AreaId(area), area)
        if late:
            _log.warning("log.missed", lines=len(late))
        return len(late)

    def page(
        self,
        session: Session,
        who: Person,
        wanted: LogFilter,
        *,
        area: AreaId | None,
        cursor: str | None,
        limit: int,
    ) -> LogPage:
        """Lines that the person may read, in the order asked for; raises `NotFound`, `Invalid`."""
        if area is not None:
            permit(session, who, Act.READ_LOG, area)
        within = [area] if area is not None else sorted(granted(who, Act.READ_LOG))
        if area is not None and is_node(session, area) and wanted.node in {None, NodeId(area)}:
            # what it sounded elsewhere, before it was moved, is nobody's here
            within, wanted = sorted(granted(who, Act.READ_LOG)), replace(wanted, node=NodeId(area))
        after = cursors.unpack(cursor)
        position = None if after is None else (after.at, _number(after.id))
        found = store.find_lines(session, replace(wanted, within=within), after=position, limit=limit + 1)
        lines, more = found.lines[:limit], found.lines[limit:]
        last = lines[-1] if more else None
        going_on = cursors.pack(cursors.Place(last.planned_at, str(last.id))) if last else None
        return LogPage(lines, going_on, found.total)

    def line(self, session: Session, who: Person, occurrence: str, node: str) -> LogRow:
        """One line, if it is among those that the person may read; raises `NotFound`."""
        named = (occurrence + node).isprintable()  # PostgreSQL refuses a NUL
        within = granted(who, Act.READ_LOG)
        row = store.line_by_occurrence(session, occurrence, node, within) if named else None
        if row is None:
            raise NotFound("no_such_line", "there is no such line in the log")
        return row

    def batches(self, who: Person, wanted: LogFilter, *, area: AreaId | None) -> Iterator[list[LogRow]]:
        """All lines of these filters, some thousands at a time, each batch in a transaction of its own.

        So memory stays the same over millions of lines, and nobody waits for the end of it. Raises `NotFound`
        with the first batch.
        """
        cursor: str | None = None
        while True:
            with self._db.look() as session:
                page = self.page(session, who, wanted, area=area, cursor=cursor, limit=LINES_AT_ONCE)
            yield page.lines
            cursor = page.cursor
            if cursor is None:
                return

    def _is_missed(self, line: LogRow, now: datetime) -> bool:
        return line.planned_at + timedelta(milliseconds=line.duration_ms) + self._times.grace < now

    def _rows(
        self, session: Session, placed: Iterable[tuple[AreaId, Entry]], from_at: datetime, until_at: datetime
    ) -> list[Row]:
        tree = read_tree(session)
        enrolled = store.enrolments(session)
        by_area: defaultdict[AreaId, list[Entry]] = defaultdict(list)
        for area, entry in placed:
            by_area[area].append(entry)
        rows: list[Row] = []
        for area, entries in by_area.items():
            lines = list(expected_lines(entries, from_at, until_at))
            for node in _nodes(tree, area) if lines else ():
                since, place = enrolled.get(node), place_of(tree, node)
                rows += [
                    line_row(line, node, place) for line in lines if since and line.item.not_after_at >= since
                ]
        return rows

    def _insert(self, rows: list[Row]) -> None:
        for start in range(0, len(rows), ROWS_AT_ONCE):
            with self._db.work() as work:
                store.insert_expected(work.session, rows[start : start + ROWS_AT_ONCE])


def _nodes(tree: Tree, area: AreaId) -> list[NodeId]:
    return tree.nodes_of(area) if area in tree else []


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise Invalid("bad_cursor", "take the cursor from the answer before, or leave it out")
    return int(text)
