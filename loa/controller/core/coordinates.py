"""Coordinates as people write and paste them: decimal, in minutes and seconds, or as the address of a map."""

import re
from collections.abc import Iterator

from loa.controller.core.geometry import DIGITS, Position

MOST_LETTERS = 500
_LATITUDE, _LONGITUDE = 90.0, 180.0
_PAIR = re.compile(r"(-?\d{1,3}\.\d+)\s*(?:,|%2C|/|\+)+\s*(-?\d{1,3}\.\d+)", re.IGNORECASE)
"""Within an address: `@21.4443,105.4021,17z`, `?q=21.4443,105.4021`, `#map=17/21.4443/105.4021`."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SIDE = re.compile(r"[NSEWBĐT]|\b(?:bắc|nam|đông|tây)\b", re.IGNORECASE)
_WEST_OR_SOUTH = re.compile(r"[SWT-]|nam|tây", re.IGNORECASE)


def read_position(text: str) -> Position | None:
    """The point that the text names; None if it names none, or more than one can be meant.

    Latitude comes first; a first number that can be no latitude is taken for the longitude.
    """
    text = text.strip()[:MOST_LETTERS]
    if text.lower().startswith(("http://", "https://", "geo:")):
        pairs = _PAIR.findall(text)
        return _position(float(pairs[0][0]), float(pairs[0][1])) if pairs else None
    numbers = list(_numbers(text))
    return _position(*numbers) if len(numbers) == 2 else None  # noqa: PLR2004 -- latitude and longitude


def write_position(position: Position) -> str:
    """As a field shows it: `21.44430, 105.40210`, to a metre."""
    return f"{position.lat:.5f}, {position.lon:.5f}"


def _numbers(text: str) -> Iterator[float]:
    """One number of degrees for each half of the text."""
    plain = re.sub(r"(?<=\d),(?=\d)", ".", text) if "." not in text else text
    halves = [half for half in re.split(r"[;,]|\s{2,}|\n", plain) if half.strip()]
    if len(halves) == 1:
        halves = _halves(plain)
    for half in halves:
        parts = [float(one) for one in _NUMBER.findall(half)]
        if not 0 < len(parts) <= 3 or any(one >= 60 for one in parts[1:]):  # noqa: PLR2004 -- degrees, minutes, seconds
            return
        degrees = sum(part / 60**power for power, part in enumerate(parts))
        yield -degrees if _WEST_OR_SOUTH.search(half) else degrees


def _halves(text: str) -> list[str]:
    """Of a text without a mark between: after the first side of the heavens, or half of the numbers."""
    sides = list(_SIDE.finditer(text))
    if len(sides) == 2:  # noqa: PLR2004 -- north and east
        cut = sides[0].end() if sides[1].end() >= len(text.rstrip()) else sides[1].start()
        return [text[:cut], text[cut:]]
    words = text.split()
    return [" ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])] if len(words) > 1 else []


def _position(first: float, second: float) -> Position | None:
    lat, lon = (first, second) if abs(first) <= _LATITUDE else (second, first)
    if abs(lat) > _LATITUDE or abs(lon) > _LONGITUDE:
        return None
    return Position(round(lat, DIGITS), round(lon, DIGITS))
