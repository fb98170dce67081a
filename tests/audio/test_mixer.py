from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from loa.audio.mixer import Mixer, Samples, Voice, from_ns, ns_of, to_ns
from loa.audio.player import Began, Cue, Ended, Ending, Failed, Late, PlayerEvent
from tests.audio.support import noise

START = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)
SOUND = noise(2.0)
BLOCK = 2400


class ReadySound:
    """A sound of which `ready` frames are decoded."""

    def __init__(self, samples: Samples = SOUND, *, position: int = 0, failure: str | None = None) -> None:
        self.position = position
        self.failure = failure
        self.ready = len(samples)
        self.closed = False
        self._samples = samples

    @property
    def ended(self) -> bool:
        return self.position >= len(self._samples)

    def read(self, frames: int) -> Samples:
        last = min(self.position + frames, self.ready)
        block = self._samples[self.position : last]
        self.position = max(self.position, last)
        return block

    def close(self) -> None:
        self.closed = True


class Desk:
    """Renders blocks in a row from START on and keeps what comes out."""

    def __init__(self, *voices: Voice) -> None:
        self.voices: Sequence[Voice] = voices
        self.events: list[PlayerEvent] = []
        self.next_ns = to_ns(START)
        self._mixer = Mixer(self.events.append)

    def blocks(self, count: int, *, drift_ns: int = 0, cut: Sequence[Voice] = ()) -> Samples:
        rendered = []
        for number in range(count):
            gone = cut if number == 0 else ()
            rendered.append(self._mixer.render(self.next_ns, BLOCK, self.voices, gone))
            self.next_ns += ns_of(BLOCK) + drift_ns
        return np.concatenate(rendered)


def voice(
    sound: ReadySound | None, *, after_ms: float = 0, length_ms: float = 1000, late: Late = Late.REJOIN
) -> Voice:
    start_at = START + timedelta(milliseconds=after_ms)
    stop_at = start_at + timedelta(milliseconds=length_ms)
    return Voice(Cue("o@1", Path("sound"), start_at, stop_at, late=late), sound)


def test_a_cue_that_starts_and_stops_within_a_block_has_its_very_frames() -> None:
    desk = Desk(voice(ReadySound(), after_ms=10, length_ms=30))
    heard = desk.blocks(1)
    assert not heard[:480].any()
    assert np.array_equal(heard[480:1440], SOUND[:960])
    assert not heard[1920:].any()
    assert [type(event) for event in desk.events] == [Began, Ended]


def test_a_fade_at_the_stop_runs_over_the_edge_of_a_block() -> None:
    flat = np.full(96_000, 10_000, np.int16)
    heard = Desk(voice(ReadySound(flat), length_ms=53)).blocks(2)
    fade = heard[2544 - 480 : 2544].astype(int)
    assert (np.diff(fade) <= 0).all()
    assert fade[0] == 10_000
    assert 0 < fade[-1] < 50
    assert not heard[2544:].any()


def test_a_starved_sound_keeps_to_the_clock_afterwards() -> None:
    sound = ReadySound()
    desk = Desk(voice(sound))
    sound.ready = 3 * BLOCK
    desk.blocks(5)
    sound.ready = len(SOUND)
    heard = desk.blocks(2)
    assert np.array_equal(heard[480:], SOUND[5 * BLOCK + 480 : 7 * BLOCK])


def test_a_sound_that_is_decoded_late_joins_at_the_right_place() -> None:
    late = voice(None)
    desk = Desk(late)
    assert not desk.blocks(2).any()
    late.sound = ReadySound()
    heard = desk.blocks(1)
    assert np.array_equal(heard[480:], SOUND[2 * BLOCK + 480 : 3 * BLOCK])
    (began,) = desk.events
    assert isinstance(began, Began)
    assert (began.at, began.offset_ms) == (START + timedelta(milliseconds=100), 100)


def test_a_shifted_cue_loses_nothing_and_keeps_its_shift() -> None:
    late = voice(None, late=Late.SHIFT)
    desk = Desk(late)
    desk.blocks(2)
    late.sound = ReadySound()
    assert np.array_equal(desk.blocks(10), SOUND[: 10 * BLOCK])


@pytest.mark.parametrize(("may_last_ms", "heard_frames"), [(None, 18), (1_050, 19), (9_000, 20)])
def test_a_shifted_cue_ends_as_much_later_as_it_may(may_last_ms: int | None, heard_frames: int) -> None:
    late = voice(None, late=Late.SHIFT)
    latest = None if may_last_ms is None else START + timedelta(milliseconds=may_last_ms)
    late.cue = replace(late.cue, may_last_until=latest)
    desk = Desk(late)
    desk.blocks(2)
    late.sound = ReadySound(SOUND[: 20 * BLOCK])
    heard = desk.blocks(22)
    assert np.array_equal(heard[: heard_frames * BLOCK - 480], SOUND[: heard_frames * BLOCK - 480])
    assert not heard[heard_frames * BLOCK :].any()


@pytest.mark.parametrize(
    ("after_ms", "begins_ms"), [(1_000, 1_100), (900, 900)], ids=["follows", "interrupts"]
)
def test_only_what_was_to_interrupt_it_displaces_a_shifted_cue(after_ms: int, begins_ms: int) -> None:
    late, flat = voice(None, late=Late.SHIFT), np.full(96_000, 10_000, np.int16)
    late.cue = replace(late.cue, may_last_until=START + timedelta(minutes=1))
    desk = Desk(late, voice(ReadySound(flat), after_ms=after_ms))
    desk.blocks(2)
    late.sound = ReadySound(SOUND[: 20 * BLOCK])
    heard = desk.blocks(26)
    begins = begins_ms * 48 - 2 * BLOCK
    assert np.array_equal(heard[: begins - 480], SOUND[: begins - 480])
    assert (heard[begins + 480 : begins + 4 * BLOCK] == 10_000).all()


@pytest.mark.parametrize("drift_ns", [5_000, -5_000])
def test_drift_is_made_good_before_it_is_heard(drift_ns: int) -> None:
    """100 ppm: after 30 s, 3 ms would have gathered; never more than the allowed 0.5 ms does."""
    long = np.arange(31 * 48_000) % 20_000
    desk = Desk(voice(ReadySound(long.astype(np.int16)), length_ms=40_000))
    heard = desk.blocks(600, drift_ns=drift_ns)
    expected = round((desk.next_ns - to_ns(START)) * 48 / 1_000_000)
    last = int(heard[-1])
    assert abs((last - (expected - 1) + 10_000) % 20_000 - 10_000) <= 30


def test_a_clock_that_was_set_makes_the_sound_jump_to_its_place() -> None:
    desk = Desk(voice(ReadySound()))
    desk.blocks(2)
    desk.next_ns += 500_000_000
    heard = desk.blocks(1)
    place = 2 * BLOCK + 24_000
    assert np.array_equal(heard[480:], SOUND[place + 480 : place + BLOCK])


def test_a_change_of_gain_is_ramped() -> None:
    flat = np.full(96_000, 10_000, np.int16)
    loud = voice(ReadySound(flat))
    desk = Desk(loud)
    desk.blocks(1)
    loud.cue = Cue("o@1", Path("sound"), loud.cue.start_at, loud.cue.stop_at, gain_db=-6.0206)
    heard = desk.blocks(1).astype(int)
    assert np.abs(np.diff(heard)).max() < 20
    assert heard[-1] == pytest.approx(5000, abs=2)


def test_too_much_gain_is_cut_to_full_scale_not_wrapped() -> None:
    flat = np.full(96_000, 30_000, np.int16)
    loud = voice(ReadySound(flat))
    loud.cue = Cue("o@1", Path("sound"), loud.cue.start_at, loud.cue.stop_at, gain_db=12)
    assert Desk(loud).blocks(1).max() == 32_767


def test_a_decoder_that_dies_is_told_with_what_was_played() -> None:
    desk = Desk(voice(ReadySound(SOUND[:BLOCK], failure="the disk is broken")))
    desk.blocks(2)
    began, failed, ended = desk.events
    assert isinstance(began, Began)
    assert isinstance(failed, Failed)
    assert failed.detail == "the disk is broken"
    assert isinstance(ended, Ended)
    assert (ended.reason, ended.played_ms) == (Ending.FAILED, 50)
    assert ended.at == START + timedelta(milliseconds=50)


def test_a_cue_whose_sound_never_came_is_told_at_its_stop() -> None:
    desk = Desk(voice(None, length_ms=80))
    desk.blocks(3)
    (failed,) = desk.events
    assert isinstance(failed, Failed)
    assert failed.at == START + timedelta(milliseconds=80)


def test_silence_costs_no_new_block() -> None:
    mixer = Mixer(lambda _: None)
    assert mixer.render(0, BLOCK, [], []) is mixer.render(ns_of(BLOCK), BLOCK, [], [])


def test_instants_survive_the_way_through_nanoseconds() -> None:
    at = datetime(2026, 11, 23, 5, 30, 0, 123_457, tzinfo=UTC)
    assert from_ns(to_ns(at)) == at
