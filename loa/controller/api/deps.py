"""What endpoints ask for: the controller, the person, the node."""

from typing import Annotated

from fastapi import Depends, Request

from loa.controller.composition import Controller
from loa.controller.core.access import Person
from loa.controller.gate import NODE_HEADER
from loa.controller.services.sessions import SignedIn
from loa.protocol.ids import NodeId


async def controller(request: Request) -> Controller:
    """The controller that this application serves."""
    found: Controller = request.app.state.controller
    return found


Parts = Annotated[Controller, Depends(controller)]
"""All services; an endpoint writes `parts: Parts`."""


def person(request: Request, parts: Parts) -> Person:
    """Who asks; a browser's write carries the CSRF token."""
    return parts.gate.person(request)


def unlocked(request: Request, parts: Parts) -> Person:
    """Who asks, also one who has to choose another password first."""
    return parts.gate.person(request, unlocked=True)


def signed_in(request: Request, parts: Parts) -> SignedIn:
    """Who asks, with the session."""
    return parts.gate.signed_in(request)


def node(request: Request, parts: Parts) -> NodeId:
    """The node that asks."""
    return parts.gate.node(request)


def reader(request: Request, parts: Parts) -> Person | NodeId:
    """A node if the request names one, else a person."""
    return parts.gate.node(request) if NODE_HEADER in request.headers else parts.gate.person(request)


Who = Annotated[Person, Depends(person)]
WhoUnlocked = Annotated[Person, Depends(unlocked)]
WhoSignedIn = Annotated[SignedIn, Depends(signed_in)]
FromNode = Annotated[NodeId, Depends(node)]
Reader = Annotated[Person | NodeId, Depends(reader)]
