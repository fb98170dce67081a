"""The tree of areas as it is at one moment, read at once, and only when it has changed."""

import uuid
from collections import defaultdict
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session, col

from loa.controller.core.tree import AreaKind, Place, Tree
from loa.controller.store.tables import AreaRow, MetaRow, NodeRow, ZoneMemberRow
from loa.protocol.ids import AreaId, NodeId

__all__ = ["Place", "Tree", "is_changing", "memory", "note_changes", "read_tree", "touch"]

_VERSION = "tree"
_KEPT = "kept_tree"
_TOUCHED = "tree_touched"
_SEEN = "tree_seen"


def read_tree(session: Session) -> Tree:
    """The tree as the session sees it.

    Every change gives the tree another version in the database, so that one read before, by whatever
    session of the same `Database`, is good as long as the version is the same: an emergency does not
    wait for the reading of thousands of nodes.
    """
    kept = session.info.get(_KEPT)
    if kept is None or is_changing(session):
        return _read(session)
    seen: Tree | None = session.info.get(_SEEN)
    if seen is None:
        seen = session.info[_SEEN] = _current(session, kept)
    return seen


def is_changing(session: Session) -> bool:
    """Whether this transaction has changed the tree, so that it must be read anew for each question."""
    return bool(session.info.get(_TOUCHED))


def touch(session: Session) -> None:
    """The tree changes in this transaction; `note_changes` calls it for all that goes through the ORM."""
    if not session.info.get(_TOUCHED):
        session.info[_TOUCHED] = True
        session.merge(MetaRow(key=_VERSION, value=uuid.uuid4().hex))


def note_changes(session: Session, _context: object, _instances: object) -> None:
    """For SQLAlchemy's `before_flush`."""
    changed = (*session.new, *session.dirty, *session.deleted)
    if any(isinstance(one, AreaRow | NodeRow | ZoneMemberRow) for one in changed):
        touch(session)


def memory() -> dict[str, object]:
    """For `info` of all sessions of one database: what they remember together."""
    return {_KEPT: {}}


def _current(session: Session, kept: dict[str, tuple[str, Tree]]) -> Tree:
    version = session.connection().execute(_CURRENT).scalar()
    found = kept.get(_VERSION)
    if version is None or found is None or found[0] != version:
        found = kept[_VERSION] = (version or "", _read(session))
    return found[1]


def _read(session: Session) -> Tree:
    connection = session.connection()
    places = {AreaId(row.id): _place(row) for row in connection.execute(select(*_COLUMNS))}
    nodes = connection.execute(select(col(NodeRow.id)).where(col(NodeRow.retired_at).is_(None))).scalars()
    zones: defaultdict[NodeId, list[AreaId]] = defaultdict(list)
    for member in connection.execute(select(col(ZoneMemberRow.zone_id), col(ZoneMemberRow.node_id))):
        zones[NodeId(member.node_id)].append(AreaId(member.zone_id))
    return Tree(places, {NodeId(node) for node in nodes}, zones)


def _place(row: Row[*tuple[Any, ...]]) -> Place:
    above = AreaId(row.parent_id) if row.parent_id else None
    return Place(AreaId(row.id), row.name, AreaKind(row.kind), above, row.authority, row.tz, row.policy)


_CURRENT = select(col(MetaRow.value)).where(col(MetaRow.key) == _VERSION)
_COLUMNS = (
    col(AreaRow.id),
    col(AreaRow.name),
    col(AreaRow.kind),
    col(AreaRow.parent_id),
    col(AreaRow.authority),
    col(AreaRow.tz),
    col(AreaRow.policy),
)
