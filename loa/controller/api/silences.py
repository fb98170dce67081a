"""STOP for an area, also while the database is down."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from loa.controller.api.deps import Parts
from loa.controller.api.given import Given
from loa.controller.api.problems import documented
from loa.controller.composition import Controller
from loa.controller.core.access import Person
from loa.controller.errors import Unavailable
from loa.controller.gate import CSRF_HEADER, SAFE_METHODS, check_csrf
from loa.protocol.ids import AreaId, SilenceId
from loa.protocol.programme import Silence
from loa.protocol.units import Instant


class NewSilence(Given):
    """How long everything in the area is to be silent, from now on."""

    minutes: Annotated[int, Field(ge=1, le=1440, examples=[60])] = 60


class SilenceView(BaseModel):
    """A silence. It ends for good what it meets; what is approved after `issued_at` sounds."""

    id: SilenceId
    area: AreaId
    from_at: Instant
    until_at: Instant
    issued_at: Instant
    by: str
    on_air: bool
    """Whether the broker was connected when this was answered; if not, it goes out when it is."""


class SilenceList(BaseModel):
    """Silences, the newest first."""

    items: list[SilenceView]


def stop(area: AreaId, request: Request, parts: Parts, asked: NewSilence | None = None) -> SilenceView:
    """Stop everything in the area at once. There is no undoing: what it ended does not come back."""
    lasting = timedelta(minutes=(asked or NewSilence()).minutes)
    noted = parts.silences.silence(_person(request, parts), area, lasting)
    return _view(noted.area, noted.silence, on_air=parts.courier.connected)


def silences(area: AreaId, request: Request, parts: Parts) -> SilenceList:
    """The area's own silences of the last 30 days."""
    found = parts.silences.of(_person(request, parts), area)
    return SilenceList(items=[_view(area, one, on_air=parts.courier.connected) for one in found])


def router() -> APIRouter:
    """`/areas/{area}/silences`."""
    routes = APIRouter(tags=["silences"])
    refused = documented(401, 403, 404, 507)
    routes.add_api_route("/areas/{area}/silences", stop, methods=["POST"], status_code=201, responses=refused)
    routes.add_api_route("/areas/{area}/silences", silences, methods=["GET"], responses=refused)
    return routes


def _person(request: Request, parts: Controller) -> Person:
    """Who asks; by the copy of rights while the database is down."""
    try:
        return parts.gate.person(request)
    except Unavailable:
        who = parts.rights.whose(parts.gate.secret_of(request))
    if request.method not in SAFE_METHODS:
        check_csrf(who, request.headers.get(CSRF_HEADER))
    return who.person


def _view(area: AreaId, silence: Silence, *, on_air: bool) -> SilenceView:
    return SilenceView(
        id=silence.id,
        area=area,
        from_at=silence.from_at,
        until_at=silence.until_at,
        issued_at=silence.issued_at,
        by=silence.by,
        on_air=on_air,
    )
