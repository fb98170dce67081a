"""Certificates of nodes in the database."""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from loa.controller.core.certificates import Leaf
from loa.controller.store.tables import CertificateRow, NodeRow
from loa.protocol.ids import NodeId


def keep_certificate(session: Session, node: NodeId, leaf: Leaf, at: datetime) -> None:
    """Remember its serial number."""
    session.add(CertificateRow(serial=leaf.serial, node_id=node, issued_at=at, not_after=leaf.not_after))


def revoke_all(session: Session, node: str, at: datetime) -> None:
    """Whatever the node has: none of it is good any more."""
    session.connection().execute(
        update(CertificateRow)
        .where(col(CertificateRow.node_id) == node, col(CertificateRow.revoked_at).is_(None))
        .values(revoked_at=at)
    )


def revoked_ones(session: Session) -> list[tuple[str, datetime]]:
    """Serial number and when, the first first."""
    found = select(CertificateRow.serial, CertificateRow.revoked_at).where(
        col(CertificateRow.revoked_at).is_not(None)
    )
    rows = session.exec(found.order_by(col(CertificateRow.revoked_at), col(CertificateRow.serial)))
    return [(serial, at) for serial, at in rows if at is not None]


def certified_nodes(session: Session) -> list[NodeId]:
    """Enrolled and in service, by id."""
    found = select(NodeRow.id).where(col(NodeRow.key_x).is_not(None), col(NodeRow.retired_at).is_(None))
    return [NodeId(node) for node in session.exec(found.order_by(col(NodeRow.id)))]
