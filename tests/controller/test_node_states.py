"""The states of nodes: a dead horn is not called sounding, and the strip shows one cell a node."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.node_states import (
    LATELY,
    Condition,
    Judged,
    NodeState,
    Why,
    condition_of,
    fault_in,
    judged,
    judged_self_test,
)
from loa.controller.core.presence import Presence
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.services.node_states import node_conditions
from loa.controller.store.database import Database
from loa.controller.store.tables import MISSED_BY_EARS, LogRow
from loa.controller.web.node_states import MOST_CELLS, strip_of
from loa.protocol.ids import BroadcastId, NodeId, OccurrenceId, StopId, occurrence_id
from loa.protocol.reasons import SelfTestOutcome
from loa.protocol.reports import Evidence, Output, SelfTestReport, Sensed, State, Stopped
from loa.protocol.topics import Channel
from tests.controller.factories import Town
from tests.controller.test_evidence import NOT_RENDERED, play, self_test
from tests.controller.test_ingest import NODE, Post, state

NOW = datetime(2026, 6, 11, 9, 42, tzinfo=UTC)
OCCURRENCE = occurrence_id(BroadcastId("b" * 64), NOW)
SOUND = Evidence(verified=True, rendered=True)
PART = Sensed(judged=8, passed=3, correlation=0.8, level_db=-3)
OFFICIAL = Person("mai", "Mai", frozenset({Grant(COMMUNE, Role.OFFICIAL)}))
VILLAGER = Person("tam", "Tám", frozenset({Grant(VILLAGES[1], Role.OFFICIAL)}))


@pytest.fixture
def post(db: Database) -> Post:
    return Post(Town(db).build())


def said(
    *, sounding: OccurrenceId | None = None, stopped: Stopped | None = None, output: Output | None = None
) -> State:
    return State.model_validate(
        {
            "node": "cum-01",
            "boot_id": "0" * 32,
            "at": NOW,
            "detail": "full",
            "clock": "trusted",
            "sounding": sounding,
            "stopped": stopped,
            "output": output,
        }
    )


FAULT = Judged(NOW - timedelta(hours=5), Why.NOT_RENDERED)
PRESSED = Stopped(id=StopId("1" * 32), at=NOW - timedelta(minutes=3))


@pytest.mark.parametrize(
    ("presence", "state", "fault", "expected"),
    [
        ("connected", said(), None, Condition(NodeState.IDLE)),
        ("late", said(sounding=OCCURRENCE), None, Condition(NodeState.SOUNDING)),
        ("connected", said(sounding=OCCURRENCE), FAULT, Condition(NodeState.SILENT, FAULT.fault, FAULT.at)),
        ("connected", said(output=Output(is_open=False)), None, Condition(NodeState.SILENT, Why.NO_CARD)),
        ("connected", said(stopped=PRESSED), None, Condition(NodeState.SILENT, Why.STOP_PRESSED, PRESSED.at)),
        ("lost", said(sounding=OCCURRENCE), FAULT, Condition(NodeState.LOST, Why.GONE, NOW)),
        ("unknown", None, None, Condition(NodeState.LOST, Why.NEVER_HEARD)),
    ],
)
def test_one_state_is_told_of_all_that_is_known(
    presence: str, state: State | None, fault: Judged | None, expected: Condition
) -> None:
    assert condition_of(Presence(presence), state, NOW, fault) == expected


@pytest.mark.parametrize(
    ("evidence", "fault"),
    [
        (NOT_RENDERED, Why.NOT_RENDERED),
        (Evidence(verified=True, rendered=True, heard=False), Why.NOT_HEARD),
        (Evidence(verified=True, rendered=False, rendered_by=PART), None),
        (SOUND, None),
    ],
)
def test_only_what_no_ear_found_at_all_is_a_silent_horn(evidence: Evidence, fault: Why | None) -> None:
    assert judged(NOW, evidence) == Judged(NOW, fault)


def test_what_no_ear_judged_says_nothing() -> None:
    assert judged(NOW, None) is None
    assert judged(NOW, Evidence(verified=True)) is None
    report = SelfTestReport(number=1, at=NOW, due_at=NOW, on_demand=True, outcome=SelfTestOutcome.UNPROVEN)
    assert judged_self_test(report) is None


def test_a_fault_lasts_from_its_first_time_until_an_ear_finds_the_horn_again() -> None:
    hours = [Judged(NOW + timedelta(hours=hour), Why.NOT_HEARD if hour != 2 else None) for hour in range(5)]
    assert fault_in(reversed(hours)) == hours[3]
    assert fault_in(hours[:3]) is None


def test_the_log_and_self_tests_tell_of_silent_horns(post: Post) -> None:
    def condition() -> Condition:
        with post.town.db.look() as session:
            return node_conditions(session, OFFICIAL, now=post.town.clock.now())[NODE]

    post.say(Channel.STATE, state(post))
    assert condition().state is NodeState.IDLE
    post.report(play(post, 1, SOUND), play(post, 2, NOT_RENDERED), play(post, 3, NOT_RENDERED))
    found = condition()
    assert (found.state, found.why) == (NodeState.SILENT, Why.NOT_RENDERED)
    assert found.since == post.town.clock.now() + timedelta(minutes=2)
    post.report(self_test(post, 4, SelfTestOutcome.PASSED, hours=1))
    assert condition().state is NodeState.IDLE
    post.report(self_test(post, 5, SelfTestOutcome.SILENT, hours=2))
    assert condition().state is NodeState.SILENT


def test_an_old_fault_is_not_believed_for_ever(post: Post) -> None:
    post.report(play(post, 1, NOT_RENDERED))
    post.town.clock.forward(days=LATELY.days, hours=1)
    post.say(Channel.STATE, state(post))
    with post.town.db.look() as session:
        conditions = node_conditions(session, OFFICIAL, now=post.town.clock.now())
    assert conditions[NODE].state is NodeState.IDLE


def test_nobody_learns_of_nodes_elsewhere(post: Post) -> None:
    post.report(play(post, 1, NOT_RENDERED))
    with post.town.db.look() as session:
        assert node_conditions(session, VILLAGER, now=post.town.clock.now()) == {}
        assert NODE in node_conditions(session, OFFICIAL, now=post.town.clock.now())


def test_what_ears_missed_is_found_by_its_own_index(sqlite_template: Path) -> None:
    """PostgreSQL reads a small table whole, whatever indexes there are."""
    wanted = select(col(LogRow.node_id)).where(MISSED_BY_EARS, text("planned_at > 1"))
    with closing(sqlite3.connect(sqlite_template)) as database:
        steps = database.execute(f"EXPLAIN QUERY PLAN {wanted}").fetchall()
    assert "log_missed_by_ears" in str(steps)


def _conditions(**counts: int) -> dict[NodeId, Condition]:
    return {
        NodeId(f"{state}-{number}"): Condition(NodeState(state))
        for state, count in counts.items()
        for number in range(count)
    }


def test_the_strip_has_one_cell_a_node_in_the_order_of_the_states() -> None:
    strip = strip_of(_conditions(lost=1, silent=1, sounding=2, idle=1), lambda node: node.upper())
    assert [cell.state for cell in strip.cells] == ["sounding", "sounding", "idle", "silent", "lost"]
    assert strip.cells[-1].title == "LOST-0: mất liên lạc"
    assert (strip.total, strip.connected, strip.sounding) == (5, 4, 2)
    assert strip.sentence == "5 cụm loa: 2 đang phát, 1 không phát lúc này, 1 loa im, 1 mất liên lạc"


def test_many_nodes_are_a_bar_in_proportion_in_which_one_is_still_seen() -> None:
    strip = strip_of(_conditions(sounding=1999, lost=1), str)
    assert strip.total > MOST_CELLS
    assert strip.cells == ()
    sounding, lost = strip.parts
    assert (sounding.from_pct, lost.count) == (0, 1)
    assert lost.width_pct == pytest.approx(2, abs=0.1)
    assert lost.from_pct + lost.width_pct == pytest.approx(100, abs=0.02)
    assert strip_of({}, str).parts == ()
