"""What needs a person now."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from loa.controller.api.deps import Parts, Who
from loa.controller.api.problems import documented
from loa.controller.core.alerts import Alert, AlertKind
from loa.controller.core.people import Address
from loa.protocol.health import Concern
from loa.protocol.ids import AreaId
from loa.protocol.units import Instant


class CallOut(BaseModel):
    """Whom to call about it."""

    name: str
    address: Address | None
    phone: str


class AlertOut(BaseModel):
    """One thing that needs a person."""

    kind: AlertKind
    area: AreaId
    subject: str
    name: str
    place: str
    since: Instant
    nodes: int
    concerns: list[Concern]
    reason: str
    call: CallOut | None


class Alerts(BaseModel):
    """All of them, the most urgent first."""

    at: Instant
    items: list[AlertOut]


def router() -> APIRouter:
    """`/alerts`."""
    routes = APIRouter(tags=["alerts"])
    routes.get("/alerts", responses=documented(401))(find)
    return routes


def find(who: Who, parts: Parts) -> Alerts:
    """What needs this person now: silent horns, failed occurrences, lost nodes, what waits for approval."""
    with parts.db.look() as session:
        found = parts.alerts.of(session, who)
    return _out(found, parts.clock.now())


def _out(found: list[Alert], now: datetime) -> Alerts:
    return Alerts(at=now, items=[AlertOut.model_validate(one, from_attributes=True) for one in found])
