"""The tree of areas as it is at one moment, read at once."""

from collections import defaultdict
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session, col

from loa.controller.core.tree import AreaKind, Place, Tree
from loa.controller.store.tables import AreaRow, NodeRow, ZoneMemberRow
from loa.protocol.ids import AreaId, NodeId

__all__ = ["Place", "Tree", "read_tree"]


def read_tree(session: Session) -> Tree:
    """The tree as the session sees it."""
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


_COLUMNS = (
    col(AreaRow.id),
    col(AreaRow.name),
    col(AreaRow.kind),
    col(AreaRow.parent_id),
    col(AreaRow.authority),
    col(AreaRow.tz),
    col(AreaRow.policy),
)
