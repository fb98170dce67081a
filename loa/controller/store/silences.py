"""Silences in the database, merged from the journal."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from loa.controller.ports import AreaSilence
from loa.controller.store.tables import AreaRow, SilenceRow
from loa.controller.store.upsert import Row, insert_new
from loa.protocol.ids import AreaId, SilenceId
from loa.protocol.programme import Silence


def highest_counter(session: Session) -> int:
    """Of the silences merged so far; 0 if there are none."""
    return session.exec(select(func.max(SilenceRow.counter))).one() or 0


def insert_silences(session: Session, silences: Iterable[AreaSilence]) -> list[AreaSilence]:
    """Insert those of areas that exist; returns the others."""
    wanted = list(silences)
    areas = select(AreaRow.id).where(col(AreaRow.id).in_({one.area for one in wanted}))
    known = set(session.exec(areas))
    insert_new(session, SilenceRow, [_row(one) for one in wanted if one.area in known])
    return [one for one in wanted if one.area not in known]


def lasting(session: Session, now: datetime) -> list[AreaSilence]:
    """Those that have not ended, by counter, and the last one, above which the counter goes on."""
    is_last = col(SilenceRow.counter) == highest_counter(session)
    found = select(SilenceRow).where(or_(col(SilenceRow.until_at) > now, is_last))
    found = found.order_by(col(SilenceRow.counter))
    return [_silence(row) for row in session.exec(found)]


def _row(one: AreaSilence) -> Row:
    silence = one.silence
    return {
        "id": silence.id,
        "counter": silence.counter,
        "area_id": one.area,
        "from_at": silence.from_at,
        "until_at": silence.until_at,
        "issued_at": silence.issued_at,
        "authority": silence.authority,
        "by": silence.by,
    }


def _silence(row: SilenceRow) -> AreaSilence:
    silence = Silence(
        id=SilenceId(row.id),
        counter=row.counter,
        from_at=row.from_at,
        until_at=row.until_at,
        issued_at=row.issued_at,
        authority=row.authority,
        by=row.by,
    )
    return AreaSilence(AreaId(row.area_id), silence)
