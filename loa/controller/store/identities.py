"""Who spoke under the names of nodes, and the words about it among the incidents."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from loa.controller.core.identities import Identities
from loa.controller.store.tables import NodeRow, ReportRow
from loa.protocol.errors import MalformedError
from loa.protocol.ids import NodeId

KIND = "identity"
JOURNAL = "controller"
"""Stands for a journal in what the controller itself notes of a node; no node has one of that name."""


def read_identities(text: str | None) -> Identities:
    """As the column holds it; nothing if it holds nothing, or what nobody can read."""
    try:
        return Identities.from_bytes(text) if text else Identities()
    except MalformedError:
        return Identities()


def identities_of(session: Session, nodes: Collection[NodeId]) -> dict[NodeId, Identities]:
    """Of those of these nodes that there are."""
    found = select(NodeRow.id, NodeRow.identities).where(col(NodeRow.id).in_(nodes))
    return {NodeId(node): read_identities(text) for node, text in session.exec(found)}


def store_identities(session: Session, node: NodeId, identities: Identities) -> None:
    """Keep who spoke."""
    text = identities.to_bytes().decode()
    session.connection().execute(update(NodeRow).where(col(NodeRow.id) == node).values(identities=text))


def note_incident(session: Session, node: NodeId, body: str, now: datetime, *, kind: str = KIND) -> None:
    """A word of the controller about a node, among what the node itself reported."""
    mine = (col(ReportRow.node_id) == node) & (col(ReportRow.journal_id) == JOURNAL)
    last = session.exec(select(func.max(ReportRow.number)).where(mine)).one()
    row = ReportRow(
        node_id=node,
        journal_id=JOURNAL,
        number=(last or 0) + 1,
        kind=kind,
        at=now,
        received_at=now,
        body=body,
    )
    session.add(row)
