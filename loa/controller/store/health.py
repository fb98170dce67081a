"""The series of nodes' health: a row for each node and hour."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from loa.controller.core.health import Point, fold
from loa.controller.store.tables import HealthRow
from loa.controller.store.upsert import upsert
from loa.protocol.health import Health
from loa.protocol.ids import NodeId


def store_points(session: Session, points: Mapping[NodeId, Point]) -> None:
    """Fold each into what is kept of its hour."""
    if not points:
        return
    known = _known(session, points)
    rows = [_row(node, fold(known.get((node, point.at)), point)) for node, point in points.items()]
    upsert(session, HealthRow, rows, key=("node_id", "at"), update=("free_bytes", "body"))


def points_of(session: Session, node: NodeId, since: datetime, until: datetime, limit: int) -> list[Point]:
    """Of the hours that begin in a time, `until` not included, the first so many in order."""
    wanted = (
        select(HealthRow)
        .where(HealthRow.node_id == node, col(HealthRow.at) >= since, col(HealthRow.at) < until)
        .order_by(col(HealthRow.at))
        .limit(limit)
    )
    return [_point(row) for row in session.exec(wanted)]


def _known(session: Session, points: Mapping[NodeId, Point]) -> dict[tuple[NodeId, datetime], Point]:
    hours = {point.at for point in points.values()}
    wanted = select(HealthRow).where(col(HealthRow.node_id).in_(list(points)), col(HealthRow.at).in_(hours))
    return {(NodeId(row.node_id), row.at): _point(row) for row in session.exec(wanted)}


def _point(row: HealthRow) -> Point:
    return Point(row.at, Health.from_bytes(row.body), row.free_bytes)


def _row(node: NodeId, point: Point) -> dict[str, object]:
    body = point.health.to_bytes().decode()
    return {"node_id": node, "at": point.at, "free_bytes": point.free_bytes, "body": body}
