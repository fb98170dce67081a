"""Links with which people choose a password, and the end of their sessions."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from loa.controller.api.deps import Parts, Who
from loa.controller.api.once import Once, Result
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.controller.store.database import Work
from loa.protocol.units import Instant


class InvitationOut(BaseModel):
    """A link that serves once; its secret is shown this once."""

    user: str
    page: str
    """Address of the page on which the person chooses a password."""
    until: Instant


class Ended(BaseModel):
    """Whose sessions ended."""

    user: str


def router() -> APIRouter:
    """`/users/{user_id}/invitation` and `/users/{user_id}/sessions`."""
    routes = APIRouter(tags=["users"])
    refused = documented(401, 403, 404, 409)
    routes.post(
        "/users/{user_id}/invitation", status_code=201, response_model=InvitationOut, responses=refused
    )(invite)
    routes.delete("/users/{user_id}/sessions", response_model=Ended, responses=refused)(end_sessions)
    return routes


def invite(user_id: Words, who: Who, parts: Parts) -> InvitationOut:
    """A new link for a first or forgotten password, in place of one before."""
    with parts.db.work() as work:
        made = parts.invitations.open(work, who, user_id)
    page = f"{parts.reach.address.base_url}/invite/{made.secret}"
    return InvitationOut(user=user_id, page=page, until=made.until)


def end_sessions(user_id: Words, who: Who, parts: Parts, once: Once) -> Response:
    """Sign a user out everywhere, programs included."""

    def act(work: Work) -> Result:
        parts.people.end_sessions(work, who, user_id)
        return Result(Ended(user=user_id))

    return once.run(act)
