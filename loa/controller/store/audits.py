"""The audit trail in the database."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, select

from loa.controller.store.areas import below
from loa.controller.store.tables import AuditRow
from loa.controller.store.upsert import Row, insert


def append(
    session: Session, *, at: datetime, user_id: str, act: str, area: str | None, subject: str, detail: str
) -> None:
    """Add a line."""
    row: Row = {"at": at, "user_id": user_id, "act": act, "area_id": area, "subject": subject}
    insert(session, AuditRow, row | {"detail": detail})


def find(session: Session, *, areas: Collection[str], before: int | None, limit: int) -> list[AuditRow]:
    """The lines of these areas and those below, the last first."""
    wanted = select(AuditRow).where(col(AuditRow.area_id).in_(select(below(areas).c.id)))
    if before is not None:
        wanted = wanted.where(col(AuditRow.id) < before)
    return list(session.exec(wanted.order_by(col(AuditRow.id).desc()).limit(limit)))
