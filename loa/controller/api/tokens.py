"""Tokens with which programs act as the person who made them."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.pages import Page
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.protocol.units import Instant


class NewToken(Given):
    """What the token is for, and for how many days."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "thống kê của huyện", "days": 365}]})

    name: Annotated[Words, Field(min_length=1, max_length=200)]
    days: Annotated[int, Field(ge=1, le=730)] = 365


class TokenOut(BaseModel):
    """A token without its secret."""

    id: str
    name: str
    created_at: Instant
    expires_at: Instant


class MadeToken(BaseModel):
    """A token with its secret, which is shown this once."""

    token: str
    """For the header `Authorization: Bearer`."""
    expires_at: Instant


def router() -> APIRouter:
    """`/tokens`."""
    routes = APIRouter(tags=["tokens"])
    routes.post("/tokens", status_code=201, responses=documented(401, 403))(make)
    routes.get("/tokens", responses=documented(401))(find)
    routes.delete("/tokens/{token_id}", status_code=204, responses=documented(401, 403, 404))(revoke)
    return routes


def make(new: NewToken, who: Who, parts: Parts) -> MadeToken:
    """Make a token; keep the answer, since nobody can see the secret again."""
    with parts.db.work() as work:
        made = parts.sessions.make_token(work, who, new.name, timedelta(days=new.days))
    return MadeToken(token=made.secret, expires_at=made.expires_at)


def find(who: Who, parts: Parts) -> Page[TokenOut]:
    """One's own tokens, the last made first."""
    with parts.db.look() as session:
        tokens = parts.sessions.tokens(session, who)
    return Page(
        items=[
            TokenOut(id=one.id, name=one.name, created_at=one.created_at, expires_at=one.expires_at)
            for one in tokens
        ]
    )


def revoke(token_id: Words, who: Who, parts: Parts) -> None:
    """End a token at once."""
    with parts.db.work() as work:
        parts.sessions.revoke_token(work, who, token_id)
