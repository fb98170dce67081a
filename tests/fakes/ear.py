from collections.abc import Callable

import numpy as np

from loa.audio.ear import FRAME_NS
from loa.audio.evidence import BANDS, Bands
from loa.audio.mixer import Samples

Air = Callable[[int], Bands | None]
"""What is in the air in the frame that begins at an instant (ns): (12,) power; None: it was not captured."""


class FakeEar:
    """An `Ear` in simulated time."""

    def __init__(self, air: Air) -> None:
        self.air = air
        self.trouble: str | None = None
        self.is_open = False
        self.times_opened = 0

    def open(self) -> None:
        self.times_opened += not self.is_open
        self.is_open = True

    def bands(self, from_ns: int, frames: int) -> Bands | None:
        found = [self.air(from_ns + number * FRAME_NS) for number in range(frames)]
        if any(one is None for one in found):
            return None
        return np.array(found, np.float32).reshape(frames, BANDS)

    def close(self) -> None:
        self.is_open = False


class FakeSound:
    """A `Sound` of noise that is like nothing else, from a frame on; the same each time."""

    failure: str | None = None

    def __init__(self, samples: Samples, first_frame: int) -> None:
        self._samples = samples
        self.position = first_frame
        self.closed = False
        self.hangs = False
        """Whether nothing more is ever decoded."""

    @property
    def ended(self) -> bool:
        return self.position >= len(self._samples)

    def read(self, frames: int) -> Samples:
        block = self._samples[self.position : self.position + (0 if self.hangs else frames)]
        self.position += len(block)
        return block

    def close(self) -> None:
        self.closed = True
