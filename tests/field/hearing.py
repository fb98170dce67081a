"""What the loudspeakers really sounded, taken from the recording of their sinks alone, slice by slice."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from loa.audio.find import Signal, find
from loa.audio.heard import FRAME_BYTES, HEADER_BYTES, Playback
from loa.audio.mixer import Samples
from loa.audio.player import RATE_HZ
from tests.flow.ears import HEARING_HZ, Sound, thin

AUDIBLE = 32
"""Samples above this are sound: -60 dBFS."""
SLICE_FRAMES = RATE_HZ // 4
_BLOCK_FRAMES = RATE_HZ // 100
_GAP_BLOCKS = 10
"""Shorter silences are part of the sound around them."""
_LEAST_FRAMES = RATE_HZ // 10
"""Less at the end of a sound is too little to tell what it is."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A quarter of a second of sound, or what is left of it; times are those of the node's own clock."""

    at: datetime
    signal: Signal
    is_edge: bool
    """The first or the last of its sound."""

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=len(self.signal) / HEARING_HZ)

    @property
    def is_judged(self) -> bool:
        """Whether it is long enough to say what it is."""
        return len(self.signal) >= _LEAST_FRAMES * HEARING_HZ // RATE_HZ

    def position_in(self, sound: Sound, near: timedelta | None, within: timedelta) -> timedelta | None:
        """Which part of the sound this is, if it is any: one near a place, or anywhere."""
        first, last = 0, len(sound.signal)
        if near is not None:
            first = max(0, _samples(near - within))
            last = min(last, _samples(near + self.length + within))
        matches = find(self.signal, sound.signal[first:last], HEARING_HZ, threshold=CERTAIN)
        return timedelta(seconds=first / HEARING_HZ + matches[0].position_s) if matches else None


CERTAIN = 0.5
"""Least correlation of a slice with what was announced; chords of another sound stay well below."""


def slices(wav: Path) -> Iterator[Slice]:
    """Everything that sounded, in the order of the recording; holes in the file are silence and not read."""
    heard = Playback.open(wav)
    ends = [anchor.frame for anchor in heard.anchors[1:]] + [heard.frames]
    for anchor, end in zip(heard.anchors, ends, strict=True):
        for first, last in _sounds(wav, anchor.frame, end):
            at_ns = anchor.at_ns + (first - anchor.frame) * 1_000_000_000 // RATE_HZ
            yield from _cut(_read(wav, first, last), _instant(at_ns))


def _cut(samples: Samples, at: datetime) -> Iterator[Slice]:
    starts = range(0, len(samples), SLICE_FRAMES)
    for start in starts:
        part = samples[start : start + SLICE_FRAMES]
        is_edge = start == 0 or start + 2 * SLICE_FRAMES > len(samples)
        yield Slice(at + timedelta(seconds=start / RATE_HZ), thin(part), is_edge)


def _sounds(wav: Path, first: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretches of frames that are not silent."""
    begun: int | None = None
    last = first
    for block in _audible_blocks(wav, first, end):
        if begun is not None and block - last > _GAP_BLOCKS * _BLOCK_FRAMES:
            yield begun, min(last, end)
            begun = None
        begun = block if begun is None else begun
        last = block + _BLOCK_FRAMES
    if begun is not None:
        yield begun, min(last, end)


def _audible_blocks(wav: Path, first: int, end: int) -> Iterator[int]:
    for from_frame, to_frame in _written(wav, first, end):
        samples = np.abs(_read(wav, from_frame, to_frame).astype(np.int32))
        whole = len(samples) // _BLOCK_FRAMES * _BLOCK_FRAMES
        peaks = samples[:whole].reshape(-1, _BLOCK_FRAMES).max(axis=1)
        yield from (from_frame + int(block) * _BLOCK_FRAMES for block in np.flatnonzero(peaks > AUDIBLE))
        if (samples[whole:] > AUDIBLE).any():
            yield from_frame + whole


def _written(wav: Path, first: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretches of frames that are no holes."""
    with wav.open("rb") as file:
        at, last = _byte(first), _byte(end)
        while at < last:
            try:
                begin = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                return
            at = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            if begin < last:
                yield max(first, _frame(begin)), min(end, _frame(at))


def _read(wav: Path, first: int, last: int) -> Samples:
    return np.fromfile(wav, np.int16, last - first, offset=_byte(first))


def _byte(frame: int) -> int:
    return HEADER_BYTES + frame * FRAME_BYTES


def _frame(byte: int) -> int:
    return max(0, byte - HEADER_BYTES) // FRAME_BYTES


def _samples(offset: timedelta) -> int:
    return round(offset.total_seconds() * HEARING_HZ)


def _instant(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns // 1_000_000_000, tz=UTC) + timedelta(
        microseconds=at_ns % 1_000_000_000 // 1000
    )
