"""Who did what: the audit trail."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from pydantic_core import from_json

from loa.controller.api.deps import Parts, Who
from loa.controller.api.pages import Limit, Page, page
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.controller.core.trail import exported
from loa.controller.store.audits import AuditFilter
from loa.protocol.ids import AreaId
from loa.protocol.units import Instant

Word = Annotated[Words | None, Query(max_length=100)]


def asked_for(
    *,
    user: Word = None,
    act: Word = None,
    area: AreaId | None = None,
    since: Instant | None = None,
    until: Instant | None = None,
    text: Word = None,
) -> AuditFilter:
    """Which lines of the trail the address asks for."""
    return AuditFilter(user=user, act=act, area=area, from_at=since, until_at=until, text=text)


Wanted = Annotated[AuditFilter, Depends(asked_for)]


class NotedOut(BaseModel):
    """An act that matters."""

    id: int
    at: Instant
    user: str
    act: str
    area: AreaId | None
    subject: str
    detail: dict[str, Any]


def router() -> APIRouter:
    """`/audit`."""
    routes = APIRouter(tags=["audit"])
    routes.get("/audit", responses=documented(401))(find)
    routes.get("/audit/export", responses=documented(401), response_class=JsonLines)(export)
    return routes


class JsonLines(StreamingResponse):
    """One JSON object a line."""

    media_type = "application/jsonl"


def find(
    *,
    who: Who,
    parts: Parts,
    wanted: Wanted,
    cursor: Annotated[
        int | None, Query(ge=1, lt=2**63, description="`next_cursor` of the page before")
    ] = None,
    limit: Limit = 100,
) -> Page[NotedOut]:
    """The acts in areas whose audit the person may read, the last first."""
    with parts.db.look() as session:
        found = parts.audit.find(session, who, wanted, before=cursor, limit=limit)
    items = [
        NotedOut(
            id=one.id,
            at=one.at,
            user=one.user_id,
            act=one.act,
            area=one.area,
            subject=one.subject,
            detail=from_json(one.detail),
        )
        for one in found
    ]
    return page(items, limit, "id")


def export(*, who: Who, parts: Parts, wanted: Wanted) -> JsonLines:
    """The same acts, the first first, with their digests: docs/audit.md says how to check them."""
    with parts.db.look() as session:
        parts.audit.export(session, who, wanted)

    def lines() -> Iterator[str]:
        with parts.db.look() as session:
            for sealed in parts.audit.export(session, who, wanted):
                yield exported(sealed) + "\n"

    return JsonLines(lines(), headers={"content-disposition": 'attachment; filename="loa-audit.jsonl"'})
