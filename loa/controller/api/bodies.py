"""The bodies that pointers name, for nodes; and an area's programme for people."""

from typing import Any

from fastapi import APIRouter, Request, Response

from loa.controller.api.deps import FromNode, Parts, Who
from loa.controller.api.problems import documented
from loa.controller.api.ranges import immutable
from loa.controller.core.access import Act
from loa.controller.errors import NotFound
from loa.controller.services.rights import permit
from loa.controller.store.configs import config_body_of
from loa.controller.store.programmes import body_of
from loa.controller.store.tree import read_tree
from loa.protocol.codec import unpack_programme
from loa.protocol.ids import AreaId, NodeId, sha256_hex
from loa.protocol.keys import KeyRing


def programme_body(area: AreaId, sha256: str, node: FromNode, request: Request, parts: Parts) -> Response:
    """The programme of that digest, for a node of the area; an older one is gone."""
    with parts.db.look() as session:
        tree = read_tree(session)
        body = body_of(session, area) if area in tree.areas_of(node) else None
    return _body(body, sha256, request)


def config_body(node: NodeId, sha256: str, asking: FromNode, request: Request, parts: Parts) -> Response:
    """The configuration of that digest, for the node itself."""
    with parts.db.look() as session:
        body = config_body_of(session, node) if node == asking else None
    return _body(body, sha256, request)


def programme(area: AreaId, who: Who, parts: Parts) -> dict[str, Any]:
    """What nodes of the area were told to play last, as JSON."""
    with parts.db.look() as session:
        permit(session, who, Act.READ_AREA, area)
        body = body_of(session, area)
    if body is None:
        raise NotFound("no_programme", "nothing was ever placed in this area")
    found = unpack_programme(body, area, KeyRing([parts.key.public]))
    shown = found.model_dump(mode="json", exclude={"entries"})
    entries = [
        {"id": entry.id, "issued_at": entry.issued_at, "approved_at": entry.approved_at}
        | {"broadcast": entry.broadcast.model_dump(mode="json")}
        for entry in found.entries
    ]
    return shown | {"entries": entries}


def router() -> APIRouter:
    """Bodies of programmes and configurations."""
    routes = APIRouter(tags=["nodes"])
    gone = documented(401, 404)
    packed = gone | {200: {"content": {"application/gzip": {}}}}
    for path, endpoint in (
        ("/areas/{area}/programme/{sha256}", programme_body),
        ("/nodes/{node}/config/{sha256}", config_body),
    ):
        routes.add_api_route(path, endpoint, response_class=Response, responses=packed)
    routes.add_api_route("/areas/{area}/programme", programme, responses=gone)
    return routes


def _body(body: bytes | None, sha256: str, request: Request) -> Response:
    if body is None or sha256_hex(body) != sha256:
        raise NotFound("no_such_body", "there is no body of that digest; read the pointer again")
    return immutable(body, sha256, request, media_type="application/gzip")
