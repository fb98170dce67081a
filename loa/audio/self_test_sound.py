"""The sound of a self-test: built in, soft, short, and like nothing that anybody broadcasts."""

import wave
from pathlib import Path

import numpy as np

from loa.audio.mixer import Samples
from loa.audio.player import RATE_HZ

LENGTH_MS = 2_400
PEAK_DBFS = -30.0
_LOWEST_HZ, _HIGHEST_HZ = 300.0, 5_000.0
"""What a horn passes."""
_SWEEP_MS, _PAUSE_MS = 1_000, 200
_RAMP_MS = 30


def write_self_test(path: Path) -> None:
    """Write a sweep up and a sweep down, 48 kHz mono, as a whole; the same bytes every time."""
    up = _sweep()
    pause = np.zeros(_PAUSE_MS * RATE_HZ // 1000, np.int16)
    part = path.with_suffix(".part")
    with wave.open(str(part), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.concatenate((up, pause, up[::-1], pause)).tobytes())
    part.replace(path)


def _sweep() -> Samples:
    seconds = np.arange(_SWEEP_MS * RATE_HZ // 1000) / RATE_HZ
    length_s = _SWEEP_MS / 1000
    octaves = np.log(_HIGHEST_HZ / _LOWEST_HZ)
    turns = _LOWEST_HZ * length_s / octaves * np.expm1(octaves * seconds / length_s)
    ramp = np.minimum(1.0, np.minimum(seconds, length_s - seconds) * 1000 / _RAMP_MS)
    loud = 32_767 * 10 ** (PEAK_DBFS / 20)
    samples: Samples = (np.sin(2 * np.pi * turns) * ramp * loud).astype(np.int16)
    return samples
