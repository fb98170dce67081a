"""Areas, zones and their nodes."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.once import Once, Result
from loa.controller.api.pages import Cursor, Limit, Page, page
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.controller.core.areas import Area
from loa.controller.core.tree import AreaKind
from loa.controller.services.areas import AreaChange, NewArea
from loa.controller.store.database import Work
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.policy import Policy
from loa.protocol.units import Instant

Name = Annotated[Words, Field(min_length=1, max_length=200)]


class AreaIn(Given):
    """An area that is to be; without an `id` one is made from the name."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Thôn Thống Nhất", "kind": "village", "parent": "lang-cong"}]
        }
    )

    id: Annotated[Words | None, Field(max_length=64)] = None
    name: Name
    kind: AreaKind
    parent: AreaId
    tz: Annotated[Words | None, Field(max_length=64)] = None
    policy: Policy | None = None


class AreaPatch(Given):
    """What is to be different; what is left out stays. `parent` moves it with all below it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Xã Lãng Công mới", "parent": "vinh-phuc"}]}
    )

    name: Name | None = None
    parent: AreaId | None = None
    tz: Annotated[Words | None, Field(max_length=64)] = None
    policy: Policy | None = None


class MembersIn(Given):
    """All nodes that the zone is to have."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"nodes": ["cum-01", "cum-02"]}]})

    nodes: Annotated[list[NodeId], Field(max_length=10_000)]


class AreaOut(BaseModel):
    """An area; `tz` and `policy` are its own, null where its parent's hold."""

    id: AreaId
    name: str
    kind: AreaKind
    parent: AreaId | None
    authority: int
    tz: str | None
    policy: Policy | None
    created_at: Instant
    closed_at: Instant | None


class Members(BaseModel):
    """The nodes of a zone."""

    nodes: list[NodeId]


def router() -> APIRouter:
    """`/areas`."""
    routes = APIRouter(tags=["areas"])
    one = "/areas/{area}"
    refused = documented(401, 403, 404, 409)
    routes.get("/areas", responses=documented(401))(find)
    routes.post("/areas", status_code=201, response_model=AreaOut, responses=refused)(add)
    routes.get(one, responses=documented(401, 404))(get)
    routes.patch(one, response_model=AreaOut, responses=refused)(change)
    routes.delete(one, response_model=AreaOut, responses=refused)(close)
    routes.get(f"{one}/members", responses=documented(401, 404))(members)
    routes.put(f"{one}/members", response_model=Members, responses=refused)(set_members)
    return routes


def find(
    *,
    who: Who,
    parts: Parts,
    parent: AreaId | None = None,
    kind: AreaKind | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Page[AreaOut]:
    """The open areas that the person sees, by id."""
    with parts.db.look() as session:
        found = parts.areas.find(session, who, parent=parent, kind=kind, after=cursor, limit=limit)
    return page([area_out(area) for area in found], limit, "id")


def add(new: AreaIn, who: Who, parts: Parts, once: Once) -> Response:
    """Add an area below another one."""
    wanted = NewArea(
        id=new.id, name=new.name, kind=new.kind, parent_id=new.parent, tz=new.tz, policy=new.policy
    )
    return once.run(lambda work: Result(area_out(parts.areas.add(work, who, wanted)), 201))


def get(area: AreaId, who: Who, parts: Parts) -> AreaOut:
    """One area."""
    with parts.db.look() as session:
        return area_out(parts.areas.get(session, who, area))


def change(area: AreaId, patch: AreaPatch, who: Who, parts: Parts, once: Once) -> Response:
    """Rename or move an area, or set its time zone or policy."""
    wanted = AreaChange(name=patch.name, tz=patch.tz, policy=patch.policy)

    def act(work: Work) -> Result:
        changed = parts.areas.change(work, who, area, wanted)
        if patch.parent is not None and patch.parent != changed.parent_id:
            changed = parts.areas.move(work, who, area, patch.parent)
        return Result(area_out(changed))

    return once.run(act)


def close(area: AreaId, who: Who, parts: Parts, once: Once) -> Response:
    """Take an empty area out of use; its history stays."""
    return once.run(lambda work: Result(area_out(parts.areas.close(work, who, area))))


def members(area: AreaId, who: Who, parts: Parts) -> Members:
    """The nodes of a zone."""
    with parts.db.look() as session:
        return Members(nodes=sorted(parts.areas.members(session, who, area)))


def set_members(area: AreaId, given: MembersIn, who: Who, parts: Parts, once: Once) -> Response:
    """Give a zone these nodes and no others."""

    def act(work: Work) -> Result:
        parts.areas.set_members(work, who, area, frozenset(given.nodes))
        return Result(Members(nodes=sorted(given.nodes)))

    return once.run(act)


def area_out(area: Area) -> AreaOut:
    """The area as it is answered."""
    return AreaOut(
        id=area.id,
        name=area.name,
        kind=area.kind,
        parent=area.parent_id,
        authority=area.authority,
        tz=area.tz,
        policy=area.policy,
        created_at=area.created_at,
        closed_at=area.closed_at,
    )
