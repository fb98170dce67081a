"""Backups of the whole installation."""

from fastapi import APIRouter, Response
from pydantic import BaseModel
from starlette.responses import FileResponse

from loa.controller.api.deps import Parts, Who
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.protocol.units import Instant


class BackupOut(BaseModel):
    """A backup on the controller's disk."""

    name: str
    size_bytes: int
    at: Instant


class BackupsOut(BaseModel):
    """The last ones, and how the making of one goes."""

    items: list[BackupOut]
    making: float | None
    """The share that is done; null while none is made."""
    failure: str
    """Why the last attempt failed; empty if it did not."""


def router() -> APIRouter:
    """`/backups`."""
    routes = APIRouter(tags=["backups"])
    routes.get("/backups", responses=documented(401, 404))(find)
    routes.post("/backups", status_code=202, response_model=BackupsOut, responses=documented(401, 404, 409))(
        make
    )
    routes.get("/backups/{name}", response_class=FileResponse, responses=documented(401, 404))(download)
    return routes


def find(who: Who, parts: Parts) -> BackupsOut:
    """For those who keep the whole installation."""
    with parts.db.look() as session:
        making = parts.backups.making(session, who)
        found = parts.backups.find(session, who)
    items = [BackupOut(name=one.name, size_bytes=one.size_bytes, at=one.at) for one in found]
    return BackupsOut(items=items, making=making.share, failure=making.failure)


def make(who: Who, parts: Parts) -> BackupsOut:
    """Begin one in the background."""
    with parts.db.work() as work:
        parts.backups.make(work, who)
    return find(who, parts)


def download(name: Words, who: Who, parts: Parts) -> Response:
    """The file; keep it safe, it holds the controller's key."""
    with parts.db.work() as work:
        path = parts.backups.file(work, who, name)
    return FileResponse(
        path, filename=name, media_type="application/x-tar", headers={"cache-control": "no-store"}
    )
