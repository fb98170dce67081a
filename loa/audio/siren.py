import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000
LENGTH_S = 20
OPENING_S = 4
"""Of the siren that opens an alarm: ISO 7240-16 wants 3-10 s of attention signal before the voice."""
_WAIL_S = 4
"""One rise and fall; the lengths hold whole ones, so that the siren can go round without a seam."""
_LOWEST_HZ, _HIGHEST_HZ = 450.0, 1_150.0
"""Where horn loudspeakers are loud, and people of every age hear well."""
_OVERTONES = ((1, 1.0), (2, 0.35), (3, 0.2))
_PEAK = 0.5
_OPENING_PEAK = 0.2
"""Brings the opening near the loudness of the voice after it, about -18 LUFS."""
_FADE_S = 0.02
_PAUSE_S = 0.4


def write_siren(target: Path) -> None:
    """Write the wail of a siren, WAV, 48 kHz mono, 20 s; brought to its loudness by `prepare`."""
    _write(_PEAK * _wail(LENGTH_S), target)


def write_opening(target: Path) -> None:
    """Write the wail that opens an alarm, with a pause after it, WAV, 48 kHz mono, about -18 LUFS."""
    pause = np.zeros(round(_PAUSE_S * RATE_HZ))
    _write(np.concatenate([_OPENING_PEAK * _wail(OPENING_S), pause]), target)


def _write(sound_of_one: NDArray[np.float64], target: Path) -> None:
    samples = (sound_of_one * 32_767).astype("<i2")
    with target.open("wb") as file, wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE_HZ)
        sound.writeframes(samples.tobytes())


def _wail(length_s: int) -> NDArray[np.float64]:
    at_s = np.arange(length_s * RATE_HZ) / RATE_HZ
    middle_hz, swing_hz = (_HIGHEST_HZ + _LOWEST_HZ) / 2, (_HIGHEST_HZ - _LOWEST_HZ) / 2
    pitch_hz = middle_hz - swing_hz * np.cos(2 * np.pi * at_s / _WAIL_S)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    tone = sum(part * np.sin(number * phase) for number, part in _OVERTONES)
    ramp = np.minimum(1.0, np.minimum(at_s, at_s[::-1]) / _FADE_S)
    wail: NDArray[np.float64] = ramp * tone / np.max(np.abs(tone))
    return wail
