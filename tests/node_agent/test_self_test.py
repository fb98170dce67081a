"""The self-test of a node: when it sounds, what keeps it from sounding, and what it tells."""

import wave
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from loa.audio.ear import FRAME_NS
from loa.audio.evidence import BANDS, RENDERED, Bands, bands_of, thin
from loa.audio.find import level_dbfs
from loa.audio.mixer import to_ns
from loa.audio.player import RATE_HZ
from loa.audio.self_test_sound import LENGTH_MS, PEAK_DBFS, write_self_test
from loa.node_agent.adapters.sound_file import open_sound
from loa.node_agent.ports import Pressed
from loa.node_agent.witness import Listener
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import Policy
from loa.protocol.programme import Config, NodeSettings
from loa.protocol.reasons import ClockState, ProblemCode, SelfTestOutcome
from loa.protocol.units import DurationMs
from loa.schedules.policy import default_policy
from tests.fakes.ear import FakeEar
from tests.fakes.node_world import FakeTime
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

NAME = "self-test@"


@dataclass
class Room:
    """What an ear hears of the player: the self-test's own bands, unless it is muted."""

    world: World
    bands: Bands
    is_muted: bool = False

    def air(self, at_ns: int) -> Bands | None:
        cues = {cue for plan in self.world.player.plans for cue in plan if cue.occurrence.startswith(NAME)}
        for cue in cues:
            number = (at_ns - to_ns(cue.start_at)) // FRAME_NS
            if 0 <= number < len(self.bands) and not self.is_muted:
                frame: Bands = self.bands[number]
                return frame
        return np.zeros(BANDS, np.float32)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A node whose output is captured."""
    write_self_test(tmp_path / "sound.wav")
    with wave.open(str(tmp_path / "sound.wav"), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    world = World(tmp_path, NOON)
    room = Room(world, bands_of(thin(samples)))
    world.listeners = [Listener(name="rendered", ear=FakeEar(room.air), limits=RENDERED)]
    world.open_sound = open_sound
    world.restart()
    world.configure(configured())
    world.offer(SOUND)
    return room


def configured(
    *,
    asked_at: datetime | None = None,
    at: str | None = None,
    version: int = 1,
    policy: Policy | None = None,
) -> Config:
    settings = NodeSettings(
        fetch_jitter_ms=DurationMs(0),
        reconnect_jitter_ms=DurationMs(0),
        self_test_at=at,
        self_test_asked_at=asked_at,
    )
    return make_config(settings=settings, version=version, policy=policy)


def sounded(world: World) -> list[datetime]:
    """When self-tests were given to the player."""
    cues = {cue for plan in world.player.plans for cue in plan if cue.occurrence.startswith(NAME)}
    return sorted(cue.start_at for cue in cues)


def test_one_that_is_asked_for_sounds_once_and_passes(room: Room) -> None:
    world = room.world
    world.configure(configured(asked_at=NOON, version=2))
    world.go(NOON + minutes(2))
    (report,) = world.self_tests()
    assert (report.outcome, report.on_demand, report.due_at) == (SelfTestOutcome.PASSED, True, NOON)
    assert report.evidence is not None
    assert report.evidence.rendered_by is not None
    assert report.evidence.rendered_by.passed == report.evidence.rendered_by.judged >= 2
    assert len(sounded(world)) == 1
    assert not world.plays()
    world.restart()
    world.go(NOON + minutes(9))
    assert len(world.self_tests()) == 1, "a restart does not repeat it"


def test_one_that_does_not_come_out_is_a_problem(room: Room) -> None:
    room.is_muted = True
    room.world.configure(configured(asked_at=NOON, version=2))
    room.world.go(NOON + minutes(2))
    (report,) = room.world.self_tests()
    assert report.outcome is SelfTestOutcome.SILENT
    (problem,) = room.world.problems()
    assert problem.code is ProblemCode.SELF_TEST_FAILED
    assert "0 of" in problem.detail


def test_without_an_ear_it_is_played_and_unproven(tmp_path: Path) -> None:
    world = World(tmp_path, NOON)
    world.configure(configured(asked_at=NOON))
    world.go(NOON + minutes(2))
    assert [one.outcome for one in world.self_tests()] == [SelfTestOutcome.UNPROVEN]
    assert len(sounded(world)) == 1


def test_one_of_the_day_sounds_at_its_local_hour_every_day(room: Room) -> None:
    world = room.world
    world.configure(configured(at="12:10", version=2))
    world.go(NOON + minutes(9))
    assert not sounded(world)
    world.go(NOON + minutes(12))
    world.go(NOON + minutes(11) + timedelta(days=1), step=seconds(1))
    at = [NOON + minutes(10) + timedelta(days=day) for day in (0, 1)]
    assert [(one.due_at, one.on_demand, one.outcome) for one in world.self_tests()] == [
        (one, False, SelfTestOutcome.PASSED) for one in at
    ]
    assert [
        seconds(4) <= start - due <= seconds(6) for start, due in zip(sounded(world), at, strict=True)
    ] == [
        True,
        True,
    ]


@pytest.mark.parametrize("hour", [None, "23:00"], ids=["on demand", "of the day"])
def test_it_never_sounds_in_quiet_hours(room: Room, hour: str | None) -> None:
    night = NOON + timedelta(hours=11)
    asked_at = night if hour is None else None
    room.world.configure(configured(asked_at=asked_at, at=hour, version=2, policy=default_policy()))
    room.world.go(night + minutes(5), step=seconds(5))
    assert [one.outcome for one in room.world.self_tests()] == [SelfTestOutcome.QUIET_HOURS]
    assert not sounded(room.world)


def test_it_is_capped_as_an_ordinary_broadcast_is(room: Room) -> None:
    evening = NOON + timedelta(hours=9, minutes=30)
    room.world.configure(configured(asked_at=evening, version=2, policy=default_policy()))
    room.world.go(evening + minutes(2), step=seconds(1))
    assert len(room.world.self_tests()) == 1
    cues = {cue for plan in room.world.player.plans for cue in plan if cue.occurrence.startswith(NAME)}
    assert {cue.gain_db for cue in cues} == {-15.0}


def test_it_waits_while_something_sounds_and_gives_up_when_its_time_is_over(room: Room) -> None:
    world = room.world
    for_long = make_source(duration_ms=900_000)
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1), source=for_long))))
    world.go(NOON + minutes(2))
    world.configure(configured(asked_at=NOON + minutes(2), version=2))
    world.go(NOON + minutes(14))
    assert [one.outcome for one in world.self_tests()] == [SelfTestOutcome.BUSY]
    world.configure(configured(asked_at=NOON + minutes(14), version=3))
    world.go(NOON + minutes(18))
    assert [one.outcome for one in world.self_tests()][1:] == [SelfTestOutcome.PASSED]
    assert sounded(world)[0] > NOON + minutes(16)


def test_it_does_not_begin_shortly_before_something_is_due(room: Room) -> None:
    world = room.world
    world.issue(make_programme(make_entry(make_broadcast(NOON + seconds(15)))))
    world.configure(configured(asked_at=NOON, version=2))
    world.go(NOON + minutes(3))
    assert [one.outcome for one in world.self_tests()] == [SelfTestOutcome.PASSED]
    assert sounded(world)[0] > NOON + seconds(75)


def test_an_emergency_cuts_it_off_at_once(room: Room) -> None:
    world = room.world
    tomorrow = make_broadcast(NOON + timedelta(days=1))
    world.issue(make_programme(make_entry(tomorrow)))
    world.configure(configured(asked_at=NOON, version=2))
    world.go(NOON + seconds(5))
    assert world.player.status().sounding is not None
    at = world.clock.now()
    alarm = make_broadcast(at, class_=BroadcastClass.EMERGENCY)
    world.urge(make_urgent(make_entry(alarm, issued_at=at), issued_at=at))
    assert not any(cue.occurrence.startswith(NAME) for cue in world.player.plans[-1])
    world.go(NOON + minutes(3))
    assert [one.outcome for one in world.self_tests()] == [SelfTestOutcome.INTERRUPTED]
    (play,) = world.plays()
    assert play.late_ms < 1_000


def test_a_silence_keeps_it_from_sounding_and_ends_it(room: Room) -> None:
    world = room.world
    world.configure(configured(asked_at=NOON, version=2))
    world.go(NOON + seconds(5))
    at = world.clock.now()
    world.urge(make_urgent(issued_at=at, silences=(make_silence(at, at + minutes(30)),)))
    assert not world.player.plans[-1]
    world.configure(configured(asked_at=NOON + minutes(1), version=3))
    world.go(NOON + minutes(3))
    assert [one.outcome for one in world.self_tests()] == [
        SelfTestOutcome.INTERRUPTED,
        SelfTestOutcome.SILENCED,
    ]
    assert len(sounded(world)) == 1


def test_the_stop_button_keeps_it_from_sounding_and_ends_it(room: Room) -> None:
    world = room.world
    world.configure(configured(asked_at=NOON, version=2))
    world.go(NOON + seconds(5))
    world.agent.take(Pressed(world.clock.now()))
    world.turn()
    assert not world.player.plans[-1]
    world.configure(configured(asked_at=NOON + minutes(1), version=3))
    world.go(NOON + minutes(3))
    assert [one.outcome for one in world.self_tests()] == [
        SelfTestOutcome.INTERRUPTED,
        SelfTestOutcome.SILENCED,
    ]


def test_what_was_asked_for_long_ago_and_a_clock_that_nobody_set_are_no_reason_to_sound(room: Room) -> None:
    world = room.world
    world.configure(configured(asked_at=NOON - minutes(11), version=2))
    world.go(NOON + minutes(1))
    assert isinstance(world.clock, FakeTime)
    world.clock.trust = ClockState.UNTRUSTED
    world.configure(configured(asked_at=NOON + minutes(1), version=3))
    world.go(NOON + minutes(5))
    assert not sounded(world)
    assert not world.self_tests()


def test_a_player_that_does_not_play_it_is_told(room: Room) -> None:
    world = room.world
    world.player.broken.add("self-test.wav")
    world.configure(configured(asked_at=NOON, version=2))
    world.go(NOON + minutes(1))
    assert [one.outcome for one in world.self_tests()] == [SelfTestOutcome.PLAYER_FAILED]
    assert [one.code for one in world.problems()] == [ProblemCode.SELF_TEST_FAILED]


def test_its_sound_is_soft_short_and_always_the_same(tmp_path: Path) -> None:
    one, two = tmp_path / "one.wav", tmp_path / "two.wav"
    write_self_test(one)
    write_self_test(two)
    assert one.read_bytes() == two.read_bytes()
    with wave.open(str(one), "rb") as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE_HZ, 1)
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    assert len(samples) == LENGTH_MS * RATE_HZ // 1000
    assert 20 * np.log10(np.abs(samples).max() / 32_768) == pytest.approx(PEAK_DBFS, abs=0.1)
    assert level_dbfs((samples / 32_768).astype(np.float32)) < PEAK_DBFS
