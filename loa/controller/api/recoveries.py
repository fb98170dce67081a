"""Bringing a person back who lost password or second factor: two administrators, and the person."""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.pages import Page
from loa.controller.api.problems import documented
from loa.controller.api.sessions import SessionOut, sessions_out
from loa.controller.api.words import Words
from loa.controller.core.factors import Recovery, RecoveryEnd
from loa.controller.gate import check_origin
from loa.controller.services.recoveries import LONGEST_REASON, Half
from loa.protocol.units import Instant

Code = Annotated[Words, Field(min_length=1, max_length=64)]


class RecoveryIn(Given):
    """Why the person has to be brought back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "mất điện thoại, đã gặp mặt"}]})

    reason: Annotated[Words, Field(min_length=1, max_length=LONGEST_REASON)]


class RecoveryOut(BaseModel):
    """How it stands."""

    user: str
    reason: str
    opened_by: str
    opened_at: Instant
    confirmed_by: str | None
    until: Instant
    ended_at: Instant | None
    how: RecoveryEnd | None


class HalfOut(BaseModel):
    """One half of the code; tell it to the person, since nobody can see it again."""

    code: str
    recovery: RecoveryOut


class RecoverIn(Given):
    """Both halves, in any order, and another password."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user": "lan",
                    "codes": ["7KQ2-MMX9-HJ", "4TPA-29CD-WE"],
                    "password": "cầu Lãng Công mới",
                }
            ]
        }
    )

    user: Annotated[Words, Field(max_length=64)]
    codes: tuple[Code, Code]
    password: Annotated[Words, Field(max_length=1_000)]


def router() -> APIRouter:
    """`/users/{user_id}/recovery`, `/recoveries`, and the sessions of somebody whom one manages."""
    routes = APIRouter(tags=["users"])
    one = "/users/{user_id}/recovery"
    refused = documented(401, 403, 404, 409)
    routes.get(one, responses=documented(401, 404))(last)
    routes.post(one, status_code=201, responses=refused)(begin)
    routes.post(f"{one}/confirmation", status_code=201, responses=refused)(confirm)
    routes.delete(one, status_code=204, responses=refused)(cancel)
    routes.post("/recoveries", status_code=204, responses=documented(403, 404, 429))(recover)
    routes.get("/users/{user_id}/sessions", responses=refused)(find_sessions)
    routes.delete("/users/{user_id}/sessions/{session_id}", status_code=204, responses=refused)(end_session)
    return routes


def last(user_id: Words, who: Who, parts: Parts) -> RecoveryOut | None:
    """The last recovery of a person whom one manages, or of oneself."""
    with parts.db.look() as session:
        found = parts.recoveries.last(session, who, user_id)
    return None if found is None else _out(found)


def begin(user_id: Words, given: RecoveryIn, who: Who, parts: Parts) -> HalfOut:
    """The first of two administrators; the answer holds the first half of the code."""
    with parts.db.work() as work:
        return _half(parts.recoveries.open(work, who, user_id, given.reason))


def confirm(user_id: Words, who: Who, parts: Parts) -> HalfOut:
    """The second of two administrators; the answer holds the second half of the code."""
    with parts.db.work() as work:
        return _half(parts.recoveries.confirm(work, who, user_id))


def cancel(user_id: Words, who: Who, parts: Parts) -> None:
    """By an administrator, or by the person."""
    with parts.db.work() as work:
        parts.recoveries.cancel(work, who, user_id)


def recover(given: RecoverIn, request: Request, parts: Parts) -> None:
    """The person, with both halves: another password, no second factor, no session any more."""
    check_origin(request)
    source = request.client.host if request.client else ""
    parts.recoveries.recover(given.user, given.codes, given.password, source=source)


def find_sessions(user_id: Words, who: Who, parts: Parts) -> Page[SessionOut]:
    """Where somebody whom one manages is signed in, the last first."""
    with parts.db.look() as session:
        parts.people.managed(session, who, user_id)
        return sessions_out(parts.sessions.of(session, user_id))


def end_session(user_id: Words, session_id: Words, who: Who, parts: Parts) -> None:
    """Sign somebody out in one browser."""
    with parts.db.work() as work:
        parts.people.managed(work.session, who, user_id)
        parts.sessions.end_one(work, who, user_id, session_id)


def _half(half: Half) -> HalfOut:
    return HalfOut(code=half.code, recovery=_out(half.recovery))


def _out(one: Recovery) -> RecoveryOut:
    return RecoveryOut(
        user=one.user,
        reason=one.reason,
        opened_by=one.opened_by,
        opened_at=one.opened_at,
        confirmed_by=one.confirmed_by,
        until=one.until,
        ended_at=one.ended_at,
        how=one.how,
    )
