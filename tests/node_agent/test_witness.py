"""What sounds is held against its recording while it sounds, and no longer than that."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from loa.audio.ear import FRAME_NS
from loa.audio.evidence import BANDS, HEARD, RENDERED, Bands, bands_of, thin
from loa.audio.mixer import Samples, to_ns
from loa.audio.player import RATE_HZ, Began, Cue, Ended, Ending
from loa.node_agent.witness import Listener, Witness
from tests.audio.support import noise
from tests.fakes.ear import FakeEar, FakeSound
from tests.fakes.node_world import FakeTime
from tests.node_agent.makers import seconds

START_AT = datetime(2026, 6, 11, 4, 0, tzinfo=UTC)
LENGTH_S = 10
CUE = Cue("o@1", Path("sound.ogg"), START_AT, START_AT + seconds(LENGTH_S))


def recorded() -> Samples:
    levels = np.repeat(np.random.default_rng(3).uniform(0.1, 1, LENGTH_S * 10), RATE_HZ // 10)
    samples: Samples = (noise(LENGTH_S) * levels).astype(np.int16)
    return samples


@dataclass
class Square:
    """A place where one recording sounds, or is muted, with ears that hear it."""

    clock: FakeTime = field(default_factory=lambda: FakeTime(START_AT - seconds(60)))
    muted_from: datetime = START_AT + timedelta(days=1)
    deaf_until: datetime = START_AT - timedelta(days=1)
    delay: timedelta = timedelta(0)
    sounds: list[FakeSound] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.samples = recorded()
        self._bands = bands_of(thin(self.samples))
        self.ear = FakeEar(self._air)

    def witness(self, *, with_microphone: bool = False) -> Witness:
        listeners = [Listener(name="rendered", ear=self.ear, limits=RENDERED)]
        if with_microphone:
            listeners.append(Listener(name="heard", ear=self.ear, limits=HEARD))
        return Witness(clock=self.clock, listeners=listeners, open_sound=self._open)

    def _open(self, _path: Path, first_frame: int) -> FakeSound:
        self.sounds.append(FakeSound(self.samples, first_frame))
        return self.sounds[-1]

    def _air(self, at_ns: int) -> Bands | None:
        if at_ns > to_ns(self.clock.now()) or at_ns < to_ns(self.deaf_until):
            return None
        number = (at_ns - to_ns(START_AT + self.delay)) // FRAME_NS
        if not 0 <= number < len(self._bands) or at_ns >= to_ns(self.muted_from):
            return np.zeros(BANDS, np.float32)
        frame: Bands = self._bands[number]
        return frame

    def go(self, witness: Witness, to: datetime) -> None:
        while self.clock.now() < to:
            self.clock.go(min(to, self.clock.now() + seconds(0.25)))
            witness.turn()


def sound_it(square: Square, witness: Witness, *, until_s: float = LENGTH_S, cue: Cue = CUE) -> None:
    """Let the whole cue sound, or a part of it, and all be judged."""
    witness.expect([cue])
    square.go(witness, cue.start_at)
    witness.note(Began(cue, cue.start_at, cue.offset_ms))
    ends_at = START_AT + seconds(until_s)
    square.go(witness, ends_at)
    witness.note(Ended(cue, ends_at, 0, Ending.FINISHED))
    square.go(witness, ends_at + seconds(3))


def test_what_sounded_is_rendered() -> None:
    square = Square()
    witness = square.witness()
    sound_it(square, witness)
    finding = witness.findings("o@1")["rendered"]
    assert (finding.is_there, finding.judged, finding.passed, finding.delay_ms) == (True, 10, 10, 0)
    assert witness.findings("o@1") == {}, "it is told once"
    assert [sound.closed for sound in square.sounds] == [True]


def test_what_was_muted_half_way_is_told_by_windows() -> None:
    square = Square(muted_from=START_AT + seconds(6))
    witness = square.witness()
    sound_it(square, witness)
    finding = witness.findings("o@1")["rendered"]
    assert (finding.is_there, finding.judged, finding.passed) == (False, 10, 6)
    assert finding.levels.captured[:6] == finding.levels.recorded[:6]
    assert finding.levels.captured[6:] == (-120,) * 4


def test_windows_that_were_not_captured_are_not_judged() -> None:
    square = Square(deaf_until=START_AT + seconds(4))
    witness = square.witness()
    sound_it(square, witness)
    finding = witness.findings("o@1")["rendered"]
    assert (finding.is_there, finding.judged) == (True, 5)
    assert [level is None for level in finding.levels.captured] == [True] * 5 + [False] * 5
    assert None not in finding.levels.recorded
    square = Square(deaf_until=START_AT + timedelta(days=2))
    witness = square.witness()
    sound_it(square, witness)
    assert witness.findings("o@1") == {}


@pytest.mark.parametrize(("by_s", "judged"), [(-5, 3), (5, 3), (-0.05, 10)])
def test_once_the_clock_was_set_nothing_more_is_judged_of_what_sounded(by_s: float, judged: int) -> None:
    square = Square()
    witness = square.witness()
    witness.expect([CUE])
    square.go(witness, START_AT)
    witness.note(Began(CUE, START_AT, 0))
    square.go(witness, START_AT + seconds(4))
    square.clock.set(START_AT + seconds(4 + by_s))
    square.go(witness, START_AT + seconds(LENGTH_S + 3))
    finding = witness.findings("o@1")["rendered"]
    assert (finding.is_there, finding.judged) == (True, judged)
    assert [sound.closed for sound in square.sounds] == [True]
    assert not witness.is_busy("o@1")


def test_what_the_player_tells_by_the_clock_of_before_is_not_judged() -> None:
    square = Square()
    witness = square.witness()
    square.go(witness, START_AT - seconds(30))
    square.clock.set(START_AT)
    told_by_old, told_by_new = Began(CUE, START_AT - seconds(30), 0), Began(CUE, START_AT, 0)
    witness.note(told_by_old)
    assert not witness.is_busy("o@1")
    witness.note(told_by_new)
    square.go(witness, START_AT + seconds(LENGTH_S + 3))
    assert witness.findings("o@1")["rendered"].judged == LENGTH_S


def test_two_ears_are_judged_each_by_its_own_limits() -> None:
    square = Square(delay=seconds(0.9))
    witness = square.witness(with_microphone=True)
    sound_it(square, witness)
    findings = witness.findings("o@1")
    assert (findings["rendered"].is_there, findings["heard"].is_there) == (False, True)
    assert findings["heard"].delay_ms == 900
    assert findings["heard"].levels.recorded == findings["rendered"].levels.recorded
    assert findings["heard"].levels.captured == findings["heard"].levels.recorded


def test_what_was_cut_off_is_judged_up_to_there() -> None:
    square = Square(muted_from=START_AT + seconds(4.6))
    witness = square.witness()
    sound_it(square, witness, until_s=4.6)
    finding = witness.findings("o@1")["rendered"]
    assert (finding.is_there, finding.judged, finding.passed) == (True, 5, 5)


def test_a_later_stretch_is_held_against_its_place_in_the_recording() -> None:
    square = Square()
    witness = square.witness()
    later = replace(CUE, start_at=START_AT + seconds(4), offset_ms=4_000)
    sound_it(square, witness, cue=later)
    finding = witness.findings("o@1")["rendered"]
    assert (finding.is_there, finding.judged) == (True, 6)


def test_judging_is_over_soon_after_the_end_even_if_the_recording_is_never_decoded() -> None:
    square = Square()
    witness = square.witness()
    witness.expect([CUE])
    square.go(witness, START_AT)
    witness.note(Began(CUE, START_AT, 0))
    stuck = square.sounds[0]
    stuck.hangs = True
    square.go(witness, START_AT + seconds(LENGTH_S))
    witness.note(Ended(CUE, START_AT + seconds(LENGTH_S), 0, Ending.FINISHED))
    assert witness.is_busy("o@1")
    square.go(witness, START_AT + seconds(LENGTH_S + 4))
    assert not witness.is_busy("o@1")
    assert stuck.closed


def test_ears_are_open_only_while_something_sounds() -> None:
    square = Square()
    witness = square.witness()
    witness.expect([CUE])
    square.go(witness, START_AT - seconds(5))
    assert square.ear.times_opened == 0
    square.go(witness, START_AT - seconds(1))
    assert square.ear.is_open
    sound_it(square, witness)
    square.go(witness, START_AT + seconds(LENGTH_S + 10))
    assert not square.ear.is_open
    assert square.ear.times_opened == 1


def test_what_nobody_asks_for_is_forgotten_in_the_end() -> None:
    square = Square()
    witness = square.witness()
    square.go(witness, START_AT)
    for number in range(200):
        witness.note(Began(replace(CUE, occurrence=f"o@{number}"), START_AT, 0))
    assert len(witness._tallies) <= 64


def test_without_ears_nothing_is_decoded() -> None:
    square = Square()
    witness = Witness(clock=square.clock)
    sound_it(square, witness)
    assert not square.sounds
    assert witness.findings("o@1") == {}
