"""What a play report says of how far its occurrence came."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from loa.audio.evidence import BANDS, RENDERED, Bands
from loa.audio.levels import MOST_STRETCHES
from loa.audio.mixer import Samples
from loa.node_agent.telling import MOST_REPORTS
from loa.node_agent.witness import Listener
from loa.protocol.codec import encode
from loa.protocol.ids import JournalId, NodeId, RecordingId, occurrence_id
from loa.protocol.keys import SigningKey
from loa.protocol.reasons import ProblemCode, Reason
from loa.protocol.reports import Evidence, Levels, PlayReport, Reports, Sensed
from loa.protocol.topics import Channel, Topic
from tests.audio.support import noise
from tests.fakes.ear import FakeEar, FakeSound
from tests.node_agent.makers import (
    NOON,
    SOUND,
    make_broadcast,
    make_config,
    make_entry,
    make_programme,
    make_silence,
    make_source,
    make_urgent,
    minutes,
    seconds,
)
from tests.node_agent.rig import World

MISSING = RecordingId("d" * 64)


@dataclass
class Deaf:
    """An ear that captures nothing but silence, of a node whose recordings are noise."""

    world: World
    opened: list[FakeSound] = field(default_factory=list)
    hangs: bool = False

    def open(self, _path: Path, first_frame: int) -> FakeSound:
        self.opened.append(FakeSound(self.recorded(), first_frame))
        self.opened[-1].hangs = self.hangs
        return self.opened[-1]

    def recorded(self) -> Samples:
        return noise(60)

    def silence(self, _at_ns: int) -> Bands | None:
        return np.zeros(BANDS, np.float32)


@pytest.fixture
def deaf(tmp_path: Path) -> Deaf:
    deaf = Deaf(World(tmp_path, NOON))
    ear = FakeEar(deaf.silence)
    deaf.world.listeners = [Listener(name="rendered", ear=ear, limits=RENDERED, is_chosen=True)]
    deaf.world.open_sound = deaf.open
    deaf.world.restart()
    deaf.world.configure(make_config())
    deaf.world.offer(SOUND)
    return deaf


def test_what_no_ear_measured_is_neither_good_nor_bad(tmp_path: Path) -> None:
    world = World(tmp_path, NOON)
    world.configure(make_config())
    world.offer(SOUND)
    world.go(NOON + seconds(10))
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1)))))
    world.go(NOON + minutes(3))
    (report,) = world.plays()
    evidence = report.evidence
    assert evidence is not None
    assert (evidence.verified, evidence.decoded, evidence.rendered, evidence.heard) == (
        True,
        True,
        None,
        None,
    )
    assert evidence.delivered_at == NOON + seconds(10)


def test_a_silent_output_is_in_the_report_and_a_problem(deaf: Deaf) -> None:
    world = deaf.world
    broadcast = make_broadcast(NOON + minutes(1))
    world.issue(make_programme(make_entry(broadcast)))
    world.go(NOON + minutes(3))
    (report,) = world.plays()
    assert report.outcome is Reason.COMPLETE
    assert report.evidence is not None
    assert report.evidence.rendered is False
    by = report.evidence.rendered_by
    assert by is not None
    assert (by.judged, by.passed, by.level_db) == (60, 0, -120)
    levels = report.evidence.levels
    assert levels is not None
    assert (levels.every_s, len(levels.recorded), levels.rendered, levels.heard) == (
        1,
        60,
        (-120,) * 60,
        None,
    )
    assert set(levels.recorded) <= set(range(-40, -10)), "it is noise"
    (problem,) = world.problems()
    assert problem.code is ProblemCode.NOT_RENDERED
    assert problem.occurrence == occurrence_id(broadcast.id, NOON + minutes(1))


def test_a_batch_of_reports_with_all_that_ears_can_tell_fits_on_its_topic() -> None:
    row = (-120,) * MOST_STRETCHES
    by = Sensed(judged=86_400, passed=86_400, correlation=-0.999, level_db=-119.9, delay_ms=1_200)
    evidence = Evidence(
        delivered_at=NOON,
        verified=True,
        decoded=True,
        rendered=False,
        rendered_by=by,
        heard=False,
        heard_by=by,
        levels=Levels(every_s=2_048, recorded=row, rendered=row, heard=row),
    )
    occurrence = occurrence_id(make_broadcast(NOON).id, NOON)
    report = PlayReport(
        number=2**52, occurrence=occurrence, planned_at=NOON, outcome=Reason.COMPLETE, evidence=evidence
    )
    node = NodeId("cum-nha-van-hoa")
    batch = Reports(node=node, journal_id=JournalId("a" * 32), reports=(report,) * MOST_REPORTS)
    assert encode(Topic(Channel.REPORTS, node), batch, SigningKey.generate())


def test_a_report_is_never_lost_to_evidence_and_comes_soon(deaf: Deaf) -> None:
    world = deaf.world
    deaf.hangs = True
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1)))))
    world.go(NOON + minutes(2) + seconds(2))
    assert not world.plays()
    world.go(NOON + minutes(2) + seconds(6))
    (report,) = world.plays()
    assert report.outcome is Reason.COMPLETE
    assert report.evidence is not None
    assert report.evidence.rendered is None


def test_how_far_it_came_is_told_of_what_did_not_sound_as_well(deaf: Deaf) -> None:
    world = deaf.world
    absent = make_broadcast(NOON + minutes(1), source=make_source(MISSING), not_after_ms=10_000)
    refused = make_broadcast(NOON + minutes(5))
    world.issue(make_programme(make_entry(absent), make_entry(refused)))
    world.urge(make_urgent(silences=(make_silence(NOON + minutes(4), NOON + minutes(8)),)))
    world.go(NOON + minutes(9))
    told = {report.outcome: report.evidence for report in world.plays()}
    assert told == {
        Reason.SOUND_MISSING: Evidence(verified=False, decoded=False),
        Reason.SILENCED: Evidence(delivered_at=NOON, verified=True),
    }


def test_an_ear_that_somebody_chose_and_that_fails_is_a_problem_once(deaf: Deaf) -> None:
    (listener,) = deaf.world.listeners
    assert isinstance(listener.ear, FakeEar)
    deaf.world.go(NOON + seconds(5))
    listener.ear.trouble = "parec ended by itself (1)"
    deaf.world.go(NOON + seconds(20))
    (problem,) = deaf.world.problems()
    assert (problem.code, problem.detail) == (ProblemCode.EAR_FAILED, "rendered: parec ended by itself (1)")
