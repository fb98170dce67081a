"""Rollouts of releases: starting, watching, halting."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.once import Once, Result
from loa.controller.api.pages import Cursor, Limit, Page, page
from loa.controller.api.problems import documented
from loa.controller.core.rollouts import Standing, Status
from loa.controller.services.rollouts import Order, Rollout
from loa.protocol.ids import AreaId, NodeId

_SHA256 = "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5"
_DAY_S = 86_400
Stage = Annotated[tuple[AreaId, ...], Field(min_length=1, max_length=1_000)]
RolloutId = Annotated[int, Field(ge=1, lt=2**31)]


class RolloutIn(Given):
    """Which release goes where, and how carefully."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"release": _SHA256, "area": "vinh-phuc"}],
        }
    )

    release: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    area: AreaId
    stages: Annotated[tuple[Stage, ...], Field(max_length=50)] = ()
    """Areas, stage by stage; left out: one node, 1 %, 10 %, then all, whole areas at a time."""
    observe_s: Annotated[int, Field(ge=0, le=30 * _DAY_S)] = _DAY_S
    """So long all has to be well before the next stage."""
    stop_at_pct: Annotated[int, Field(ge=0, le=50)] = 5
    """Halted when more of the nodes that finished have failed."""
    spread_s: Annotated[int, Field(ge=0, le=7 * _DAY_S)] = 1_800
    """The nodes of a stage fetch the bundle at a time drawn from so long."""


class StageOut(BaseModel):
    """How many nodes of a stage stand how."""

    stage: int
    counts: dict[Standing, int]


class ReasonOut(BaseModel):
    """Why nodes failed."""

    standing: Standing
    detail: str
    nodes: int


class RolloutOut(BaseModel):
    """A rollout as it stands."""

    id: int
    release: str
    version: str
    area: AreaId
    status: Status
    reason: str
    """Why it was halted."""
    stage: int
    """From 0; the nodes of this one and those before were told."""
    stage_began_at: datetime
    observe_s: int
    stop_at_pct: int
    created_by: str
    created_at: datetime
    ended_at: datetime | None
    counts: dict[Standing, int]
    stages: list[StageOut]
    reasons: list[ReasonOut]
    """The most frequent first."""


class RolloutsOut(BaseModel):
    """Rollouts, the newest first."""

    items: list[RolloutOut]


class RolloutNodeOut(BaseModel):
    """A node in a rollout."""

    node: NodeId
    stage: int
    standing: Standing
    detail: str
    runs: str
    """The version that ran there when it told so; empty before."""
    changed_at: datetime | None


def router() -> APIRouter:
    """`/rollouts`."""
    routes = APIRouter(tags=["updates"])
    one = "/rollouts/{rollout}"
    refused = documented(401, 403, 404, 409)
    routes.post("/rollouts", status_code=201, response_model=RolloutOut, responses=refused)(start)
    routes.get("/rollouts", responses=documented(401))(find)
    routes.get(one, responses=documented(401, 404))(get)
    routes.get(f"{one}/nodes", responses=documented(401, 404))(nodes)
    routes.post(f"{one}/halt", response_model=RolloutOut, responses=refused)(halt)
    return routes


def start(given: RolloutIn, who: Who, parts: Parts, once: Once) -> Response:
    """Let a release go to the nodes of an area, stage by stage."""
    order = Order(
        release=given.release,
        area=given.area,
        stages=given.stages,
        observe=timedelta(seconds=given.observe_s),
        stop_at_pct=given.stop_at_pct,
        spread=timedelta(seconds=given.spread_s),
    )
    return once.run(lambda work: Result(_rollout(parts.rollouts.start(work, who, order)), 201))


def find(who: Who, parts: Parts) -> RolloutsOut:
    """The rollouts in the areas where the person updates nodes."""
    with parts.db.look() as session:
        return RolloutsOut(items=[_rollout(one) for one in parts.rollouts.find(session, who)])


def get(rollout: RolloutId, who: Who, parts: Parts) -> RolloutOut:
    """One rollout: how many nodes stand how, and why some failed."""
    with parts.db.look() as session:
        return _rollout(parts.rollouts.get(session, who, rollout))


def nodes(
    *,
    rollout: RolloutId,
    who: Who,
    parts: Parts,
    standing: Standing | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Page[RolloutNodeOut]:
    """The nodes of a rollout, by id."""
    with parts.db.look() as session:
        found = parts.rollouts.lines(session, who, rollout, standing=standing, after=cursor, limit=limit)
    lines = [
        RolloutNodeOut(
            node=NodeId(one.node_id),
            stage=one.stage,
            standing=Standing(one.standing),
            detail=one.detail,
            runs=one.runs,
            changed_at=one.changed_at,
        )
        for one in found
    ]
    return page(lines, limit, "node")


def halt(rollout: RolloutId, who: Who, parts: Parts, once: Once) -> Response:
    """Stop a rollout: nodes that have not begun are left as they are."""
    return once.run(lambda work: Result(_rollout(parts.rollouts.halt(work, who, rollout))))


def _rollout(one: Rollout) -> RolloutOut:
    stages: dict[int, dict[Standing, int]] = {stage: {} for stage in range(one.stages)}
    counts: dict[Standing, int] = {}
    for (stage, standing), count in one.counts.items():
        stages[stage][standing] = count
        counts[standing] = counts.get(standing, 0) + count
    return RolloutOut(
        id=one.id,
        release=one.release,
        version=one.version,
        area=one.area,
        status=one.status,
        reason=one.reason,
        stage=one.stage,
        stage_began_at=one.stage_began_at,
        observe_s=one.observe_s,
        stop_at_pct=one.stop_at_pct,
        created_by=one.created_by,
        created_at=one.created_at,
        ended_at=one.ended_at,
        counts=counts,
        stages=[StageOut(stage=stage, counts=found) for stage, found in stages.items()],
        reasons=[ReasonOut(standing=standing, detail=why, nodes=many) for standing, why, many in one.reasons],
    )
