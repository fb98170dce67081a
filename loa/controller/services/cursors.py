"""Cursors of lists that show the newest first."""

from loa.controller.errors import Invalid
from loa.controller.store.bulletins import Place
from loa.protocol.units import from_ms, to_ms

__all__ = ["Place", "pack", "unpack"]

_MOST_DIGITS = 14


def pack(place: Place) -> str:
    """The cursor that goes on after `place`."""
    return f"{to_ms(place.at)}.{place.id}"


def unpack(cursor: str | None) -> Place | None:
    """Where a cursor goes on; raises `Invalid`."""
    if cursor is None:
        return None
    at, dot, id_ = cursor.partition(".")
    if not (dot and id_.isalnum() and at.isascii() and at.isdigit() and len(at) <= _MOST_DIGITS):
        raise Invalid("bad_cursor", "take the cursor from the answer before, or leave it out")
    return Place(from_ms(int(at)), id_)
