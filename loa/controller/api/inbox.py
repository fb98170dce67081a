"""The commune's inbox over HTTP: choose, leave, order."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from loa.controller.api.broadcasts import BroadcastOut, broadcast_out
from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.once import Once, Result
from loa.controller.api.problems import documented
from loa.controller.core.bulletins import AskedWhen
from loa.controller.core.inbox import InboxItem, InboxState
from loa.controller.store.database import Work
from loa.protocol.ids import AreaId, BroadcastId


class InboxItemOut(BaseModel):
    """A higher level's broadcast before a commune."""

    area: str
    state: InboxState
    broadcast: BroadcastOut
    received_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    chosen_as: str | None
    """The commune's own broadcast, if it chose another time."""
    rank: int
    """Its place among priority ones by the commune's order, lowest first; 0 if none was given."""


class InboxOut(BaseModel):
    """What a commune has before it, the last received first."""

    items: tuple[InboxItemOut, ...]


class ChoiceIn(Given):
    """Another time, by which it becomes a broadcast of the commune; None keeps the issuer's."""

    when: Annotated[AskedWhen | None, Field(examples=[{"start_local": "2026-06-11T17:30"}])] = None


class OrderIn(Given):
    """Priority broadcasts, the first to go first; those not named come after."""

    broadcasts: Annotated[
        tuple[BroadcastId, ...], Field(max_length=1_000, examples=[["9f86d081" * 8, "2c26b46b" * 8]])
    ]


class OrderOut(BaseModel):
    """The order as it was set."""

    broadcasts: tuple[str, ...]


def router() -> APIRouter:
    """The routes of the inbox."""
    made = APIRouter(tags=["inbox"])
    refusals = documented(401, 403, 404, 409)
    item = "/areas/{area}/inbox/{broadcast}"
    made.add_api_route("/areas/{area}/inbox", find, methods=["GET"], responses=documented(401, 403, 404))
    for path, endpoint in ((f"{item}/choose", choose), (f"{item}/leave", leave)):
        made.add_api_route(path, endpoint, methods=["POST"], responses=refusals, response_model=InboxItemOut)
    made.add_api_route(
        "/areas/{area}/order", order, methods=["PUT"], responses=refusals, response_model=OrderOut
    )
    return made


def find(parts: Parts, who: Who, area: AreaId, state: InboxState | None = None) -> InboxOut:
    """What the commune has before it."""
    with parts.db.look() as session:
        return InboxOut(items=tuple(map(_out, parts.inbox.find(session, who, area, state))))


def choose(
    *,
    parts: Parts,
    who: Who,
    area: AreaId,
    broadcast: BroadcastId,
    once: Once,
    choice: ChoiceIn | None = None,
) -> Response:
    """Let it sound in the commune, at the issuer's time or at another one, which needs an approver."""
    when = None if choice is None else choice.when
    return once.run(lambda work: Result(_out(parts.inbox.choose(work, who, area, broadcast, when))))


def leave(parts: Parts, who: Who, area: AreaId, broadcast: BroadcastId, once: Once) -> Response:
    """Decline it; it may still be chosen later."""
    return once.run(lambda work: Result(_out(parts.inbox.leave(work, who, area, broadcast))))


def order(parts: Parts, who: Who, area: AreaId, once: Once, wish: OrderIn) -> Response:
    """Set the order of the priority broadcasts in an area."""

    def act(work: Work) -> Result:
        parts.inbox.order(work, who, area, wish.broadcasts)
        return Result(OrderOut(broadcasts=wish.broadcasts))

    return once.run(act)


def _out(item: InboxItem) -> InboxItemOut:
    return InboxItemOut(
        area=item.area,
        state=item.state,
        broadcast=broadcast_out(item.scheduled),
        received_at=item.received_at,
        decided_by=item.decided_by,
        decided_at=item.decided_at,
        chosen_as=item.chosen_as,
        rank=item.rank,
    )
