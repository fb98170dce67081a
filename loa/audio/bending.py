"""A block played a touch faster or slower, so that sound and clock stay together without a click."""

import numpy as np
from numpy.typing import NDArray

Shape = NDArray[np.float32]
"""(frames,) float32, at the scale of int16."""

REACH = 2
"""Samples before the block that `bend` looks at."""


def bend(before: Shape, block: Shape, frames: int) -> Shape:
    """`block`, of nearly as many samples, in `frames` of them; its last sample stays the last.

    `before` holds the `REACH` samples that came before, so that bent and straight blocks follow each other
    without a step. Between the samples a cubic runs through the four next to it (Catmull-Rom), which leaves
    speech as it is up to some kHz (`tests/audio/test_bending.py` measures it).
    """
    beyond = block[-1:] * 2 - block[-2:-1]
    line = np.concatenate((before, block, beyond))
    places = np.arange(1, frames + 1) * (len(block) / frames) + (REACH - 1)
    whole = np.minimum(places.astype(np.intp), len(line) - 3)
    part = (places - whole).astype(np.float32)
    a, b, c, d = (line[whole + step] for step in (-1, 0, 1, 2))
    bent: Shape = b + 0.5 * part * (c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a)))
    return bent
