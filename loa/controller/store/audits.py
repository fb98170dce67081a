"""The audit trail in the database."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, select

from loa.controller.store.areas import below
from loa.controller.store.tables import AuditRow
from loa.controller.store.upsert import Row, insert
from loa.protocol.ids import AreaId


def append(
    session: Session, *, at: datetime, user_id: str, act: str, area: str | None, subject: str, detail: str
) -> None:
    """Add a line."""
    row: Row = {"at": at, "user_id": user_id, "act": act, "area_id": area, "subject": subject}
    insert(session, AuditRow, row | {"detail": detail})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which lines; None does not restrict."""

    user: str | None = None
    act: str | None = None
    """The beginning of it: `bulletin` is all that was done to bulletins."""
    area: AreaId | None = None
    """And all below it."""
    from_at: datetime | None = None
    until_at: datetime | None = None
    text: str | None = None
    """In what it was done to, or in the details."""


def find(
    session: Session, wanted: AuditFilter, *, areas: Collection[str], before: int | None, limit: int
) -> list[AuditRow]:
    """The lines of these areas and those below, the last first; `wanted.area` is not looked at."""
    found = select(AuditRow).where(col(AuditRow.area_id).in_(select(below(areas).c.id)), *_conditions(wanted))
    if before is not None:
        found = found.where(col(AuditRow.id) < before)
    return list(session.exec(found.order_by(col(AuditRow.id).desc()).limit(limit)))


def acts(session: Session, areas: Collection[str]) -> list[str]:
    """What was ever done in these areas and those below."""
    inside = col(AuditRow.area_id).in_(select(below(areas).c.id))
    return sorted(session.exec(select(AuditRow.act).where(inside).distinct()))


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.user is not None:
        conditions.append(col(AuditRow.user_id) == wanted.user)
    if wanted.act is not None:
        conditions.append(col(AuditRow.act).startswith(wanted.act, autoescape=True))
    if wanted.from_at is not None:
        conditions.append(col(AuditRow.at) >= wanted.from_at)
    if wanted.until_at is not None:
        conditions.append(col(AuditRow.at) < wanted.until_at)
    if wanted.text is not None:
        inside = (
            col(column).icontains(wanted.text, autoescape=True)
            for column in (AuditRow.subject, AuditRow.detail)
        )
        conditions.append(or_(*inside))
    return conditions
