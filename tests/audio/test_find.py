from pathlib import Path

import numpy as np
import pytest

from loa.audio.errors import NotAudio
from loa.audio.find import Signal, decode, find, level_dbfs, silences
from tests.audio.support import noise, write_wav

RATE_HZ = 48_000


def signal(seconds: float, *, seed: int = 1, level: float = 8000.0) -> Signal:
    return noise(seconds, seed=seed, level=level).astype(np.float32) / np.float32(32_768)


NEEDLE = signal(0.5)
SILENCE = np.zeros(RATE_HZ, np.float32)


def test_a_needle_is_found_at_its_place_whatever_its_level() -> None:
    haystack = np.concatenate([SILENCE, NEEDLE * np.float32(0.1), SILENCE])
    (match,) = find(NEEDLE, haystack, RATE_HZ)
    assert match.position_s == pytest.approx(1.0, abs=1e-4)
    assert match.score == pytest.approx(1.0, abs=0.01)


def test_every_place_is_found_best_first() -> None:
    muddy = NEEDLE + signal(0.5, seed=2, level=4000)
    matches = find(NEEDLE, np.concatenate([muddy, SILENCE, NEEDLE, SILENCE]), RATE_HZ)
    assert [round(match.position_s, 2) for match in matches] == [1.5, 0.0]
    assert matches[0].score > matches[1].score > 0.7


def test_another_sound_and_silence_are_not_taken_for_it() -> None:
    other = signal(3.0, seed=3)
    assert find(NEEDLE, other, RATE_HZ) == []
    assert find(NEEDLE, np.concatenate([SILENCE, SILENCE]), RATE_HZ) == []
    assert find(SILENCE, NEEDLE, RATE_HZ) == []
    assert find(np.zeros(100, np.float32), NEEDLE, RATE_HZ) == []


def test_levels_are_in_dbfs() -> None:
    sine = np.sin(np.arange(RATE_HZ) * 2 * np.pi * 440 / RATE_HZ).astype(np.float32)
    assert level_dbfs(sine) == pytest.approx(-3.01, abs=0.01)
    assert level_dbfs(SILENCE) == -96.0
    assert level_dbfs(SILENCE[:0]) == -96.0


def test_silent_stretches_are_named() -> None:
    heard = np.concatenate([SILENCE, NEEDLE, SILENCE[:4800], NEEDLE, SILENCE])
    found = silences(heard, RATE_HZ)
    assert [(round(start, 3), round(end, 3)) for start, end in found] == [(0.0, 1.0), (2.1, 3.1)]


def test_a_file_is_decoded_at_the_wanted_rate(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "sound.wav", noise(1.0))
    assert len(decode(path, 16_000)) == pytest.approx(16_000, abs=10)
    with pytest.raises(NotAudio):
        decode(tmp_path / "none.wav", 16_000)
