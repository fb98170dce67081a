"""Outlines and positions on the earth: GeoJSON as it is taken in, bounded and checked (RFC 7946).

Rings need not wind in the order of the RFC, as most files do not; what lies in an odd number of rings is
inside. Heights are left out. Outlines may not cross the 180th meridian.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import cos, hypot, isfinite, radians

Point = tuple[float, float]
"""Longitude and latitude in degrees, in this order, as GeoJSON has them."""
Ring = tuple[Point, ...]
"""Closed: the last point is the first one."""
Outline = tuple[tuple[Ring, ...], ...]
"""Polygons; the first ring of each is its outside."""

MOST_POINTS = 20_000
"""Of one outline: a province in good detail."""
LEAST_RING = 4
KM_A_DEGREE = 111.2
"""Of latitude, on the average of the earth."""
DIGITS = 6
"""Of a degree: 11 cm."""
_FURTHEST = (180.0, 90.0)


class GeometryProblem(StrEnum):
    """Why it is no outline that can be drawn."""

    MALFORMED = "malformed"
    """It is not built as GeoJSON is."""
    OTHER_KIND = "other_kind"
    """A point, a line or something else without an inside."""
    TOO_FINE = "too_fine"
    """More than `MOST_POINTS`."""
    TOO_SHORT = "too_short"
    """A ring has fewer than `LEAST_RING` points, or encloses nothing."""
    NOT_CLOSED = "not_closed"
    OUT_OF_RANGE = "out_of_range"
    """No degrees, or latitude before longitude."""


class GeometryError(ValueError):
    """It is no outline that can be drawn; the text says why and where."""

    def __init__(self, text: str, problem: GeometryProblem = GeometryProblem.MALFORMED) -> None:
        super().__init__(text)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Position:
    """A point, in degrees: latitude -90 to 90, longitude -180 to 180."""

    lat: float
    lon: float


def read_outline(geometry: object) -> Outline:
    """The outline of a GeoJSON Polygon or MultiPolygon; raises `GeometryError`."""
    if not isinstance(geometry, Mapping):
        raise GeometryError("an outline is a GeoJSON object of type Polygon or MultiPolygon")
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "Polygon":
        coordinates = [coordinates]
    elif kind != "MultiPolygon":
        text = f"an outline is a Polygon or MultiPolygon, not {str(kind)[:40]!r}"
        raise GeometryError(text, GeometryProblem.OTHER_KIND)
    polygons = _list(coordinates, "coordinates")
    if not polygons:
        raise GeometryError("the outline has no polygon")
    outline = tuple(
        tuple(
            _ring(ring, f"coordinates[{at}][{number}]")
            for number, ring in enumerate(_list(polygon, f"coordinates[{at}]"))
        )
        for at, polygon in enumerate(polygons)
    )
    if not all(outline):
        raise GeometryError("a polygon has no ring")
    points = points_of(outline)
    if points > MOST_POINTS:
        text = f"the outline has {points} points, the limit is {MOST_POINTS}; simplify it, as with QGIS"
        raise GeometryError(text, GeometryProblem.TOO_FINE)
    return outline


def as_geojson(outline: Outline) -> dict[str, object]:
    """The outline as GeoJSON."""
    polygons = [[[list(point) for point in ring] for ring in polygon] for polygon in outline]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def rings_of(outline: Outline) -> Iterable[Ring]:
    """All rings, holes included."""
    return (ring for polygon in outline for ring in polygon)


def within(point: Point, outline: Outline) -> bool:
    """Whether the point lies inside, by the rule of even and odd crossings."""
    return sum(_crossings(point, ring) for ring in rings_of(outline)) % 2 == 1


def size_of(ring: Sequence[Point]) -> float:
    """Its area, signed: positive when it winds against the clock."""
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring)) / 2


def points_of(outline: Outline) -> int:
    """How many points its rings have together."""
    return sum(len(ring) for ring in rings_of(outline))


def square_km(outline: Outline) -> float:
    """About how large it is, on a plane that touches the earth at its middle latitude."""
    lats = [lat for ring in rings_of(outline) for _lon, lat in ring]
    narrowing = cos(radians((min(lats) + max(lats)) / 2))
    degrees = sum(
        abs(size_of(polygon[0])) - sum(abs(size_of(hole)) for hole in polygon[1:]) for polygon in outline
    )
    return degrees * narrowing * KM_A_DEGREE**2


def km_from(point: Point, outline: Outline) -> float:
    """About how far it lies from the outline; 0 inside."""
    if within(point, outline):
        return 0.0
    narrowing = cos(radians(point[1]))
    near = (_flat(ring, point, narrowing) for ring in rings_of(outline))
    return min(_off(a, b) for ring in near for a, b in pairwise(ring)) * KM_A_DEGREE


def middle_of(outline: Outline) -> Point:
    """A point inside the largest polygon, to write its name at.

    The centre of gravity if it lies inside, else the middle of the widest stretch on some lines across it.
    """
    largest = max(outline, key=lambda polygon: abs(size_of(polygon[0])))
    centre = _gravity(largest[0])
    if within(centre, (largest,)):
        return centre
    lows = sorted(lat for _lon, lat in largest[0])
    low, high = lows[0], lows[-1]
    lines = [low + (high - low) * (step + 0.5) / _LINES for step in range(_LINES)]
    stretches = [stretch for lat in lines for stretch in _stretches(largest, lat)]
    if not stretches:
        return largest[0][0]
    from_lon, to_lon, lat = max(stretches, key=lambda stretch: stretch[1] - stretch[0])
    return (from_lon + to_lon) / 2, lat


_LINES = 24


def _list(value: object, where: str) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise GeometryError(f"{where} is no list")
    return value


def _ring(value: object, where: str) -> Ring:
    given = _list(value, where)
    if len(given) > MOST_POINTS:
        text = f"{where} has {len(given)} points, the limit of an outline is {MOST_POINTS}"
        raise GeometryError(text, GeometryProblem.TOO_FINE)
    ring = tuple(_point(point, f"{where}[{number}]") for number, point in enumerate(given))
    if len(ring) < LEAST_RING:
        text = f"{where} has {len(ring)} points; a ring has 4 or more"
        raise GeometryError(text, GeometryProblem.TOO_SHORT)
    if ring[0] != ring[-1]:
        text = f"{where} is not closed: its last point must be its first"
        raise GeometryError(text, GeometryProblem.NOT_CLOSED)
    if not size_of(ring):
        raise GeometryError(f"{where} encloses nothing", GeometryProblem.TOO_SHORT)
    return ring


def _point(value: object, where: str) -> Point:
    numbers = _list(value, where)
    if len(numbers) not in {2, 3}:
        raise GeometryError(f"{where} is not [longitude, latitude]")
    found = [_degrees(number, most, where) for number, most in zip(numbers, _FURTHEST, strict=False)]
    return found[0], found[1]


def _degrees(number: object, most: float, where: str) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float) or not isfinite(number):
        raise GeometryError(f"{where} is not made of numbers")
    if abs(number) > most:
        text = (
            f"{where}: {number} is out of range; longitude (-180 to 180) comes first, then latitude "
            "(-90 to 90), in degrees of WGS 84"
        )
        raise GeometryError(text, GeometryProblem.OUT_OF_RANGE)
    return round(float(number), DIGITS)


def _flat(ring: Ring, origin: Point, narrowing: float) -> list[Point]:
    """Degrees of latitude from a point near by, as if the earth was flat there."""
    return [((lon - origin[0]) * narrowing, lat - origin[1]) for lon, lat in ring]


def _off(start: Point, end: Point) -> float:
    """How far the stretch is from the middle of the plane."""
    x, y = end[0] - start[0], end[1] - start[1]
    length = x * x + y * y
    along = -(start[0] * x + start[1] * y) / length if length else 0.0
    along = min(1.0, max(0.0, along))
    return hypot(start[0] + along * x, start[1] + along * y)


def _crossings(point: Point, ring: Ring) -> int:
    x, y = point
    return sum(
        (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0)
        for (x0, y0), (x1, y1) in pairwise(ring)
    )


def _gravity(ring: Ring) -> Point:
    x0, y0 = ring[0]
    near = [(x - x0, y - y0) for x, y in ring]
    size = size_of(near)
    if not size:
        return ring[0]
    pairs = [(a, b, a[0] * b[1] - b[0] * a[1]) for a, b in pairwise(near)]
    return (
        x0 + sum((a[0] + b[0]) * cross for a, b, cross in pairs) / (6 * size),
        y0 + sum((a[1] + b[1]) * cross for a, b, cross in pairs) / (6 * size),
    )


def _stretches(polygon: tuple[Ring, ...], lat: float) -> Iterable[tuple[float, float, float]]:
    cuts = sorted(
        x0 + (lat - y0) * (x1 - x0) / (y1 - y0)
        for ring in polygon
        for (x0, y0), (x1, y1) in pairwise(ring)
        if (y0 > lat) != (y1 > lat)
    )
    return [(a, b, lat) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
