"""Where an area or node is, and whom to call there."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.etags import Revision, etag
from loa.controller.api.given import Given
from loa.controller.api.once import Once, Result
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.controller.core.geometry import GeometryError, Outline, Position, as_geojson, read_outline
from loa.controller.core.whereabouts import MOST_HOUSEHOLDS, Contact, Whereabouts
from loa.controller.errors import Invalid
from loa.controller.store.database import Work
from loa.protocol.ids import AreaId
from loa.protocol.units import Instant


class ContactIn(Given):
    """Whom to call about the loudspeakers there."""

    name: Annotated[Words, Field(min_length=1, max_length=200)]
    phone: Annotated[str, Field(pattern=r"^[0-9+() .-]{0,32}$")] = ""


class PositionIn(Given):
    """A point in degrees of WGS 84."""

    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class WhereaboutsPatch(Given):
    """What is to be different; what is left out stays, null is not known any more."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"households": 268, "contact": {"name": "Lê Văn Tám", "phone": "0900 000 001"}},
                {"position": {"lat": 21.4443, "lon": 105.4021}, "description": "cột trước nhà văn hóa"},
            ]
        }
    )

    households: Annotated[int, Field(ge=0, le=MOST_HOUSEHOLDS)] | None = None
    """Not of nodes and zones."""
    contact: ContactIn | None = None
    outline: dict[str, Any] | None = None
    """GeoJSON of a Polygon or MultiPolygon with at most 20,000 points; not of nodes and zones."""
    position: PositionIn | None = None
    """Only of nodes."""
    description: Annotated[Words, Field(max_length=500)] = ""
    """Of the place, for who looks for it."""


class WhereaboutsOut(BaseModel):
    """What is known; null and an empty text: not known."""

    area: AreaId
    households: int | None
    contact: ContactIn | None
    outline: dict[str, Any] | None
    """GeoJSON."""
    position: PositionIn | None
    description: str
    revision: int
    """0: nobody has said anything yet."""
    updated_by: str
    updated_at: Instant | None


def router() -> APIRouter:
    """`/areas/{area}/whereabouts`; a node is an area under its own id."""
    routes = APIRouter(tags=["areas"])
    path = "/areas/{area}/whereabouts"
    routes.get(path, response_model=WhereaboutsOut, responses=documented(401, 404))(get)
    refused = documented(401, 403, 404, 412, 428)
    routes.patch(path, response_model=WhereaboutsOut, responses=refused)(change)
    again = refused | documented(409)
    routes.post(f"{path}/undo", response_model=WhereaboutsOut, responses=again)(undo)
    return routes


def get(area: AreaId, who: Who, parts: Parts, response: Response) -> WhereaboutsOut:
    """Where an area or node is."""
    with parts.db.look() as session:
        known = parts.whereabouts.get(session, who, area)
    response.headers["etag"] = etag(known.revision)
    return _out(known)


def change(
    area: AreaId, patch: WhereaboutsPatch, who: Who, parts: Parts, *, revision: Revision, once: Once
) -> Response:
    """Say where an area or node is; If-Match `"0"` where nobody has yet."""
    changed = _changed(patch)

    def act(work: Work) -> Result:
        kept = parts.whereabouts.change(work, who, area, changed, revision)
        return Result(_out(kept), etag=etag(kept.revision))

    return once.run(act)


def undo(area: AreaId, who: Who, parts: Parts, *, revision: Revision, once: Once) -> Response:
    """Take the last change back; a second time brings it again."""

    def act(work: Work) -> Result:
        kept = parts.whereabouts.undo(work, who, area, revision)
        return Result(_out(kept), etag=etag(kept.revision))

    return once.run(act)


def _changed(patch: WhereaboutsPatch) -> Mapping[str, object]:
    contact, position = patch.contact, patch.position
    values = {
        "households": patch.households,
        "contact": Contact(contact.name, contact.phone) if contact else None,
        "outline": _outline(patch.outline),
        "position": Position(position.lat, position.lon) if position else None,
        "description": patch.description,
    }
    return {name: values[name] for name in patch.model_fields_set}


def _outline(geometry: dict[str, Any] | None) -> Outline | None:
    try:
        return None if geometry is None else read_outline(geometry)
    except GeometryError as error:
        raise Invalid("bad_outline", str(error), problem=error.problem) from error


def _out(known: Whereabouts) -> WhereaboutsOut:
    contact, position = known.contact, known.position
    return WhereaboutsOut(
        area=known.area,
        households=known.households,
        contact=ContactIn(name=contact.name, phone=contact.phone) if contact else None,
        outline=as_geojson(known.outline) if known.outline else None,
        position=PositionIn(lat=position.lat, lon=position.lon) if position else None,
        description=known.description,
        revision=known.revision,
        updated_by=known.updated_by,
        updated_at=known.updated_at,
    )
