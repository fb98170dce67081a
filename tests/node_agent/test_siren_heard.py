"""A real agent that lacks the sound of an emergency: what is heard, judged by the samples alone."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loa.audio.find import Signal, decode, level_dbfs
from loa.protocol.broadcast import Entry
from loa.protocol.ids import RecordingId, occurrence_id, sha256_hex
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass, StandingMessage
from loa.protocol.reasons import Reason
from loa.protocol.reports import PlayReport
from tests.node_agent.makers import make_broadcast, make_config, make_entry, make_source, make_urgent, seconds
from tests.node_agent.processes import RATE_HZ, NodeProcess, make_sound
from tests.node_agent.station import Station
from tests.waiting import wait_for

pytestmark = [pytest.mark.flow, pytest.mark.timeout(200)]

SIREN_S, MESSAGE_S = 3, 4
NEAR = timedelta(milliseconds=500)
"""A slow, busy machine opens a decoder late."""


@dataclass
class Pole:
    """A node that holds the standing siren, and an emergency's sound that nobody serves yet."""

    station: Station
    node: NodeProcess
    siren: Signal
    message: Signal
    siren_name: RecordingId
    content: bytes
    siren_bytes: int

    def alarm(self, recording: RecordingId, duration_s: int, size_bytes: int) -> Entry:
        """Begins now."""
        now = datetime.now(UTC).replace(microsecond=0)
        source = make_source(recording, duration_ms=duration_s * 1_000, size_bytes=size_bytes)
        broadcast = make_broadcast(now, source=source, class_=BroadcastClass.EMERGENCY)
        return make_entry(broadcast, issued_at=now)

    def urge(self, entry: Entry) -> None:
        self.station.urge(make_urgent(entry, issued_at=entry.issued_at))

    def report_on(self, entry: Entry) -> PlayReport:
        name = occurrence_id(entry.id, entry.issued_at)
        return wait_for(lambda: self.station.play_report(name), what=f"a report on {name}", within_s=90)

    def logs(self, event: str) -> None:
        wait_for(lambda: event in self.node.log.read_text(), what=f"{event} in the log", within_s=90)


@pytest.fixture
def pole(tmp_path: Path) -> Iterator[Pole]:
    key = SigningKey.generate()
    station, node = Station(tmp_path, node_key=key), NodeProcess(tmp_path, node_key=key)
    station.start()
    node.enrol(host=station.broker.host, port=station.broker.port, base_url=station.base_url)
    siren, message = (
        make_sound(tmp_path, seconds=SIREN_S, seed=5),
        make_sound(tmp_path, seconds=MESSAGE_S, seed=6),
    )
    name = station.serve_recording(siren)
    signals = decode(tmp_path / "sound-5.ogg", RATE_HZ), decode(tmp_path / "sound-6.ogg", RATE_HZ)
    node.start()
    now = datetime.now(UTC).replace(microsecond=0)
    source = make_source(name, duration_ms=SIREN_S * 1_000, size_bytes=len(siren))
    config = make_config(issued_at=now).model_copy(update={"standing": {StandingMessage.SIREN: source}})
    station.configure(config)
    found = Pole(station, node, *signals, name, message, len(siren))
    found.logs("event=siren_ready")
    yield found
    node.close()
    station.close()


def test_the_siren_sounds_until_the_sound_has_come_and_that_begins_at_its_beginning(pole: Pole) -> None:
    alarm = pole.alarm(RecordingId(sha256_hex(pole.content)), MESSAGE_S, len(pole.content))
    pole.urge(alarm)
    pole.logs("event=siren_began")
    wait_for(lambda: datetime.now(UTC) > alarm.issued_at + seconds(7), what="two rounds of the siren")
    pole.station.serve_recording(pole.content)
    report = pole.report_on(alarm)

    (piece,) = report.pieces
    assert (report.outcome, piece.offset_ms) == (Reason.COMPLETE, 0)
    assert report.played_ms >= MESSAGE_S * 1_000 - 200
    until = piece.to_at + seconds(2)
    wait_for(lambda: datetime.now(UTC) > until + seconds(1), what="it is over")
    heard = pole.node.hears(pole.message, alarm.issued_at, until)
    assert [abs(at - piece.from_at) < NEAR for at in heard] == [True]
    rounds = sorted(pole.node.hears(pole.siren, alarm.issued_at, until))
    assert len(rounds) >= 2, "it goes round"
    apart = [later - earlier for earlier, later in itertools.pairwise(rounds)]
    assert all(abs(one - seconds(SIREN_S)) < NEAR / 10 for one in apart)
    assert pole.node.hears(pole.siren, piece.from_at, until) == [], "no siren over or after the message"
    siren_from = rounds[0]
    assert abs((piece.from_at - siren_from).total_seconds() * 1_000 - report.siren_ms) < 1_000
    gap = pole.node.heard(piece.from_at - seconds(1), piece.from_at - seconds(0.3))
    assert level_dbfs(gap) > -40, "the siren holds on until the message begins"
    assert level_dbfs(pole.node.heard(piece.to_at + seconds(0.3), until)) < -60


def test_a_standing_message_is_broadcast_at_once_and_nothing_is_fetched_for_it(pole: Pole) -> None:
    fetched = [path for path, _ in pole.station.asked if "/recordings/" in path]
    alarm = pole.alarm(pole.siren_name, SIREN_S, pole.siren_bytes)
    pole.station.bodies.clear()
    pole.urge(alarm)
    report = pole.report_on(alarm)
    assert (report.outcome, report.siren_ms) == (Reason.COMPLETE, 0)
    assert len(pole.node.hears(pole.siren, alarm.issued_at, report.pieces[-1].to_at + seconds(1))) == 1
    assert [path for path, _ in pole.station.asked if "/recordings/" in path] == fetched
