"""A node exchanges its one-time code for an identity, and a certificate for the next one."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.deps import Parts
from loa.controller.api.problems import documented
from loa.protocol.ids import NodeId
from loa.protocol.units import Instant


class EnrolmentIn(BaseModel):
    """The code's secret, and the public half of the key that the node has made for itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"code": "7KQ2-MMX9-HJ4T", "key_x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]
        }
    )

    code: Annotated[str, Field(min_length=1, max_length=64)]
    """Its first twelve letters; the others say whom the node may believe, and are the node's."""
    key_x: Annotated[str, Field(min_length=1, max_length=64)]


class AuthorityOut(BaseModel):
    """The certificate of the authority, in PEM."""

    certificate: str


class MqttOut(BaseModel):
    """Where the broker is."""

    host: str
    port: int


class CertificateOut(BaseModel):
    """A node's certificate in PEM, and when it is to ask for the next one."""

    certificate: str
    renew_after: Instant


class EnrolmentOut(CertificateOut):
    """What the node has become, and whose word it is to take."""

    node: NodeId
    controller_keys: list[str]
    authority: str
    """PEM of the certificate that the broker's own is from."""
    mqtt: MqttOut
    base_url: str
    release_keys: list[str]
    """Public keys whose releases of the agent it is to take."""
    root_key: str | None
    """Public key that names the keepers; with it the node believes approvers instead of the controller."""


class ChallengeOut(BaseModel):
    """What a node is to sign, within a minute."""

    challenge: str


class ProofIn(BaseModel):
    """The challenge, signed with the node's key."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"proof": "eyJhbGciOiJFZDI1NTE5…"}]})

    proof: Annotated[str, Field(min_length=1, max_length=4_096)]


def router() -> APIRouter:
    """`/authority`, `/enrolments` and `/nodes/{node}/certificate`."""
    routes = APIRouter(tags=["nodes"])
    routes.get("/authority", responses=documented())(authority)
    routes.post("/enrolments", responses=documented(429, 503))(enrol)
    routes.post("/nodes/{node}/certificate/challenge", responses=documented())(challenge)
    routes.post("/nodes/{node}/certificate", responses=documented(401, 429, 503))(renew)
    return routes


def authority(parts: Parts) -> AuthorityOut:
    """The certificate authority of this controller. A node compares it with the letters of its code."""
    return AuthorityOut(certificate=parts.certificates.authority)


def enrol(given: EnrolmentIn, request: Request, response: Response, parts: Parts) -> EnrolmentOut:
    """Enrol a node. If the answer got lost, the same code with the same key works again."""
    with parts.db.work() as work:
        enrolled = parts.nodes.enrol(work, given.code, given.key_x, source=_source(request))
    response.headers["cache-control"] = "no-store"
    address = parts.reach.address
    return EnrolmentOut(
        node=enrolled.node,
        controller_keys=[parts.key.public.x],
        authority=parts.certificates.authority,
        certificate=enrolled.certified.certificate,
        renew_after=enrolled.certified.renew_after,
        mqtt=MqttOut(host=address.mqtt_host, port=address.mqtt_port),
        base_url=address.base_url,
        release_keys=list(parts.reach.release_keys),
        root_key=parts.reach.root_key,
    )


def challenge(node: NodeId, parts: Parts) -> ChallengeOut:
    """What a node signs to prove its key without a clock; nothing is said of whether there is such a node."""
    return ChallengeOut(challenge=parts.renewals.challenge(node))


def renew(node: NodeId, given: ProofIn, request: Request, parts: Parts) -> CertificateOut:
    """The next certificate for the key that the node enrolled with; also when the last one is over."""
    with parts.db.work() as work:
        made = parts.renewals.renew(work, node, given.proof, source=_source(request))
    return CertificateOut(certificate=made.certificate, renew_after=made.renew_after)


def _source(request: Request) -> str:
    return request.client.host if request.client else ""
