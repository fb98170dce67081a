"""Signing in and out, and who one is."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts, WhoSignedIn, WhoUnlocked
from loa.controller.api.given import Given
from loa.controller.api.problems import documented
from loa.controller.api.users import GrantOut, grants_out
from loa.controller.api.words import Words
from loa.controller.services.sessions import SignedIn
from loa.protocol.units import Instant

Password = Annotated[Words, Field(max_length=1_000)]


class Credentials(Given):
    """Name and password."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user": "lan", "password": "hoa sen trắng 1986"}]}
    )

    user: Annotated[Words, Field(max_length=64)]
    password: Password


class PasswordChange(Given):
    """The present password and the one that is to be."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"old": "hoa sen trắng 1986", "new": "cầu Lãng Công mới"}]}
    )

    old: Password
    new: Password


class Me(BaseModel):
    """Who is signed in."""

    user: str
    name: str
    roles: list[GrantOut]
    csrf: str | None
    """For the header X-CSRF-Token of every write; null for a token."""
    expires_at: Instant


def router() -> APIRouter:
    """`/sessions` and `/me`."""
    routes = APIRouter(tags=["sessions"])
    routes.post("/sessions", status_code=201, responses=documented(401, 429, 503))(sign_in)
    routes.delete("/sessions/current", status_code=204, responses=documented(401, 403))(sign_out)
    routes.get("/me", responses=documented(401))(me)
    routes.put("/me/password", status_code=204, responses=documented(401, 403))(change_password)
    return routes


def sign_in(given: Credentials, request: Request, response: Response, parts: Parts) -> Me:
    """Open a session: the cookie is set, and `csrf` is to be sent with every write."""
    source = request.client.host if request.client else ""
    signed = parts.sessions.sign_in(given.user, given.password, source=source)
    parts.gate.keep(response, signed)
    response.headers["cache-control"] = "no-store"
    return _me(signed)


def sign_out(who: WhoUnlocked, signed: WhoSignedIn, response: Response, parts: Parts) -> None:
    """End the session, or the token that the request was sent with."""
    del who
    with parts.db.work() as work:
        parts.sessions.end(work, signed)
    parts.gate.forget(response)


def me(signed: WhoSignedIn, response: Response) -> Me:
    """Who is signed in, and with which roles."""
    response.headers["cache-control"] = "no-store"
    return _me(signed)


def change_password(change: PasswordChange, who: WhoUnlocked, signed: WhoSignedIn, parts: Parts) -> None:
    """Change one's own password; ends all other sessions and tokens."""
    with parts.db.work() as work:
        parts.people.change_own_password(work, who, change.old, change.new, but=signed.hash)


def _me(signed: SignedIn) -> Me:
    return Me(
        user=signed.person.user_id,
        name=signed.person.name,
        roles=grants_out(signed.person.grants),
        csrf=signed.csrf,
        expires_at=signed.expires_at,
    )
