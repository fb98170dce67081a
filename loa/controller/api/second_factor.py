"""One's own second factor: set up, and codes for paper."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.protocol.units import Instant


class CodeIn(Given):
    """A code of the app, or where it says so one from paper."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "492039"}]})

    code: Annotated[Words, Field(max_length=64)]


class StandingOut(BaseModel):
    """How it stands with one's second factor."""

    confirmed_at: Instant | None
    """Since when there is one; null: there is none."""
    codes_left: int
    """Codes for paper that were not used yet."""
    is_asked: bool
    """Whether a role asks for one."""
    due_at: Instant | None
    """From when on that role gives nothing more than everybody has."""


class FreshOut(BaseModel):
    """What an authenticator app takes; shown until it is confirmed."""

    secret: str
    address: str
    """`otpauth:` address, for a QR code."""


class CodesOut(BaseModel):
    """Codes for paper; each serves once, and they are shown this once."""

    codes: list[str]


def router() -> APIRouter:
    """`/me/second-factor`."""
    routes = APIRouter(tags=["sessions"])
    one = "/me/second-factor"
    refused = documented(401, 403, 404, 409)
    routes.get(one, responses=documented(401))(standing)
    routes.post(one, status_code=201, responses=documented(401, 403))(begin)
    routes.put(one, responses=refused)(confirm)
    routes.post(f"{one}/removal", status_code=204, responses=refused)(remove)
    routes.post(f"{one}/codes", status_code=201, responses=refused)(renew_codes)
    return routes


def standing(who: Who, parts: Parts) -> StandingOut:
    """How it stands with one's second factor."""
    with parts.db.look() as session:
        found = parts.second.standing(session, who)
    return StandingOut(
        confirmed_at=found.confirmed_at,
        codes_left=found.codes_left,
        is_asked=found.is_asked,
        due_at=found.due_at,
    )


def begin(who: Who, parts: Parts, response: Response) -> FreshOut:
    """A new secret for an app; it is asked for once it was confirmed, and replaces the one before then."""
    with parts.db.work() as work:
        fresh = parts.second.begin(work, who)
    response.headers["cache-control"] = "no-store"
    return FreshOut(secret=fresh.spelt, address=fresh.address)


def confirm(given: CodeIn, who: Who, parts: Parts, response: Response) -> CodesOut:
    """The app shows the right code: from now on it is asked for."""
    with parts.db.work() as work:
        codes = parts.second.confirm(work, who, given.code)
    response.headers["cache-control"] = "no-store"
    return CodesOut(codes=codes)


def remove(given: CodeIn, who: Who, parts: Parts) -> None:
    """Sign in by password alone again; refused where a role asks for a second factor."""
    with parts.db.work() as work:
        parts.second.remove(work, who, given.code)


def renew_codes(given: CodeIn, who: Who, parts: Parts, response: Response) -> CodesOut:
    """Other codes for paper; the old ones are void."""
    with parts.db.work() as work:
        codes = parts.second.renew_codes(work, who, given.code)
    response.headers["cache-control"] = "no-store"
    return CodesOut(codes=codes)
