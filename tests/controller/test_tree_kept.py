"""The tree is read once, and again whenever it has changed, by whomever."""

import pytest

from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.store.database import Database
from loa.controller.store.nodes import leave_zone
from loa.controller.store.tables import NodeRow
from loa.controller.store.tree import Tree, read_tree
from loa.protocol.ids import NodeId
from tests.controller.factories import Town


@pytest.fixture
def town(db: Database) -> Town:
    return Town(db).build()


def tree_of(db: Database) -> Tree:
    with db.look() as session:
        return read_tree(session)


def retire_and_fail(town: Town) -> None:
    with town.db.work() as work:
        row = work.session.get(NodeRow, "loa-1")
        assert row is not None
        row.retired_at = town.clock.now()
        work.session.flush()
        assert read_tree(work.session).nodes() == frozenset()
        raise RuntimeError


def test_it_is_read_once_while_nothing_changes(town: Town) -> None:
    town.node("loa-1")
    assert tree_of(town.db) is tree_of(town.db)


def test_a_new_node_is_seen_at_once(town: Town) -> None:
    assert tree_of(town.db).nodes_of(COMMUNE) == []
    town.node("loa-1", VILLAGES[0])
    assert tree_of(town.db).nodes_of(COMMUNE) == ["loa-1"]


def test_members_of_a_zone_are_seen_as_they_come_and_go(town: Town) -> None:
    town.node("loa-1")
    town.zone("vung-lu", "loa-1")
    assert "vung-lu" in tree_of(town.db).areas_of(NodeId("loa-1"))
    with town.db.work() as work:
        leave_zone(work.session, "vung-lu", "loa-1")
    assert "vung-lu" not in tree_of(town.db).areas_of(NodeId("loa-1"))


def test_another_process_on_the_same_database_is_noticed(town: Town) -> None:
    tree_of(town.db)
    other = Database(town.db.url.render_as_string(hide_password=False))
    Town(other).node("loa-9")
    other.close()
    assert NodeId("loa-9") in tree_of(town.db).nodes()


def test_what_is_rolled_back_was_never_there(town: Town) -> None:
    town.node("loa-1")
    before = tree_of(town.db)
    with pytest.raises(RuntimeError):
        retire_and_fail(town)
    assert tree_of(town.db) is before
