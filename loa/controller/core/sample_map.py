"""Where the sample commune's villages and loudspeakers stand. All of it is made up, as its people are."""

from collections.abc import Mapping, Sequence

from loa.controller.core.geometry import Outline, Position, Ring
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.core.whereabouts import Contact, Whereabouts
from loa.protocol.ids import AreaId

NOTE = "Số liệu mẫu, không có thật"
"""Stands with all of it, so that nobody takes it for the commune's own."""
_CORNER = Position(lat=21.432, lon=105.368)
_STEP = 0.001
"""Degrees; the lines below count in it from the corner."""

_Line = Sequence[tuple[int, int]]
_MIDDLE: _Line = ((18, 17),)
_NORTH: _Line = ((22, 34),)
_EAST: _Line = ((36, 9),)
_WEST: _Line = ((1, 13),)
_TO_NORTH: _Line = ((17, 21), (20, 26), (19, 30))
_TO_EAST: _Line = ((23, 15), (28, 14), (31, 10))
_TO_WEST: _Line = ((13, 18), (9, 15), (5, 16))
_NORTH_TO_EAST: _Line = ((27, 35), (31, 33), (36, 31), (38, 26), (41, 21), (39, 15), (40, 11))
_EAST_TO_WEST: _Line = ((33, 4), (28, 1), (22, 2), (17, 0), (11, 2), (6, 4), (3, 8))
_WEST_TO_NORTH: _Line = ((0, 18), (3, 24), (7, 27), (9, 31), (14, 33), (18, 36))

POSITIONS: Mapping[AreaId, Position] = {
    VILLAGES[0]: Position(lat=21.458, lon=105.378),
    VILLAGES[1]: Position(lat=21.454, lon=105.397),
    VILLAGES[2]: Position(lat=21.440, lon=105.384),
}
"""Of a loudspeaker in each village."""


def sample_whereabouts() -> tuple[Whereabouts, ...]:
    """Of the commune and its villages."""
    rings = {
        VILLAGES[0]: _ring(_WEST, _WEST_TO_NORTH, _NORTH, _TO_NORTH[::-1], _MIDDLE, _TO_WEST),
        VILLAGES[1]: _ring(_NORTH, _NORTH_TO_EAST, _EAST, _TO_EAST[::-1], _MIDDLE, _TO_NORTH),
        VILLAGES[2]: _ring(_EAST, _EAST_TO_WEST, _WEST, _TO_WEST[::-1], _MIDDLE, _TO_EAST),
    }
    people = {
        VILLAGES[0]: (268, Contact("Lê Văn Tám", "0900 000 001")),
        VILLAGES[1]: (231, Contact("Hoàng Thị Sáu", "0900 000 002")),
        VILLAGES[2]: (204, Contact("Đỗ Văn Năm", "0900 000 003")),
    }
    office = Whereabouts(
        area=COMMUNE, contact=Contact("Ủy ban nhân dân xã", "0900 000 000"), description=NOTE
    )
    villages = (
        Whereabouts(
            area=village,
            households=households,
            contact=contact,
            outline=_outline(rings[village]),
            description=NOTE,
        )
        for village, (households, contact) in people.items()
    )
    return (office, *villages)


def _ring(*lines: _Line) -> Ring:
    points = [
        (round(_CORNER.lon + x * _STEP, 6), round(_CORNER.lat + y * _STEP, 6))
        for line in lines
        for x, y in line
    ]
    return (*points, points[0])


def _outline(ring: Ring) -> Outline:
    return ((ring,),)
