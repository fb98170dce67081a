"""How loud a sound was, stretch by stretch: enough for a picture, too coarse for a word.

A stretch is a second, or twice as long as often as a sound needs to come to no more than `MOST_STRETCHES`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_STRETCHES = 60
FLOOR_DB = -120
"""What digital silence is called."""
_FULL_SCALE = np.float32(32_768.0**2)
_NOTHING = np.float32(1e-13)


@dataclass(frozen=True, slots=True)
class Levels:
    """Mean power of stretches of `every_s` seconds, in whole dB of full scale, in the order of sounding.

    `recorded` is what ought to have sounded, the player's gain counted; `captured` has None for a gap.
    """

    every_s: int
    recorded: tuple[int, ...]
    captured: tuple[int | None, ...]


class Meter:
    """Adds up power in windows of one second; takes the same memory after a minute and after a day.

    What was captured is kept for each of `lags` delays, until it is known which of them is the right one.
    """

    def __init__(self, lags: int) -> None:
        self._windows = 0
        self._every = 1
        self._recorded = np.zeros((MOST_STRETCHES, 1), np.float32)
        self._frames = np.zeros((MOST_STRETCHES, 1), np.float32)
        self._captured = np.zeros((MOST_STRETCHES, lags), np.float32)
        self._captured_frames = np.zeros((MOST_STRETCHES, 1), np.float32)

    def add(self, frames: int, recorded: float, captured: NDArray[np.float64] | None) -> None:
        """One window: its frames, their power summed, and that of what was captured at (lags,) delays."""
        if self._windows == MOST_STRETCHES * self._every:
            self._fold()
        stretch = self._windows // self._every
        self._windows += 1
        self._recorded[stretch] += recorded
        self._frames[stretch] += frames
        if captured is not None:
            self._captured[stretch] += captured
            self._captured_frames[stretch] += frames

    def levels(self, lag: int) -> Levels:
        """All of it, captured `lag` frames later than the first delay."""
        count = -(-self._windows // self._every)
        captured = _in_db(self._captured[:count, lag], self._captured_frames[:count, 0])
        was_captured = self._captured_frames[:count, 0] > 0
        return Levels(
            every_s=self._every,
            recorded=tuple(_in_db(self._recorded[:count, 0], self._frames[:count, 0])),
            captured=tuple(
                level if there else None for level, there in zip(captured, was_captured, strict=True)
            ),
        )

    def _fold(self) -> None:
        """Two stretches become one."""
        for rows in (self._recorded, self._frames, self._captured, self._captured_frames):
            rows[: MOST_STRETCHES // 2] = rows[0::2] + rows[1::2]
            rows[MOST_STRETCHES // 2 :] = 0
        self._every *= 2


def _in_db(power: NDArray[np.float32], frames: NDArray[np.float32]) -> list[int]:
    """Whole dB of full scale."""
    mean = power / np.maximum(frames, 1) / _FULL_SCALE
    levels: list[int] = np.maximum(np.round(10 * np.log10(mean + _NOTHING)), FLOOR_DB).astype(int).tolist()
    return levels
