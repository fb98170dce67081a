"""Broadcasts over HTTP: read them, and take them off the air."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from loa.controller.api.deps import Parts, Who
from loa.controller.api.notices import NoticeOut, notices_out
from loa.controller.api.once import Result
from loa.controller.api.problems import documented
from loa.controller.api.words import Key, Words
from loa.controller.core.broadcasts import Approved, Scheduled
from loa.controller.core.inbox import InboxState
from loa.controller.services.broadcasts import BroadcastFilter
from loa.protocol.broadcast import Broadcast
from loa.protocol.ids import AreaId, BroadcastId
from loa.protocol.units import Instant


class BroadcastOut(BaseModel):
    """An approved broadcast; `document` is what was approved."""

    id: str
    """SHA-256 of the document's canonical bytes."""
    document: Broadcast
    approved_by: str
    approved_at: datetime
    first_start_at: datetime
    over_at: datetime | None
    """After it nothing of the broadcast can sound."""
    withdrawn_at: datetime | None


class ApprovedOut(BaseModel):
    """What came of an approval, and what to know about it."""

    broadcast: BroadcastOut
    notices: tuple[NoticeOut, ...]


class BroadcastsOut(BaseModel):
    """Some broadcasts, the last approved first."""

    items: tuple[BroadcastOut, ...]
    next_cursor: str | None


class AnswerOut(BaseModel):
    """What one commune did with it."""

    area: str
    state: InboxState
    decided_at: datetime | None


class AnswersOut(BaseModel):
    """What all communes did with it, by area."""

    items: tuple[AnswerOut, ...]


def router() -> APIRouter:
    """The routes of broadcasts."""
    made = APIRouter(tags=["broadcasts"])
    made.add_api_route("/broadcasts", find, methods=["GET"], responses=documented(401))
    made.add_api_route("/broadcasts/{broadcast}", get, methods=["GET"], responses=documented(401, 404))
    made.add_api_route(
        "/broadcasts/{broadcast}/answers", answers, methods=["GET"], responses=documented(401, 404)
    )
    return made


def answers(parts: Parts, who: Who, broadcast: BroadcastId) -> AnswersOut:
    """What the communes before which it stands did with it; for the people of its issuer."""
    with parts.db.look() as session:
        found = parts.inbox.answers(session, who, broadcast)
    return AnswersOut(
        items=tuple(AnswerOut(area=a.area, state=a.state, decided_at=a.decided_at) for a in found)
    )


def find(
    *,
    parts: Parts,
    who: Who,
    issuer: AreaId | None = None,
    reaching: AreaId | None = None,
    bulletin: Key | None = None,
    from_at: Instant | None = None,
    cursor: Annotated[Words | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> BroadcastsOut:
    """The broadcasts that you may read. `reaching` is an area in whose programme it stands."""
    wanted = BroadcastFilter(issuer=issuer, reaching=reaching, bulletin=bulletin, from_at=from_at)
    with parts.db.look() as session:
        page = parts.broadcasts.find(session, who, wanted, cursor=cursor, limit=limit)
    return BroadcastsOut(items=tuple(map(broadcast_out, page.scheduled)), next_cursor=page.next_cursor)


def get(parts: Parts, who: Who, broadcast: BroadcastId) -> BroadcastOut:
    """One broadcast."""
    with parts.db.look() as session:
        return broadcast_out(parts.broadcasts.get(session, who, broadcast))


def approved_out(approved: Approved) -> Result:
    """The answer to an approval."""
    content = ApprovedOut(broadcast=broadcast_out(approved.scheduled), notices=notices_out(approved.notices))
    return Result(content, 201, location=f"/api/v1/broadcasts/{approved.scheduled.id}")


def broadcast_out(scheduled: Scheduled) -> BroadcastOut:
    """A broadcast as it is shown."""
    return BroadcastOut(
        id=scheduled.id,
        document=scheduled.broadcast,
        approved_by=scheduled.approved_by,
        approved_at=scheduled.approved_at,
        first_start_at=scheduled.first_start_at,
        over_at=scheduled.over_at,
        withdrawn_at=scheduled.withdrawn_at,
    )
