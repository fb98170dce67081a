"""The broadcast log."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.controller.core.judge import Verdict
from loa.controller.store.log import LogFilter
from loa.controller.store.tables import LogRow
from loa.protocol.ids import AreaId, BroadcastId, NodeId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reports import Evidence
from loa.protocol.units import Instant


class LogQuery(Given):
    """Which lines of the log; what is left out does not restrict."""

    area: AreaId | None = None
    node: NodeId | None = None
    from_at: Annotated[Instant | None, Field(alias="from")] = None
    until_at: Annotated[Instant | None, Field(alias="to")] = None
    field: Annotated[Words | None, Field(max_length=64)] = None
    class_: Annotated[BroadcastClass | None, Field(alias="class")] = None
    outcome: Annotated[Words | None, Field(max_length=32)] = None
    broadcast: BroadcastId | None = None
    rendered: bool | None = None
    heard: bool | None = None
    drill: bool | None = None
    """Only drills, or only what was in earnest."""
    cursor: Annotated[Words | None, Field(max_length=200)] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class LogLine(BaseModel):
    """One occurrence on one node: what was planned, and what the node reported."""

    id: int
    occurrence: str
    broadcast: str
    node: str
    area: str
    place: str
    title: str
    field: str
    class_: Annotated[str, Field(serialization_alias="class")]
    drill: bool
    """Whether it was a rehearsal, announced as one."""
    planned_at: Instant
    duration_ms: int
    outcome: Annotated[str, Field(examples=["complete", "expected", "missed"])]
    reason_at: Instant | None
    by: str | None
    delivered_at: Instant | None
    started_at: Instant | None
    ended_at: Instant | None
    late_ms: int | None
    played_ms: int | None
    siren_ms: int | None
    """How long the standing siren sounded in its place, as its sound had not come; no part of `played_ms`."""
    pieces: list[dict[str, Any]]
    rendered: bool | None
    """Whether the output gave the recording, judged from what its loopback captured; null: not measured."""
    heard: bool | None
    """Whether a microphone heard it; null: not measured."""
    evidence: Evidence | None
    reported_at: Instant | None


class LogLines(BaseModel):
    """Lines, the newest first; `cursor` gives the next ones, null at the end."""

    items: list[LogLine]
    cursor: str | None


def log(who: Who, parts: Parts, query: Annotated[LogQuery, Query()]) -> LogLines:
    """Lines of the areas whose log the person may read."""
    wanted = LogFilter(
        within=(),
        node=query.node,
        from_at=query.from_at,
        until_at=query.until_at,
        field=query.field,
        class_=query.class_,
        outcome=query.outcome,
        broadcast=query.broadcast,
        rendered=query.rendered,
        heard=query.heard,
        drill=query.drill,
    )
    with parts.db.look() as session:
        page = parts.log.page(session, who, wanted, area=query.area, cursor=query.cursor, limit=query.limit)
    return LogLines(items=[as_line(row) for row in page.lines], cursor=page.cursor)


class Demand(BaseModel):
    """A stretch that had to sound."""

    from_at: Instant
    to_at: Instant


class Proof(BaseModel):
    """What the node reported, held against what its timeline demanded."""

    verdict: Verdict
    demanded: list[Demand]
    demanded_reason: str | None
    lacking_ms: int
    beyond_ms: int


def proof(line: int, who: Who, parts: Parts) -> Proof:
    """Recompute the node's timeline and judge the line by it."""
    with parts.db.look() as session:
        found = parts.proofs.of(session, who, line)
    return Proof(
        verdict=found.verdict,
        demanded=[Demand(from_at=one.from_at, to_at=one.to_at) for one in found.demanded],
        demanded_reason=found.demanded_reason,
        lacking_ms=found.lacking_ms,
        beyond_ms=found.beyond_ms,
    )


def as_line(row: LogRow) -> LogLine:
    """A row as it is shown."""
    own = row.model_dump(include=_SAME)
    return LogLine(
        **own,
        broadcast=row.broadcast_id,
        node=row.node_id,
        area=row.area_id,
        class_=row.class_,
        drill=bool(row.drill),
        pieces=json.loads(row.pieces or "[]"),
        evidence=Evidence.from_bytes(row.evidence) if row.evidence else None,
    )


def router() -> APIRouter:
    """`/log` and its proofs."""
    routes = APIRouter(tags=["log"])
    routes.add_api_route("/log", log, responses=documented(401, 404))
    routes.add_api_route("/log/{line}/proof", proof, responses=documented(401, 404))
    return routes


_SAME = set(LogLine.model_fields) - {"broadcast", "node", "area", "class_", "drill", "pieces", "evidence"}
