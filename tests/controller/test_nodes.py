from datetime import timedelta

import pytest

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthenticated
from loa.controller.ports import Event, EventKind
from loa.controller.services.broker_users import broker_users
from loa.controller.services.nodes import Code, Enrolled
from loa.controller.services.people import UserChange
from loa.controller.store.configs import store_config
from loa.controller.store.database import Database
from loa.controller.store.nodes import node_row
from loa.controller.store.programmes import store_programme
from loa.controller.store.tree import read_tree
from loa.protocol.bearer import make_token
from loa.protocol.codes import NodeCode
from loa.protocol.ids import AreaId, BootId, NodeId
from loa.protocol.keys import SigningKey
from loa.protocol.programme import ConfigPointer, ProgrammePointer
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Detail, Held, State
from loa.protocol.units import SizeBytes
from tests.controller.factories import DISTRICT, PROVINCE, Town

TECHNICIAN = Person("binh", "Bình", frozenset({Grant(COMMUNE, Role.TECHNICIAN)}))
OFFICIAL = Person("mai", "Mai", frozenset({Grant(COMMUNE, Role.OFFICIAL)}))
NODE = NodeId("cum-1")


@pytest.fixture
def town(db: Database) -> Town:
    return Town(db).build()


def add(town: Town, who: Person = TECHNICIAN, parent: AreaId = VILLAGES[0]) -> Code:
    with town.db.work() as work:
        return town.nodes.add(work, who, name="Cụm 1", parent=parent)


def enrol(town: Town, code: str, key: SigningKey, source: str = "10.0.0.9") -> Enrolled:
    with town.db.work() as work:
        return town.nodes.enrol(work, code, key.public.x, source=source)


def authenticate(town: Town, key: SigningKey, node: str = NODE) -> NodeId:
    token = make_token(NodeId(node), now=town.clock.now(), key=key)
    with town.db.look() as session:
        return town.nodes.authenticate(session, node, token)


def test_a_node_enrols_with_its_code_and_is_known_from_then_on(town: Town) -> None:
    code, key = add(town), SigningKey.generate()
    with pytest.raises(Unauthenticated):
        authenticate(town, key)
    enrolled = enrol(town, code.code, key)
    assert (enrolled.node, authenticate(town, key)) == (NODE, NODE)
    assert [user.name for user in broker_users(town.db)] == [NODE]
    assert town.access.refreshed > 0
    assert town.publisher.configs[-1] == {AreaId(NODE)}


def test_a_code_is_what_somebody_can_type(town: Town) -> None:
    code = add(town).code
    parts = NodeCode.read(code)
    assert parts is not None
    assert parts.fingerprint == town.certificates.fingerprint
    assert enrol(town, f" {code.lower().replace('-', ' ')} ", SigningKey.generate()).node == NODE


def test_a_code_serves_one_key_which_may_ask_again(town: Town) -> None:
    code, key = add(town), SigningKey.generate()
    first, again = enrol(town, code.code, key), enrol(town, code.code, key)
    assert first.certified.certificate != again.certified.certificate
    with pytest.raises(Invalid):
        enrol(town, code.code, SigningKey.generate())
    assert authenticate(town, key) == NODE


def test_a_code_expires(town: Town) -> None:
    code = add(town)
    town.clock.forward(hours=24)
    with pytest.raises(Invalid):
        enrol(town, code.code, SigningKey.generate())


def test_a_new_code_ends_the_one_before_and_a_new_key_the_old_one(town: Town) -> None:
    old, before, after = add(town), SigningKey.generate(), SigningKey.generate()
    enrol(town, old.code, before)
    with town.db.work() as work:
        new = town.nodes.new_code(work, TECHNICIAN, NODE)
    with pytest.raises(Invalid):
        enrol(town, old.code, before)
    assert authenticate(town, before) == NODE
    enrol(town, new.code, after)
    assert authenticate(town, after) == NODE
    with pytest.raises(Unauthenticated):
        authenticate(town, before)


def test_guessing_codes_is_slowed_down_for_the_guesser_alone(town: Town) -> None:
    code = add(town)
    for _ in range(3):
        with pytest.raises(Invalid):
            enrol(town, "AAAA-BBBB-CCCC", SigningKey.generate(), source="6.6.6.6")
    with pytest.raises(TooMany):
        enrol(town, code.code, SigningKey.generate(), source="6.6.6.6")
    assert enrol(town, code.code, SigningKey.generate()).node == NODE


@pytest.mark.parametrize("key_x", ["", "no key", "A" * 42, "A" * 44, "é" * 43])
def test_a_key_that_is_none_is_refused(town: Town, key_x: str) -> None:
    code = add(town)
    with town.db.work() as work, pytest.raises(Invalid) as refused:
        town.nodes.enrol(work, code.code, key_x, source="")
    assert refused.value.code == "bad_key"


def test_a_token_of_another_key_or_time_is_refused(town: Town) -> None:
    key = town.node(NODE)
    with pytest.raises(Unauthenticated):
        authenticate(town, SigningKey.generate())
    old = make_token(NODE, now=town.clock.now() - timedelta(minutes=10), key=key)
    with town.db.look() as session, pytest.raises(Unauthenticated):
        town.nodes.authenticate(session, NODE, old)


def test_a_retired_node_is_known_nowhere(town: Town) -> None:
    key = town.node(NODE)
    town.zone("vung-lu", NODE)
    refreshed = town.access.refreshed
    with town.db.work() as work:
        town.nodes.retire(work, TECHNICIAN, NODE)
        again = town.nodes.retire(work, TECHNICIAN, NODE)
    assert again.retired_at == town.clock.now()
    assert (broker_users(town.db), town.access.refreshed) == ([], refreshed + 1)
    with pytest.raises(Unauthenticated):
        authenticate(town, key)
    with town.db.look() as session:
        assert read_tree(session).nodes_of(COMMUNE) == []
        assert town.nodes.find(session, TECHNICIAN, area=None, presence=None, after="", limit=9) == []
    with town.db.work() as work, pytest.raises(Conflict):
        town.nodes.new_code(work, TECHNICIAN, NODE)


def test_a_node_that_moves_leaves_the_zones_of_the_place(town: Town) -> None:
    town.node(NODE)
    town.zone("cho", NODE, parent=VILLAGES[0])
    town.zone("vung-lu", NODE)
    with town.db.work() as work:
        moved = town.nodes.move(work, TECHNICIAN, NODE, VILLAGES[1])
    assert (moved.parent_id, moved.zones) == (VILLAGES[1], ("vung-lu",))


def test_rights_over_nodes(town: Town) -> None:
    with pytest.raises(Forbidden):
        add(town, OFFICIAL)
    with pytest.raises(NotFound):
        add(town, TECHNICIAN, DISTRICT)
    town.node("xa", parent=DISTRICT)
    with town.db.look() as session, pytest.raises(NotFound):
        town.nodes.get(session, TECHNICIAN, NodeId("xa"))


def test_nodes_come_in_pages_with_their_zones(town: Town) -> None:
    for number in range(3):
        town.node(f"cum-{number}")
    town.zone("vung-lu", "cum-1")
    with town.db.look() as session:
        first = town.nodes.find(session, OFFICIAL, area=VILLAGES[0], presence="unknown", after="", limit=2)
        rest = town.nodes.find(session, OFFICIAL, area=COMMUNE, presence=None, after=first[-1].id, limit=2)
    assert [(node.id, node.zones) for node in (*first, *rest)] == [
        ("cum-0", ()),
        ("cum-1", ("vung-lu",)),
        ("cum-2", ()),
    ]


def test_pages_are_told_when_a_node_enrols(town: Town) -> None:
    code = add(town)
    assert town.events.told == []
    enrol(town, code.code, SigningKey.generate())
    assert town.events.told == [Event(EventKind.NODE, AreaId(code.node), code.node)]


def test_technicians_are_named_the_nearest_first_and_nobody_who_left(town: Town) -> None:
    town.node(NODE)
    town.user("tinh", (PROVINCE, Role.TECHNICIAN))
    town.user("thon", (VILLAGES[0], Role.TECHNICIAN), (COMMUNE, Role.TECHNICIAN))
    town.user("xa", (COMMUNE, Role.TECHNICIAN))
    town.user("khac", (VILLAGES[1], Role.TECHNICIAN))
    town.user("mai", (COMMUNE, Role.OFFICIAL))
    gone = town.user("cu", (COMMUNE, Role.TECHNICIAN))
    admin = town.user("quan", (PROVINCE, Role.ADMIN))
    with town.db.work() as work:
        town.people.change(work, admin, gone.user_id, UserChange(active=False))
    with town.db.look() as session:
        keepers = town.nodes.keepers(session, OFFICIAL, NODE)
        assert [one.id for one in keepers] == ["thon", "xa", "tinh"]
        stranger = Person("la", "Lạ", frozenset({Grant(VILLAGES[1], Role.OFFICIAL)}))
        with pytest.raises(NotFound):
            town.nodes.keepers(session, stranger, NODE)


def test_a_node_lacks_what_is_newer_than_what_it_says_it_holds(town: Town) -> None:
    town.node(NODE)

    def lacks(*, config: int, held: int) -> bool | None:
        told = State(
            node=NODE,
            boot_id=BootId("c" * 32),
            at=town.clock.now(),
            detail=Detail.FULL,
            clock=ClockState.TRUSTED,
            config=config,
            held={VILLAGES[0]: Held(programme=held)},
        )
        with town.db.work() as work:
            node_row(work.session, NODE).state = told.to_bytes().decode()
        with town.db.look() as session:
            return town.nodes.lacks(session, OFFICIAL, NODE)

    with town.db.look() as session:
        assert town.nodes.lacks(session, OFFICIAL, NODE) is None
    at, sha256 = town.clock.now(), "a" * 64
    with town.db.work() as work:
        config = ConfigPointer(node=NODE, version=7, sha256=sha256, size_bytes=SizeBytes(1), issued_at=at)
        store_config(work.session, config, b"c")
        programme = ProgrammePointer(
            area=VILLAGES[0], version=9, sha256=sha256, size_bytes=SizeBytes(1), issued_at=at
        )
        store_programme(work.session, programme, b"p")
    assert [lacks(config=7, held=9), lacks(config=6, held=9), lacks(config=7, held=8)] == [False, True, True]
