"""A node whose STOP button was pressed sounds again only by the word of a technician or approver."""

from datetime import UTC, datetime

import pytest

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.sample import COMMUNE
from loa.controller.errors import Conflict, Forbidden, NotFound
from loa.controller.store import nodes
from loa.controller.store.database import Database
from loa.protocol.ids import AreaId, BootId, NodeId, StopId
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Detail, State, Stopped
from tests.controller.factories import DISTRICT, Town

NODE = NodeId("cum-1")
AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
FIRST, SECOND = StopId("1" * 32), StopId("2" * 32)


def person(role: Role, area: AreaId = COMMUNE) -> Person:
    return Person("binh", "Bình", frozenset({Grant(area, role)}))


@pytest.fixture
def town(db: Database) -> Town:
    town = Town(db).build()
    town.node(NODE)
    return town


def says(town: Town, press: StopId | None) -> None:
    stopped = None if press is None else Stopped(id=press, at=AT)
    state = State(
        node=NODE,
        boot_id=BootId("b" * 32),
        at=AT,
        detail=Detail.COMPACT,
        clock=ClockState.TRUSTED,
        stopped=stopped,
    )
    with town.db.work() as work:
        nodes.node_row(work.session, NODE).state = state.to_bytes().decode()


def release(town: Town, role: Role = Role.TECHNICIAN) -> None:
    with town.db.work() as work:
        town.nodes.release(work, person(role), NODE)


def released(town: Town) -> str | None:
    with town.db.look() as session:
        return nodes.node_row(session, NODE).released


@pytest.mark.parametrize("role", [Role.TECHNICIAN, Role.APPROVER])
def test_a_release_names_the_press_and_is_published(town: Town, role: Role) -> None:
    says(town, FIRST)
    release(town, role)
    assert released(town) == FIRST
    assert town.publisher.configs[-1] == {AreaId(NODE)}


@pytest.mark.parametrize("role", [Role.OFFICIAL, Role.SUPERVISOR, Role.ADMIN])
def test_others_may_not_release(town: Town, role: Role) -> None:
    says(town, FIRST)
    with pytest.raises(Forbidden):
        release(town, role)
    assert released(town) is None


def test_a_node_of_another_place_is_not_known(town: Town) -> None:
    town.node("xa", parent=DISTRICT)
    with town.db.work() as work, pytest.raises(NotFound):
        town.nodes.release(work, person(Role.TECHNICIAN), NodeId("xa"))


def test_what_is_not_stopped_cannot_be_released(town: Town) -> None:
    with pytest.raises(Conflict, match="STOP button"):
        release(town)
    says(town, None)
    with pytest.raises(Conflict, match="STOP button"):
        release(town)


def test_a_release_is_done_once_a_press(town: Town) -> None:
    says(town, FIRST)
    release(town)
    told = len(town.publisher.configs)
    release(town)
    assert len(town.publisher.configs) == told
    says(town, SECOND)
    release(town)
    assert released(town) == SECOND
    assert len(town.publisher.configs) == told + 1
