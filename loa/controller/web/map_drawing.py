"""An outline map as shapes of SVG: areas, their names, loudspeakers by state. Pure; pages write it down.

It is a picture beside a list: whatever it shows stands in the list, too, so that nobody needs to see it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from loa.controller.core.geometry import Outline, Point, Position, middle_of
from loa.controller.core.node_states import NodeState
from loa.controller.web.map_shapes import Frame, draw_outlines, frame_of, path_of
from loa.protocol.ids import AreaId

WIDTH = 300.0
"""About as wide as a card on a phone, so that a unit is about a pixel there and never less on a desk."""
MOST_POINTS = 3_000
"""Of all outlines together: some 30 KB."""
LETTERS = 13.0
"""Height of a name."""
_LETTER_WIDTH = 0.56
"""Of a letter against its height, on the average of Vietnamese names in Be Vietnam Pro."""
_SHIFTS = (0.0, 15.0, -15.0, 28.0, -28.0, 42.0, -42.0)
_MARK = 8.0
"""Half of a mark's width, with its air."""
_BESIDE = 18.0
"""From one mark to the next where several have no position of their own."""
_BESIDES = sorted(
    ((row, column) for row in range(-3, 4) for column in range(-4, 5)),
    key=lambda step: (step[0] ** 2 * 2 + step[1] ** 2, step),
)
"""Where to look for room, in rows and columns of marks: beside before above."""


@dataclass(frozen=True, slots=True)
class Ground:
    """An area to be drawn."""

    id: AreaId
    name: str
    outline: Outline


@dataclass(frozen=True, slots=True)
class Spot:
    """A loudspeaker, or several of them as one, to be drawn."""

    id: str
    title: str
    state: NodeState
    position: Position | None
    area: AreaId | None
    """The drawn area in whose middle it stands if nobody has told its position."""
    href: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Region:
    """A drawn area."""

    id: AreaId
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Label:
    """A name in the picture, by its middle and its base line."""

    area: AreaId
    text: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A drawn loudspeaker, by its middle."""

    id: str
    title: str
    state: NodeState
    x: float
    y: float
    href: str
    count: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """The picture; nothing in it if nothing is known of where things are."""

    width: float = WIDTH
    height: float = 0.0
    regions: tuple[Region, ...] = ()
    labels: tuple[Label, ...] = ()
    marks: tuple[Mark, ...] = ()
    unplaced: int = 0
    """Loudspeakers of which nobody knows where they are."""
    frame: Frame | None = None
    """How degrees became units of the picture; None of an empty one."""

    def __bool__(self) -> bool:
        return bool(self.regions or self.marks)


@dataclass(slots=True)
class _Boxes:
    """What is taken up already."""

    taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    def overlap(self, box: tuple[float, float, float, float]) -> float:
        """How much of the box is taken, from 0 to 1."""
        left, top, right, bottom = box
        shared = sum(
            max(0.0, min(right, r) - max(left, x)) * max(0.0, min(bottom, b) - max(top, y))
            for x, y, r, b in self.taken
        )
        return shared / ((right - left) * (bottom - top))


def draw(grounds: Sequence[Ground], spots: Sequence[Spot]) -> Drawing:
    """The picture of these areas and loudspeakers."""
    middles = {ground.id: middle_of(ground.outline) for ground in grounds}
    placed = {spot.id: point for spot in spots if (point := _point(spot, middles)) is not None}
    corners = [point for ground in grounds for polygon in ground.outline for point in polygon[0]]
    frame = frame_of([*corners, *placed.values()], WIDTH)
    if frame is None:
        return Drawing(unplaced=sum(spot.count for spot in spots))
    outlines = draw_outlines([ground.outline for ground in grounds], frame, MOST_POINTS)
    boxes = _Boxes()
    marks = _marks(spots, placed, frame, boxes)
    return Drawing(
        height=round(frame.height, 1),
        regions=tuple(
            Region(ground.id, ground.name, path_of(outline))
            for ground, outline in zip(grounds, outlines, strict=True)
        ),
        labels=tuple(_labels(grounds, middles, frame, boxes)),
        marks=marks,
        unplaced=sum(spot.count for spot in spots if spot.id not in placed),
        frame=frame,
    )


def _point(spot: Spot, middles: Mapping[AreaId, Point]) -> Point | None:
    if spot.position is not None:
        return spot.position.lon, spot.position.lat
    return middles.get(spot.area) if spot.area is not None else None


def _marks(
    spots: Sequence[Spot], placed: Mapping[str, Point], frame: Frame, boxes: _Boxes
) -> tuple[Mark, ...]:
    """Those with a position of their own first, which the others keep clear of; the worst lie on top."""
    found = []
    for spot in sorted(spots, key=lambda spot: spot.position is None):
        if spot.id not in placed:
            continue
        x, y = _free(frame.place(placed[spot.id]), boxes, moves=spot.position is None)
        boxes.taken.append(_around(x, y))
        found.append(Mark(spot.id, spot.title, spot.state, round(x, 1), round(y, 1), spot.href, spot.count))
    order = list(NodeState)
    return tuple(sorted(found, key=lambda mark: order.index(mark.state)))


def _free(point: Point, boxes: _Boxes, *, moves: bool) -> Point:
    """The point, or the nearest of some beside it at which nothing stands."""
    if not moves:
        return point
    steps = ((point[0] + column * _BESIDE, point[1] + row * _BESIDE) for row, column in _BESIDES)
    return next((one for one in steps if boxes.overlap(_around(*one)) <= 0), point)


def _around(x: float, y: float) -> tuple[float, float, float, float]:
    return x - _MARK, y - _MARK, x + _MARK, y + _MARK


def _labels(
    grounds: Sequence[Ground], middles: Mapping[AreaId, Point], frame: Frame, boxes: _Boxes
) -> Collection[Label]:
    """Names where there is room, those of the widest areas first; a name without room is left out."""
    found = []
    for ground in sorted(grounds, key=lambda ground: -_breadth(ground.outline)):
        x, y = frame.place(middles[ground.id])
        half = len(ground.name) * LETTERS * _LETTER_WIDTH / 2
        x = min(max(x, half), frame.width - half)
        tries = []
        for shift in _SHIFTS:
            base = y + shift + LETTERS / 3
            box = (x - half, base - LETTERS, x + half, base + LETTERS / 3)
            tries.append((boxes.overlap(box), base, box))
        overlap, base, box = min(tries, key=lambda one: one[0])
        if overlap > _MOST_OVERLAP or base > frame.height:
            continue
        boxes.taken.append(box)
        found.append(Label(ground.id, ground.name, round(x, 1), round(base, 1)))
    return found


_MOST_OVERLAP = 0.12


def _breadth(outline: Outline) -> float:
    lons = [lon for polygon in outline for lon, _lat in polygon[0]]
    return max(lons) - min(lons)
