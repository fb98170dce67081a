"""A real agent whose card locks itself, fills up, or whose power is cut in mid-item."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.sounding import CHECKPOINT_S
from loa.protocol.ids import occurrence_id
from loa.protocol.keys import SigningKey
from loa.protocol.programme import NodeSettings, Programme
from loa.protocol.reasons import ProblemCode, Reason
from loa.protocol.units import DurationMs, SizeBytes
from tests.node_agent.makers import (
    make_broadcast,
    make_config,
    make_entry,
    make_programme,
    make_source,
    seconds,
)
from tests.node_agent.mounts import Card, card, fill, skip_without_cards
from tests.node_agent.processes import NodeProcess, make_sound
from tests.node_agent.station import Station
from tests.waiting import wait_for

pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]

SOUND_S = 24


class Pole:
    """A node whose data is on a card, and the controller's side."""

    def __init__(self, folder: Path, plugged: Card) -> None:
        key = SigningKey.generate()
        self.card = plugged
        self.station, self.node = Station(folder, node_key=key), NodeProcess(plugged.at, node_key=key)
        self.node.wav, self.node.log = folder / "heard.wav", folder / "node.log"
        self.node.sink = f"wav:{self.node.wav}"
        self.station.start()
        self.node.enrol(
            host=self.station.broker.host, port=self.station.broker.port, base_url=self.station.base_url
        )
        os.sync()  # the agent alone is to answer for what it writes from now on
        content = make_sound(folder, seconds=SOUND_S, seed=3)
        self.source = make_source(
            self.station.serve_recording(content), duration_ms=SOUND_S * 1_000, size_bytes=len(content)
        )

    def get_ready(self) -> None:
        """Start, and let the node hold the sound."""
        self.node.start()
        now = datetime.now(UTC)
        small = NodeSettings(fetch_jitter_ms=DurationMs(0), recordings_reserve_bytes=SizeBytes(0))
        self.station.configure(make_config(issued_at=now, settings=small))
        self.station.issue(self.programme(now + seconds(86_400), version=1))
        self.holds("event=fetched")

    def programme(self, start_at: datetime, *, version: int) -> Programme:
        broadcast = make_broadcast(start_at.replace(microsecond=0), source=self.source)
        now = datetime.now(UTC)
        return make_programme(make_entry(broadcast, issued_at=now), version=version, issued_at=now)

    def holds(self, event: str) -> None:
        wait_for(lambda: event in self.node.log.read_text(), what=f"{event} in the log", within_s=90)

    def journal(self) -> Path:
        (path,) = self.node.data.glob("*.db")
        return path

    def close(self) -> None:
        self.node.close()
        self.station.close()


@pytest.fixture
def pole(tmp_path: Path) -> Iterator[Pole]:
    skip_without_cards(tmp_path)
    with card(tmp_path) as plugged:
        pole = Pole(tmp_path, plugged)
        yield pole
        pole.close()


@pytest.mark.parametrize("trouble", [ProblemCode.DISK_READ_ONLY, ProblemCode.DISK_FULL])
def test_an_agent_starts_on_a_disk_that_takes_nothing_plays_what_comes_and_tells(
    pole: Pole, trouble: ProblemCode
) -> None:
    pole.get_ready()
    assert pole.node.stop() == 0
    if trouble is ProblemCode.DISK_FULL:
        fill(pole.card.at)
    else:
        pole.card.lock()
    pole.node.start()
    start_at = (datetime.now(UTC) + seconds(8)).replace(microsecond=0)
    programme = pole.programme(start_at, version=2)
    pole.station.issue(programme)
    occurrence = occurrence_id(programme.entries[0].id, start_at)
    report = wait_for(lambda: pole.station.play_report(occurrence), what="the report", within_s=90)
    assert report.outcome is Reason.COMPLETE
    wait_for(lambda: trouble in {one.code for one in pole.station.problems()}, what="the trouble is told")
    assert len({journal for journal, _ in pole.station.reports}) <= 2, "the disk's, and the one in memory"
    assert pole.node.stop() == 0


def test_after_kill_9_the_position_on_disk_is_at_most_ten_seconds_old_and_the_rest_is_played(
    pole: Pole,
) -> None:
    pole.get_ready()
    start_at = (datetime.now(UTC) + seconds(6)).replace(microsecond=0)
    programme = pole.programme(start_at, version=2)
    pole.station.issue(programme)
    pole.holds("event=began")
    wait_for(lambda: datetime.now(UTC) > start_at + seconds(CHECKPOINT_S + 3), what="a checkpoint is due")
    pole.node.kill()
    killed_at = datetime.now(UTC)
    disk = SqliteDisk(pole.journal(), looks_only=True)
    occurrence = occurrence_id(programme.entries[0].id, start_at)
    going = disk.recall().plays[occurrence].going
    disk.close()
    assert going is not None
    assert seconds(0) < killed_at - going.to_at < seconds(CHECKPOINT_S + 1)

    pole.node.start()
    report = wait_for(lambda: pole.station.play_report(occurrence), what="the report", within_s=90)
    first, *rest = report.pieces
    assert first.to_at == going.to_at
    assert report.outcome in {Reason.PARTLY, Reason.COMPLETE}
    assert sum(((one.to_at - one.from_at) for one in (first, *rest)), seconds(0)) < seconds(SOUND_S)
    assert len(rest) == 1


def test_an_item_that_was_over_when_the_power_came_back_is_closed_with_what_sounded(pole: Pole) -> None:
    pole.get_ready()
    start_at = (datetime.now(UTC) + seconds(6)).replace(microsecond=0)
    programme = pole.programme(start_at, version=2)
    pole.station.issue(programme)
    pole.holds("event=began")
    wait_for(lambda: datetime.now(UTC) > start_at + seconds(CHECKPOINT_S + 3), what="a checkpoint is due")
    pole.card.cut()
    pole.node.kill()
    pole.card.lose_power()
    wait_for(lambda: datetime.now(UTC) > start_at + seconds(SOUND_S), what="it is over", within_s=60)
    pole.card.plug_in()
    pole.node.start()
    occurrence = occurrence_id(programme.entries[0].id, start_at)
    report = wait_for(lambda: pole.station.play_report(occurrence), what="the report", within_s=90)
    assert report.outcome is Reason.PARTLY
    (piece,) = report.pieces
    assert abs(piece.from_at - start_at) < seconds(1)
    assert CHECKPOINT_S * 1_000 - 1_500 <= report.played_ms <= (CHECKPOINT_S + 5) * 1_000
