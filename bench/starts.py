"""When a known sound starts in recordings, and how far apart the starts are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.monitors import Recording
from loa.audio.find import Signal, decode, find
from loa.audio.mixer import Samples
from loa.audio.player import RATE_HZ

LENGTH_S = 0.4
"""Of the sound that starts."""
NEEDLE_S = 0.25
_AROUND_S = 0.3
_LIKE = 0.6


@dataclass(frozen=True, slots=True)
class Skew:
    """Between the loudspeakers of a square, over many starts; in ms."""

    starts: int
    lost: int
    """Starts that at least one loudspeaker missed."""
    p50_ms: float
    p99_ms: float
    worst_ms: float


def needle_of(sound: Path) -> Signal:
    """The beginning of the sound, as it is looked for."""
    return decode(sound, RATE_HZ)[: int(NEEDLE_S * RATE_HZ)]


def skew(recordings: Sequence[Recording], needle: Signal, expected_s: Sequence[float]) -> Skew:
    """How far apart the same start is in all recordings; `expected_s` are wall times."""
    samples = [recording.all() for recording in recordings]
    found = np.array(
        [
            [_start_s(one, begun, needle, at_s) for one, begun in zip(recordings, samples, strict=True)]
            for at_s in expected_s
        ]
    )
    whole = found[~np.isnan(found).any(axis=1)]
    apart_ms = (whole.max(axis=1) - whole.min(axis=1)) * 1000 if len(whole) else np.array([np.inf])
    return Skew(
        starts=len(found),
        lost=len(found) - len(whole),
        p50_ms=float(np.percentile(apart_ms, 50)),
        p99_ms=float(np.percentile(apart_ms, 99)),
        worst_ms=float(apart_ms.max()),
    )


def first_sound_s(recording: Recording, after_s: float) -> float:
    """The wall time of the first sample after an instant that is no silence."""
    samples, begin_s = recording.all(), recording.begin_s(after_s)
    first = max(0, int((after_s - begin_s) * RATE_HZ))
    loud = np.flatnonzero(np.abs(samples[first:].astype(np.int32)) > 200)
    assert len(loud), f"nothing sounded on {recording.sink}"
    return begin_s + (first + int(loud[0])) / RATE_HZ


def _start_s(recording: Recording, samples: Samples, needle: Signal, at_s: float) -> float:
    """The wall time of the start nearest to an instant, NaN if it was lost."""
    begin_s = recording.begin_s(at_s)
    first = max(0, int((at_s - _AROUND_S - begin_s) * RATE_HZ))
    last = int((at_s + _AROUND_S + NEEDLE_S - begin_s) * RATE_HZ)
    matches = find(
        needle, samples[first:last].astype(np.float32) / np.float32(32_768), RATE_HZ, threshold=_LIKE
    )
    return begin_s + first / RATE_HZ + matches[0].position_s if matches else np.nan
