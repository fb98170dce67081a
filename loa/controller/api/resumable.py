"""Uploads in pieces over HTTP, in the manner of tus 1.0.0: creation, offsets, expiration, termination."""

import base64
import binascii
from datetime import datetime
from email.utils import format_datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.exceptions import HTTPException
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from loa.controller.api.deps import Parts, Who
from loa.controller.api.problems import documented
from loa.controller.api.recordings import RecordingOut, recording_out
from loa.controller.composition import Controller
from loa.controller.errors import Invalid
from loa.controller.store.uploads import Upload

TUS = "1.0.0"
PIECE = "application/offset+octet-stream"
EXTENSIONS = "creation,expiration,termination"
Offset = Annotated[int, Header(alias="upload-offset", ge=0)]


class UploadOut(BaseModel):
    """A sound that is coming in."""

    id: Annotated[str, Field(examples=["5f2c6f4e1d1f4b0e8f1f6a0c3b7d9e21"])]
    name: Annotated[str, Field(examples=["Thu-am-tiem-phong.m4a"])]
    size_bytes: Annotated[int, Field(examples=[5_242_880])]
    offset_bytes: Annotated[int, Field(examples=[3_145_728])]
    """What has arrived; the next piece begins here."""
    recording: Annotated[str | None, Field(examples=[None])]
    """Its SHA-256, once it was finished."""
    expires_at: datetime
    """When it goes, unless more of it comes."""


def speaks(tus_resumable: Annotated[str, Header()] = TUS) -> None:
    """Refuse a version of the protocol that is not ours, as tus asks."""
    if tus_resumable != TUS:
        raise HTTPException(412, f"this server speaks tus {TUS}", headers={"tus-version": TUS})


def router() -> APIRouter:
    """`/uploads`."""
    made = APIRouter(tags=["recordings"], dependencies=[Depends(speaks)])
    one = "/uploads/{upload_id}"
    made.add_api_route(
        "/uploads", begin, methods=["POST"], status_code=201, responses=documented(401, 403, 413, 507)
    )
    made.add_api_route("/uploads", abilities, methods=["OPTIONS"], include_in_schema=False)
    made.add_api_route(one, show, methods=["GET"], responses=documented(401, 404))
    # A route of its own: one with two methods gets the same operation id twice.
    made.add_api_route(one, head, methods=["HEAD"], include_in_schema=False)
    made.add_api_route(
        one,
        add,
        methods=["PATCH"],
        status_code=204,
        responses=documented(401, 404, 409, 413, 507),
        openapi_extra={
            "requestBody": {"content": {PIECE: {"schema": {"type": "string", "format": "binary"}}}}
        },
    )
    made.add_api_route(one, drop, methods=["DELETE"], status_code=204, responses=documented(401, 404))
    made.add_api_route(
        f"{one}/recording",
        finish,
        methods=["POST"],
        status_code=201,
        responses=documented(401, 404, 409, 413, 503, 507),
    )
    return made


def begin(
    parts: Parts,
    who: Who,
    response: Response,
    upload_length: Annotated[int, Header()],
    upload_metadata: Annotated[str, Header()] = "",
) -> UploadOut:
    """Announce a sound; `Location` says where its pieces go.

    Its size is in `Upload-Length`, and in `Upload-Metadata` its `filename`, and the `origin`: `recorded` for
    what a page recorded.
    """
    facts = _metadata(upload_metadata)
    upload = parts.uploads.begin(
        who, size_bytes=upload_length, name=facts.get("filename", ""), origin=facts.get("origin", "upload")
    )
    response.headers.update(_headers(parts, upload))
    response.headers["location"] = f"/api/v1/uploads/{upload.id}"
    return _out(parts, upload)


def abilities() -> Response:
    """What of tus is spoken here."""
    return Response(
        status_code=204, headers={"tus-resumable": TUS, "tus-version": TUS, "tus-extension": EXTENSIONS}
    )


def show(upload_id: str, parts: Parts, who: Who, response: Response) -> UploadOut:
    """How far an upload has come."""
    upload = parts.uploads.get(who, upload_id)
    response.headers.update(_headers(parts, upload))
    return _out(parts, upload)


def head(upload_id: str, parts: Parts, who: Who) -> Response:
    """The same in headers, as tus asks."""
    return Response(headers=_headers(parts, parts.uploads.get(who, upload_id)))


async def add(upload_id: str, request: Request, parts: Parts, who: Who, upload_offset: Offset) -> Response:
    """Add a piece that begins at `Upload-Offset`.

    What has arrived is kept even if the connection breaks; ask for the offset, then go on from there.
    """
    if request.headers.get("content-type") != PIECE:
        raise HTTPException(415, f"send pieces as {PIECE}")
    piece = await run_in_threadpool(parts.uploads.add, who, upload_id, upload_offset)
    try:
        async for content in request.stream():
            await run_in_threadpool(piece.write, content)
    except ClientDisconnect:
        # Nobody reads the answer; the offset tells what has arrived.
        pass
    finally:
        offset = await run_in_threadpool(piece.close)
    return Response(status_code=204, headers={"tus-resumable": TUS, "upload-offset": str(offset)})


def drop(upload_id: str, parts: Parts, who: Who) -> Response:
    """Give an upload up; what has arrived of it goes."""
    parts.uploads.drop(who, upload_id)
    return Response(status_code=204, headers={"tus-resumable": TUS})


def finish(
    *, upload_id: str, parts: Parts, who: Who, chime: bool = False, closing: bool = False
) -> RecordingOut:
    """Make the recording of an upload that is whole. May be repeated when the answer was lost."""
    return recording_out(parts.uploads.finish(who, upload_id, chime=chime, closing=closing))


def _out(parts: Controller, upload: Upload) -> UploadOut:
    return UploadOut(
        id=upload.id,
        name=upload.name,
        size_bytes=upload.size_bytes,
        offset_bytes=parts.uploads.offset(upload),
        recording=upload.recording,
        expires_at=parts.uploads.expires_at(upload),
    )


def _headers(parts: Controller, upload: Upload) -> dict[str, str]:
    return {
        "tus-resumable": TUS,
        "upload-offset": str(parts.uploads.offset(upload)),
        "upload-length": str(upload.size_bytes),
        "upload-expires": format_datetime(parts.uploads.expires_at(upload), usegmt=True),
        "cache-control": "no-store",
    }


def _metadata(header: str) -> dict[str, str]:
    """`key base64,key base64`, as tus writes it."""
    facts = {}
    for pair in filter(None, header.split(",")):
        key, _, value = pair.strip().partition(" ")
        try:
            facts[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Invalid(
                "bad_metadata", "Upload-Metadata is: key, a blank, base64; commas between"
            ) from error
    return facts
