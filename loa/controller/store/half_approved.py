"""Broadcasts that wait for a second signature."""

from datetime import datetime

from pydantic import TypeAdapter
from sqlmodel import Session

from loa.controller.core.bulletins import Bulletin
from loa.controller.store.trust_tables import HalfApprovedRow
from loa.protocol.broadcast import Broadcast, PasskeyApproval

_APPROVALS = TypeAdapter(tuple[PasskeyApproval, ...])


def half_approved(session: Session, bulletin: str, revision: int, since: datetime) -> HalfApprovedRow | None:
    """Of this very revision, if it was composed no earlier than `since`."""
    row = session.get(HalfApprovedRow, bulletin)
    return row if row is not None and row.revision == revision and row.composed_at >= since else None


def approvals_in(row: HalfApprovedRow) -> tuple[PasskeyApproval, ...]:
    """Who has signed so far."""
    return _APPROVALS.validate_json(row.approvals)


def keep_half(
    session: Session, bulletin: Bulletin, broadcast: Broadcast, approvals: tuple[PasskeyApproval, ...]
) -> None:
    """In the place of what waited before."""
    session.merge(
        HalfApprovedRow(
            bulletin_id=bulletin.id,
            revision=bulletin.revision,
            document=broadcast.to_bytes().decode(),
            approvals=_APPROVALS.dump_json(approvals).decode(),
            composed_at=broadcast.created_at,
        )
    )
    session.flush()


def forget_half(session: Session, bulletin: str) -> None:
    """It was approved."""
    row = session.get(HalfApprovedRow, bulletin)
    if row is not None:
        session.delete(row)
