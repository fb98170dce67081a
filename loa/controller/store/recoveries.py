"""Recoveries by two people in the database."""

from datetime import datetime

from sqlmodel import Session, col, select

from loa.controller.core.factors import Recovery, RecoveryEnd
from loa.controller.store.people_tables import RecoveryRow


def last_of(session: Session, user_id: str) -> RecoveryRow | None:
    """The one that was opened last for that user."""
    wanted = select(RecoveryRow).where(RecoveryRow.user_id == user_id)
    return session.exec(wanted.order_by(col(RecoveryRow.opened_at).desc(), col(RecoveryRow.id))).first()


def still_open(session: Session, now: datetime) -> list[Recovery]:
    """Those that can still be confirmed or used, the first that was opened first."""
    wanted = select(RecoveryRow).where(col(RecoveryRow.ended_at).is_(None), col(RecoveryRow.until) > now)
    return [as_recovery(row) for row in session.exec(wanted.order_by(col(RecoveryRow.opened_at)))]


def as_recovery(row: RecoveryRow) -> Recovery:
    """The row as the rest of the controller knows it."""
    return Recovery(
        id=row.id,
        user=row.user_id,
        reason=row.reason,
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        confirmed_by=row.confirmed_by,
        until=row.until,
        ended_at=row.ended_at,
        how=None if row.how is None else RecoveryEnd(row.how),
    )
