"""A small commune for demonstrations and tests: Vĩnh Phúc / Sông Lô / Lãng Công / three villages."""

from dataclasses import dataclass

from loa.controller.core.tree import AreaKind
from loa.protocol.ids import AreaId


@dataclass(frozen=True, slots=True)
class SampleArea:
    """An area of the sample, its parent before it."""

    id: AreaId
    name: str
    kind: AreaKind
    parent_id: AreaId | None


COMMUNE = AreaId("lang-cong")
VILLAGES = (AreaId("thon-thong-nhat"), AreaId("thon-minh-tan"), AreaId("thon-phu-cuong"))
"""Their names are invented."""
SAMPLE: tuple[SampleArea, ...] = (
    SampleArea(AreaId("vinh-phuc"), "Tỉnh Vĩnh Phúc", AreaKind.PROVINCE, None),
    SampleArea(AreaId("song-lo"), "Huyện Sông Lô", AreaKind.DISTRICT, AreaId("vinh-phuc")),
    SampleArea(COMMUNE, "Xã Lãng Công", AreaKind.COMMUNE, AreaId("song-lo")),
    SampleArea(VILLAGES[0], "Thôn Thống Nhất", AreaKind.VILLAGE, COMMUNE),
    SampleArea(VILLAGES[1], "Thôn Minh Tân", AreaKind.VILLAGE, COMMUNE),
    SampleArea(VILLAGES[2], "Thôn Phú Cường", AreaKind.VILLAGE, COMMUNE),
)
