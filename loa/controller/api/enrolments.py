"""A node exchanges its one-time code for an identity."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts
from loa.controller.api.problems import documented
from loa.protocol.ids import NodeId


class EnrolmentIn(BaseModel):
    """The code, and the public half of the key that the node has made for itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"code": "7KQ2-MMX9-HJ4T", "key_x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]
        }
    )

    code: Annotated[str, Field(min_length=1, max_length=64)]
    key_x: Annotated[str, Field(min_length=1, max_length=64)]


class MqttOut(BaseModel):
    """Where the broker is, and who the node is there."""

    host: str
    port: int
    username: str
    password: str


class EnrolmentOut(BaseModel):
    """What the node has become, and whose word it is to take."""

    node: NodeId
    controller_keys: list[str]
    mqtt: MqttOut
    base_url: str
    release_keys: list[str]
    """Public keys whose releases of the agent it is to take."""
    root_key: str | None
    """Public key that names the keepers; with it the node believes approvers instead of the controller."""


def router() -> APIRouter:
    """`/enrolments`."""
    routes = APIRouter(tags=["nodes"])
    routes.post("/enrolments", responses=documented(429, 503))(enrol)
    return routes


def enrol(given: EnrolmentIn, request: Request, response: Response, parts: Parts) -> EnrolmentOut:
    """Enrol a node. If the answer got lost, the same code with the same key works again."""
    source = request.client.host if request.client else ""
    with parts.db.work() as work:
        enrolled = parts.nodes.enrol(work, given.code, given.key_x, source=source)
    response.headers["cache-control"] = "no-store"
    return EnrolmentOut(
        node=enrolled.node,
        controller_keys=[parts.key.public.x],
        mqtt=MqttOut(
            host=parts.reach.mqtt_host,
            port=parts.reach.mqtt_port,
            username=enrolled.node,
            password=enrolled.mqtt_password,
        ),
        base_url=parts.reach.base_url,
        release_keys=list(parts.reach.release_keys),
        root_key=parts.reach.root_key,
    )
