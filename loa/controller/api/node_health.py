"""How the machine of a node was, hour by hour."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.problems import documented
from loa.protocol.health import Health
from loa.protocol.ids import NodeId
from loa.protocol.units import Instant

LATELY = timedelta(days=7)


class HealthQuery(Given):
    """Of which time; without `from` the last seven days."""

    from_at: Annotated[Instant | None, Field(alias="from")] = None
    until_at: Annotated[Instant | None, Field(alias="to")] = None
    limit: Annotated[int, Field(ge=1, le=5_000)] = 1_000


class Hour(BaseModel):
    """The last values of an hour, its highest temperature, and all that somebody had to mind in it."""

    at: Instant
    free_bytes: int | None
    health: Health


class Series(BaseModel):
    """Hours in order; those in which the node said nothing are absent. `more`: ask again from the last."""

    node: NodeId
    hours: list[Hour]
    more: bool


def router() -> APIRouter:
    """`/nodes/{node}/health`."""
    routes = APIRouter(tags=["nodes"])
    routes.add_api_route("/nodes/{node}/health", series, responses=documented(401, 404))
    return routes


def series(node: NodeId, who: Who, parts: Parts, query: Annotated[HealthQuery, Query()]) -> Series:
    """How the machine of a node was; what it is now stands in the node's state."""
    now = parts.clock.now()
    since, until = query.from_at or now - LATELY, query.until_at or now
    with parts.db.look() as session:
        found = parts.nodes.health(session, who, node, since=since, until=until, limit=query.limit)
    hours = [Hour(at=one.at, free_bytes=one.free_bytes, health=one.health) for one in found]
    return Series(node=node, hours=hours, more=len(hours) == query.limit)
