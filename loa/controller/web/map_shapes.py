"""From degrees to a small picture: projection and simplification, pure.

Equirectangular with the cosine of the middle latitude: over a province of 200 km what is drawn is off by less
than a line is wide, and the earth needs no library.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, hypot, radians

from loa.controller.core.geometry import Outline, Point, Ring, rings_of

MARGIN = 10.0
"""Around what is drawn, for the marks at the edge."""
LEAST_HEIGHT, MOST_HEIGHT = 0.5, 1.3
"""Of the picture against its width."""
FINEST = 0.6
"""What a line may be off, in units of the picture: nobody sees it."""
_LEAST_SPAN = 0.002
"""Of a degree: a single loudspeaker is not drawn as large as a house."""
_RING = 3


@dataclass(frozen=True, slots=True)
class Frame:
    """How degrees become units of the picture; the picture's own height belongs to it."""

    west: float
    north: float
    scale: float
    """Units a degree of latitude."""
    narrowing: float
    """A degree of longitude against one of latitude."""
    left: float
    top: float
    width: float
    height: float

    def place(self, point: Point) -> Point:
        """Where a point is in the picture, down being larger."""
        lon, lat = point
        x = self.left + (lon - self.west) * self.narrowing * self.scale
        return x, self.top + (self.north - lat) * self.scale


def frame_of(points: Sequence[Point], width: float) -> Frame | None:
    """The frame that holds all points; None if there are none."""
    if not points:
        return None
    lons, lats = [lon for lon, _lat in points], [lat for _lon, lat in points]
    west, east, south, north = min(lons), max(lons), min(lats), max(lats)
    narrowing = max(0.01, cos(radians((south + north) / 2)))
    wide = max((east - west) * narrowing, _LEAST_SPAN)
    high = max(north - south, _LEAST_SPAN)
    inner = width - 2 * MARGIN
    scale = min(inner / wide, (width * MOST_HEIGHT - 2 * MARGIN) / high)
    height = max(width * LEAST_HEIGHT, high * scale + 2 * MARGIN)
    return Frame(
        west=west,
        north=north,
        scale=scale,
        narrowing=narrowing,
        left=(width - (east - west) * narrowing * scale) / 2,
        top=(height - (north - south) * scale) / 2,
        width=width,
        height=height,
    )


def draw_outlines(outlines: Sequence[Outline], frame: Frame, most: int) -> list[Outline]:
    """The outlines in the picture, with at most so many points together: coarser until they fit."""
    placed = [
        tuple(tuple(tuple(map(frame.place, ring)) for ring in polygon) for polygon in outline)
        for outline in outlines
    ]
    tolerance = FINEST
    while True:
        drawn = [_simpler(outline, tolerance) for outline in placed]
        if sum(len(ring) for outline in drawn for ring in rings_of(outline)) <= most:
            return drawn
        tolerance *= 1.6


def path_of(outline: Outline) -> str:
    """The `d` of an SVG path; holes by its rule of even and odd."""
    return "".join(
        "M" + "L".join(f"{_short(x)} {_short(y)}" for x, y in ring[:-1]) + "Z" for ring in rings_of(outline)
    )


def simplify(ring: Sequence[Point], tolerance: float) -> Ring:
    """The ring with fewer points, none of the others further off than that (Douglas and Peucker).

    Cut at its first point and the one that is furthest from it, so that it stays closed.
    """
    first = ring[0]
    far = max(range(len(ring)), key=lambda at: _distance(ring[at], first))
    kept = {0, far, len(ring) - 1}
    waiting = [(0, far), (far, len(ring) - 1)]
    while waiting:
        start, end = waiting.pop()
        furthest, at = _furthest(ring, start, end)
        if furthest > tolerance:
            kept.add(at)
            waiting += [(start, at), (at, end)]
    return tuple(ring[at] for at in sorted(kept))


def _simpler(outline: Outline, tolerance: float) -> Outline:
    """Without what became too small to see, but never without all of it."""
    largest = max(rings_of(outline), key=_extent)
    polygons = []
    for polygon in outline:
        rings = [
            simplify(ring, tolerance) for ring in polygon if ring is largest or _extent(ring) > 2 * tolerance
        ]
        if rings and (polygon[0] is largest or _extent(polygon[0]) > 2 * tolerance):
            polygons.append(tuple(ring for ring in rings if len(ring) > _RING or ring is rings[0]))
    return tuple(polygons)


def _extent(ring: Iterable[Point]) -> float:
    points = list(ring)
    xs, ys = [x for x, _y in points], [y for _x, y in points]
    return max(max(xs) - min(xs), max(ys) - min(ys))


def _furthest(ring: Sequence[Point], start: int, end: int) -> tuple[float, int]:
    best, best_at = 0.0, start
    for at in range(start + 1, end):
        off = _off(ring[at], ring[start], ring[end])
        if off > best:
            best, best_at = off, at
    return best, best_at


def _off(point: Point, start: Point, end: Point) -> float:
    """How far from the stretch between the two."""
    x, y = end[0] - start[0], end[1] - start[1]
    length = x * x + y * y
    if not length:
        return _distance(point, start)
    along = ((point[0] - start[0]) * x + (point[1] - start[1]) * y) / length
    along = min(1.0, max(0.0, along))
    return _distance(point, (start[0] + along * x, start[1] + along * y))


def _distance(one: Point, other: Point) -> float:
    return hypot(one[0] - other[0], one[1] - other[1])


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
