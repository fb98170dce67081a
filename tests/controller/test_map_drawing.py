"""The outline map: in proportion, bounded, its names apart, its marks by state."""

from itertools import combinations, pairwise
from math import cos, hypot, pi, radians, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.controller.core.geometry import Outline, Point, Position, Ring, rings_of
from loa.controller.core.node_states import NodeState
from loa.controller.core.sample_map import sample_whereabouts
from loa.controller.web.map_drawing import LETTERS, MOST_POINTS, WIDTH, Drawing, Ground, Spot, draw
from loa.controller.web.map_shapes import draw_outlines, frame_of, path_of, simplify
from loa.protocol.ids import AreaId


def square(west: float, south: float, side: float) -> Outline:
    corners = ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))
    return ((tuple((west + x * side, south + y * side) for x, y in corners),),)


def coast(points: int) -> Ring:
    """A ring of many points, rough as a real one."""
    steps = [2 * pi * step / points for step in range(points)]
    ring = [((1 + 0.05 * sin(at * 97)) * cos(at), (1 + 0.05 * cos(at * 89)) * sin(at)) for at in steps]
    return (*((105 + x / 10, 21 + y / 10) for x, y in ring), (105 + ring[0][0] / 10, 21 + ring[0][1] / 10))


def grounds() -> list[Ground]:
    return [
        Ground(one.area, one.area.title(), one.outline)
        for one in sample_whereabouts()
        if one.outline is not None
    ]


def spot(id_: str, state: NodeState, position: Position | None = None, area: str | None = None) -> Spot:
    return Spot(id_, id_, state, position, AreaId(area) if area else None)


@pytest.mark.parametrize("lat", [0.0, 21.4, 60.0])
def test_what_is_as_wide_as_high_on_the_earth_is_so_in_the_picture(lat: float) -> None:
    """A degree of longitude is shorter by the cosine of the latitude."""
    wide = 0.05 / cos(radians(lat))
    frame = frame_of([(105, lat - 0.025), (105 + wide, lat + 0.025)], WIDTH)
    assert frame is not None
    (x0, y0), (x1, y1) = frame.place((105, lat + 0.025)), frame.place((105 + wide, lat - 0.025))
    assert x1 - x0 == pytest.approx(y1 - y0, rel=1e-3)


def test_north_is_up_and_all_of_it_is_in_the_picture() -> None:
    drawing = draw(grounds(), ())
    points = [
        tuple(map(float, pair.split()))
        for region in drawing.regions
        for pair in region.path.replace("M", "L").replace("Z", "").split("L")
        if pair
    ]
    assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in points)
    frame = frame_of([(105.0, 21.0), (105.1, 21.1)], WIDTH)
    assert frame is not None
    assert frame.place((105.0, 21.1))[1] < frame.place((105.0, 21.0))[1]


def test_a_picture_is_neither_flat_nor_a_tower() -> None:
    flat = draw([Ground(AreaId("a"), "A", ((((105, 21), (106, 21), (106, 21.01), (105, 21)),),))], ())
    tower = draw([Ground(AreaId("a"), "A", ((((105, 21), (105.01, 21), (105.01, 22), (105, 21)),),))], ())
    assert 0.5 * WIDTH <= flat.height <= tower.height <= 1.3 * WIDTH


@given(
    st.lists(st.tuples(st.floats(-200, 200), st.floats(-200, 200)), min_size=3, max_size=60, unique=True),
    st.floats(0.1, 20),
)
def test_no_point_is_further_off_than_the_tolerance(points: list[Point], tolerance: float) -> None:
    ring = (*points, points[0])
    simpler = simplify(ring, tolerance)
    assert simpler[0] == simpler[-1] == ring[0]
    assert set(simpler) <= set(ring)
    for point in ring:
        assert min(_off(point, a, b) for a, b in pairwise(simpler)) <= tolerance + 1e-6


def test_many_points_are_bounded_however_rough_the_coast() -> None:
    frame = frame_of([(104.8, 20.8), (105.2, 21.2)], WIDTH)
    assert frame is not None
    drawn = draw_outlines([((coast(4_000),),)] * 4, frame, most=300)
    assert sum(len(ring) for outline in drawn for ring in rings_of(outline)) <= 300
    assert all(len(ring) >= 4 for outline in drawn for ring in rings_of(outline))


def test_a_hole_stays_and_an_island_too_small_to_see_goes() -> None:
    outline = square(105, 21, 1)[0] + square(105.3, 21.3, 0.4)[0]
    islands: Outline = (outline, square(107, 21, 0.0005)[0])
    frame = frame_of([(105, 21), (107, 22)], WIDTH)
    assert frame is not None
    [drawn] = draw_outlines([islands], frame, MOST_POINTS)
    assert [len(polygon) for polygon in drawn] == [2]
    assert path_of(drawn).count("Z") == 2


def test_names_stand_apart_from_each_other_and_from_marks() -> None:
    spots = [
        spot(f"{ground.id}-{number}", NodeState.IDLE, area=ground.id)
        for number in range(3)
        for ground in grounds()
    ]
    drawing = draw(grounds(), spots)
    assert len(drawing.labels) == 3
    boxes = [
        (label.x - len(label.text) * 3.6, label.y - LETTERS, label.x + len(label.text) * 3.6, label.y + 4)
        for label in drawing.labels
    ]
    boxes += [(mark.x - 7, mark.y - 7, mark.x + 7, mark.y + 7) for mark in drawing.marks]
    assert all(_shared(one, other) < 60 for one, other in combinations(boxes, 2))


def test_a_name_without_room_is_left_out_and_its_area_is_drawn() -> None:
    near = [Ground(AreaId(f"a{number}"), "Rất dài như tên này", square(105, 21, 0.1)) for number in range(9)]
    drawing = draw(near, ())
    assert len(drawing.regions) == 9
    assert 0 < len(drawing.labels) < 9


def test_who_has_no_position_stands_in_its_area_and_hides_nobody() -> None:
    home = grounds()[0]
    spots = [
        spot("known", NodeState.SOUNDING, Position(lat=21.4585, lon=105.3775)),
        *(spot(f"guess-{number}", NodeState.LOST, area=home.id) for number in range(5)),
        spot("nowhere", NodeState.LOST),
    ]
    drawing = draw(grounds(), spots)
    assert drawing.unplaced == 1
    assert len(drawing.marks) == 6
    assert drawing.marks[-1].state is NodeState.LOST
    apart = [hypot(a.x - b.x, a.y - b.y) for a, b in combinations(drawing.marks, 2)]
    assert min(apart) > 14


def test_without_any_geometry_there_is_no_picture() -> None:
    drawing = draw((), [spot("cum-1", NodeState.IDLE)])
    assert not drawing
    assert drawing == Drawing(unplaced=1)


def test_loudspeakers_alone_are_a_picture() -> None:
    drawing = draw((), [spot("cum-1", NodeState.IDLE, Position(lat=21.4, lon=105.4))])
    assert drawing
    assert drawing.marks[0].x == pytest.approx(WIDTH / 2)


def _off(point: Point, start: Point, end: Point) -> float:
    length = (end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2
    if not length:
        return hypot(point[0] - start[0], point[1] - start[1])
    x, y = end[0] - start[0], end[1] - start[1]
    along = max(0.0, min(1.0, ((point[0] - start[0]) * x + (point[1] - start[1]) * y) / length))
    return hypot(point[0] - start[0] - along * x, point[1] - start[1] - along * y)


def _shared(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)
