"""Broadcasts, withdrawals and silences put straight where the air side finds them."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from loa.controller.adapters.silence_journal import FileSilenceJournal
from loa.controller.ports import Clock
from loa.controller.store.database import Database, Session
from loa.controller.store.tables import (
    BroadcastRow,
    BulletinRow,
    PlacementRow,
    RecordingRow,
    UserRow,
    WithdrawalRow,
)
from loa.protocol.broadcast import Broadcast, Entry, RecordingSource, approve
from loa.protocol.ids import AreaId, BroadcastId, RecordingId, SilenceId, WithdrawalId
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Silence
from loa.protocol.units import DurationMs, SizeBytes
from loa.protocol.when import When
from loa.schedules.localtime import to_wall
from tests.controller.factories import Town

SOUND = "a" * 64


@dataclass(frozen=True, slots=True)
class Times:
    """When, from the clock's now; how long, and how late it may begin."""

    starts_in: timedelta = timedelta(hours=1)
    duration_ms: int = 25_000
    rrule: str | None = None
    authority: int = 20


class Ground(Protocol):
    """What a broadcast is put into."""

    @property
    def db(self) -> Database:
        """Where it stands."""
        ...

    @property
    def clock(self) -> Clock:
        """Of whoever approves."""
        ...

    @property
    def key(self) -> SigningKey:
        """With which the controller signs."""
        ...


def place(
    town: Ground,
    area: AreaId,
    *,
    title: str = "Lịch tiêm phòng",
    class_: BroadcastClass = BroadcastClass.NORMAL,
    times: Times | None = None,
) -> Entry:
    """An approved broadcast in the area's programme, committed, of which nobody was told."""
    times = times or Times()
    now = town.clock.now()
    broadcast = _broadcast(area, title, class_, now, times)
    approval = approve(broadcast, approver="lan", approved_at=now, key=town.key)
    entry = Entry(document=broadcast.to_bytes().decode(), approvals=(approval,), issued_at=now)
    with town.db.work() as work:
        _stand_in(work.session, area, now)
        work.session.add(_row(entry, now, now + times.starts_in, recurs=times.rrule is not None))
        work.session.flush()
        work.session.add(PlacementRow(area_id=area, broadcast_id=entry.id, issued_at=now))
    return entry


def withdraw(town: Town, broadcast: BroadcastId) -> WithdrawalId:
    """A withdrawal of the whole broadcast, everywhere, committed."""
    id_ = WithdrawalId(uuid.uuid4().hex)
    with town.db.work() as work:
        work.session.add(
            WithdrawalRow(
                id=id_, broadcast_id=broadcast, target=broadcast, issued_at=town.clock.now(), by="lan"
            )
        )
    return id_


def silence(journal: FileSilenceJournal, now: datetime, area: AreaId, minutes: int = 60) -> Silence:
    """A silence of the area, in the journal."""
    made = Silence(
        id=SilenceId(uuid.uuid4().hex),
        counter=0,
        from_at=now,
        until_at=now + timedelta(minutes=minutes),
        issued_at=now,
        authority=20,
        by="lan",
    )
    return journal.append(area, made).silence


def _broadcast(area: AreaId, title: str, class_: BroadcastClass, now: datetime, times: Times) -> Broadcast:
    source = RecordingSource(
        recording=RecordingId(SOUND), duration_ms=DurationMs(times.duration_ms), size_bytes=SizeBytes(9_000)
    )
    wall = to_wall(now + times.starts_in, "Asia/Ho_Chi_Minh")
    return Broadcast(
        bulletin="b1",
        created_at=now,
        title=title,
        field="y-te",
        class_=class_,
        source=source,
        audience=(area,),
        when=When(start_local=wall.strftime("%Y-%m-%dT%H:%M:%S"), rrule=times.rrule),
        issuer=area,
        authority=times.authority,
        not_after_ms=DurationMs(600_000),
        last_end_ms=DurationMs(1_800_000),
    )


def _row(entry: Entry, now: datetime, start: datetime, *, recurs: bool) -> BroadcastRow:
    broadcast = entry.broadcast
    approvals = "[" + ",".join(one.to_bytes().decode() for one in entry.approvals) + "]"
    return BroadcastRow(
        id=entry.id,
        bulletin_id="b1",
        document=entry.document,
        approvals=approvals,
        issuer=broadcast.issuer,
        class_=broadcast.class_,
        authority=broadcast.authority,
        title=broadcast.title,
        field=broadcast.field,
        recording=SOUND,
        approved_by="lan",
        approved_at=now,
        first_start_at=start,
        over_at=None if recurs else start + timedelta(minutes=30),
    )


def _stand_in(session: Session, area: AreaId, now: datetime) -> None:
    """The user, recording and bulletin that a broadcast refers to."""
    if session.get(BulletinRow, "b1") is not None:
        return
    if session.get(UserRow, "lan") is None:
        session.add(UserRow(id="lan", name="Lan", created_at=now))
    session.add(
        RecordingRow(
            sha256=SOUND,
            duration_ms=25_000,
            size_bytes=9_000,
            loudness_lufs=-18.0,
            true_peak_dbtp=-2.0,
            origin="upload",
            warnings="[]",
            created_by="lan",
            created_at=now,
        )
    )
    session.flush()
    session.add(
        BulletinRow(
            id="b1",
            area_id=area,
            state="approved",
            title="Lịch tiêm phòng",
            field="y-te",
            class_="normal",
            recording=SOUND,
            plan="{}",
            created_by="lan",
            created_at=now,
            updated_by="lan",
            updated_at=now,
        )
    )
    session.flush()
