"""What nodes said of themselves."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlmodel import Session, col

from loa.controller.core.presence import Presence
from loa.controller.store.tables import BroadcastRow, LogRow, NodeRow, PlacementRow
from loa.protocol.errors import MalformedError
from loa.protocol.health import Concern
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reports import State


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a node."""

    node: NodeId
    state: State | None
    heard_at: datetime | None
    presence: Presence
    concerns: tuple[Concern, ...] = ()
    presence_at: datetime | None = None
    """Since when the presence is what it is."""


def known_nodes(session: Session, nodes: Iterable[NodeId] | None = None) -> list[Known]:
    """Of these nodes, or of all; only of those in service."""
    found = select(
        col(NodeRow.id),
        col(NodeRow.state),
        col(NodeRow.state_at),
        col(NodeRow.presence),
        col(NodeRow.concerns),
        col(NodeRow.presence_at),
    ).where(col(NodeRow.retired_at).is_(None))
    if nodes is not None:
        found = found.where(col(NodeRow.id).in_(list(nodes)))
    rows = session.connection().execute(found)
    return [
        Known(NodeId(id_), _state(text), at, Presence(presence), concerns_in(concerns), since)
        for id_, text, at, presence, concerns, since in rows
    ]


def store_known(session: Session, nodes: list[Known], now: datetime) -> None:
    """Keep state and time; `presence_at` moves only where the presence changed."""
    if not nodes:
        return
    parameters = [
        {
            "node": known.node,
            "new_state": known.state.to_bytes().decode() if known.state else None,
            "new_at": known.heard_at,
            "new_concerns": ",".join(known.concerns) or None,
        }
        for known in nodes
    ]
    statement = update(NodeRow).where(col(NodeRow.id) == bindparam("node"))
    values: dict[str, object] = {
        "state": bindparam("new_state"),
        "state_at": bindparam("new_at"),
        "concerns": bindparam("new_concerns"),
    }
    session.connection().execute(statement.values(values), parameters)
    store_presences(session, {known.node: known.presence for known in nodes}, now)


def concerns_in(column: str | None) -> tuple[Concern, ...]:
    """As they are kept with a node."""
    return tuple(Concern(one) for one in column.split(",")) if column else ()


def store_presences(session: Session, presences: dict[NodeId, Presence], now: datetime) -> None:
    """Keep what is believed of nodes."""
    if not presences:
        return
    statement = (
        update(NodeRow)
        .where(col(NodeRow.id) == bindparam("node"), col(NodeRow.presence) != bindparam("new_presence"))
        .values({"presence": bindparam("new_presence"), "presence_at": now})
    )
    parameters = [{"node": node, "new_presence": presence.value} for node, presence in presences.items()]
    session.connection().execute(statement, parameters)


def count_presences(session: Session) -> dict[str, int]:
    """How many nodes in service are believed to be how."""
    found = select(col(NodeRow.presence), func.count().label("nodes")).where(
        col(NodeRow.retired_at).is_(None)
    )
    rows = session.connection().execute(found.group_by(col(NodeRow.presence)))
    return {row.presence: row.nodes for row in rows}


def note_delivered(
    session: Session,
    node: NodeId,
    area: AreaId,
    *,
    programme_at: datetime,
    urgent_at: datetime,
    now: datetime,
) -> None:
    """The node holds the programme and what was urgent as they were at these times: mark its coming lines.

    Nothing but emergencies travels as urgent.
    """
    is_urgent = and_(
        col(BroadcastRow.class_) == BroadcastClass.EMERGENCY, col(PlacementRow.issued_at) <= urgent_at
    )
    held = (
        select(col(PlacementRow.broadcast_id))
        .join(BroadcastRow, col(BroadcastRow.id) == col(PlacementRow.broadcast_id))
        .where(col(PlacementRow.area_id) == area)
        .where(or_(col(PlacementRow.issued_at) <= programme_at, is_urgent))
    )
    statement = (
        update(LogRow)
        .where(col(LogRow.node_id) == node, col(LogRow.planned_at) > now - _LATELY)
        .where(col(LogRow.delivered_at).is_(None), col(LogRow.broadcast_id).in_(held))
        .values(delivered_at=now)
    )
    session.connection().execute(statement)


_LATELY = timedelta(days=1)


def _state(text: str | None) -> State | None:
    try:
        return State.from_bytes(text) if text else None
    except MalformedError:
        return None
