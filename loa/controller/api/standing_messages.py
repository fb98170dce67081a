"""The standing messages that every node keeps: which recordings they are, and others in their place."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.problems import documented
from loa.controller.services.standing_messages import Standing
from loa.protocol.ids import RecordingId
from loa.protocol.kinds import StandingMessage
from loa.protocol.units import Instant

_SHA256 = "3f0a377ba0a4a460ecb616f6507ce0d8cfa3e704025d4fda3ed0c5ca05468728"


class StandingOut(BaseModel):
    """A standing message; `recording` is null as long as it is being made."""

    name: Annotated[StandingMessage, Field(examples=["flood"])]
    recording: Annotated[RecordingId | None, Field(examples=[_SHA256])]
    duration_ms: Annotated[int | None, Field(examples=[24_500])]
    size_bytes: Annotated[int | None, Field(examples=[98_100])]
    changed_by: Annotated[str | None, Field(examples=["admin"])]
    """Who chose the recording; `controller` for those that it made."""
    changed_at: Instant | None


class StandingList(BaseModel):
    """All standing messages."""

    items: list[StandingOut]


class StandingIn(Given):
    """The recording that is to stand for a message."""

    recording: Annotated[RecordingId, Field(examples=[_SHA256])]


def router() -> APIRouter:
    """`/standing-messages`."""
    routes = APIRouter(tags=["standing messages"])
    path = "/standing-messages"
    routes.add_api_route(path, standing_messages, methods=["GET"], responses=documented(401))
    routes.add_api_route(
        f"{path}/{{name}}", replace_standing_message, methods=["PUT"], responses=documented(401, 403, 404)
    )
    return routes


def standing_messages(parts: Parts, _who: Who) -> StandingList:
    """What nodes keep to be had without the network."""
    with parts.db.look() as session:
        return StandingList(items=[_out(one) for one in parts.standing.all(session)])


def replace_standing_message(name: StandingMessage, given: StandingIn, parts: Parts, who: Who) -> StandingOut:
    """Let a recording of at most five minutes stand for a message on every node. Idempotent."""
    with parts.db.work() as work:
        return _out(parts.standing.replace(work, who, name, given.recording))


def _out(one: Standing) -> StandingOut:
    return StandingOut(
        name=one.name,
        recording=one.recording,
        duration_ms=one.duration_ms,
        size_bytes=one.size_bytes,
        changed_by=one.changed_by,
        changed_at=one.changed_at,
    )
