"""Alarms that may sound now, and what nodes reported of one."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from loa.controller.core.broadcasts import Scheduled
from loa.controller.store.broadcasts import read_broadcast
from loa.controller.store.tables import BroadcastRow, LogRow
from loa.protocol.ids import BroadcastId, NodeId
from loa.protocol.kinds import BroadcastClass


def alarms_of_now(session: Session, now: datetime) -> list[Scheduled]:
    """Emergencies that have begun, are not over and were not withdrawn everywhere, the last one first."""
    over = col(BroadcastRow.over_at)
    found = (
        select(BroadcastRow.id)
        .where(col(BroadcastRow.class_) == BroadcastClass.EMERGENCY.value)
        .where(col(BroadcastRow.approved_at) <= now, or_(over.is_(None), over > now))
        .order_by(col(BroadcastRow.approved_at).desc(), col(BroadcastRow.id))
    )
    alarms = (read_broadcast(session, name) for name in session.exec(found))
    return [one for one in alarms if one is not None and one.withdrawn_at is None]


def silent_nodes(session: Session, nodes: Sequence[NodeId], since: datetime) -> frozenset[NodeId]:
    """Those of the nodes whose ears found no sound in what they measured last since that instant."""
    measured = or_(col(LogRow.heard).is_not(None), col(LogRow.rendered).is_not(None))
    last = (
        select(LogRow.node_id, func.max(col(LogRow.planned_at)).label("at"))
        .where(col(LogRow.node_id).in_(nodes), col(LogRow.planned_at) > since, measured)
        .group_by(col(LogRow.node_id))
        .subquery()
    )
    was = and_(col(LogRow.node_id) == last.c.node_id, col(LogRow.planned_at) == last.c.at)
    silent = or_(col(LogRow.heard).is_(False), col(LogRow.rendered).is_(False))
    found = select(LogRow.node_id).join(last, was).where(silent)
    return frozenset(NodeId(node) for node in session.exec(found))


def reports_of(session: Session, broadcast: BroadcastId, nodes: Sequence[NodeId]) -> dict[NodeId, LogRow]:
    """The last line of each of these nodes about the broadcast."""
    found = select(LogRow).where(LogRow.broadcast_id == broadcast, col(LogRow.node_id).in_(nodes))
    return {NodeId(row.node_id): row for row in session.exec(found.order_by(col(LogRow.planned_at)))}
