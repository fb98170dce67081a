"""Genuine entries, programmes and configurations to test a node with."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from loa.protocol.broadcast import Broadcast, Entry, RecordingSource, approve
from loa.protocol.ids import AreaId, BroadcastId, NodeId, RecordingId, SilenceId, WithdrawalId
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.kinds import AfterInterruption, BroadcastClass, Late
from loa.protocol.policy import Policy
from loa.protocol.programme import Config, NodeSettings, Programme, Silence, Urgent, Withdrawal
from loa.protocol.units import DurationMs, SizeBytes
from loa.protocol.when import When
from loa.schedules.policy import open_policy

TZ = "Asia/Ho_Chi_Minh"
NODE = NodeId("cum-01")
AREA, OWN = AreaId("lang-cong"), AreaId("cum-01")
NOON = datetime(2026, 6, 11, 5, 0, tzinfo=UTC)
"""12:00 in Lãng Công."""
KEY = SigningKey.generate()
RING = KeyRing([KEY.public])
SOUND = RecordingId("a" * 64)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def local(at: datetime) -> str:
    return at.astimezone(ZoneInfo(TZ)).strftime("%Y-%m-%dT%H:%M:%S")


def make_source(
    recording: RecordingId = SOUND, *, duration_ms: int = 60_000, size_bytes: int = 1_000
) -> RecordingSource:
    return RecordingSource(
        recording=recording, duration_ms=DurationMs(duration_ms), size_bytes=SizeBytes(size_bytes)
    )


def make_broadcast(
    start_at: datetime,
    *,
    title: str = "Lịch tiêm phòng",
    source: RecordingSource | None = None,
    class_: BroadcastClass = BroadcastClass.NORMAL,
    rrule: str | None = None,
    audience: tuple[AreaId, ...] = (AREA,),
    authority: int = 20,
    late: Late = Late.WHOLE,
    after_interruption: AfterInterruption = AfterInterruption.RESUME,
    not_after_ms: int = 600_000,
    last_end_ms: int = 1_800_000,
) -> Broadcast:
    return Broadcast(
        bulletin="b1",
        created_at=NOON,
        title=title,
        field="y-te",
        class_=class_,
        source=source or make_source(),
        audience=audience,
        when=When(tz=TZ, start_local=local(start_at), rrule=rrule),
        issuer=AREA,
        authority=authority,
        not_after_ms=DurationMs(not_after_ms),
        last_end_ms=DurationMs(last_end_ms),
        late=late,
        after_interruption=after_interruption,
    )


def make_entry(broadcast: Broadcast, *, issued_at: datetime = NOON, key: SigningKey = KEY) -> Entry:
    approval = approve(broadcast, approver="hoa", approved_at=issued_at, key=key)
    return Entry(document=broadcast.to_bytes().decode(), approvals=(approval,), issued_at=issued_at)


def make_programme(
    *entries: Entry,
    version: int = 1,
    issued_at: datetime = NOON,
    area: AreaId = AREA,
    order: dict[BroadcastId, int] | None = None,
    withdrawals: tuple[Withdrawal, ...] = (),
    silences: tuple[Silence, ...] = (),
) -> Programme:
    return Programme(
        area=area,
        version=version,
        issued_at=issued_at,
        entries=entries,
        order=order or {},
        withdrawals=withdrawals,
        silences=silences,
    )


def make_urgent(
    *entries: Entry,
    version: int = 1,
    issued_at: datetime = NOON,
    withdrawals: tuple[Withdrawal, ...] = (),
    silences: tuple[Silence, ...] = (),
) -> Urgent:
    return Urgent(
        area=AREA,
        version=version,
        issued_at=issued_at,
        entries=entries,
        withdrawals=withdrawals,
        silences=silences,
    )


def make_silence(from_at: datetime, until_at: datetime, *, number: int = 1, authority: int = 20) -> Silence:
    return Silence(
        id=SilenceId(f"{number:032x}"),
        counter=number,
        from_at=from_at,
        until_at=until_at,
        issued_at=from_at,
        authority=authority,
        by="hoa",
    )


def make_withdrawal(target: str, issued_at: datetime, *, number: int = 1) -> Withdrawal:
    return Withdrawal(id=WithdrawalId(f"{number:032x}"), target=target, issued_at=issued_at, by="hoa")


def make_config(
    *,
    version: int = 1,
    issued_at: datetime = NOON,
    policy: Policy | None = None,
    areas: tuple[AreaId, ...] = (AREA, OWN),
    settings: NodeSettings | None = None,
) -> Config:
    return Config(
        node=NODE,
        version=version,
        issued_at=issued_at,
        areas=areas,
        tz=TZ,
        policy=policy or open_policy("Tests sound at any hour."),
        settings=settings or NodeSettings(fetch_jitter_ms=DurationMs(0), reconnect_jitter_ms=DurationMs(0)),
    )
