"""The broadcast log: lines before reports, found again by who may read them."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.errors import NotFound
from loa.controller.services.log import Log, LogTimes
from loa.controller.store.database import Database
from loa.controller.store.log import LogFilter
from loa.controller.store.tables import LogRow
from loa.protocol.ids import AreaId, NodeId
from tests.controller.air import Times, place
from tests.controller.factories import PROVINCE, Town
from tests.fakes.controller import FakeEvents

ALL = LogFilter(within=())


@pytest.fixture
def town(db: Database) -> Town:
    made = Town(db).build()
    made.node("loa-1", VILLAGES[0])
    made.node("loa-2", VILLAGES[1])
    return made


@pytest.fixture
def log(town: Town) -> Log:
    return Log(db=town.db, clock=town.clock, events=FakeEvents(), times=LogTimes())


def lines(town: Town) -> list[tuple[str, str, str]]:
    with town.db.look() as session:
        rows = session.exec(select(LogRow).order_by(col(LogRow.planned_at), col(LogRow.node_id)))
        return [(row.planned_at.strftime("%d %H:%M"), row.node_id, row.outcome) for row in rows]


def test_each_occurrence_has_a_line_for_each_node_exactly_once(town: Town, log: Log) -> None:
    place(town, COMMUNE, times=Times(rrule="FREQ=DAILY"))
    for _ in range(2):
        log.expect(frozenset({COMMUNE}))
        log.expect_all()
    assert lines(town) == [
        ("23 02:00", "loa-1", "expected"),
        ("23 02:00", "loa-2", "expected"),
        ("24 02:00", "loa-1", "expected"),
        ("24 02:00", "loa-2", "expected"),
    ]


def test_a_broadcast_to_a_village_concerns_its_nodes_alone(town: Town, log: Log) -> None:
    place(town, VILLAGES[1])
    log.expect(frozenset({VILLAGES[1]}))
    assert [node for _, node, _ in lines(town)] == ["loa-2"]


def test_a_broadcast_in_two_programmes_has_one_line_a_node(town: Town, log: Log) -> None:
    town.zone("vung-lu", "loa-1")
    place(town, COMMUNE)
    log.expect(frozenset({COMMUNE, AreaId("vung-lu")}))
    assert len(lines(town)) == 2


def test_lines_go_on_as_time_does(town: Town, log: Log) -> None:
    place(town, COMMUNE, times=Times(rrule="FREQ=DAILY"))
    log.expect_all()
    town.clock.forward(days=3)
    log.expect_all()
    assert [day for day, node, _ in lines(town) if node == "loa-1"] == [
        f"{day} 02:00" for day in range(23, 29) if day != 28
    ]


def test_an_outage_leaves_no_hole(town: Town, log: Log) -> None:
    place(town, COMMUNE, times=Times(rrule="FREQ=DAILY"))
    log.expect_all()
    town.clock.forward(days=10)
    log.expect_all()
    days = [day for day, node, _ in lines(town) if node == "loa-1"]
    assert len(days) == 12
    assert len(set(days)) == 12


def test_nothing_is_expected_of_a_node_before_it_was_there(town: Town, log: Log) -> None:
    place(town, COMMUNE, times=Times(rrule="FREQ=DAILY"))
    town.clock.forward(hours=5)
    town.node("loa-3")
    log.expect_all()
    assert [day for day, node, _ in lines(town) if node == "loa-3"] == ["24 02:00", "25 02:00"]


def test_what_nobody_reports_is_missed_after_its_end_and_the_grace(town: Town, log: Log) -> None:
    place(town, COMMUNE)
    log.expect(frozenset({COMMUNE}))
    town.clock.forward(hours=1, minutes=10)
    assert log.mark_missed() == 0
    town.clock.forward(seconds=26)
    assert log.mark_missed() == 2
    assert {outcome for _, _, outcome in lines(town)} == {"missed"}


def test_people_read_the_log_of_their_own_areas(town: Town, log: Log) -> None:
    place(town, COMMUNE)
    log.expect(frozenset({COMMUNE}))
    villager = town.user("hoa", (VILLAGES[0], Role.OFFICIAL))
    supervisor = town.user("minh", (PROVINCE, Role.SUPERVISOR))
    stranger = town.user("xa", ("thon-phu-cuong", Role.OFFICIAL))
    with town.db.look() as session:
        assert {
            row.node_id for row in log.page(session, villager, ALL, area=None, cursor=None, limit=9).lines
        } == {"loa-1"}
        assert len(log.page(session, supervisor, ALL, area=None, cursor=None, limit=9).lines) == 2
        assert log.page(session, stranger, ALL, area=None, cursor=None, limit=9).lines == []
        with pytest.raises(NotFound):
            log.page(session, stranger, ALL, area=COMMUNE, cursor=None, limit=9)


def test_pages_follow_each_other_without_loss(town: Town, log: Log) -> None:
    place(town, COMMUNE, times=Times(rrule="FREQ=HOURLY"))
    log.expect(frozenset({COMMUNE}))
    who = town.user("minh", (PROVINCE, Role.SUPERVISOR))
    seen: list[int] = []
    cursor: str | None = None
    with town.db.look() as session:
        while True:
            page = log.page(session, who, ALL, area=None, cursor=cursor, limit=7)
            seen += [row.id or 0 for row in page.lines]
            cursor = page.cursor
            if cursor is None:
                break
    assert len(seen) == len(set(seen)) == len(lines(town)) == 94


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (LogFilter(within=(), node=NodeId("loa-1")), 2),
        (LogFilter(within=(), field="y-te"), 4),
        (LogFilter(within=(), field="khac"), 0),
        (LogFilter(within=(), class_="normal"), 4),
        (LogFilter(within=(), outcome="missed"), 0),
    ],
)
def test_filters_restrict(town: Town, log: Log, wanted: LogFilter, count: int) -> None:
    place(town, COMMUNE, times=Times(rrule="FREQ=DAILY"))
    log.expect(frozenset({COMMUNE}))
    who = town.user("minh", (PROVINCE, Role.SUPERVISOR))
    with town.db.look() as session:
        assert len(log.page(session, who, wanted, area=COMMUNE, cursor=None, limit=99).lines) == count


def test_times_restrict_from_included_to_not(town: Town, log: Log) -> None:
    place(town, COMMUNE, times=Times(rrule="FREQ=DAILY"))
    log.expect(frozenset({COMMUNE}))
    who = town.user("minh", (PROVINCE, Role.SUPERVISOR))
    first = town.clock.now() + timedelta(hours=1)
    wanted = LogFilter(within=(), from_at=first, until_at=first + timedelta(days=1))
    with town.db.look() as session:
        found = log.page(session, who, wanted, area=None, cursor=None, limit=99).lines
    assert {row.planned_at for row in found} == {first}
