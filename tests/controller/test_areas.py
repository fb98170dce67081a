from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.areas import fits_below
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.core.slugs import slug_of
from loa.controller.core.tree import AreaKind
from loa.controller.errors import Conflict, Forbidden, Invalid, NotFound
from loa.controller.services.areas import MOST_ZONES, AreaChange, NewArea
from loa.controller.store.areas import path_of
from loa.controller.store.database import Database
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId, NodeId, is_slug
from loa.protocol.policy import Policy
from loa.schedules.policy import default_policy, open_policy
from tests.controller.factories import DISTRICT, PROVINCE, Town

ADMIN = Person("quan", "Quân", frozenset({Grant(PROVINCE, Role.ADMIN)}))
LOCAL = Person("an", "An", frozenset({Grant(COMMUNE, Role.ADMIN)}))
READER = Person("lan", "Lan", frozenset({Grant(COMMUNE, Role.SUPERVISOR)}))


@pytest.fixture
def town(db: Database) -> Town:
    return Town(db).build()


def add(town: Town, who: Person, name: str, kind: AreaKind, parent: AreaId | None) -> AreaId:
    with town.db.work() as work:
        return town.areas.add(work, who, NewArea(name=name, kind=kind, parent_id=parent)).id


def move(town: Town, who: Person, area: AreaId, parent: AreaId) -> None:
    with town.db.work() as work:
        town.areas.move(work, who, area, parent)


def change(town: Town, who: Person, area: AreaId, wanted: AreaChange) -> None:
    with town.db.work() as work:
        town.areas.change(work, who, area, wanted)


def audience(town: Town, node: str) -> list[str]:
    with town.db.look() as session:
        return list(read_tree(session).areas_of(NodeId(node)))


def test_an_id_is_made_from_the_name(town: Town) -> None:
    assert add(town, LOCAL, "Thôn Đồng Dạ", AreaKind.VILLAGE, COMMUNE) == "thon-dong-da"


@given(st.text(max_size=300))
def test_an_id_made_from_any_name_is_empty_or_a_slug(name: str) -> None:
    assert slug_of(name) == "" or is_slug(slug_of(name))


def test_a_name_without_letters_asks_for_an_id(town: Town) -> None:
    with pytest.raises(Invalid):
        add(town, LOCAL, "***", AreaKind.VILLAGE, COMMUNE)


def test_an_id_is_given_once(town: Town) -> None:
    add(town, LOCAL, "Thôn Mới", AreaKind.VILLAGE, COMMUNE)
    with pytest.raises(Conflict):
        add(town, LOCAL, "Thôn mới", AreaKind.VILLAGE, COMMUNE)


def test_authority_comes_from_the_kind(town: Town) -> None:
    with town.db.look() as session:
        tree = read_tree(session)
        ranks = [place.authority for place in tree.path(VILLAGES[0])]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == len(ranks)


@pytest.mark.parametrize(
    ("kind", "parent", "fits"),
    [
        (AreaKind.COMMUNE, AreaKind.PROVINCE, True),
        (AreaKind.COMMUNE, None, True),
        (AreaKind.DISTRICT, AreaKind.COMMUNE, False),
        (AreaKind.COMMUNE, AreaKind.COMMUNE, False),
        (AreaKind.NODE, AreaKind.VILLAGE, True),
        (AreaKind.NODE, AreaKind.PROVINCE, True),
        (AreaKind.NODE, None, False),
        (AreaKind.NODE, AreaKind.ZONE, False),
        (AreaKind.VILLAGE, AreaKind.NODE, False),
        (AreaKind.ZONE, AreaKind.VILLAGE, True),
        (AreaKind.ZONE, None, False),
    ],
)
def test_the_tree_never_stands_upside_down(kind: AreaKind, parent: AreaKind | None, *, fits: bool) -> None:
    assert fits_below(kind, parent) is fits


def test_rights_end_at_one_s_own_area(town: Town) -> None:
    with pytest.raises(NotFound):
        add(town, LOCAL, "Xã Khác", AreaKind.COMMUNE, DISTRICT)
    with pytest.raises(Forbidden):
        add(town, READER, "Thôn Mới", AreaKind.VILLAGE, COMMUNE)
    with pytest.raises(Forbidden):
        add(town, ADMIN, "Tỉnh Phú Thọ", AreaKind.PROVINCE, None)


def test_a_commune_moves_with_all_below_it_when_its_district_ends(town: Town) -> None:
    town.node("cum-1")
    move(town, ADMIN, COMMUNE, PROVINCE)
    with town.db.look() as session:
        assert path_of(session, "cum-1") == (PROVINCE, COMMUNE, VILLAGES[0], "cum-1")
    assert town.publisher.configs[-1] == {"cum-1"}


def test_an_area_does_not_move_below_itself(town: Town) -> None:
    with pytest.raises(Invalid):
        move(town, ADMIN, PROVINCE, COMMUNE)
    with pytest.raises(Invalid):
        move(town, ADMIN, COMMUNE, COMMUNE)


def test_moving_needs_the_right_at_both_ends(town: Town) -> None:
    other = add(town, ADMIN, "Xã Khác", AreaKind.COMMUNE, DISTRICT)
    with pytest.raises(NotFound):
        move(town, LOCAL, VILLAGES[0], other)


def test_a_zone_gives_its_nodes_another_area(town: Town) -> None:
    town.node("cum-1")
    town.node("cum-2")
    town.zone("vung-lu", "cum-2")
    assert audience(town, "cum-1") == [PROVINCE, DISTRICT, COMMUNE, VILLAGES[0], "cum-1"]
    assert audience(town, "cum-2") == [PROVINCE, DISTRICT, COMMUNE, VILLAGES[0], "vung-lu", "cum-2"]
    with town.db.look() as session:
        assert read_tree(session).nodes_of(AreaId("vung-lu")) == ["cum-2"]
    assert town.publisher.configs[-1] == {"cum-2"}


def test_a_zone_takes_only_nodes_of_the_area_that_keeps_it(town: Town) -> None:
    other = add(town, ADMIN, "Xã Khác", AreaKind.COMMUNE, DISTRICT)
    town.node("xa", parent=other)
    with pytest.raises(Invalid) as refused:
        town.zone("vung-lu", "xa")
    assert refused.value.facts["nodes"] == ["xa"]


def test_nodes_of_a_moved_area_leave_the_zones_that_stay_behind(town: Town) -> None:
    other = add(town, ADMIN, "Xã Khác", AreaKind.COMMUNE, DISTRICT)
    town.node("cum-1")
    town.zone("vung-lu", "cum-1")
    town.zone("ca-huyen", "cum-1", parent=DISTRICT)
    move(town, ADMIN, VILLAGES[0], other)
    assert audience(town, "cum-1") == [PROVINCE, DISTRICT, other, VILLAGES[0], "ca-huyen", "cum-1"]


def test_a_node_is_in_no_more_zones_than_its_configuration_can_name(town: Town) -> None:
    town.node("cum-1")
    for number in range(MOST_ZONES):
        town.zone(f"vung-{number}", "cum-1")
    with pytest.raises(Invalid) as refused:
        town.zone("vung-cuoi", "cum-1")
    assert refused.value.facts["nodes"] == ["cum-1"]
    assert len(audience(town, "cum-1")) <= 64


def test_only_an_empty_area_is_closed_and_its_zone_s_nodes_are_told(town: Town) -> None:
    town.node("cum-1")
    town.zone("vung-lu", "cum-1")
    with town.db.work() as work, pytest.raises(Conflict) as refused:
        town.areas.close(work, LOCAL, VILLAGES[0])
    assert refused.value.facts["inside"] == ["cum-1"]
    with town.db.work() as work:
        town.areas.close(work, LOCAL, AreaId("vung-lu"))
    assert audience(town, "cum-1")[-2:] == [VILLAGES[0], "cum-1"]


def test_policy_and_time_zone_come_from_the_nearest_area_that_has_one(town: Town) -> None:
    change(town, ADMIN, PROVINCE, AreaChange(policy=default_policy()))
    change(town, LOCAL, COMMUNE, AreaChange(policy=open_policy("test"), tz="Asia/Tokyo"))
    with town.db.look() as session:
        tree = read_tree(session)
        assert (tree.policy_of(VILLAGES[0]), tree.tz_of(VILLAGES[0])) == (open_policy("test"), "Asia/Tokyo")
        assert (tree.policy_of(DISTRICT), tree.tz_of(DISTRICT)) == (default_policy(), "Asia/Ho_Chi_Minh")


def test_a_policy_changes_the_future_alone_once_nodes_are_in_service(town: Town) -> None:
    town.node("cum-1")
    with pytest.raises(Invalid) as refused:
        change(town, LOCAL, COMMUNE, AreaChange(policy=open_policy("test")))
    assert refused.value.code == "policy_changes_past"
    [now] = default_policy().versions
    later = now.model_copy(update={"effective_from": town.clock.now() + timedelta(days=1)})
    change(town, LOCAL, COMMUNE, AreaChange(policy=Policy(versions=(now, later))))
    assert town.publisher.configs[-1] == {"cum-1"}


def test_a_time_zone_must_exist(town: Town) -> None:
    with pytest.raises(Invalid):
        change(town, LOCAL, COMMUNE, AreaChange(tz="Asia/Hanoi_"))


def test_lists_show_what_one_sees(town: Town) -> None:
    with town.db.look() as session:
        found = town.areas.find(session, READER, after="", limit=2)
        rest = town.areas.find(session, READER, after=found[-1].id, limit=9)
        villages = town.areas.find(session, ADMIN, kind=AreaKind.VILLAGE, after="", limit=9)
    assert [area.id for area in (*found, *rest)] == sorted([COMMUNE, *VILLAGES])
    assert [area.id for area in villages] == sorted(VILLAGES)
