"""Recordings over HTTP: upload, speech, read-back, content."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import contextmanager_in_threadpool
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from loa.controller.api import uploads
from loa.controller.api.deps import Parts, Reader, Who
from loa.controller.api.given import Given
from loa.controller.api.problems import documented
from loa.controller.api.words import Words
from loa.controller.core.access import Person
from loa.controller.errors import Invalid, NotFound
from loa.controller.services.recordings import Kept, ReadBack
from loa.protocol.ids import RecordingId

MEDIA_TYPE = "audio/ogg"
CACHE = "private, max-age=31536000, immutable"
_SHA256 = "3f0a377ba0a4a460ecb616f6507ce0d8cfa3e704025d4fda3ed0c5ca05468728"


class RecordingOut(BaseModel):
    """A prepared sound: Ogg/Opus, mono, at the loudness of all others."""

    sha256: Annotated[str, Field(examples=[_SHA256])]
    """Its name."""
    duration_ms: Annotated[int, Field(examples=[25_340])]
    size_bytes: Annotated[int, Field(examples=[101_360])]
    loudness_lufs: Annotated[float, Field(examples=[-18.1])]
    loudness_before_lufs: Annotated[float | None, Field(examples=[-27.4])]
    true_peak_dbtp: Annotated[float, Field(examples=[-2.3])]
    origin: Annotated[str, Field(examples=["upload"])]
    warnings: Annotated[tuple[str, ...], Field(examples=[["clipped"]])]
    """`clipped`, `quiet` or `level`: it is taken, the person should know."""
    created_by: Annotated[str, Field(examples=["mai"])]
    created_at: datetime
    content: Annotated[str, Field(examples=[f"/api/v1/recordings/{_SHA256}/content"])]
    """Where it is fetched."""


class ChangeOut(BaseModel):
    """`text[start:end]`, which stands there as `original`, is said as `spoken`."""

    start: Annotated[int, Field(examples=[0])]
    end: Annotated[int, Field(examples=[4])]
    original: Annotated[str, Field(examples=["UBND"])]
    spoken: Annotated[str, Field(examples=["ủy ban nhân dân"])]


class TextIn(Given):
    """A text to be read out."""

    text: Annotated[Words, Field(examples=["UBND xã mời bà con đi tiêm phòng lúc 7h30 ngày 12/6."])]


class SpeechIn(TextIn):
    """A text and the voice that is to read it."""

    voice: Annotated[Words | None, Field(max_length=64, examples=["vi"])] = None
    """None: the preferred one."""
    chime: bool = True
    closing: bool = False
    drill: bool = False
    """Say first that it is a drill; then the voice is the preferred one and the chime is there."""


class ReadingOut(BaseModel):
    """What a voice says otherwise than it is written."""

    changes: tuple[ChangeOut, ...]


class SpokenOut(ReadingOut):
    """A text that was read out."""

    recording: RecordingOut


class PeaksOut(BaseModel):
    """A recording as a wave."""

    peaks: Annotated[tuple[int, ...], Field(examples=[[0, 34, 87, 100, 12]])]
    """Heights from 0 to 100, evenly over its length."""


class VoicesOut(BaseModel):
    """Names of voices, the preferred one first."""

    voices: Annotated[tuple[str, ...], Field(examples=[["vi", "vi-vn-x-south"]])]


def router() -> APIRouter:
    """The routes of recordings."""
    made = APIRouter(tags=["recordings"])
    refusals = documented(401, 403, 413, 503, 507)
    made.add_api_route(
        "/recordings", upload, methods=["POST"], status_code=201, responses=refusals, openapi_extra=_FORM
    )
    made.add_api_route("/speech", speak, methods=["POST"], status_code=201, responses=refusals)
    made.add_api_route("/readings", read_back, methods=["POST"], responses=documented(401))
    made.add_api_route("/voices", voices, methods=["GET"], responses=documented(401))
    made.add_api_route("/recordings/{sha256}", recording, methods=["GET"], responses=documented(401, 404))
    made.add_api_route(
        "/recordings/{sha256}/peaks", peaks, methods=["GET"], responses=documented(401, 404, 503)
    )
    sound = "/recordings/{sha256}/content"
    made.add_api_route(
        sound,
        content,
        methods=["GET"],
        response_class=FileResponse,
        responses={**documented(401, 404), 200: {"content": {MEDIA_TYPE: {}}}, 206: {}, 304: {}, 416: {}},
    )
    # A route of its own: one with two methods gets the same operation id twice.
    made.add_api_route(sound, content, methods=["HEAD"], response_class=FileResponse, include_in_schema=False)
    return made


async def upload(request: Request, parts: Parts, who: Who) -> RecordingOut:
    """Take a sound in. It is streamed to the disk, prepared, and named by the SHA-256 of the result."""
    async with contextmanager_in_threadpool(parts.recordings.receive()) as incoming:
        fields = await uploads.receive(request, incoming)
        chime, closing = _yes(fields, "chime"), _yes(fields, "closing")
        kept = await run_in_threadpool(parts.recordings.finish, who, incoming, chime=chime, closing=closing)
    return recording_out(kept)


def speak(parts: Parts, who: Who, asked: SpeechIn) -> SpokenOut:
    """Let a voice read a text; `changes` says what it reads otherwise than it is written."""
    if asked.drill:
        kept, changes = parts.recordings.speak_drill(who, asked.text)
        return SpokenOut(recording=recording_out(kept), changes=_changes(changes))
    kept, changes = parts.recordings.speak(
        who, asked.text, voice=asked.voice, chime=asked.chime, closing=asked.closing
    )
    return SpokenOut(recording=recording_out(kept), changes=_changes(changes))


def read_back(parts: Parts, _who: Who, asked: TextIn) -> ReadingOut:
    """What a voice would read otherwise than it is written, without making a sound."""
    return ReadingOut(changes=_changes(parts.recordings.read_back(asked.text)))


def voices(parts: Parts, _who: Who) -> VoicesOut:
    """The voices that are installed."""
    return VoicesOut(voices=parts.recordings.voices)


def recording(sha256: RecordingId, parts: Parts, who: Who) -> RecordingOut:
    """Facts of a recording that the person made, or that is of a bulletin or broadcast they may read."""
    return recording_out(parts.recordings.heard_by(who, sha256))


def peaks(sha256: RecordingId, parts: Parts, who: Who, response: Response) -> PeaksOut:
    """How a recording looks; it never changes."""
    heights = parts.peaks.of(parts.recordings.heard_by(who, sha256).sha256)
    response.headers["cache-control"] = CACHE
    return PeaksOut(peaks=heights)


def content(
    sha256: RecordingId,
    parts: Parts,
    reader: Reader,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The sound, whole or by Range; it never changes.

    A node may fetch what its programmes name, and the standing messages; a person what they may hear.
    """
    if isinstance(reader, Person):
        parts.recordings.heard_by(reader, sha256)
    else:
        with parts.db.look() as session:
            is_carried = parts.broadcasts.is_carried(session, sha256, reader) or parts.standing.has(
                session, sha256
            )
        if not is_carried:
            raise NotFound("no_such_recording", f"there is no recording {sha256}")
    path = parts.recordings.path(sha256)
    headers = {"etag": f'"{sha256}"', "cache-control": CACHE}
    if if_none_match is not None and _matches(if_none_match, sha256):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=MEDIA_TYPE, headers=headers)


def _matches(if_none_match: str, sha256: str) -> bool:
    tags = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return any(tag in {"*", f'"{sha256}"'} for tag in tags)


def _yes(fields: dict[str, str], name: str) -> bool:
    value = fields.get(name, "false").strip().lower()
    if value not in _ANSWERS:
        raise Invalid("bad_form", f"the field {name} is true or false")
    return _ANSWERS[value]


def recording_out(kept: Kept) -> RecordingOut:
    """As it is told."""
    return RecordingOut(
        sha256=kept.sha256,
        duration_ms=kept.duration_ms,
        size_bytes=kept.size_bytes,
        loudness_lufs=kept.loudness_lufs,
        loudness_before_lufs=kept.loudness_before_lufs,
        true_peak_dbtp=kept.true_peak_dbtp,
        origin=kept.origin,
        warnings=kept.warnings,
        created_by=kept.created_by,
        created_at=kept.created_at,
        content=f"/api/v1/recordings/{kept.sha256}/content",
    )


def _changes(changes: tuple[ReadBack, ...]) -> tuple[ChangeOut, ...]:
    return tuple(
        ChangeOut(start=one.start, end=one.end, original=one.original, spoken=one.spoken) for one in changes
    )


_ANSWERS = {
    "true": True,
    "1": True,
    "on": True,
    "yes": True,
    "false": False,
    "0": False,
    "": False,
    "no": False,
}
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "chime": {"type": "boolean", "default": False},
                        "closing": {"type": "boolean", "default": False},
                    },
                }
            }
        },
    }
}
