"""Merged and split areas: what sounds goes on, what was logged stays readable, and there is a way back."""

import pytest
from sqlmodel import select

from loa.controller.core.access import Act, Person, Role, may
from loa.controller.core.reshapes import Reshape
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.core.tree import AreaKind
from loa.controller.errors import Conflict, Forbidden, Invalid, NotFound
from loa.controller.services.areas import NewArea
from loa.controller.services.log import Log, LogTimes
from loa.controller.services.reshapes import Reshapes, Splitting
from loa.controller.store.areas import path_of
from loa.controller.store.database import Database
from loa.controller.store.log import LogFilter
from loa.controller.store.tables import LogRow
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId, NodeId
from tests.controller.air import place
from tests.controller.factories import DISTRICT, Town
from tests.fakes.controller import FakeEvents

OTHER = AreaId("dong-thinh")
XOM = AreaId("xom-moi")


@pytest.fixture
def town(db: Database) -> Town:
    made = Town(db).build()
    with made.db.work() as work:
        for new in (
            NewArea(id=OTHER, name="Đồng Thịnh", kind=AreaKind.COMMUNE, parent_id=DISTRICT),
            NewArea(id=XOM, name="Xóm Mới", kind=AreaKind.VILLAGE, parent_id=OTHER),
        ):
            made.areas.insert(work, "test", new)
    made.node("loa-1", VILLAGES[0])
    made.node("loa-2", XOM)
    made.user("lan", (OTHER, Role.OFFICIAL))
    return made


@pytest.fixture
def admin(town: Town) -> Person:
    return town.user("quan", (DISTRICT, Role.ADMIN))


@pytest.fixture
def reshapes(town: Town) -> Reshapes:
    return Reshapes(clock=town.clock, audit=town.audit, areas=town.areas)


def merge(town: Town, reshapes: Reshapes, admin: Person, *, roles: bool = False) -> Reshape:
    with town.db.work() as work:
        return reshapes.merge(work, admin, COMMUNE, OTHER, roles=roles)


def hears(town: Town, node: str) -> list[AreaId]:
    with town.db.look() as session:
        return read_tree(session).areas_of(NodeId(node))


def titles(town: Town, who: Person, area: AreaId) -> list[str]:
    log = Log(db=town.db, clock=town.clock, events=FakeEvents(), times=LogTimes())
    with town.db.look() as session:
        page = log.page(session, who, LogFilter(within=()), area=area, cursor=None, limit=10)
    return [line.title for line in page.lines]


def test_the_villages_move_and_the_old_name_remains_as_a_group_of_the_same_loudspeakers(
    town: Town, reshapes: Reshapes, admin: Person
) -> None:
    merge(town, reshapes, admin)
    assert hears(town, "loa-2") == ["vinh-phuc", DISTRICT, COMMUNE, XOM, OTHER, "loa-2"]
    assert OTHER not in hears(town, "loa-1")
    with town.db.look() as session:
        assert sorted(read_tree(session).nodes_of(COMMUNE)) == ["loa-1", "loa-2"]
    assert frozenset({AreaId("loa-2")}) in town.publisher.configs


def test_what_was_logged_under_the_old_area_is_read_by_the_people_of_the_new_one(
    town: Town, reshapes: Reshapes, admin: Person
) -> None:
    place(town, OTHER)
    log = Log(db=town.db, clock=town.clock, events=FakeEvents(), times=LogTimes())
    log.expect(frozenset({OTHER}))
    tam = town.user("tam", (COMMUNE, Role.SUPERVISOR))
    with pytest.raises(NotFound):
        titles(town, tam, OTHER)
    merge(town, reshapes, admin)
    assert len(titles(town, tam, OTHER)) == 1
    with town.db.look() as session:
        [line] = session.exec(select(LogRow))
        assert "Đồng Thịnh" in line.place, "the names of then stay"


def test_the_outlook_says_what_goes_on_what_spreads_and_who_is_concerned(
    town: Town, reshapes: Reshapes, admin: Person
) -> None:
    place(town, OTHER, title="Của Đồng Thịnh")
    place(town, COMMUNE, title="Của Lãng Công")
    with town.db.look() as session:
        outlook = reshapes.foresee_merge(session, admin, COMMUNE, OTHER)
    assert (outlook.moved, outlook.nodes, outlook.people) == (("Xóm Mới",), 1, ("Lan",))
    assert (outlook.goes_on, outlook.spreads) == (("Của Đồng Thịnh",), ("Của Lãng Công",))


@pytest.mark.parametrize("roles", [False, True])
def test_people_come_along_only_if_that_is_wanted(
    town: Town,
    reshapes: Reshapes,
    admin: Person,
    roles: bool,  # noqa: FBT001 -- of the table
) -> None:
    done = merge(town, reshapes, admin, roles=roles)
    with town.db.look() as session:
        lan = town.people.get(session, admin, "lan")
        person = Person("lan", "Lan", lan.grants)
        assert may(person, Act.WRITE_BULLETIN, path_of(session, COMMUNE)) is roles
        assert may(person, Act.WRITE_BULLETIN, path_of(session, OTHER))
    with town.db.work() as work:
        reshapes.undo(work, admin, done.id)
    with town.db.look() as session:
        person = Person("lan", "Lan", town.people.get(session, admin, "lan").grants)
        assert not may(person, Act.WRITE_BULLETIN, path_of(session, COMMUNE))


def test_a_merge_is_undone_once_and_all_is_as_before(town: Town, reshapes: Reshapes, admin: Person) -> None:
    before = hears(town, "loa-2")
    done = merge(town, reshapes, admin)
    with town.db.work() as work:
        reshapes.undo(work, admin, done.id)
    assert hears(town, "loa-2") == before
    with town.db.look() as session:
        assert town.areas.get(session, admin, OTHER).kind is AreaKind.COMMUNE
        assert reshapes.find(session, admin)[0].undone_at == town.clock.now()
    with pytest.raises(Conflict), town.db.work() as work:
        reshapes.undo(work, admin, done.id)


def test_what_was_changed_since_is_not_torn_back(town: Town, reshapes: Reshapes, admin: Person) -> None:
    done = merge(town, reshapes, admin)
    with town.db.work() as work:
        town.areas.insert(
            work, "test", NewArea(id="ba", name="Ba", kind=AreaKind.COMMUNE, parent_id=DISTRICT)
        )
        town.areas.move(work, admin, XOM, AreaId("ba"))
    with pytest.raises(Conflict, match="changed"), town.db.work() as work:
        reshapes.undo(work, admin, done.id)


def test_a_split_makes_an_area_beside_it_and_is_undone(town: Town, reshapes: Reshapes, admin: Person) -> None:
    place(town, COMMUNE, title="Của Lãng Công")
    plan = Splitting(area=COMMUNE, name="Xã Lãng Sơn", leaving=frozenset({VILLAGES[0]}))
    with town.db.look() as session:
        assert reshapes.foresee_split(session, admin, plan).ends == ("Của Lãng Công",)
    with town.db.work() as work:
        done, made = reshapes.split(work, admin, plan, roles=False)
    assert hears(town, "loa-1") == ["vinh-phuc", DISTRICT, made.id, VILLAGES[0], "loa-1"]
    with town.db.work() as work:
        reshapes.undo(work, admin, done.id)
    assert hears(town, "loa-1") == ["vinh-phuc", DISTRICT, COMMUNE, VILLAGES[0], "loa-1"]
    with town.db.look() as session:
        assert town.areas.get(session, admin, made.id).closed_at is not None


@pytest.mark.parametrize(
    ("kept", "gone"), [(COMMUNE, COMMUNE), (DISTRICT, COMMUNE), (COMMUNE, VILLAGES[0]), (XOM, "loa-1")]
)
def test_only_two_areas_of_one_kind_are_merged(
    town: Town, reshapes: Reshapes, admin: Person, kept: str, gone: str
) -> None:
    with pytest.raises(Invalid), town.db.work() as work:
        reshapes.merge(work, admin, AreaId(kept), AreaId(gone), roles=False)


@pytest.mark.parametrize("leaving", [frozenset[AreaId](), frozenset(VILLAGES), frozenset({XOM})])
def test_a_split_leaves_something_and_takes_something_of_its_own(
    town: Town, reshapes: Reshapes, admin: Person, leaving: frozenset[AreaId]
) -> None:
    with pytest.raises(Invalid), town.db.work() as work:
        reshapes.split(work, admin, Splitting(area=COMMUNE, name="Mới", leaving=leaving), roles=False)


def test_the_right_is_needed_in_both_areas(town: Town, reshapes: Reshapes, admin: Person) -> None:
    one = town.user("mot", (COMMUNE, Role.ADMIN))
    with pytest.raises(NotFound), town.db.work() as work:
        reshapes.merge(work, one, COMMUNE, OTHER, roles=False)
    done = merge(town, reshapes, admin)
    supervisor = town.user("xem", (DISTRICT, Role.SUPERVISOR))
    with pytest.raises(Forbidden), town.db.work() as work:
        reshapes.merge(work, supervisor, COMMUNE, OTHER, roles=False)
    with pytest.raises(NotFound), town.db.work() as work:
        reshapes.undo(work, supervisor, done.id)
