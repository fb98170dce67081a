"""Was a recording really there? What was captured, compared with the recording window by window.

Both become power in 12 bands from 100 Hz to 7.6 kHz, 50 times a second (`bands_of`). In windows of one second
the envelopes of the bands are correlated at every delay of a range, and the level is compared. Envelopes
survive what a horn, an echo or a loud neighbour does to the samples. The thresholds below were chosen from
what `python -m bench evidence` prints; `docs/adr/0022-evidence.md` holds its table.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loa.audio.levels import Levels, Meter

BAND_RATE_HZ = 16_000
"""Everything is compared at this rate."""
FRAME_MS = 20
FRAME_SAMPLES = BAND_RATE_HZ * FRAME_MS // 1000
WINDOW_FRAMES = 1000 // FRAME_MS
LEAST_FRAMES = WINDOW_FRAMES // 2
"""A last window may be shorter, down to this."""
BANDS = 12

Bands = NDArray[np.float32]
"""(frames, 12) power, full scale is 32,768 squared; 50 frames a second."""
Floats = NDArray[np.float32]
Samples = NDArray[np.int16]

_COMPRESSION = np.float32(0.3)
"""Power to loudness, nearly: keeps a loud syllable from deciding alone."""
_AUDIBLE = 1_000.0
"""Mean power of a window that is worth judging, -60 dBFS; pauses of the recording prove nothing."""
_STEADY = 0.08
"""With less movement than this in them, as of a held tone, envelopes tell nothing: spectra are compared."""
_LEVEL_FLOOR_DB = -120.0
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What counts as there.

    `first_ms` to `last_ms` is the range of delays looked at, multiples of 20. A window passes with
    `least_correlation` and `least_level_db` (captured less recorded, gain counted); the recording was there
    if `least_share` of the windows judged passed.
    """

    first_ms: int
    last_ms: int
    least_correlation: float
    least_level_db: float
    least_share: float

    @property
    def first_lag(self) -> int:
        """The shortest delay in frames."""
        return self.first_ms // FRAME_MS

    @property
    def lags(self) -> int:
        """How many delays are looked at."""
        return (self.last_ms - self.first_ms) // FRAME_MS + 1


RENDERED = Limits(first_ms=-200, last_ms=500, least_correlation=0.4, least_level_db=-40.0, least_share=0.8)
"""For what comes back from the output itself: only buffers lie between, and 40 dB less is not heard."""
HEARD = Limits(first_ms=-200, last_ms=1_200, least_correlation=0.4, least_level_db=-90.0, least_share=0.5)
"""For a microphone up to 300 m away, whose own level means nothing; wind and traffic may drown half of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What all windows together say. `delay_ms` only if something was recognized, to 20 ms."""

    is_there: bool
    judged: int
    passed: int
    correlation: float
    level_db: float
    delay_ms: int | None
    levels: Levels
    """Of all that sounded, its pauses as well."""


class Tally:
    """The windows of one sound as they are judged; takes the same memory after a minute and after a day."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._judged = 0
        self._passed = np.zeros(limits.lags, np.int64)
        self._correlations = np.zeros(limits.lags, np.float64)
        self._captured = np.zeros(limits.lags, np.float64)
        self._recorded = 0.0
        self._meter = Meter(limits.lags)

    def add(self, recorded: Bands, captured: Bands | None, *, gain_db: float = 0.0) -> None:
        """Judge one window of (n, 12), unless it is a pause of the recording or was not captured whole.

        `captured` begins `first_lag` frames before `recorded` and is `lags - 1` frames longer. `gain_db` is
        what the player put on the recording.
        """
        power = float(recorded.sum()) * float(10 ** (gain_db / 10))
        heard = None if captured is None else self._heard(captured, len(recorded))
        self._meter.add(len(recorded), power, heard)
        if captured is None or heard is None or power < _AUDIBLE * len(recorded):
            return
        correlations = correlate(recorded, captured)
        loud = heard >= power * 10 ** (self._limits.least_level_db / 10)
        self._judged += 1
        self._passed += loud & (correlations >= self._limits.least_correlation)
        self._correlations += np.where(loud, correlations, 0.0)
        self._captured += heard
        self._recorded += power

    def finding(self) -> Finding | None:
        """The verdict so far, at the delay that fits all windows best; None if no window was judged."""
        if not self._judged:
            return None
        lag = int(np.argmax(self._correlations))
        passed, correlation = int(self._passed[lag]), float(self._correlations[lag]) / self._judged
        level_db = 10 * float(np.log10(self._captured[lag] / self._recorded + 1e-12))
        return Finding(
            is_there=passed >= self._limits.least_share * self._judged,
            judged=self._judged,
            passed=passed,
            correlation=round(correlation, 3),
            level_db=round(max(_LEVEL_FLOOR_DB, level_db), 1),
            delay_ms=(self._limits.first_lag + lag) * FRAME_MS if passed else None,
            levels=self._meter.levels(lag),
        )

    def _heard(self, captured: Bands, frames: int) -> NDArray[np.float64]:
        """The power summed of what was captured, by delay."""
        energy = np.concatenate(([0.0], np.cumsum(captured.sum(axis=1, dtype=np.float64))))
        heard: NDArray[np.float64] = energy[frames:] - energy[: self._limits.lags]
        return heard


def bands_of(samples: Floats) -> Bands:
    """The power of every whole frame of samples at 16 kHz; what is left over is left out."""
    count = len(samples) // FRAME_SAMPLES
    frames = samples[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES) * _WINDOW
    spectrum = np.fft.rfft(frames, axis=1).astype(np.complex64)
    power: Bands = (np.square(spectrum.real) + np.square(spectrum.imag)) @ _BANK
    return power


def thin(samples: Samples) -> Floats:
    """48 kHz to 16 kHz: the mean of three. What folds back does so in the recording as well."""
    whole = samples[: len(samples) // 3 * 3].astype(np.float32)
    return (whole[0::3] + whole[1::3] + whole[2::3]) / np.float32(3)


def correlate(recorded: Bands, captured: Bands) -> NDArray[np.float64]:
    """How like the envelopes are at every delay, -1 to 1: the bands' correlations, weighted by movement."""
    ours, theirs = recorded**_COMPRESSION, captured**_COMPRESSION
    moving = ours - ours.mean(axis=0)
    if float(np.linalg.norm(moving)) < _STEADY * float(np.linalg.norm(ours)):
        return _correlate_spectra(ours, theirs)
    stretches = np.lib.stride_tricks.sliding_window_view(theirs, len(ours), axis=0)
    products = np.einsum("tb,lbt->lb", moving, stretches)
    movement = np.linalg.norm(moving, axis=0)
    spread = _spread(theirs, len(ours)) * movement
    by_band = np.where(spread > _NOTHING, products / np.maximum(spread, _NOTHING), 0.0)
    result: NDArray[np.float64] = by_band @ (movement / movement.sum())
    return result


def _spread(values: Floats, length: int) -> NDArray[np.float64]:
    """The norm about their mean of every stretch of `length` frames, (delays, 12)."""
    exact = values.astype(np.float64)
    zero = np.zeros((1, exact.shape[1]))
    sums = np.concatenate((zero, np.cumsum(exact, axis=0)))
    squares = np.concatenate((zero, np.cumsum(exact * exact, axis=0)))
    total, square = sums[length:] - sums[:-length], squares[length:] - squares[:-length]
    return np.sqrt(np.maximum(square - total * total / length, 0.0))


def _correlate_spectra(ours: Floats, theirs: Floats) -> NDArray[np.float64]:
    """How like the mean spectra are, at every delay."""
    shape = ours.mean(axis=0) - ours.mean()
    sums = np.concatenate((np.zeros((1, BANDS)), np.cumsum(theirs, axis=0, dtype=np.float64)))
    spectra = sums[len(ours) :] - sums[: -len(ours)]
    spectra -= spectra.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(spectra, axis=1) * np.linalg.norm(shape)
    result: NDArray[np.float64] = np.where(
        norms > _NOTHING, spectra @ shape / np.maximum(norms, _NOTHING), 0.0
    )
    return result


def _bank() -> Floats:
    """(bins, 12): which bins of a frame's spectrum make which band, scaled to mean power."""
    hz = np.fft.rfftfreq(FRAME_SAMPLES, 1 / BAND_RATE_HZ)
    edges = np.geomspace(100.0, 7_600.0, BANDS + 1)
    bank = (hz[:, None] >= edges[:-1]) & (hz[:, None] < edges[1:])
    return bank.astype(np.float32) * np.float32(2 / (FRAME_SAMPLES * float(np.square(_WINDOW).sum())))


_WINDOW: Floats = np.hanning(FRAME_SAMPLES).astype(np.float32)
_BANK: Floats = _bank()
