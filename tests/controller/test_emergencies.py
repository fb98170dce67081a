"""Alarms as they sound: what counts as sounding now, whose business it is, and how it goes node by node."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from loa.controller.core.access import Role
from loa.controller.core.emergencies import NodeState, Told, is_on, judge_node
from loa.controller.core.presence import Presence
from loa.controller.store.database import Database
from loa.controller.store.heard import Known, store_known
from loa.protocol.ids import BootId, BroadcastId, NodeId, OccurrenceId, occurrence_id
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Detail, State
from tests.controller.desk import JSON, Browser, Office, match, open_office
from tests.controller.factories import PROVINCE

FIRST, SECOND = NodeId("loa-minh-tan"), NodeId("loa-thong-nhat")
BROADCAST, OTHER = BroadcastId("a" * 64), BroadcastId("b" * 64)
NOW = datetime.fromisoformat("2026-06-11T09:42:00Z")
HERE = Presence.CONNECTED


@pytest.fixture
def office(sqlite_db: Database, tmp_path: Path) -> Iterator[Office]:
    with open_office(sqlite_db, tmp_path) as office:
        yield office


def state(
    *, sounding: OccurrenceId | None = None, siren_for: OccurrenceId | None = None, node: NodeId = FIRST
) -> State:
    return State(
        node=node,
        boot_id=BootId("0" * 32),
        at=NOW,
        detail=Detail.COMPACT,
        sounding=sounding,
        siren_for=siren_for,
        clock=ClockState.TRUSTED,
    )


def say(office: Office, node: NodeId, sounding: OccurrenceId | None, presence: Presence = HERE) -> None:
    """Let the node have told that it sounds this."""
    now = office.desk.clock.now()
    known = Known(node, state(sounding=sounding, node=node), now, presence)
    with office.desk.db.work() as work:
        store_known(work.session, [known], now)


def alarm(author: Browser, approver: Browser, draft: JSON) -> JSON:
    bulletin = author.submitted(draft | {"class": "emergency"})
    answer = approver.post(f"/bulletins/{bulletin['id']}/emergency", headers=match(bulletin))
    made: JSON = answer["broadcast"]
    return made


def occurrence(made: JSON) -> OccurrenceId:
    return occurrence_id(made["id"], datetime.fromisoformat(made["first_start_at"]))


def items(browser: Browser) -> list[JSON]:
    found: list[JSON] = browser.get("/emergencies")["items"]
    return found


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (Told(state(), HERE), NodeState.COMING),
        (Told(state(sounding=occurrence_id(BROADCAST, NOW)), HERE), NodeState.SOUNDING),
        (Told(state(siren_for=occurrence_id(BROADCAST, NOW)), HERE), NodeState.SIREN),
        (Told(state(sounding=occurrence_id(BROADCAST, NOW)), HERE, was_silent=True), NodeState.UNHEARD),
        (Told(state(siren_for=occurrence_id(BROADCAST, NOW)), HERE, was_silent=True), NodeState.UNHEARD),
        (Told(state(sounding=occurrence_id(OTHER, NOW)), HERE), NodeState.COMING),
        (Told(state(sounding=occurrence_id(BROADCAST, NOW)), Presence.LOST), NodeState.LOST),
        (Told(None, Presence.UNKNOWN), NodeState.LOST),
        (Told(state(), Presence.LOST, "complete", 28_000), NodeState.SOUNDED),
        (Told(state(), HERE, "silenced", 0), NodeState.NOT_SOUNDED),
        (Told(state(), HERE, "missed", 0), NodeState.COMING),
    ],
)
def test_how_a_node_stands_with_an_alarm(told: Told, expected: NodeState) -> None:
    assert judge_node(told, BROADCAST) is expected


@pytest.mark.parametrize(
    ("states", "seconds_after_the_end", "expected"),
    [
        ([NodeState.COMING], -5, True),
        ([NodeState.COMING], 16, False),
        ([NodeState.LOST, NodeState.SOUNDED], -5, True),
        ([NodeState.SOUNDED, NodeState.NOT_SOUNDED], -5, False),
        ([NodeState.SOUNDED, NodeState.SOUNDING], 600, True),
        ([], -5, False),
    ],
)
def test_an_alarm_is_on_while_a_node_says_so_or_may_be_by_its_plan(
    states: list[NodeState], seconds_after_the_end: int, *, expected: bool
) -> None:
    end = NOW.timestamp() - seconds_after_the_end
    assert is_on(states, datetime.fromtimestamp(end, NOW.tzinfo), NOW) is expected


def test_an_alarm_from_above_is_shown_to_the_commune_as_it_sounds_and_no_longer(office: Office) -> None:
    assert items(office.mai) == []
    made = alarm(office.tam, office.tinh, office.desk.draft(area=PROVINCE, title="Lũ về"))
    office.desk.clock.forward(seconds=2)
    say(office, FIRST, occurrence(made))
    say(office, SECOND, None, Presence.LOST)
    (shown,) = items(office.mai)
    assert (shown["broadcast"], shown["title"], shown["issuer"]) == (made["id"], "Lũ về", PROVINCE)
    assert shown["nodes"] == {FIRST: "sounding", SECOND: "lost"}
    office.desk.clock.forward(minutes=2)
    assert len(items(office.mai)) == 1
    say(office, FIRST, None)
    assert items(office.mai) == []


def test_a_withdrawn_alarm_is_shown_no_longer(office: Office) -> None:
    made = alarm(office.mai, office.hoa, office.desk.draft())
    assert len(items(office.mai)) == 1
    office.hoa.post(f"/broadcasts/{made['id']}/withdrawals", {"reason": "nhầm"})
    assert items(office.mai) == []


def test_an_alarm_for_one_village_is_nobody_elses_business(office: Office) -> None:
    office.desk.person("ly", ("thon-thong-nhat", Role.SUPERVISOR))
    alarm(office.mai, office.hoa, office.desk.draft(plan={"audience": ["thon-minh-tan"]}))
    (shown,) = items(office.mai)
    assert set(shown["nodes"]) == {FIRST}
    assert items(office.browser("ly")) == []
