"""Bulletins and recordings in the database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, or_
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select

from loa.controller.core.bulletins import Bulletin, BulletinState, Draft, Plan
from loa.controller.store.recording_uses import add_maker
from loa.controller.store.tables import BroadcastRow, BulletinRow, RecordingRow, SpokenRow, UserRow
from loa.controller.store.upsert import Row as NewRow
from loa.controller.store.upsert import upsert
from loa.protocol.ids import AreaId, RecordingId
from loa.protocol.kinds import BroadcastClass


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on: after the thing of that instant and id."""

    at: datetime
    id: str


def read_bulletin(session: Session, bulletin_id: str) -> Bulletin | None:
    """The bulletin of that id."""
    row = session.connection().execute(_ONE, {"id": bulletin_id}).one_or_none()
    return None if row is None else _bulletin(row, _broadcasts_of(session, [row]))


def write_bulletin(session: Session, bulletin: Bulletin) -> None:
    """Insert it, or replace the one of its id."""
    draft = bulletin.draft
    row: NewRow = {
        "id": bulletin.id,
        "area_id": draft.area,
        "state": bulletin.state,
        "revision": bulletin.revision,
        "title": draft.title,
        "field": draft.field,
        "class": draft.class_,
        "text": draft.text,
        "voice": draft.voice,
        "recording": draft.recording,
        "plan": draft.plan.model_dump_json(),
        "drill": draft.drill or None,
        "comment": bulletin.comment,
        "created_by": bulletin.created_by,
        "created_at": bulletin.created_at,
        "updated_by": bulletin.updated_by,
        "updated_at": bulletin.updated_at,
        "submitted_by": bulletin.submitted_by,
        "submitted_at": bulletin.submitted_at,
    }
    session.flush()
    for kept in session:
        if isinstance(kept, BulletinRow):
            session.expire(kept)
    upsert(session, BulletinRow, [row], key=["id"], update=row.keys() - {"id"})


def delete_bulletin(session: Session, bulletin_id: str) -> None:
    """Remove it; one that became a broadcast must not be removed."""
    row = session.get(BulletinRow, bulletin_id)
    if row is not None:
        session.delete(row)


def find_bulletins(
    session: Session,
    areas: Collection[AreaId],
    *,
    state: BulletinState | None,
    created_by: str | None,
    after: Place | None,
    limit: int,
) -> list[Bulletin]:
    """Of these areas, the last changed first."""
    conditions: list[ColumnElement[bool]] = [col(BulletinRow.area_id).in_(areas)]
    if state is not None:
        conditions.append(col(BulletinRow.state) == state)
    if created_by is not None:
        conditions.append(col(BulletinRow.created_by) == created_by)
    if after is not None:
        conditions.append(older(col(BulletinRow.updated_at), col(BulletinRow.id), after))
    order = (col(BulletinRow.updated_at).desc(), col(BulletinRow.id).desc())
    rows = session.exec(select(BulletinRow).where(*conditions).order_by(*order).limit(limit)).all()
    broadcasts = _broadcasts_of(session, rows)
    return [_bulletin(row, broadcasts) for row in rows]


def count_submitted(session: Session, areas: Collection[AreaId]) -> int:
    """How many of these areas wait for a decision."""
    found = sqlalchemy.select(sqlalchemy.func.count()).where(
        col(BulletinRow.area_id).in_(areas), col(BulletinRow.state) == BulletinState.SUBMITTED
    )
    return session.connection().execute(found).scalar_one()


def older(at: Mapped[datetime], id_: Mapped[str], than: Place) -> ColumnElement[bool]:
    """What comes after `than` in a list with the newest first."""
    return or_(at < than.at, and_(at == than.at, id_ < than.id))


def name_of(session: Session, user_id: str) -> str:
    """The person's name; the id of one who is not known any more."""
    row = session.get(UserRow, user_id)
    return user_id if row is None else row.name


def read_recording(session: Session, sha256: str) -> RecordingRow | None:
    """The facts of a recording."""
    return session.get(RecordingRow, sha256)


def add_recording(session: Session, row: RecordingRow, text_sha256: str | None) -> RecordingRow:
    """Keep its facts, once, and that its maker made it; returns those kept. `text_sha256` is of its text."""
    kept = session.get(RecordingRow, row.sha256)
    if kept is None:
        session.add(row)
        session.flush()
    add_maker(session, row.sha256, row.created_by)
    if text_sha256 is not None and session.get(SpokenRow, (row.sha256, text_sha256)) is None:
        session.add(SpokenRow(recording=row.sha256, text_sha256=text_sha256))
    return kept or row


def is_spoken(session: Session, recording: str, text_sha256: str) -> bool:
    """Whether the recording is a voice that reads this text."""
    return session.get(SpokenRow, (recording, text_sha256)) is not None


def spoken_as(session: Session, text_sha256: str, origin: str) -> RecordingRow | None:
    """A recording of this origin that reads the text."""
    found = (
        select(RecordingRow)
        .join(SpokenRow, col(SpokenRow.recording) == col(RecordingRow.sha256))
        .where(SpokenRow.text_sha256 == text_sha256, RecordingRow.origin == origin)
    )
    return session.exec(found).first()


_Kept = BulletinRow | Row[*tuple[Any, ...]]
"""A bulletin as an object, or as a row, which is read in a third of the time."""

_ONE: Select[*tuple[Any, ...]] = sqlalchemy.select(
    *(col(getattr(BulletinRow, name)).label(name) for name in BulletinRow.model_fields)
).where(col(BulletinRow.id) == bindparam("id"))


def _broadcasts_of(session: Session, rows: Sequence[_Kept]) -> dict[str, str]:
    """What became of those that were approved, by their ids; without what others issued of them."""
    approved = {row.id: row.area_id for row in rows if row.state == BulletinState.APPROVED}
    if not approved:
        return {}
    columns = (col(BroadcastRow.bulletin_id), col(BroadcastRow.issuer), col(BroadcastRow.id))
    found = sqlalchemy.select(*columns).where(col(BroadcastRow.bulletin_id).in_(approved))
    return {
        bulletin: broadcast
        for bulletin, issuer, broadcast in session.connection().execute(found)
        if issuer == approved[bulletin]
    }


def _bulletin(row: _Kept, broadcasts: Mapping[str, str]) -> Bulletin:
    return Bulletin(
        id=row.id,
        revision=row.revision,
        state=BulletinState(row.state),
        draft=Draft(
            area=AreaId(row.area_id),
            title=row.title,
            field=row.field,
            class_=BroadcastClass(row.class_),
            text=row.text,
            voice=row.voice,
            recording=None if row.recording is None else RecordingId(row.recording),
            plan=Plan.model_validate_json(row.plan),
            drill=bool(row.drill),
        ),
        comment=row.comment,
        created_by=row.created_by,
        created_at=row.created_at,
        updated_by=row.updated_by,
        updated_at=row.updated_at,
        submitted_by=row.submitted_by,
        submitted_at=row.submitted_at,
        broadcast=broadcasts.get(row.id),
    )
