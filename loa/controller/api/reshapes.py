"""Merging and splitting areas."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.once import Once, Result
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.controller.core.reshapes import Reshape, ReshapeKind
from loa.controller.services.reshapes import Splitting
from loa.protocol.ids import AreaId
from loa.protocol.units import Instant


class MergeIn(Given):
    """What is to be merged into the area."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"area": "dong-thinh", "roles": True}]})

    area: AreaId
    roles: bool = False
    """Whether its people have their roles in the whole area, too."""


class SplitIn(Given):
    """What is to leave the area."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Xã Lãng Sơn", "leaving": ["thon-minh-tan"]}]}
    )

    name: Annotated[Words, Field(min_length=1, max_length=200)]
    leaving: Annotated[list[AreaId], Field(min_length=1, max_length=500)]
    roles: bool = False
    """Whether its people have their roles in the new area, too."""


class ReshapeOut(BaseModel):
    """Areas that were merged or split."""

    id: int
    kind: ReshapeKind
    area: AreaId
    other: AreaId
    at: Instant
    by: str
    moved: list[AreaId]
    undone_at: Instant | None


class Reshapes(BaseModel):
    """The last ones, the latest first."""

    items: list[ReshapeOut]


def router() -> APIRouter:
    """`/reshapes`, and what is done to an area."""
    routes = APIRouter(tags=["areas"])
    refused = documented(401, 403, 404, 409)
    routes.get("/reshapes", responses=documented(401))(find)
    routes.post("/areas/{area}/merge", status_code=201, response_model=ReshapeOut, responses=refused)(merge)
    routes.post("/areas/{area}/split", status_code=201, response_model=ReshapeOut, responses=refused)(split)
    routes.post("/reshapes/{reshape}/undo", response_model=ReshapeOut, responses=refused)(undo)
    return routes


def find(who: Who, parts: Parts) -> Reshapes:
    """What was merged and split lately in areas that the person manages."""
    with parts.db.look() as session:
        return Reshapes(items=[_out(one) for one in parts.reshapes.find(session, who)])


def merge(area: AreaId, given: MergeIn, who: Who, parts: Parts, once: Once) -> Response:
    """Merge another area of the same kind into this one; it remains as a zone of its loudspeakers."""
    return once.run(
        lambda work: Result(_out(parts.reshapes.merge(work, who, area, given.area, roles=given.roles)), 201)
    )


def split(area: AreaId, given: SplitIn, who: Who, parts: Parts, once: Once) -> Response:
    """Make another area beside this one, with a part of what stands below it."""
    plan = Splitting(area=area, name=given.name, leaving=frozenset(given.leaving))
    return once.run(
        lambda work: Result(_out(parts.reshapes.split(work, who, plan, roles=given.roles)[0]), 201)
    )


def undo(reshape: int, who: Who, parts: Parts, once: Once) -> Response:
    """As it was before, if what moved was not changed since."""
    return once.run(lambda work: Result(_out(parts.reshapes.undo(work, who, reshape))))


def _out(one: Reshape) -> ReshapeOut:
    return ReshapeOut(
        id=one.id,
        kind=one.kind,
        area=one.area,
        other=one.other,
        at=one.at,
        by=one.by,
        moved=list(one.before.moved),
        undone_at=one.undone_at,
    )
