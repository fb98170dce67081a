"""Releases of the agent over HTTP: adding, and the bundle for nodes."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import contextmanager_in_threadpool
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from loa.controller.api import uploads
from loa.controller.api.deps import Parts, Reader, Who
from loa.controller.api.problems import documented
from loa.controller.services.releases import Release

MEDIA_TYPE = "application/x-tar"
_SHA256 = "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5"
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ReleaseOut(BaseModel):
    """A bundle whose signature and contents were found in order."""

    sha256: Annotated[str, Field(examples=[_SHA256])]
    """Its name."""
    version: Annotated[str, Field(examples=["0.2.0"])]
    size_bytes: int
    pythons: tuple[str, ...]
    machines: tuple[str, ...]
    min_agent: str
    urgent_after_ms: int | None
    wheels: tuple[str, ...]
    added_by: str
    added_at: datetime


class ReleasesOut(BaseModel):
    """All releases, the last added first."""

    items: list[ReleaseOut]


def router() -> APIRouter:
    """`/releases`."""
    routes = APIRouter(tags=["updates"])
    routes.add_api_route(
        "/releases",
        add,
        methods=["POST"],
        status_code=201,
        responses=documented(401, 403, 413, 507),
        openapi_extra=_FORM,
    )
    routes.add_api_route("/releases", find, methods=["GET"], responses=documented(401, 403))
    routes.add_api_route(
        "/releases/{sha256}/content",
        content,
        methods=["GET"],
        response_class=FileResponse,
        responses={**documented(401, 403, 404), 200: {"content": {MEDIA_TYPE: {}}}, 206: {}, 416: {}},
    )
    return routes


async def add(request: Request, parts: Parts, who: Who) -> ReleaseOut:
    """Take a bundle in: verified with the release keys of the settings, kept under its SHA-256."""
    async with contextmanager_in_threadpool(parts.releases.receive()) as incoming:
        await uploads.receive(request, incoming)
        return _release(await run_in_threadpool(parts.releases.finish, who, incoming))


def find(parts: Parts, who: Who) -> ReleasesOut:
    """The releases that were added."""
    return ReleasesOut(items=[_release(one) for one in parts.releases.find(who)])


def content(sha256: Digest, parts: Parts, reader: Reader) -> Response:
    """The bundle, whole or by Range; it never changes. A node may fetch the one that it is to run."""
    place = parts.releases.content(sha256, reader)
    headers = {"etag": f'"{sha256}"', "cache-control": "private, max-age=31536000, immutable"}
    return FileResponse(place, media_type=MEDIA_TYPE, headers=headers)


def _release(one: Release) -> ReleaseOut:
    manifest = one.manifest
    return ReleaseOut(
        sha256=one.sha256,
        version=one.version,
        size_bytes=one.size_bytes,
        pythons=manifest.pythons,
        machines=manifest.machines,
        min_agent=manifest.min_agent,
        urgent_after_ms=manifest.urgent_after_ms,
        wheels=tuple(wheel.name for wheel in manifest.wheels),
        added_by=one.added_by,
        added_at=one.added_at,
    )


_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}
