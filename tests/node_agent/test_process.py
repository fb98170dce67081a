"""A real agent as a process, with a real broker, and with neither."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loa.audio.find import Signal, decode
from loa.node_agent.adapters.enrolment import ENROLMENT_FILE
from loa.protocol.broadcast import RecordingSource
from loa.protocol.codec import encode
from loa.protocol.ids import OccurrenceId, RecordingId, occurrence_id
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Programme
from loa.protocol.reasons import Reason, RefusalReason
from loa.protocol.reports import PlayReport
from loa.protocol.topics import Channel, Topic
from tests.node_agent.makers import (
    AREA,
    KEY,
    make_broadcast,
    make_config,
    make_entry,
    make_programme,
    make_silence,
    make_source,
    make_urgent,
    seconds,
)
from tests.node_agent.processes import RATE_HZ, NodeProcess, make_sound
from tests.node_agent.station import Station
from tests.waiting import wait_for

pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]

LONG_S = 30
"""Longer than an agent takes to start on a busy machine."""
NEAR = timedelta(milliseconds=500)
"""A slow, busy machine opens a decoder late; where a sound then is heard is exact all the same."""


@dataclass
class Village:
    """One node and a controller's side, with a short sound and a long one."""

    station: Station
    node: NodeProcess
    short: RecordingId
    long: RecordingId
    short_signal: Signal
    long_signal: Signal
    sizes: dict[RecordingId, int]

    def programme(
        self, now: datetime, *starts_at: datetime, version: int = 1, rrule: str | None = None
    ) -> Programme:
        entries = [
            make_entry(
                make_broadcast(
                    start_at,
                    rrule=rrule,
                    source=make_source(self.short, duration_ms=4_000, size_bytes=self.sizes[self.short]),
                ),
                issued_at=now,
            )
            for start_at in starts_at
        ]
        return make_programme(*entries, version=version, issued_at=now)

    def get_ready(self) -> None:
        """Start the node, and let it hold both recordings and know its areas."""
        self.node.start()
        now = whole_second()
        self.station.configure(make_config(issued_at=now))
        programme = self.programme(now, now + timedelta(days=5))
        alarm = make_entry(make_broadcast(now + timedelta(days=5), source=self.long_source()), issued_at=now)
        self.station.issue(make_programme(*programme.entries, alarm, issued_at=now))
        for recording in (self.short, self.long):
            self.holds(f"event=fetched recording={recording}")

    def long_source(self) -> RecordingSource:
        return make_source(self.long, duration_ms=LONG_S * 1_000, size_bytes=self.sizes[self.long])

    def outcome(self, occurrence: OccurrenceId) -> PlayReport:
        return wait_for(
            lambda: self.station.play_report(occurrence), what=f"a report on {occurrence}", within_s=90
        )

    def holds(self, event: str) -> None:
        """Until the agent's log says so."""
        wait_for(lambda: event in self.node.log.read_text(), what=f"{event} in the log", within_s=90)


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    key = SigningKey.generate()
    station, node = Station(tmp_path, node_key=key), NodeProcess(tmp_path, node_key=key)
    station.start()
    node.enrol(host=station.broker.host, port=station.broker.port, base_url=station.base_url)
    short, long = make_sound(tmp_path, seconds=4, seed=1), make_sound(tmp_path, seconds=LONG_S, seed=2)
    names = station.serve_recording(short), station.serve_recording(long)
    signals = decode(tmp_path / "sound-1.ogg", RATE_HZ), decode(tmp_path / "sound-2.ogg", RATE_HZ)
    yield Village(station, node, *names, *signals, dict(zip(names, map(len, (short, long)), strict=True)))
    node.close()
    station.close()


def whole_second() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def first(programme: Programme, start_at: datetime, number: int = 0) -> OccurrenceId:
    return occurrence_id(programme.entries[number].id, start_at)


def test_a_node_plays_without_broker_and_controller_and_over_kill_9(village: Village) -> None:
    station, node = village.station, village.node
    village.get_ready()
    now = whole_second()
    start_at = now + seconds(8)
    broadcast = make_broadcast(start_at, source=village.long_source())
    station.issue(make_programme(make_entry(broadcast, issued_at=now), version=2, issued_at=now))
    village.holds("what=programme area=lang-cong version=2")
    station.stop()
    village.holds("event=began")
    wait_for(lambda: datetime.now(UTC) > start_at + seconds(2), what="the sound is under way")
    node.kill()
    node.start()
    wait_for(
        lambda: datetime.now(UTC) > start_at + seconds(LONG_S + 1), what="the sound is over", within_s=60
    )

    station.start()
    report = village.outcome(occurrence_id(broadcast.id, start_at))

    assert report.outcome in {Reason.PARTLY, Reason.COMPLETE}, "the restart took its time"
    assert len(report.pieces) == 2
    again = report.pieces[1]
    by_the_clock = timedelta(milliseconds=again.offset_ms) - (again.from_at - start_at)
    assert abs(by_the_clock) < NEAR
    rest = village.long_signal[(LONG_S - 3) * RATE_HZ : (LONG_S - 1) * RATE_HZ]
    heard = node.hears(rest, again.from_at, start_at + seconds(LONG_S))
    assert [abs(at - start_at - seconds(LONG_S - 3)) < NEAR for at in heard] == [True]
    assert [r.number for r in station.told()] == list(range(1, len(station.reports) + 1))


def test_forged_damaged_and_old_messages_do_not_sound_but_the_genuine_one_after_them_does(
    village: Village,
) -> None:
    station, node = village.station, village.node
    village.get_ready()
    now = whole_second()
    first_at = now + seconds(12)
    station.issue(village.programme(now, first_at, version=2))
    source = village.long_source()
    topic = Topic(Channel.URGENT, AREA)

    def alarm(version: int, key: SigningKey = KEY) -> bytes:
        issued_at = datetime.now(UTC)
        broadcast = make_broadcast(whole_second(), source=source, class_=BroadcastClass.EMERGENCY)
        entry = make_entry(broadcast, issued_at=issued_at, key=key)
        return encode(topic, make_urgent(entry, version=version, issued_at=issued_at), key)

    station.urge(make_urgent(version=5, issued_at=now))
    station.publish(str(topic), alarm(6, SigningKey.generate()))
    damaged = bytearray(alarm(7))
    damaged[len(damaged) // 2] ^= 1
    station.publish(str(topic), bytes(damaged))
    station.publish(str(topic), alarm(4))
    reasons = [RefusalReason.UNKNOWN_KEY, RefusalReason.BAD_SIGNATURE, RefusalReason.STALE]
    wait_for(lambda: len(station.refusals()) >= 3, what="three refusals")
    assert [report.reason for report in station.refusals()] == reasons

    assert village.outcome(first(village.programme(now, first_at), first_at)).outcome is Reason.COMPLETE
    heard = node.hears(village.short_signal, now, first_at + seconds(6))
    assert [abs(at - first_at) < NEAR for at in heard] == [True]
    assert not node.hears(village.long_signal[: 4 * RATE_HZ], now, first_at + seconds(6))


def test_a_daily_broadcast_sounds_on_the_following_day_with_nobody_to_send_it(village: Village) -> None:
    station, node = village.station, village.node
    village.get_ready()
    now = whole_second()
    first_at = now + seconds(6)
    programme = village.programme(now, first_at, version=2, rrule="FREQ=DAILY")
    station.issue(programme)
    assert village.outcome(first(programme, first_at)).outcome is Reason.COMPLETE
    node.kill()
    station.stop()
    due_at = first_at + timedelta(days=1)
    node.start(at=due_at - seconds(25))
    village.holds(f"event=over occurrence={first(programme, due_at)} outcome=complete")
    heard = node.hears(village.short_signal, due_at - seconds(2), due_at + seconds(6))
    assert [abs(at - due_at) < NEAR for at in heard] == [True]
    station.start()
    assert village.outcome(first(programme, due_at)).outcome is Reason.COMPLETE
    plays = [report for report in station.told() if isinstance(report, PlayReport)]
    assert len(plays) == 2


def test_an_alarm_sounds_at_once_and_a_stop_ends_it(village: Village) -> None:
    station = village.station
    village.get_ready()
    issued_at = whole_second()
    alarm = make_broadcast(issued_at, source=village.long_source(), class_=BroadcastClass.EMERGENCY)
    station.urge(make_urgent(make_entry(alarm, issued_at=issued_at), issued_at=issued_at))
    village.holds("event=began")
    sent_at = datetime.now(UTC)
    wait_for(lambda: datetime.now(UTC) > sent_at + seconds(2), what="it sounds for a while")
    stopped_at = datetime.now(UTC)
    silence = make_silence(stopped_at, stopped_at + timedelta(hours=1), authority=20)
    station.urge(make_urgent(version=2, issued_at=stopped_at, silences=(silence,)))

    report = village.outcome(occurrence_id(alarm.id, issued_at))
    assert report.outcome is Reason.SILENCED
    assert report.by == silence.id
    assert report.late_ms < 3_000
    assert report.pieces[-1].to_at < stopped_at + seconds(3)


def test_it_runs_over_ipv6_and_stops_politely(tmp_path: Path) -> None:
    key = SigningKey.generate()
    station, node = Station(tmp_path, node_key=key, host="::1"), NodeProcess(tmp_path, node_key=key)
    try:
        station.start()
        node.enrol(host="[::1]", port=station.broker.port, base_url=station.base_url)
        node.start()
        said = station.came.get(timeout=90)
        assert said[0] is Channel.HELLO
        assert node.stop(within_s=10) == 0, "it takes 0.3 s on an idle machine"
    finally:
        node.close()
        station.close()


def test_an_agent_that_is_not_enrolled_says_what_to_do(tmp_path: Path) -> None:
    node = NodeProcess(tmp_path, node_key=SigningKey.generate())
    node.start()
    wait_for(lambda: "loa-node enrol" in node.log.read_text(), what="the advice", within_s=90)
    assert node.ends() == 1
    assert not (node.data / ENROLMENT_FILE).exists()
