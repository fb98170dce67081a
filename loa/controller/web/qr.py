"""A text as a QR code that a page can draw without any style of its own."""

from typing import NamedTuple

import segno

QUIET = 4
"""Light squares around it, as ISO/IEC 18004 asks for."""


class Qr(NamedTuple):
    """`path` is for an SVG of `size` units a side, filled dark on light."""

    size: int
    path: str


def qr_of(text: str) -> Qr:
    """The smallest code of middling error correction that holds the text."""
    code = segno.make_qr(text, error="m")
    rows = [bytes(row) for row in code.matrix]
    path = "".join(
        f"M{x + QUIET} {y + QUIET}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, dark in enumerate(row)
        if dark
    )
    return Qr(len(rows) + 2 * QUIET, path)
