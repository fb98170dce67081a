"""Whose a recording is, and where it stands: each found by an index, however many recordings there are."""

from dataclasses import dataclass

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from loa.controller.store.recording_tables import RecordingMakerRow
from loa.controller.store.tables import BroadcastRow, BulletinRow, InboxRow, PlacementRow
from loa.controller.store.upsert import insert_new
from loa.protocol.ids import AreaId


@dataclass(frozen=True, slots=True)
class Uses:
    """Where a recording stands."""

    written: frozenset[AreaId]
    """Areas of the bulletins that name it."""
    issued: frozenset[AreaId]
    """Areas that issued it, or that have it in their inbox."""
    placed: frozenset[AreaId]
    """Areas in whose programmes it stands."""


def add_maker(session: Session, recording: str, user_id: str) -> None:
    """Note that it is this person's, too."""
    insert_new(session, RecordingMakerRow, [{"recording": recording, "user_id": user_id}])


def is_maker(session: Session, recording: str, user_id: str) -> bool:
    """Whether this person made it."""
    return session.get(RecordingMakerRow, (recording, user_id)) is not None


def uses_of(session: Session, recording: str) -> Uses:
    """Where it stands now."""
    broadcasts = select(BroadcastRow.id).where(BroadcastRow.recording == recording)
    return Uses(
        written=_areas(session, select(BulletinRow.area_id).where(BulletinRow.recording == recording)),
        issued=_areas(session, select(BroadcastRow.issuer).where(BroadcastRow.recording == recording))
        | _areas(session, select(InboxRow.area_id).where(col(InboxRow.broadcast_id).in_(broadcasts))),
        placed=_areas(
            session, select(PlacementRow.area_id).where(col(PlacementRow.broadcast_id).in_(broadcasts))
        ),
    )


def _areas(session: Session, found: SelectOfScalar[str]) -> frozenset[AreaId]:
    return frozenset(AreaId(area) for area in session.exec(found.distinct()))
