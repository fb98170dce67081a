"""Nodes: adding, naming, moving, releasing, retiring, and their codes."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts, Who
from loa.controller.api.given import Given
from loa.controller.api.once import Once, Result
from loa.controller.api.pages import Cursor, Limit, Page, page
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.controller.core.identities import Identities
from loa.controller.core.nodes import Node
from loa.controller.core.presence import Presence
from loa.controller.services.nodes import Code
from loa.controller.store.database import Work
from loa.protocol.health import Concern
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.policy import WallTime
from loa.protocol.programme import NodeSettings
from loa.protocol.reports import SelfTestReport, State
from loa.protocol.units import Instant

Name = Annotated[Words, Field(min_length=1, max_length=200)]


class NodeIn(Given):
    """A node that is to be; without an `id` one is made from the name."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "cum-01", "name": "Cụm nhà văn hóa", "parent": "thon-thong-nhat"}]
        }
    )

    id: Annotated[Words | None, Field(max_length=64)] = None
    name: Name
    parent: AreaId


class SettingsPatch(Given):
    """Settings that are to be different; what is left out stays."""

    billing_day: Annotated[int, Field(ge=1, le=31)] = 1
    month_budget_bytes: Annotated[int, Field(gt=0, lt=2**53)] | None = None
    """null: no budget."""
    volume_db: Annotated[float, Field(ge=-40, le=0)] = 0.0
    """How loud it is at most beside what the policy allows; emergencies take no notice of it."""


class NodePatch(Given):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Cá»¥m sÃ¢n ÄÃ¬nh", "parent": "thon-minh-tan", "self_test_at": "06:30"},
                {"settings": {"billing_day": 20, "month_budget_bytes": 500_000_000}},
            ]
        }
    )

    name: Name | None = None
    parent: AreaId | None = None
    settings: SettingsPatch | None = None
    self_test_at: WallTime | Literal["never"] | None = None
    """Local time of the daily self-test, `never` for none; it does not sound in quiet hours."""


class CodeOut(BaseModel):
    """A one-time code, shown this once: `loa-node enrol <url> <code>`."""

    node: NodeId
    code: str
    expires_at: Instant


class NodeOut(BaseModel):
    """A node, and what it last said of itself."""

    id: NodeId
    name: str
    parent: AreaId
    zones: list[AreaId]
    presence: Presence
    presence_at: Instant | None
    enrolled_at: Instant | None
    retired_at: Instant | None
    code_expires_at: Instant | None
    state: State | None
    state_at: Instant | None
    """When the controller received it."""
    settings: NodeSettings
    concerns: list[Concern]
    """What somebody must mind of its machine."""
    identities: Identities
    """Which machines and cards spoke under its name, hashed, the last first; and what was made of it."""
    self_test_at: str | None
    """Local time of the daily self-test; null: none."""
    self_test_asked_at: Instant | None
    self_test: SelfTestReport | None
    """The last one that the node told of."""


def router() -> APIRouter:
    """`/nodes`."""
    routes = APIRouter(tags=["nodes"])
    one = "/nodes/{node}"
    refused = documented(401, 403, 404, 409)
    routes.get("/nodes", responses=documented(401, 404))(find)
    routes.post("/nodes", status_code=201, response_model=CodeOut, responses=refused)(add)
    routes.get(one, responses=documented(401, 404))(get)
    routes.patch(one, response_model=NodeOut, responses=refused)(change)
    routes.delete(one, response_model=NodeOut, responses=refused)(retire)
    routes.post(f"{one}/self-test", status_code=202, response_model=NodeOut, responses=refused)(self_test)
    routes.post(f"{one}/code", status_code=201, response_model=CodeOut, responses=refused)(new_code)
    routes.post(f"{one}/identity/keep", response_model=NodeOut, responses=refused)(keep_identity)
    routes.post(f"{one}/identity/refuse", status_code=201, response_model=CodeOut, responses=refused)(
        refuse_identity
    )
    routes.post(f"{one}/release", response_model=NodeOut, responses=refused)(release)
    return routes


def find(
    *,
    who: Who,
    parts: Parts,
    area: AreaId | None = None,
    presence: Presence | None = None,
    concerned: bool | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Page[NodeOut]:
    """The nodes in service that the person sees, in an area and below it, by id."""
    with parts.db.look() as session:
        found = parts.nodes.find(
            session, who, area=area, presence=presence, concerned=concerned, after=cursor, limit=limit
        )
    return page([node_out(node) for node in found], limit, "id")


def add(new: NodeIn, who: Who, parts: Parts, once: Once) -> Response:
    """Add a node below an area; answers with the code with which it enrols."""

    def act(work: Work) -> Result:
        return Result(
            code_out(parts.nodes.add(work, who, name=new.name, parent=new.parent, node=new.id)), 201
        )

    return once.run(act)


def get(node: NodeId, who: Who, parts: Parts) -> NodeOut:
    """One node."""
    with parts.db.look() as session:
        return node_out(parts.nodes.get(session, who, node))


def change(node: NodeId, patch: NodePatch, who: Who, parts: Parts, once: Once) -> Response:
    """Rename a node, put it below another area, change its settings or the hour of its self-test."""

    def act(work: Work) -> Result:
        changed = parts.nodes.get(work.session, who, node)
        if patch.name is not None:
            changed = parts.nodes.rename(work, who, node, patch.name)
        if patch.parent is not None and patch.parent != changed.parent_id:
            changed = parts.nodes.move(work, who, node, patch.parent)
        if patch.settings is not None:
            given = patch.settings.model_dump(exclude_unset=True)
            changed = parts.nodes.change_settings(work, who, node, given)
        if patch.self_test_at is not None:
            at = None if patch.self_test_at == "never" else patch.self_test_at
            changed = parts.nodes.schedule_self_test(work, who, node, at)
        return Result(node_out(changed))

    return once.run(act)


def retire(node: NodeId, who: Who, parts: Parts, once: Once) -> Response:
    """Take a node out of service for good; its history stays."""
    return once.run(lambda work: Result(node_out(parts.nodes.retire(work, who, node))))


def new_code(node: NodeId, who: Who, parts: Parts, once: Once) -> Response:
    """Another code, as for a new disk; the one before ends."""
    return once.run(lambda work: Result(code_out(parts.nodes.new_code(work, who, node)), 201))


def release(node: NodeId, who: Who, parts: Parts, once: Once) -> Response:
    """Let a node sound again whose STOP button was pressed: see `state.stopped`."""
    return once.run(lambda work: Result(node_out(parts.nodes.release(work, who, node))))


def keep_identity(node: NodeId, who: Who, parts: Parts, once: Once) -> Response:
    """Take the machine and card that speak under its name for the right ones: `identities.verdict` ends."""
    return once.run(lambda work: Result(node_out(parts.nodes.keep_identity(work, who, node))))


def refuse_identity(node: NodeId, who: Who, parts: Parts, once: Once) -> Response:
    """Cut off whatever speaks under its name; the right machine enrols anew with the code."""
    return once.run(lambda work: Result(code_out(parts.nodes.refuse_identity(work, who, node)), 201))


def self_test(node: NodeId, who: Who, parts: Parts, once: Once) -> Response:
    """Have a node sound its soft self-test and say what came of it; never in quiet hours."""
    return once.run(lambda work: Result(node_out(parts.nodes.ask_self_test(work, who, node)), 202))


def code_out(code: Code) -> CodeOut:
    """The code as it is answered."""
    return CodeOut(node=code.node, code=code.code, expires_at=code.expires_at)


def node_out(node: Node) -> NodeOut:
    """The node as it is answered."""
    return NodeOut(
        id=node.id,
        name=node.name,
        parent=node.parent_id,
        zones=list(node.zones),
        presence=Presence(node.presence),
        presence_at=node.presence_at,
        enrolled_at=node.enrolled_at,
        retired_at=node.retired_at,
        code_expires_at=node.code_expires_at,
        state=State.from_bytes(node.state) if node.state else None,
        state_at=node.state_at,
        settings=node.settings,
        concerns=list(node.concerns),
        identities=node.identities,
        self_test_at=node.self_test_at,
        self_test_asked_at=node.self_test_asked_at,
        self_test=SelfTestReport.from_bytes(node.self_test) if node.self_test else None,
    )
