"""Which recording stands for which standing message."""

from datetime import datetime

from sqlmodel import Session, col, select

from loa.controller.store.tables import RecordingRow, StandingRow
from loa.protocol.broadcast import RecordingSource
from loa.protocol.ids import RecordingId
from loa.protocol.kinds import StandingMessage
from loa.protocol.units import DurationMs, SizeBytes


def standing_rows(session: Session) -> list[StandingRow]:
    """All that have a recording, by name."""
    return list(session.exec(select(StandingRow).order_by(col(StandingRow.name))))


def standing_sources(session: Session) -> dict[StandingMessage, RecordingSource]:
    """As nodes are told of them."""
    found = select(StandingRow.name, RecordingRow).where(StandingRow.recording == RecordingRow.sha256)
    return {
        StandingMessage(name): RecordingSource(
            recording=RecordingId(row.sha256),
            duration_ms=DurationMs(row.duration_ms),
            size_bytes=SizeBytes(row.size_bytes),
        )
        for name, row in session.exec(found.order_by(col(StandingRow.name)))
    }


def is_standing(session: Session, recording: RecordingId) -> bool:
    """Whether the recording stands for a message."""
    return (
        session.exec(select(StandingRow.name).where(StandingRow.recording == recording)).first() is not None
    )


def set_standing(
    session: Session, name: StandingMessage, recording: RecordingId, *, by: str, at: datetime
) -> StandingRow:
    """Let a recording, which must exist, stand for a message."""
    row = session.merge(StandingRow(name=name.value, recording=recording, changed_by=by, changed_at=at))
    session.flush()
    return row
