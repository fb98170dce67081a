"""What needs a person: from nodes, log and bulletins, for just those whom it concerns."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from loa.controller.core.access import Person, Role
from loa.controller.core.alerts import Alert, AlertKind
from loa.controller.core.presence import Presence
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.services.alerts import Alerts
from loa.controller.services.bulletins import Bulletins
from loa.controller.services.log import Log, LogTimes
from loa.controller.store.database import Database
from loa.controller.store.tables import LogRow, NodeRow, UserRow
from loa.protocol.health import Concern
from loa.protocol.ids import BootId, NodeId, StopId
from loa.protocol.reasons import ClockState, Reason
from loa.protocol.reports import Detail, State, Stopped
from tests.controller.air import place
from tests.controller.desk import open_office
from tests.controller.factories import DISTRICT, PROVINCE, Town
from tests.fakes.controller import FakeEvents


@pytest.fixture
def town(db: Database) -> Town:
    made = Town(db).build()
    made.node("loa-1", VILLAGES[0])
    made.node("loa-2", VILLAGES[1])
    return made


@pytest.fixture
def tam(town: Town) -> Person:
    return town.user("tam", (COMMUNE, Role.SUPERVISOR))


def alerts_of(town: Town, who: Person) -> list[Alert]:
    bulletins = Bulletins(clock=town.clock, ids=str, audit=town.audit, events=FakeEvents())
    alerts = Alerts(clock=town.clock, bulletins=bulletins)
    with town.db.look() as session:
        return alerts.of(session, who)


def told(town: Town, who: Person) -> list[tuple[str, str]]:
    return [(one.kind.value, one.subject) for one in alerts_of(town, who)]


def set_node(town: Town, node: str, **values: object) -> None:
    with town.db.work() as work:
        row = work.session.get_one(NodeRow, node)
        for name, value in values.items():
            setattr(row, name, value)


def set_phone(town: Town, user: str, phone: str) -> None:
    with town.db.work() as work:
        work.session.get_one(UserRow, user).phone = phone


def sounded(town: Town, **values: object) -> None:
    """One occurrence an hour ago, on all nodes, that ended so."""
    place(town, COMMUNE)
    Log(db=town.db, clock=town.clock, events=FakeEvents(), times=LogTimes()).expect(frozenset({COMMUNE}))
    with town.db.work() as work:
        for row in work.session.exec(select(LogRow).where(col(LogRow.outcome) == "expected")):
            row.planned_at = town.clock.now() - timedelta(hours=1)
            for name, value in values.items():
                setattr(row, name, value)


def test_where_all_is_well_nobody_is_needed(town: Town, tam: Person) -> None:
    assert told(town, tam) == []


def test_a_lost_node_is_told_since_it_was_heard_and_with_the_technician_of_the_nearest_area(
    town: Town, tam: Person
) -> None:
    heard_at = town.clock.now() - timedelta(hours=2)
    set_node(town, "loa-1", presence=Presence.LOST, state_at=heard_at)
    for user, area in (("xa", COMMUNE), ("huyen", DISTRICT)):
        town.user(user, (area, Role.TECHNICIAN))
        set_phone(town, user, f"09-{user}")
    town.user("thon", (VILLAGES[0], Role.TECHNICIAN))
    [alert] = alerts_of(town, tam)
    assert (alert.kind, alert.subject, alert.since) == (AlertKind.NODE_LOST, "loa-1", heard_at)
    assert alert.call is not None, "who has no phone cannot be called"
    assert alert.call.phone == "09-xa"


def test_a_node_that_never_spoke_is_told_after_an_hour(town: Town, tam: Person) -> None:
    assert told(town, tam) == []
    town.clock.forward(minutes=61)
    assert sorted(told(town, tam)) == [("node_lost", "loa-1"), ("node_lost", "loa-2")]


def test_what_failed_on_some_nodes_is_one_thing_with_their_number(town: Town, tam: Person) -> None:
    sounded(town, outcome=Reason.SOUND_MISSING.value)
    [alert] = alerts_of(town, tam)
    assert (alert.kind, alert.nodes, alert.reason) == (AlertKind.NOT_SOUNDED, 2, "sound_missing")
    assert alert.area == COMMUNE


@pytest.mark.parametrize("outcome", [Reason.COMPLETE, Reason.DISPLACED, Reason.SILENCED, Reason.WITHDRAWN])
def test_what_went_well_or_was_wanted_needs_nobody(town: Town, tam: Person, outcome: Reason) -> None:
    sounded(town, outcome=outcome.value)
    assert told(town, tam) == []


def test_what_failed_longer_ago_is_history(town: Town, tam: Person) -> None:
    sounded(town, outcome=Reason.SOUND_MISSING.value)
    town.clock.forward(hours=24)
    assert ("not_sounded", "loa-1") not in told(town, tam)
    assert {kind for kind, _ in told(town, tam)} <= {"node_lost"}


def test_a_horn_is_silent_until_it_is_heard_again(town: Town, tam: Person) -> None:
    sounded(town, outcome=Reason.COMPLETE.value, played_ms=1_000, heard=False)
    assert sorted(told(town, tam)) == [("horn_silent", "loa-1"), ("horn_silent", "loa-2")]
    with town.db.work() as work:
        first = work.session.exec(select(LogRow).where(col(LogRow.node_id) == "loa-1")).one()
        again = first.model_copy(update={"id": None, "occurrence": "again@20260101T000000Z", "heard": True})
        again.planned_at = town.clock.now() - timedelta(minutes=1)
        work.session.add(LogRow(**again.model_dump()))
    assert told(town, tam) == [("horn_silent", "loa-2")]


def test_concerns_of_the_machine_are_told(town: Town, tam: Person) -> None:
    set_node(town, "loa-1", presence=Presence.CONNECTED, state_at=town.clock.now(), concerns="disk_worn")
    [alert] = alerts_of(town, tam)
    assert (alert.kind, alert.concerns) == (AlertKind.MACHINE, (Concern.DISK_WORN,))


def test_a_retired_node_needs_nobody(town: Town, tam: Person) -> None:
    set_node(town, "loa-1", presence=Presence.LOST, retired_at=town.clock.now())
    assert told(town, tam) == []


def test_another_commune_is_told_nothing(town: Town) -> None:
    set_node(town, "loa-1", presence=Presence.LOST, state_at=town.clock.now())
    sounded(town, outcome=Reason.SOUND_MISSING.value)
    stranger = town.user("la", (VILLAGES[2], Role.SUPERVISOR))
    assert told(town, stranger) == []


def test_a_pressed_stop_button_is_told_since_when(town: Town, tam: Person) -> None:
    at = town.clock.now() - timedelta(hours=3)
    state = State(
        node=NodeId("loa-1"),
        boot_id=BootId("0" * 32),
        at=at,
        detail=Detail.FULL,
        clock=ClockState.TRUSTED,
        stopped=Stopped(id=StopId("1" * 32), at=at),
    )
    text = state.to_bytes().decode()
    set_node(town, "loa-1", presence=Presence.CONNECTED, state_at=town.clock.now(), state=text)
    [alert] = alerts_of(town, tam)
    assert (alert.kind, alert.since) == (AlertKind.NODE_STOPPED, at)


def test_who_may_approve_is_told_of_the_bulletins_of_others(db: Database, tmp_path: Path) -> None:
    with open_office(db, tmp_path) as office:
        town = office.desk.town
        bulletin = office.mai.submitted(office.desk.draft())
        office.hoa.submitted(office.desk.draft(title="Của chính ông Hòa"))
        office.tam.submitted(office.desk.draft(area=PROVINCE, title="Của tỉnh"))
        [alert] = alerts_of(town, office.desk.hoa)
        assert (alert.kind, alert.subject) == (AlertKind.TO_APPROVE, bulletin["id"])
        assert alerts_of(town, office.desk.mai) == [], "who only writes decides nothing"
