"""Genuine messages to test with."""

from datetime import UTC, datetime

from loa.protocol.broadcast import Broadcast, Entry, RecordingSource, approve
from loa.protocol.ids import AreaId, RecordingId
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Programme, Urgent
from loa.protocol.units import DurationMs, SizeBytes
from loa.protocol.when import When

AREA = AreaId("lang-cong")
NOW = datetime(2026, 6, 11, 9, 42, tzinfo=UTC)


def make_broadcast(title: str = "Lịch tiêm phòng đợt 2") -> Broadcast:
    return Broadcast(
        bulletin="b1",
        created_at=NOW,
        title=title,
        field="y-te",
        class_=BroadcastClass.NORMAL,
        source=RecordingSource(
            recording=RecordingId("a" * 64), duration_ms=DurationMs(25_000), size_bytes=SizeBytes(100_000)
        ),
        audience=(AREA,),
        when=When(start_local="2026-06-11T17:30"),
        issuer=AREA,
        authority=20,
        not_after_ms=DurationMs(600_000),
        last_end_ms=DurationMs(1_800_000),
    )


def make_entry(key: SigningKey, title: str = "Lịch tiêm phòng đợt 2") -> Entry:
    broadcast = make_broadcast(title)
    approval = approve(broadcast, approver="hoa", approved_at=NOW, key=key)
    return Entry(document=broadcast.to_bytes().decode(), approvals=(approval,), issued_at=NOW)


def make_urgent(key: SigningKey, version: int = 1) -> Urgent:
    return Urgent(area=AREA, version=version, issued_at=NOW, entries=(make_entry(key),))


def make_programme(key: SigningKey) -> Programme:
    return Programme(area=AREA, version=1, issued_at=NOW, entries=(make_entry(key),))


def ring(*keys: SigningKey) -> KeyRing:
    return KeyRing(key.public for key in keys)
