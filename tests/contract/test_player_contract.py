"""What every `Player` does, whatever it sounds on. Times are generous: the machine may be busy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty
from typing import Any, Protocol

import numpy as np
import pytest

from loa.audio.mixer import Samples
from loa.audio.player import Began, Cue, Ended, Ending, Failed, Late, Player, PlayerEvent
from loa.audio.sounddevice_player import Callback, SoundDevicePlayer, Stream
from loa.audio.wav_player import WavPlayer
from tests.audio.support import CardInTime, SystemClock, heard_in, noise, write_wav
from tests.fakes.player import FakePlayer

pytestmark = pytest.mark.realtime

SOUND = noise(3.0)
LEAD = timedelta(seconds=2)
"""Enough for a busy machine to start a decoder."""
PATIENCE = timedelta(seconds=20)


class Rig(Protocol):
    @property
    def player(self) -> Player: ...

    def now(self) -> datetime: ...

    def next_event(self) -> PlayerEvent: ...


@dataclass
class RealRig:
    player: Player
    heard: Callable[[datetime, datetime], Samples]

    def now(self) -> datetime:
        return datetime.now(UTC)

    def next_event(self) -> PlayerEvent:
        return self.player.events.get(timeout=PATIENCE.total_seconds())


@dataclass
class FakeRig:
    player: FakePlayer

    def now(self) -> datetime:
        return self.player.time

    def next_event(self) -> PlayerEvent:
        end = self.player.time + PATIENCE
        while self.player.time < end:
            try:
                return self.player.events.get_nowait()
            except Empty:
                self.player.advance(self.player.time + timedelta(milliseconds=10))
        raise AssertionError("nothing happened")


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_wav(tmp_path / "sound.wav", SOUND)


def wav_rig(tmp_path: Path) -> RealRig:
    path = tmp_path / "heard.wav"
    return RealRig(WavPlayer(path, clock=SystemClock()), heard_in(path))


def card_rig() -> RealRig:
    cards: list[CardInTime] = []

    def open_stream(callback: Callback, ended: Callable[[], None]) -> Stream:
        cards.append(CardInTime(callback, ended))
        return cards[0]

    player = SoundDevicePlayer(clock=SystemClock(), open_stream=open_stream)
    return RealRig(player, cards[0].samples)


@pytest.fixture(params=["wav", "card"])
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealRig]:
    rig = wav_rig(tmp_path) if request.param == "wav" else card_rig()
    yield rig
    rig.player.close()


@pytest.fixture(params=["wav", "card", "fake"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    made: Rig
    if request.param == "fake":
        fake = FakePlayer(datetime.now(UTC), lengths_ms={"sound.wav": 3000})
        fake.broken.add("missing.wav")
        made = FakeRig(fake)
    else:
        made = wav_rig(tmp_path) if request.param == "wav" else card_rig()
    yield made
    made.player.close()


def cue(path: Path, start_at: datetime, length_ms: int = 600, **more: Any) -> Cue:  # noqa: ANN401 -- Cue's fields
    stop_at = start_at + timedelta(milliseconds=length_ms)
    return replace(Cue("o@1", path, start_at, stop_at), **more)


def ms(value: float) -> timedelta:
    return timedelta(milliseconds=value)


def began(rig: Rig) -> Began:
    event = rig.next_event()
    assert isinstance(event, Began), event
    return event


def ended(rig: Rig) -> Ended:
    event = rig.next_event()
    assert isinstance(event, Ended), event
    return event


def place_of(heard: Samples, *, first: int = 4800) -> int:
    """The number, within SOUND, of the sample that `heard` begins with, by a part from its middle."""
    needle = heard[first : first + 480].astype(np.int32)
    assert needle.any(), "silence"
    candidates = np.flatnonzero(SOUND[:-480] == needle[0])
    matching = [int(at) for at in candidates if np.array_equal(SOUND[at : at + 480], needle)]
    assert len(matching) == 1, matching
    return matching[0] - first


def test_a_cue_sounds_from_its_start_to_its_stop(rig: Rig, sound: Path) -> None:
    planned = cue(sound, rig.now() + LEAD)
    rig.player.set_plan([planned])
    first, last = began(rig), ended(rig)
    assert abs(first.at - planned.start_at) <= ms(1)
    assert first.offset_ms == 0
    assert abs(last.at - planned.stop_at) <= ms(1)
    assert last.reason is Ending.STOP_AT
    assert abs(last.played_ms - 600) <= 1


def test_a_late_cue_rejoins_the_clock(rig: Rig, sound: Path) -> None:
    planned = cue(sound, rig.now() - ms(1000), 2500)
    rig.player.set_plan([planned])
    first = began(rig)
    assert abs(first.at - planned.start_at - ms(first.offset_ms)) <= ms(2)
    assert ended(rig).reason is Ending.STOP_AT


def test_a_late_cue_that_may_lose_nothing_begins_at_its_beginning(rig: Rig, sound: Path) -> None:
    planned = cue(sound, rig.now() - ms(1000), 60_000, late=Late.SHIFT)
    rig.player.set_plan([planned])
    assert began(rig).offset_ms == 0
    last = ended(rig)
    assert last.reason is Ending.FINISHED
    assert last.played_ms == 3000


def test_a_cue_that_leaves_the_plan_stops_at_once(rig: Rig, sound: Path) -> None:
    rig.player.set_plan([cue(sound, rig.now() + LEAD, 2700)])
    began(rig)
    rig.player.set_plan([])
    asked_at = rig.now()
    last = ended(rig)
    assert last.reason is Ending.REMOVED
    assert last.at - asked_at < ms(1000)
    assert rig.player.status().sounding is None


def test_the_same_plan_again_changes_nothing(rig: Rig, sound: Path) -> None:
    planned = cue(sound, rig.now() + LEAD, 800)
    rig.player.set_plan([planned])
    began(rig)
    assert rig.player.status().sounding == planned
    rig.player.set_plan([planned])
    last = ended(rig)
    assert last.reason is Ending.STOP_AT
    assert abs(last.played_ms - 800) <= 1


def test_a_new_stop_is_taken_over_by_a_sounding_cue(rig: Rig, sound: Path) -> None:
    planned = cue(sound, rig.now() + LEAD, 60_000)
    rig.player.set_plan([planned])
    began(rig)
    earlier = replace(planned, stop_at=planned.start_at + ms(1500))
    rig.player.set_plan([earlier])
    last = ended(rig)
    assert last.reason is Ending.STOP_AT
    assert abs(last.at - earlier.stop_at) <= ms(1)


def test_the_later_of_two_cues_displaces_the_earlier(rig: Rig, sound: Path) -> None:
    start_at = rig.now() + LEAD
    later = replace(cue(sound, start_at + ms(500), 500), occurrence="o@2")
    rig.player.set_plan([later, cue(sound, start_at, 2000)])
    assert began(rig).cue.occurrence == "o@1"
    happened = [rig.next_event(), rig.next_event()]
    displaced = next(event for event in happened if isinstance(event, Ended))
    second = next(event for event in happened if isinstance(event, Began))
    assert (displaced.cue.occurrence, displaced.reason) == ("o@1", Ending.DISPLACED)
    assert abs(displaced.played_ms - 500) <= 1
    assert abs(second.at - later.start_at) <= ms(1)
    assert ended(rig).cue == later


def test_a_recording_that_is_over_ends_before_its_stop(rig: Rig, sound: Path) -> None:
    rig.player.set_plan([cue(sound, rig.now() + LEAD, 10_000, offset_ms=2500)])
    assert began(rig).offset_ms == 2500
    last = ended(rig)
    assert last.reason is Ending.FINISHED
    assert last.played_ms == 500


def test_a_missing_file_is_told_and_the_next_cue_sounds(rig: Rig, sound: Path) -> None:
    missing = cue(sound.with_name("missing.wav"), rig.now() + LEAD, 400)
    rig.player.set_plan([missing, replace(cue(sound, missing.stop_at, 400), occurrence="o@2")])
    event = rig.next_event()
    assert isinstance(event, Failed)
    assert event.cue == missing
    assert "missing.wav" in event.detail
    assert began(rig).cue.occurrence == "o@2"


def test_closing_ends_what_sounds(rig: Rig, sound: Path) -> None:
    rig.player.set_plan([cue(sound, rig.now() + LEAD, 2500)])
    began(rig)
    rig.player.close()
    rig.player.close()
    assert ended(rig).reason is Ending.CLOSED


def test_the_samples_stand_at_their_instants(real: RealRig, sound: Path) -> None:
    planned = cue(sound, real.now() + ms(700), 700, offset_ms=1000)
    real.player.set_plan([planned])
    began(real)
    ended(real)
    real.player.close()
    heard = real.heard(planned.start_at, planned.stop_at)
    assert abs(place_of(heard) - 48_000) <= 48
    assert not real.heard(planned.start_at - ms(300), planned.start_at - ms(2)).any()
    assert not real.heard(planned.stop_at + ms(2), planned.stop_at + ms(10)).any()


def test_a_plan_set_again_and_again_leaves_no_trace_in_the_samples(real: RealRig, sound: Path) -> None:
    planned = cue(sound, real.now() + LEAD, 900)
    for _ in range(50):
        real.player.set_plan([planned])
    began(real)
    for _ in range(50):
        real.player.set_plan([planned])
    ended(real)
    real.player.close()
    heard = real.heard(planned.start_at, planned.stop_at)
    first = place_of(heard)
    assert abs(first) <= 48
    whole = heard[48 + 480 : 900 * 48 - 1000]
    assert np.array_equal(whole, SOUND[first + 528 : first + 528 + len(whole)])


def test_a_cut_is_faded(real: RealRig, sound: Path) -> None:
    start_at = real.now() + ms(300)
    real.player.set_plan([cue(sound, start_at, 2700)])
    began(real)
    real.player.set_plan([])
    last = ended(real)
    real.player.close()
    tail = np.abs(real.heard(last.at - ms(10), last.at).astype(np.int32))
    assert tail[:120].mean() > 3 * tail[-120:].mean() > 0
    assert not real.heard(last.at + ms(2), last.at + ms(10)).any()


def test_gain_is_in_decibels(real: RealRig, sound: Path) -> None:
    planned = cue(sound, real.now() + ms(500), 500, gain_db=-20.0)
    real.player.set_plan([planned])
    began(real)
    ended(real)
    real.player.close()
    heard = real.heard(planned.start_at + ms(100), planned.stop_at - ms(100)).astype(float)
    assert heard.std() / SOUND.astype(float).std() == pytest.approx(0.1, rel=0.05)


def test_what_is_no_sound_is_told(real: RealRig, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.opus"
    nonsense.write_bytes(b"no sound at all" * 100)
    real.player.set_plan([cue(nonsense, real.now() + LEAD, 2000)])
    event = real.next_event()
    assert isinstance(event, Failed)
    assert "cannot be decoded" in event.detail
