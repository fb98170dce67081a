"""The audit trail in the database."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy
from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from loa.controller.core.trail import EMPTY, Head, Line, Sealed, digest_of
from loa.controller.store.areas import below
from loa.controller.store.tables import AuditRow
from loa.controller.store.upsert import insert
from loa.protocol.ids import AreaId

LINES_AT_ONCE = 1_000


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


def append(
    session: Session, *, at: datetime, user_id: str, act: str, area: str | None, subject: str, detail: str
) -> None:
    """Add a line to the chain, within the one write transaction that there is."""
    last = head(session)
    line = Line(
        id=last.id + 1,
        at=at,
        user=user_id,
        act=act,
        area=area,
        subject=subject,
        detail=detail,
        previous=last.digest,
    )
    row = {"id": line.id, "at": at, "user_id": user_id, "act": act, "area_id": area, "subject": subject}
    insert(session, AuditRow, row | {"detail": detail, "previous": line.previous, "digest": digest_of(line)})


def head(session: Session) -> Head:
    """The last line."""
    found = session.connection().execute(_LAST).first()
    return EMPTY if found is None else Head(found.id, found.digest)


def digest_at(session: Session, id_: int) -> str | None:
    """The digest of a line, if it is there."""
    return session.exec(select(AuditRow.digest).where(AuditRow.id == id_)).first()


def count_after(session: Session, id_: int) -> int:
    """How many lines came after that one."""
    return session.exec(select(func.count()).select_from(AuditRow).where(col(AuditRow.id) > id_)).one()


def lines_after(session: Session, id_: int, limit: int) -> list[Sealed]:
    """The lines after that one, the first first."""
    return _some(session, select(AuditRow), id_, limit)


def all_lines(session: Session) -> Iterator[Sealed]:
    """The whole chain, some lines at a time."""
    return _walked(session, select(AuditRow))


def walk(session: Session, wanted: AuditFilter, *, areas: Collection[str]) -> Iterator[Sealed]:
    """As `find`, but the first first, and all of them, some at a time."""
    return _walked(session, _found(wanted, areas))


def sealed(row: AuditRow) -> Sealed:
    """The row as a link of the chain."""
    line = Line(
        id=row.id or 0,
        at=row.at,
        user=row.user_id,
        act=row.act,
        area=row.area_id,
        subject=row.subject,
        detail=row.detail,
        previous=row.previous,
    )
    return Sealed(line, row.digest)


def find(
    session: Session, wanted: AuditFilter, *, areas: Collection[str], before: int | None, limit: int
) -> list[AuditRow]:
    """The lines of these areas and those below, the last first; `wanted.area` is not looked at."""
    found = _found(wanted, areas)
    if before is not None:
        found = found.where(col(AuditRow.id) < before)
    return list(session.exec(found.order_by(col(AuditRow.id).desc()).limit(limit)))


def acts(session: Session, areas: Collection[str]) -> list[str]:
    """What was ever done in these areas and those below."""
    inside = col(AuditRow.area_id).in_(select(below(areas).c.id))
    return sorted(session.exec(select(AuditRow.act).where(inside).distinct()))


def _found(wanted: AuditFilter, areas: Collection[str]) -> SelectOfScalar[AuditRow]:
    inside = col(AuditRow.area_id).in_(select(below(areas).c.id))
    return select(AuditRow).where(inside, *_conditions(wanted))


def _walked(session: Session, lines: SelectOfScalar[AuditRow]) -> Iterator[Sealed]:
    last = 0
    while some := _some(session, lines, last, LINES_AT_ONCE):
        yield from some
        last = some[-1].line.id
        session.expunge_all()


def _some(session: Session, lines: SelectOfScalar[AuditRow], after: int, limit: int) -> list[Sealed]:
    wanted = lines.where(col(AuditRow.id) > after).order_by(col(AuditRow.id)).limit(limit)
    return [sealed(row) for row in session.exec(wanted)]


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


_LAST = sqlalchemy.select(col(AuditRow.id), col(AuditRow.digest)).order_by(col(AuditRow.id).desc()).limit(1)
