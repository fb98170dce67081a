"""Signing in and out, and who one is."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts, Who, WhoSignedIn, WhoUnlocked
from loa.controller.api.given import Given
from loa.controller.api.pages import Page
from loa.controller.api.problems import documented
from loa.controller.api.users import GrantOut, grants_out
from loa.controller.api.words import Words
from loa.controller.core.people import Token
from loa.controller.errors import Unauthenticated
from loa.controller.gate import check_origin
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
    code: Annotated[Words | None, Field(max_length=64)] = None
    """Of the app or from paper, where the person has a second factor."""


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
    curbed: list[GrantOut]
    """Roles that give nothing more than everybody has, until a second factor is set up."""


class SessionOut(BaseModel):
    """A browser in which somebody is signed in."""

    id: str
    name: str
    """What the browser calls itself."""
    created_at: Instant
    expires_at: Instant


def router() -> APIRouter:
    """`/sessions` and `/me`."""
    routes = APIRouter(tags=["sessions"])
    routes.post("/sessions", status_code=201, responses=documented(401, 429, 503))(sign_in)
    routes.get("/sessions", responses=documented(401))(find)
    routes.delete("/sessions/current", status_code=204, responses=documented(401, 403))(sign_out)
    routes.delete("/sessions/{session_id}", status_code=204, responses=documented(401, 403, 404))(end)
    routes.get("/me", responses=documented(401))(me)
    routes.put("/me/password", status_code=204, responses=documented(401, 403, 429))(change_password)
    return routes


def sign_in(given: Credentials, request: Request, response: Response, parts: Parts) -> Me:
    """Open a session: the cookie is set, and `csrf` is to be sent with every write.

    Where a second factor is due and no `code` came, the answer is 401 with the code `second_factor_needed`.
    """
    check_origin(request)
    browser = parts.gate.browser(request)
    signed = parts.sessions.sign_in(given.user, given.password, browser)
    if signed.is_half:
        if given.code is None:
            raise Unauthenticated("second_factor_needed", "send the code of the app, too, or one from paper")
        signed = parts.sessions.complete(signed.secret, given.code, browser)
    parts.gate.keep(response, signed)
    response.headers["cache-control"] = "no-store"
    return _me(signed)


def sign_out(who: WhoUnlocked, signed: WhoSignedIn, response: Response, parts: Parts) -> None:
    """End the session, or the token that the request was sent with."""
    del who
    with parts.db.work() as work:
        parts.sessions.end(work, signed)
    parts.gate.forget(response)


def find(who: Who, parts: Parts) -> Page[SessionOut]:
    """Where one is signed in, the last first."""
    with parts.db.look() as session:
        return sessions_out(parts.sessions.of(session, who.user_id))


def end(session_id: Words, who: Who, parts: Parts) -> None:
    """Sign one's own browser out somewhere; its open pages end at once."""
    with parts.db.work() as work:
        parts.sessions.end_one(work, who, who.user_id, session_id)


def sessions_out(found: Iterable[Token]) -> Page[SessionOut]:
    """The sessions as they are answered."""
    return Page(
        items=[
            SessionOut(id=one.id, name=one.name, created_at=one.created_at, expires_at=one.expires_at)
            for one in found
        ]
    )


def me(signed: WhoSignedIn, response: Response) -> Me:
    """Who is signed in, and with which roles."""
    response.headers["cache-control"] = "no-store"
    return _me(signed)


def change_password(change: PasswordChange, who: WhoUnlocked, signed: WhoSignedIn, parts: Parts) -> None:
    """Change one's own password; ends all other sessions and tokens."""
    del who
    parts.sessions.change_password(parts.people, signed, change.old, change.new)


def _me(signed: SignedIn) -> Me:
    return Me(
        user=signed.person.user_id,
        name=signed.person.name,
        roles=grants_out(signed.person.grants),
        csrf=signed.csrf,
        expires_at=signed.expires_at,
        curbed=grants_out(signed.person.curbed),
    )
