"""What sounds as an emergency now; raising an alarm, or rehearsing one, in one request."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from loa.controller.api.broadcasts import ApprovedOut, approved_out
from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.once import OnceUnasked
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.controller.composition import Controller
from loa.controller.core.access import Person
from loa.controller.core.bulletins import MOST_AUDIENCE, TEXT_CHARACTERS, TITLE_CHARACTERS
from loa.controller.core.emergencies import NodeState
from loa.controller.services.alarms import Wish
from loa.controller.services.emergencies import Followed
from loa.protocol.ids import AreaId, BroadcastId, NodeId
from loa.protocol.kinds import StandingMessage
from loa.protocol.units import Instant


class EmergencyOut(BaseModel):
    """An emergency that sounds now on nodes of your areas, whoever issued it."""

    broadcast: BroadcastId
    title: Annotated[str, Field(examples=["Lũ lên nhanh"])]
    issuer: Annotated[AreaId, Field(examples=["lang-cong"])]
    started_at: Instant
    """By its plan."""
    ends_at: Instant
    nodes: dict[NodeId, NodeState]
    """How each node stands with it."""


class EmergenciesOut(BaseModel):
    """The emergencies of now, the last one first."""

    items: tuple[EmergencyOut, ...]


class AlarmIn(Given):
    """What is to sound at once: a standing message, or a text that a voice reads."""

    audience: Annotated[tuple[AreaId, ...], Field(max_length=MOST_AUDIENCE, examples=[["lang-cong"]])]
    message: Annotated[StandingMessage | None, Field(examples=["flood"])] = None
    text: Annotated[Words, Field(max_length=TEXT_CHARACTERS)] = ""
    """Read out if no standing message is named."""
    title: Annotated[Words, Field(max_length=TITLE_CHARACTERS)] = ""
    """What it is called in the log; by default the message's name, or the first words of the text."""
    calm: bool = False
    """The text opens with the chime, not with the siren: it corrects an alarm, or ends one."""


def router() -> APIRouter:
    """`/emergencies`."""
    routes = APIRouter(tags=["broadcasts"])
    routes.add_api_route("/emergencies", emergencies, methods=["GET"], responses=documented(401))
    refused = documented(401, 403, 404, 503)
    for path, endpoint in (("/emergencies", raise_emergency), ("/drills", begin_drill)):
        routes.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            status_code=201,
            response_model=ApprovedOut,
            responses=refused,
        )
    return routes


def raise_emergency(request: Request, parts: Parts, once: OnceUnasked, given: AlarmIn) -> Response:
    """Raise an alarm now, alone; it interrupts what sounds, at any hour. Send an Idempotency-Key."""
    return _sound(parts, parts.gate.person(request), once, given, drill=False)


def begin_drill(request: Request, parts: Parts, once: OnceUnasked, given: AlarmIn) -> Response:
    """Rehearse one now: the voice says first that it is a drill, without a siren; quiet hours refuse it."""
    return _sound(parts, parts.gate.person(request), once, given, drill=True)


def emergencies(parts: Parts, who: Who) -> EmergenciesOut:
    """What sounds as an emergency now in the areas that you may see, node by node."""
    with parts.db.look() as session:
        found = parts.emergencies.now(session, who)
    return EmergenciesOut(items=tuple(map(_out, found)))


def _sound(parts: Controller, who: Person, once: OnceUnasked, given: AlarmIn, *, drill: bool) -> Response:
    wish = Wish(
        audience=given.audience,
        message=given.message,
        text=given.text,
        title=given.title,
        calm=given.calm,
        drill=drill,
    )
    ready = parts.alarms.ready(who, wish)
    return once.by(who).run(lambda work: approved_out(parts.alarms.sound(work, who, ready)))


def _out(one: Followed) -> EmergencyOut:
    document = one.scheduled.broadcast
    return EmergencyOut(
        broadcast=one.scheduled.id,
        title=document.title,
        issuer=document.issuer,
        started_at=one.scheduled.first_start_at,
        ends_at=one.ends_at,
        nodes=dict(one.nodes),
    )
