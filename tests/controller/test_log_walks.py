"""A page of the log among many lines: right whatever the way to it, and always by an index."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.core.slugs import plain
from loa.controller.services.log import Log, LogTimes
from loa.controller.store.database import Database
from loa.controller.store.log import LogFilter, filters_of, find_lines
from loa.controller.store.log_scope import scope_of
from loa.controller.store.log_walks import find
from loa.controller.store.tables import BroadcastRow, LogRow
from loa.protocol.ids import AreaId, BroadcastId, NodeId
from tests.controller.air import place
from tests.controller.factories import Town
from tests.controller.log_factory import keep, log_line
from tests.fakes.controller import FakeEvents

START = datetime(2026, 6, 1, tzinfo=UTC)
LINES = 240
CLOSED = ("old-province", "old-district", "old-commune")
"""Above a village that has moved since."""
ZONE = ("cum-1", "cum-3")


@pytest.fixture
def town(db: Database) -> Town:
    made = Town(db).build()
    for number in (1, 2, 3):
        made.node(f"cum-{number}", VILLAGES[number - 1])
    made.zone("vung-lu", *ZONE)
    keep(db, lines())
    return made


def lines() -> Iterator[LogRow]:
    dice = Random(7)
    for number in range(LINES):
        node = number % 3
        at = START + timedelta(minutes=10 * (number // 3))
        moved = {"above": CLOSED} if node == 2 and number < LINES // 2 else {}
        yield log_line(
            at,
            f"cum-{node + 1}",
            dice.choice(["complete", "complete", "missed", "partly"]),
            area_id=VILLAGES[node],
            broadcast_id=dice.choice("ab") * 64,
            field=dice.choice(["health", "news"]),
            class_=dice.choice(["normal", "normal", "priority"]),
            rendered=dice.choice([True, False, None]),
            heard=dice.choice([True, False, None]),
            **moved,
        )


WHOLE = re.compile(r"Seq Scan on log |^SCAN (log|line|log_1)\b(?!.* INDEX )")
FILTERS: dict[str, dict[str, Any]] = {
    "everything": {},
    "node": {"node": NodeId("cum-2")},
    "broadcast": {"broadcast": BroadcastId("a" * 64)},
    "outcome": {"outcome": "missed"},
    "class": {"class_": "priority"},
    "field": {"field": "news"},
    "rendered": {"rendered": False},
    "heard": {"heard": False},
    "heard yes": {"heard": True},
    "days": {"from_at": START + timedelta(hours=3), "until_at": START + timedelta(hours=9)},
    "two": {"outcome": "missed", "field": "news", "heard": False},
}
PLACES: dict[str, list[str]] = {
    "all": ["vinh-phuc", "old-province"],
    "province": ["vinh-phuc"],
    "village": [VILLAGES[2]],
    "old": ["old-district"],
    "node": ["cum-3"],
    "both": [VILLAGES[0], "cum-3"],
    "zone": ["vung-lu"],
    "zone and village": ["vung-lu", VILLAGES[1]],
    "none": ["nowhere"],
}


def fits(row: LogRow, filter_: LogFilter, within: list[str]) -> bool:
    equal = {
        "node_id": filter_.node,
        "broadcast_id": filter_.broadcast,
        "outcome": filter_.outcome,
        "class_": filter_.class_,
        "field": filter_.field,
        "rendered": filter_.rendered,
        "heard": filter_.heard,
    }
    above = row.path.split("/")
    of_zone = "vung-lu" in within and row.node_id in ZONE and COMMUNE in above
    return (
        (of_zone or not {*above, row.node_id}.isdisjoint(within))
        and all(value is None or getattr(row, name) == value for name, value in equal.items())
        and (filter_.from_at is None or row.planned_at >= filter_.from_at)
        and (filter_.until_at is None or row.planned_at < filter_.until_at)
    )


@pytest.mark.parametrize("few", [10_000, 5], ids=["gathered", "walked"])
def test_pages_hold_what_fits_and_nothing_else(town: Town, few: int) -> None:
    made = {(one.occurrence, one.node_id): one for one in lines()}
    with town.db.look() as session:
        for (name, given), (where, within), oldest in product(FILTERS.items(), PLACES.items(), (False, True)):
            wanted = LogFilter(within=[AreaId(one) for one in within], oldest_first=oldest, **given)
            seen: list[LogRow] = []
            after, total = None, None
            while True:
                page = find_lines(session, wanted, after=after, limit=40, few=few)
                total = page.total if after is None else total
                seen += page.lines
                if len(page.lines) < 40:
                    break
                after = (page.lines[-1].planned_at, page.lines[-1].id or 0)
            expected = {key for key, row in made.items() if fits(row, wanted, within)}
            case = f"{name} in {where}, {'oldest' if oldest else 'newest'} first"
            assert {(row.occurrence, row.node_id) for row in seen} == expected, case
            assert len(seen) == len(expected), case
            order = [(row.planned_at, row.id or 0) for row in seen]
            assert order == sorted(order, reverse=not oldest), case
            assert total in {None, len(expected)}, case
            assert total is not None or few == 5, case


def test_a_node_as_an_area_shows_what_it_sounded_where_the_person_looks(town: Town) -> None:
    log = Log(db=town.db, clock=town.clock, events=FakeEvents(), times=LogTimes())
    here = town.user("tam", (COMMUNE, Role.SUPERVISOR))
    owner = town.user("nam", ("cum-3", Role.SUPERVISOR))
    own = sum(row.node_id == "cum-3" for row in lines())
    since = sum(row.node_id == "cum-3" and COMMUNE in row.path.split("/") for row in lines())
    assert since < own
    with town.db.look() as session:
        for who, count in ((here, since), (owner, own)):
            page = log.page(
                session, who, LogFilter(within=()), area=AreaId("cum-3"), cursor=None, limit=LINES
            )
            assert len(page.lines) == count


def test_titles_are_found_without_marks_and_capitals(town: Town) -> None:
    first = place(town, AreaId(VILLAGES[0]), title="Thu phí ĐỢT 2")
    place(town, AreaId(VILLAGES[0]), title="Họp 100% thôn")
    keep(town.db, [log_line(START, broadcast_id=first.id, outcome="missed")])
    with town.db.look() as session:
        assert session.get_one(BroadcastRow, first.id).folded_title == "thu phi dot 2"
        within = [AreaId("vinh-phuc")]
        for sought, count in (("đợt 2", 1), ("PHI  DOT", 1), ("0% thon", 0), ("%", 0), ("_", 0)):
            found = find_lines(session, LogFilter(within=within, title=sought), after=None, limit=9)
            assert len(found.lines) == count, sought


@pytest.mark.parametrize(("title", "folded"), [("Đất ĐAI", "dat dai"), (" Lũ  quét ", "lu quet"), ("", "")])
def test_folding(title: str, folded: str) -> None:
    assert plain(title) == folded


def test_no_way_to_a_page_reads_the_whole_table(town: Town) -> None:
    """The plans of both databases, as if the table were large; an index that does not serve is an error."""
    plans: list[tuple[str, str]] = []
    with town.db.look() as session:
        link = session.connection()
        if not town.db.sqlite:
            link.execute(text("SET LOCAL enable_seqscan = off"))
        event.listen(link, "before_cursor_execute", partial(explain, plans))
        for name, where in product(FILTERS, ("all", "province", "village", "zone")):
            plans.append((name, where))
            wanted = LogFilter(within=(), **FILTERS[name])
            find(session, scope_of(session, PLACES[where]), filters_of(wanted), after=None, limit=50, few=5)
    assert len(plans) > len(FILTERS) * 3
    assert [plan for plan in plans if WHOLE.search(plan[1])] == []


def explain(
    plans: list[tuple[str, str]],
    link: Connection,
    _cursor: object,
    statement: str,
    given: object,
    *_more: object,
) -> None:
    if "FROM log " in statement:
        driver = link.connection.driver_connection
        assert driver is not None
        cursor = driver.cursor()
        word = "EXPLAIN QUERY PLAN" if link.dialect.name == "sqlite" else "EXPLAIN"
        cursor.execute(f"{word} {statement}", given)
        plans += [(statement, str(row[-1])) for row in cursor.fetchall()]
