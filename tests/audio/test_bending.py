"""Drift made good without a click: measured on tones, whose steps are known."""

from pathlib import Path

import numpy as np
import pytest

from loa.audio.bending import REACH, bend
from loa.audio.dac_timeline import DacTimeline, StreamTime
from loa.audio.mixer import Mixer, Samples, Voice, ns_of, to_ns
from loa.audio.player import RATE_HZ, Cue
from tests.audio.test_mixer import BLOCK, START, ReadySound, voice

LEVEL = 10_000
CARD_BLOCK = 864
BLOCKS = 3 * 60 * 55
TONE_HZ = 1_000


def tone(hz: float, seconds: float) -> Samples:
    wave: Samples = np.rint(
        LEVEL * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)
    ).astype(np.int16)
    return wave


def play_on_a_card(ppm: float, sounding: Voice) -> tuple[Samples, list[float]]:
    """Three minutes on a card that is so much slower than the clock; how far off each block is, in ms."""
    mixer, line = Mixer(lambda _: None), DacTimeline()
    heard, off_ms = [], []
    block_ns = ns_of(CARD_BLOCK) * (1 + ppm / 1e6)
    for number in range(BLOCKS):
        callback_ns = to_ns(START) + round(number * block_ns)
        at_ns = line.place(
            callback_ns,
            StreamTime(1.0, 1.1),
            latency_s=0.1,
            frames=CARD_BLOCK,
            underflow=False,
        )
        heard.append(mixer.render(at_ns, CARD_BLOCK, [sounding], []).copy())
        assert sounding.sound is not None
        wanted = (callback_ns + 100_000_000 - to_ns(START)) * RATE_HZ / 1e9 + CARD_BLOCK
        off_ms.append((sounding.sound.position - wanted) * 1000 / RATE_HZ)
    return np.concatenate(heard), off_ms


@pytest.mark.parametrize("ppm", [-200, -50, 50, 100, 200])
def test_drift_is_made_good_without_a_click(ppm: float) -> None:
    seconds = BLOCKS / 55 + 5
    heard, off_ms = play_on_a_card(ppm, voice(ReadySound(tone(TONE_HZ, seconds)), length_ms=seconds * 1000))
    assert max(abs(off) for off in off_ms[1:]) < 1.1
    steady = heard[RATE_HZ:].astype(float)
    turn = 2 * np.pi * TONE_HZ / RATE_HZ * 1.0021
    assert np.abs(np.diff(steady)).max() <= LEVEL * turn + 2
    assert np.abs(np.diff(steady, 2)).max() <= LEVEL * turn**2 + 4


def test_what_is_further_off_glides_back_within_a_minute() -> None:
    sound = ReadySound(tone(TONE_HZ, 70))
    sounding = voice(sound, length_ms=70_000)
    mixer = Mixer(lambda _: None)
    mixer.render(to_ns(START), BLOCK, [sounding], [])
    heard = [
        mixer.render(to_ns(START) + ns_of(number * BLOCK) + 50_000_000, BLOCK, [sounding], []).copy()
        for number in range(1, 1200)
    ]
    assert sound.position == 1200 * BLOCK + RATE_HZ // 20
    turn = 2 * np.pi * TONE_HZ / RATE_HZ * 1.0021
    assert np.abs(np.diff(np.concatenate(heard).astype(float), 2)).max() <= LEVEL * turn**2 + 4


@pytest.mark.parametrize(("hz", "most_db"), [(1_000, -90), (4_000, -50), (8_000, -28)])
@pytest.mark.parametrize("gained", [-5, -1, 1, 5])
def test_a_bent_tone_is_the_tone(hz: float, most_db: float, gained: int) -> None:
    turn = 2 * np.pi * hz / RATE_HZ
    block = np.sin(turn * np.arange(-REACH, BLOCK)).astype(np.float32)
    frames = BLOCK + gained
    bent = bend(block[:REACH], block[REACH:], frames)
    ideal = np.sin(turn * (np.arange(1, frames + 1) * BLOCK / frames - 1))
    error_db = 20 * np.log10(np.std(bent - ideal) / np.std(ideal))
    assert error_db < most_db
    assert bent[-1] == pytest.approx(block[-1])


def test_a_sound_that_ends_while_it_is_bent_sounds_to_its_end() -> None:
    flat = np.full(3 * BLOCK + 3, LEVEL, np.int16)
    cue = Cue("o@1", Path("sound"), START, voice(None, length_ms=1000).cue.stop_at)
    sounding = Voice(cue, ReadySound(flat))
    mixer = Mixer(lambda _: None)
    blocks = [
        mixer.render(to_ns(START) + ns_of(n * BLOCK) + (n > 0) * 30_000_000, BLOCK, [sounding], []).copy()
        for n in range(5)
    ]
    heard = np.concatenate(blocks)
    gained_by_the_second_block = 5
    assert np.flatnonzero(heard).max() + 1 == len(flat) - gained_by_the_second_block
    assert sounding.done
