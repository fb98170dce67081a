import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loa.audio.errors import NotAudio

Signal = NDArray[np.float32]
"""(frames,) float32, mono, full scale is 1."""

_SILENCE_DBFS = -96.0
_FLOOR = 1e-12


@dataclass(frozen=True, slots=True)
class Match:
    """Where the needle begins in the haystack, and how like it is: 1 the same, below 0.1 something else."""

    position_s: float
    score: float


def decode(path: Path, rate_hz: int) -> Signal:
    """The whole sound at `path` as mono at `rate_hz`, in memory; raises NotAudio."""
    command = [
        *("ffmpeg", "-nostdin", "-v", "error", "-protocol_whitelist", "file", "-i", f"file:{path}"),
        *("-map", "0:a:0", "-f", "f32le", "-ac", "1", "-ar", str(rate_hz), "pipe:1"),
    ]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if ended.returncode != 0:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        raise NotAudio(said[-1] if said else "ffmpeg failed")
    return np.frombuffer(ended.stdout, np.float32)


def find(needle: Signal, haystack: Signal, rate_hz: int, *, threshold: float = 0.3) -> list[Match]:
    """Every place where `haystack` holds `needle` (or something as like it as `threshold`), best first.

    Normalized cross-correlation by FFT: level does not matter, polarity neither. Matches are at least half a
    needle apart. An empty or silent needle, or one longer than the haystack, is found nowhere.
    """
    if not 0 < len(needle) <= len(haystack) or float(np.square(needle).sum()) < _FLOOR:
        return []
    scores = _correlate(needle.astype(np.float64), haystack.astype(np.float64))
    matches: list[Match] = []
    apart = max(1, len(needle) // 2)
    while True:
        best = int(np.argmax(scores))
        if scores[best] < threshold:
            return matches
        matches.append(Match(best / rate_hz, float(scores[best])))
        scores[max(0, best - apart) : best + apart] = -1.0


def level_dbfs(signal: Signal) -> float:
    """RMS level; a sine at full scale has -3 dBFS, digital silence -96."""
    if len(signal) == 0:
        return _SILENCE_DBFS
    power = float(np.square(signal, dtype=np.float64).mean())
    return max(_SILENCE_DBFS, 10 * float(np.log10(power + _FLOOR)))


def silences(
    signal: Signal, rate_hz: int, *, below_dbfs: float = -60.0, at_least_s: float = 0.3
) -> list[tuple[float, float]]:
    """The stretches (from, to) in seconds that stay below the level, by blocks of 10 ms."""
    block = max(1, rate_hz // 100)
    count = len(signal) // block
    power = np.square(signal[: count * block].reshape(count, block), dtype=np.float64).mean(axis=1)
    quiet = np.concatenate(([False], power < 10 ** (below_dbfs / 10), [False]))
    edges = np.flatnonzero(quiet[1:] != quiet[:-1]) * block / rate_hz
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [(float(start), float(end)) for start, end in pairs if end - start >= at_least_s]


def _correlate(needle: NDArray[np.float64], haystack: NDArray[np.float64]) -> NDArray[np.float64]:
    """|correlation| of the needle with every stretch of the haystack of its length, 0 to 1."""
    size = 1 << (len(haystack) + len(needle) - 2).bit_length()
    spectrum = np.fft.rfft(haystack, size) * np.conj(np.fft.rfft(needle, size))
    places = len(haystack) - len(needle) + 1
    product = np.fft.irfft(spectrum, size)[:places]
    energy = np.concatenate(([0.0], np.cumsum(np.square(haystack))))
    local = energy[len(needle) :] - energy[:places]
    needle_energy = float(np.square(needle).sum())
    # stretches far below the loudest are noise of the arithmetic: they count as silence
    norm = np.sqrt(needle_energy * np.maximum(local, max(float(local.max()) * 1e-6, _FLOOR)))
    scores: NDArray[np.float64] = np.abs(product) / norm
    return scores
