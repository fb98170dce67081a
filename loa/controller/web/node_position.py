"""Where a loudspeaker stands: typed, pasted, tapped on the map or told by the phone; drawn before kept."""

from collections.abc import Iterator
from dataclasses import dataclass

from loa.controller.core.coordinates import read_position, write_position
from loa.controller.core.geometry import Position, km_from
from loa.controller.core.node_states import NodeState
from loa.controller.core.tree import AreaKind
from loa.controller.store.database import Session
from loa.controller.web.console import Console, Visit
from loa.controller.web.forms import Errors
from loa.controller.web.localtime import decimal
from loa.controller.web.map_drawing import Drawing, Mark, Spot, draw
from loa.controller.web.map_view import scene_of
from loa.controller.web.render import HEADERS
from loa.controller.web.words import _
from loa.protocol.ids import AreaId

POSITION_HEADERS = {
    "permissions-policy": HEADERS["permissions-policy"].replace("geolocation=()", "geolocation=(self)")
}
"""The page of the form alone may ask the phone where it is."""
_WIDER = (AreaKind.COMMUNE, AreaKind.DISTRICT)
LONGEST_TEXT = 500
PIN = "pin"
_NEAR_KM = 0.05
"""A map drawn by hand is not finer than this."""


@dataclass(frozen=True, slots=True)
class PlaceView:
    """The map with the place that is typed, and what is to be said of it."""

    drawing: Drawing
    pin: Mark | None
    frame: str
    """Numbers by which a tap becomes degrees; empty without a map."""
    said: str
    is_wrong: bool = False


def place_view(console: Console, session: Session, visit: Visit, home: AreaId, typed: str) -> PlaceView:
    """Of the place typed for a loudspeaker that is to stand in `home`."""
    position = read_position(typed)
    around = _commune(visit, home)
    grounds = scene_of(console, session, visit, around).grounds or scene_of(console, session, visit).grounds
    spots = [Spot(PIN, _("Chỗ đặt cụm loa"), NodeState.IDLE, position, None)] if position else []
    drawing = draw(grounds, spots) if grounds else Drawing()
    return PlaceView(
        drawing=drawing,
        pin=next(iter(drawing.marks), None),
        frame=_frame(drawing),
        said=" ".join(_about(console, session, visit, home, position) if position else _without(typed)),
        is_wrong=bool(typed) and position is None,
    )


def read_place(typed: str, description: str, errors: Errors) -> dict[str, object]:
    """The facts that the form asks for; with the mistakes by their fields."""
    position = read_position(typed) if typed else None
    if typed and position is None:
        errors["position"] = _(
            "Ghi vĩ độ rồi kinh độ, ví dụ 21.44430, 105.40210. "
            "Đường dẫn rút gọn của bản đồ thì mở ra rồi chép số."
        )
    if len(description) > LONGEST_TEXT:
        errors["description"] = _("Viết ngắn lại, tối đa 500 chữ")
    return {"position": position, "description": description}


def _without(typed: str) -> Iterator[str]:
    yield _("Không đọc được tọa độ này.") if typed else _("Chưa có vị trí.")


def _about(
    console: Console, session: Session, visit: Visit, home: AreaId, position: Position
) -> Iterator[str]:
    yield _("Đọc là %(position)s.", position=write_position(position))
    for place in reversed(visit.places.tree.path(home)):
        if place.id not in visit.places:
            return
        outline = console.controller.whereabouts.get(session, visit.person, place.id).outline
        if outline is not None:
            away = km_from((position.lon, position.lat), outline)
            name = visit.places.title(place.id)
            if away <= _NEAR_KM:
                yield _("Nằm trong %(name)s.", name=name)
            else:
                km = decimal(away, 1)
                yield _("Ngoài ranh %(name)s %(km)s km. Xem lại nếu không đúng.", name=name, km=km)
            return


def _commune(visit: Visit, home: AreaId) -> AreaId | None:
    path = [place.id for place in visit.places.tree.path(home) if place.kind in _WIDER]
    return next((area for area in reversed(path) if area in visit.places), None)


def _frame(drawing: Drawing) -> str:
    frame = drawing.frame
    if frame is None:
        return ""
    numbers = (frame.west, frame.north, frame.scale, frame.narrowing, frame.left, frame.top)
    return " ".join(f"{number:.9g}" for number in numbers)
