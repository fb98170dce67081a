"""Nodes in the database."""

from collections.abc import Collection, Iterable

from sqlalchemy import delete
from sqlmodel import Session, col, select

from loa.controller.core.nodes import Node
from loa.controller.errors import NotFound
from loa.controller.store.areas import below
from loa.controller.store.configs import settings_of
from loa.controller.store.heard import concerns_in
from loa.controller.store.identities import read_identities
from loa.controller.store.tables import AreaRow, NodeRow, ZoneMemberRow
from loa.controller.store.tree import touch
from loa.protocol.ids import AreaId, NodeId


def node_row(session: Session, node: str) -> NodeRow:
    """The row; raises `NotFound`."""
    row = session.get(NodeRow, node)
    if row is None:
        raise NotFound("no_such_node", f"there is no node {node!r}", node=node)
    return row


def is_node(session: Session, area: str) -> bool:
    """Whether the area is a node, in service or not."""
    return session.get(NodeRow, area) is not None


def add_node(session: Session, area: str) -> None:
    """Make a node of an area of kind `node`."""
    session.add(NodeRow(id=area))
    session.flush()


def key_of(session: Session, node: str) -> str | None:
    """Its public key, None for a stranger or a retired node."""
    return session.exec(select(NodeRow.key_x).where(NodeRow.id == node)).first()


def by_code(session: Session, code_hash: str) -> NodeRow | None:
    """The node that waits for that code, if there is one."""
    return session.exec(select(NodeRow).where(NodeRow.code_hash == code_hash)).first()


def node_of(session: Session, node: str) -> Node:
    """The node; raises `NotFound`."""
    row = node_row(session, node)
    area = session.get_one(AreaRow, node)
    return _as_node(row, area, zones_of(session, [node]).get(NodeId(node), ()))


def any_enrolled(session: Session, nodes: Collection[str]) -> bool:
    """Whether any of these nodes has ever enrolled."""
    wanted = select(NodeRow.id).where(col(NodeRow.id).in_(nodes), col(NodeRow.enrolled_at).is_not(None))
    return session.exec(wanted.limit(1)).first() is not None


def find_nodes(
    session: Session,
    *,
    areas: Collection[str],
    presence: str | None,
    concerned: bool | None,
    after: str,
    limit: int,
) -> list[Node]:
    """The nodes in service below these areas, by id."""
    wanted = (
        select(NodeRow, AreaRow)
        .join(AreaRow, col(AreaRow.id) == NodeRow.id)
        .where(
            col(NodeRow.id).in_(select(below(areas).c.id)),
            col(NodeRow.id) > after,
            col(NodeRow.retired_at).is_(None),
        )
        .order_by(col(NodeRow.id))
        .limit(limit)
    )
    if presence is not None:
        wanted = wanted.where(NodeRow.presence == presence)
    if concerned is not None:
        wanted = wanted.where(col(NodeRow.concerns).is_not(None) == concerned)
    rows = session.exec(wanted).all()
    zones = zones_of(session, [row.id for row, _ in rows])
    return [_as_node(row, area, zones.get(NodeId(row.id), ())) for row, area in rows]


def zones_of(session: Session, nodes: Collection[str]) -> dict[NodeId, tuple[AreaId, ...]]:
    """The zones of each of these nodes that is in any."""
    found: dict[NodeId, tuple[AreaId, ...]] = {}
    wanted = select(ZoneMemberRow).where(col(ZoneMemberRow.node_id).in_(nodes))
    for row in session.exec(wanted.order_by(col(ZoneMemberRow.zone_id))):
        node = NodeId(row.node_id)
        found[node] = (*found.get(node, ()), AreaId(row.zone_id))
    return found


def members_of(session: Session, zone: str) -> frozenset[NodeId]:
    """The nodes of a zone."""
    found = session.exec(select(ZoneMemberRow.node_id).where(ZoneMemberRow.zone_id == zone))
    return frozenset(NodeId(node) for node in found)


def replace_members(session: Session, zone: str, nodes: Iterable[str]) -> None:
    """Give the zone these nodes and no others."""
    touch(session)
    session.connection().execute(delete(ZoneMemberRow).where(col(ZoneMemberRow.zone_id) == zone))
    session.add_all(ZoneMemberRow(zone_id=zone, node_id=node) for node in nodes)
    session.flush()


def leave_zone(session: Session, zone: str, node: str) -> None:
    """Take the node out of the zone."""
    touch(session)
    session.connection().execute(
        delete(ZoneMemberRow).where(col(ZoneMemberRow.zone_id) == zone, col(ZoneMemberRow.node_id) == node)
    )


def _as_node(row: NodeRow, area: AreaRow, zones: tuple[AreaId, ...]) -> Node:
    return Node(
        id=NodeId(row.id),
        name=area.name,
        parent_id=AreaId(area.parent_id or ""),
        zones=zones,
        enrolled_at=row.enrolled_at,
        retired_at=row.retired_at,
        has_key=row.key_x is not None,
        code_expires_at=row.code_expires_at,
        presence=row.presence,
        presence_at=row.presence_at,
        state=row.state,
        state_at=row.state_at,
        settings=settings_of(row),
        concerns=concerns_in(row.concerns),
        identities=read_identities(row.identities),
        self_test_at=row.self_test_at,
        self_test_asked_at=row.self_test_asked_at,
        self_test=row.self_test,
    )
