"""What nodes reported of refusals, problems and updates, and what the controller noted of them itself."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, select

from loa.controller.store.areas import below
from loa.controller.store.identities import KIND as IDENTITY
from loa.controller.store.tables import ReportRow, ZoneMemberRow
from loa.protocol.ids import AreaId, NodeId

CHAIN = "chain"
KINDS = ("refusal", "problem", "update", IDENTITY, CHAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter:
    """Which ones; None does not restrict."""

    within: Collection[AreaId]
    node: NodeId | None = None
    kind: str | None = None
    from_at: datetime | None = None
    until_at: datetime | None = None


Position = tuple[datetime, str, str, int]
"""When it was received, node, journal, number."""


def find_incidents(
    session: Session, wanted: IncidentFilter, *, after: Position | None, limit: int
) -> list[ReportRow]:
    """In the order in which they arrived, the newest first."""
    tree = below(wanted.within)
    members = select(ZoneMemberRow.node_id).where(col(ZoneMemberRow.zone_id).in_(wanted.within))
    here = or_(col(ReportRow.node_id).in_(select(tree.c.id)), col(ReportRow.node_id).in_(members))
    found = select(ReportRow).where(here, col(ReportRow.kind).in_([wanted.kind] if wanted.kind else KINDS))
    if wanted.node is not None:
        found = found.where(ReportRow.node_id == wanted.node)
    if wanted.from_at is not None:
        found = found.where(ReportRow.received_at >= wanted.from_at)
    if wanted.until_at is not None:
        found = found.where(ReportRow.received_at < wanted.until_at)
    if after is not None:
        found = found.where(_older(after))
    keys = (ReportRow.received_at, ReportRow.node_id, ReportRow.journal_id, ReportRow.number)
    return list(session.exec(found.order_by(*(col(key).desc() for key in keys)).limit(limit)))


def _older(after: Position) -> ColumnElement[bool]:
    at, node, journal, number = after
    same_time = and_(col(ReportRow.received_at) == at, col(ReportRow.node_id) < node)
    same_node = and_(
        col(ReportRow.received_at) == at,
        col(ReportRow.node_id) == node,
        or_(
            col(ReportRow.journal_id) < journal,
            and_(col(ReportRow.journal_id) == journal, col(ReportRow.number) < number),
        ),
    )
    return or_(col(ReportRow.received_at) < at, same_time, same_node)
