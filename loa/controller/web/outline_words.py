"""What is wrong with a file of outlines, and what to do about it."""

from collections.abc import Mapping

from loa.controller.core.geometry import MOST_POINTS, GeometryProblem
from loa.controller.errors import ControllerError
from loa.controller.web.admin_words import refusal
from loa.controller.web.localtime import decimal
from loa.controller.web.words import _, lazy, ngettext

_PROBLEMS: Mapping[str, str] = {
    GeometryProblem.MALFORMED: lazy(
        "GeoJSON này thiếu hoặc sai tọa độ. Xuất lại từ phần mềm bản đồ, định dạng GeoJSON."
    ),
    GeometryProblem.OTHER_KIND: lazy(
        "Tệp có điểm hoặc đường, không có vùng. Cần một vùng khép kín: Polygon hoặc MultiPolygon."
    ),
    GeometryProblem.TOO_FINE: lazy(
        "Đường ranh có hơn {most} điểm. Giản lược nó trước, ví dụ bằng lệnh Simplify của QGIS."
    ),
    GeometryProblem.TOO_SHORT: lazy("Vùng có quá ít điểm nên không thành hình. Cần ít nhất ba góc."),
    GeometryProblem.NOT_CLOSED: lazy(
        "Đường ranh chưa khép kín. Điểm cuối phải trùng điểm đầu; đóng vùng lại rồi xuất."
    ),
    GeometryProblem.OUT_OF_RANGE: lazy(
        "Tọa độ không phải độ WGS 84, kinh độ trước vĩ độ sau, như [105.39, 21.44]. "
        "Tệp VN-2000 thì chuyển sang WGS 84 (EPSG:4326) trước khi xuất."
    ),
}
_OTHERS: Mapping[str, str] = {
    "no_geojson": lazy(
        "Đây không phải GeoJSON. Trong phần mềm bản đồ, ví dụ QGIS, chọn Xuất, định dạng GeoJSON, "
        "hệ tọa độ WGS 84."
    ),
    "no_outlines": lazy("GeoJSON này không có vùng nào đọc được. Xuất lại từ phần mềm bản đồ."),
    "nothing_given": lazy("Chọn tệp GeoJSON, hoặc dán nội dung của nó vào ô."),
    "nothing_to_undo": lazy("Chưa có gì để trả lại."),
}


def say_wrong(error: ControllerError) -> str:
    """The refusal of an outline, or of whatever else is said of a place."""
    if error.code == "bad_outline":
        problem = _PROBLEMS[str(error.facts.get("problem", GeometryProblem.MALFORMED))]
        return problem.format(most=f"{MOST_POINTS:,}".replace(",", "."))
    if error.code == "no_such_feature":
        return _no_such_feature(str(error.facts.get("name", "")), error.facts.get("found"))
    return _OTHERS.get(error.code) or refusal(error)


def say_size(square_km: float, points: int) -> str:
    """How large it is, and how finely it is drawn."""
    size = decimal(square_km, 1 if square_km < 100 else 0)  # noqa: PLR2004 -- three figures tell enough
    return ngettext(
        "Rộng khoảng %(size)s km², đường ranh có %(num)s điểm.",
        "Rộng khoảng %(size)s km², đường ranh có %(num)s điểm.",
        points,
        size=size,
    )


def _no_such_feature(name: str, found: object) -> str:
    if found:
        return _("Tệp có nhiều vùng cùng tên %(name)s. Chỉ để lại một vùng rồi thử lại.", name=name)
    return _("Tệp có nhiều vùng, không vùng nào tên %(name)s. Chỉ để lại một vùng, hoặc sửa tên.", name=name)
