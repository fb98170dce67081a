"""What a captured sound is told by, and the ring in which an ear keeps it for a few seconds."""

from threading import Lock
from typing import Protocol

import numpy as np

from loa.audio.evidence import BANDS, FRAME_MS, Bands

FRAME_NS = FRAME_MS * 1_000_000
RING_FRAMES = 500
"""Ten seconds; what is older is overwritten."""


class Ear(Protocol):
    """Listens to what an output gives, or to the air. Only powers of bands leave it, never samples."""

    @property
    def trouble(self) -> str | None:
        """Why nothing is captured, if it cannot be."""
        ...

    def open(self) -> None:
        """Begin to listen, or try again; never waits. Idempotent."""
        ...

    def bands(self, from_ns: int, frames: int) -> Bands | None:
        """The frames from `from_ns` (epoch) on, to half a frame; None where any of them was not captured."""
        ...

    def close(self) -> None:
        """Listen no more and forget what was heard. Idempotent."""
        ...


class Ring:
    """The last frames that came, by the wall time at which they began; for two threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._bands: Bands = np.zeros((RING_FRAMES, BANDS), np.float32)
        self._count = 0
        self._last_ns = 0

    def put(self, frames: Bands, end_ns: int, *, follows: bool) -> None:
        """Add frames, the last of which ended at `end_ns`; unless they follow the others, forget those."""
        with self._lock:
            if not follows:
                self._count = 0
            places = (self._count + np.arange(len(frames))) % RING_FRAMES
            self._bands[places] = frames
            self._count += len(frames)
            self._last_ns = end_ns

    def take(self, from_ns: int, frames: int) -> Bands | None:
        """See `Ear.bands`."""
        with self._lock:
            back = (self._last_ns - from_ns + FRAME_NS // 2) // FRAME_NS
            if not frames <= back <= min(self._count, RING_FRAMES):
                return None
            places = (self._count - back + np.arange(frames)) % RING_FRAMES
            return self._bands[places]

    def clear(self) -> None:
        """Overwrite everything."""
        with self._lock:
            self._bands[:] = 0
            self._count = 0
            self._last_ns = 0
