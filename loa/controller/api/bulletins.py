"""Bulletins over HTTP. Every change names the revision that it was made on."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from loa.controller.api.broadcasts import ApprovedOut, approved_out
from loa.controller.api.deps import Parts, Who
from loa.controller.api.etags import Revision, etag
from loa.controller.api.given import Given
from loa.controller.api.once import Once, OnceUnasked, Result
from loa.controller.api.problems import documented
from loa.controller.api.words import Key, Words
from loa.controller.core.broadcasts import HalfApproved
from loa.controller.core.bulletins import (
    TEXT_CHARACTERS,
    TITLE_CHARACTERS,
    Bulletin,
    BulletinState,
    Draft,
    Plan,
)
from loa.controller.errors import Conflict
from loa.controller.services.bulletins import BulletinFilter
from loa.controller.services.signatures import Signature
from loa.controller.store.database import Work
from loa.protocol.ids import SLUG, AreaId, RecordingId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.passkey import Assertion

Endpoint = Callable[..., Response | None]

PLAN_EXAMPLE = {
    "audience": ["lang-cong"],
    "when": {"tz": "Asia/Ho_Chi_Minh", "start_local": "2026-06-11T17:30", "rrule": "FREQ=DAILY;COUNT=3"},
}
SIGNED_EXAMPLE: dict[str, Any] = {
    "document": "{}",
    "assertion": {
        "credential": "bWF5",
        "authenticator_data": "AAAA",
        "client_data": "e30",
        "signature": "AAAA",
    },
}


class DraftIn(BaseModel):
    """What a bulletin says. Everything but the area may be missing until it is submitted."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    area: Annotated[AreaId, Field(examples=["lang-cong"])]
    """The issuing area."""
    title: Annotated[Words, Field(max_length=TITLE_CHARACTERS, examples=["Lịch tiêm phòng đợt 2"])] = ""
    field: Annotated[str, Field(pattern=SLUG, examples=["health"])] = "other"
    """Lĩnh vực, a slug."""
    class_: Annotated[BroadcastClass, Field(alias="class")] = BroadcastClass.NORMAL
    text: Annotated[Words | None, Field(max_length=TEXT_CHARACTERS)] = None
    voice: Annotated[Words | None, Field(max_length=64)] = None
    recording: RecordingId | None = None
    plan: Annotated[Plan, Field(examples=[PLAN_EXAMPLE])] = Plan()
    drill: bool = False
    """A rehearsal; its recording must be one that `/speech` made as a drill, its class no emergency."""

    def draft(self) -> Draft:
        """As the service takes it."""
        return Draft(
            area=self.area,
            title=self.title.strip(),
            field=self.field,
            class_=self.class_,
            text=self.text,
            voice=self.voice,
            recording=self.recording,
            plan=self.plan,
            drill=self.drill,
        )


class BulletinOut(DraftIn):
    """A bulletin as it is kept."""

    id: str
    revision: int
    """Its ETag without the quotes."""
    state: BulletinState
    comment: str | None
    """Why it was returned."""
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime
    submitted_by: str | None
    submitted_at: datetime | None
    broadcast: str | None
    """What it became, if it was approved."""


class BulletinsOut(BaseModel):
    """Some bulletins, the last changed first."""

    items: tuple[BulletinOut, ...]
    next_cursor: str | None


class CommentIn(Given):
    """Why a bulletin is returned."""

    comment: Annotated[Words, Field(max_length=2_000, examples=["Ghi rõ địa điểm."])]


class ToSignOut(BaseModel):
    """What a passkey is to sign: `challenge` (base64url) is the SHA-256 of the document."""

    document: str
    challenge: str
    party: str
    """The relying party's id."""
    credentials: tuple[str, ...]
    needed: int
    """So many people have to sign it."""
    signed_by: tuple[str, ...]


class SignatureIn(Given):
    """The document as it was handed out, and what the passkey made of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [SIGNED_EXAMPLE]})

    document: Annotated[Words, Field(min_length=2, max_length=16_384)]
    assertion: Assertion


class HalfApprovedOut(BaseModel):
    """It waits for so many others to sign the same document within ten minutes."""

    missing: int


def router() -> APIRouter:
    """The routes of bulletins."""
    made = APIRouter(tags=["bulletins"])
    made.add_api_route("/bulletins", find, methods=["GET"], responses=documented(401))
    one = "/bulletins/{bulletin_id}"
    made.add_api_route(one, get, methods=["GET"], responses=documented(401, 404))
    made.add_api_route(
        f"{one}/to-sign",
        to_sign,
        methods=["GET"],
        response_model=ToSignOut,
        responses=documented(401, 403, 404, 409, 412, 422),
    )
    changes: tuple[tuple[str, str, int, Endpoint, type[BaseModel] | None], ...] = (
        ("POST", "/bulletins", 201, create, BulletinOut),
        ("PUT", one, 200, save, BulletinOut),
        ("DELETE", one, 204, delete, None),
        ("POST", f"{one}/submit", 200, submit, BulletinOut),
        ("POST", f"{one}/return", 200, give_back, BulletinOut),
        ("POST", f"{one}/approve", 201, approve, ApprovedOut),
        ("POST", f"{one}/emergency", 201, emergency, ApprovedOut),
        ("POST", f"{one}/sign", 201, sign, ApprovedOut),
    )
    refused = documented(401, 403, 404, 409, 412, 428)
    for method, path, status, endpoint, model in changes:
        made.add_api_route(
            path, endpoint, methods=[method], status_code=status, response_model=model, responses=refused
        )
    return made


def find(
    *,
    parts: Parts,
    who: Who,
    area: AreaId | None = None,
    state: BulletinState | None = None,
    created_by: Annotated[Words | None, Query(max_length=64)] = None,
    cursor: Annotated[Words | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> BulletinsOut:
    """The bulletins that you may read, the last changed first."""
    wanted = BulletinFilter(area=area, state=state, created_by=created_by)
    with parts.db.look() as session:
        page = parts.bulletins.find(session, who, wanted, cursor=cursor, limit=limit)
    return BulletinsOut(items=tuple(map(_out, page.bulletins)), next_cursor=page.next_cursor)


def create(parts: Parts, who: Who, once: Once, content: DraftIn) -> Response:
    """A new draft."""
    return once.run(lambda work: _result(parts.bulletins.create(work, who, content.draft()), 201))


def get(parts: Parts, who: Who, bulletin_id: Key, response: Response) -> BulletinOut:
    """A bulletin, with its ETag."""
    with parts.db.look() as session:
        found = parts.bulletins.get(session, who, bulletin_id)
    response.headers["etag"] = etag(found.revision)
    return _out(found)


def save(
    *, parts: Parts, who: Who, bulletin_id: Key, revision: Revision, once: Once, content: DraftIn
) -> Response:
    """Replace what it says; it is a draft again. 412 says who saved another version, and when."""
    return once.run(
        lambda work: _result(parts.bulletins.save(work, who, bulletin_id, content.draft(), revision))
    )


def delete(parts: Parts, who: Who, bulletin_id: Key, revision: Revision) -> None:
    """Throw away a bulletin that was never approved."""
    with parts.db.work() as work:
        parts.bulletins.delete(work, who, bulletin_id, revision)


def submit(parts: Parts, who: Who, bulletin_id: Key, revision: Revision, once: Once) -> Response:
    """Hand it to the approvers; 422 names what it lacks."""
    return once.run(lambda work: _result(parts.bulletins.submit(work, who, bulletin_id, revision)))


def give_back(
    *, parts: Parts, who: Who, bulletin_id: Key, revision: Revision, once: Once, said: CommentIn
) -> Response:
    """Return it to its author with a word why."""
    return once.run(
        lambda work: _result(parts.bulletins.give_back(work, who, bulletin_id, revision, said.comment))
    )


def approve(parts: Parts, who: Who, bulletin_id: Key, revision: Revision, once: Once) -> Response:
    """Approve what you have read: exactly this revision becomes a broadcast, once.

    422 names what is wrong with the time asked for, by which rule, and the nearest time that would do.
    """
    return once.run(lambda work: approved_out(parts.broadcasts.approve(work, who, bulletin_id, revision)))


def emergency(
    request: Request, parts: Parts, bulletin_id: Key, revision: Revision, once: OnceUnasked
) -> Response:
    """Broadcast a bulletin of class emergency now, alone; it interrupts what sounds, at any hour."""
    who = parts.gate.person(request)
    return once.by(who).run(
        lambda work: approved_out(parts.broadcasts.emergency(work, who, bulletin_id, revision))
    )


def to_sign(
    parts: Parts, who: Who, bulletin_id: Key, revision: Annotated[int | None, Query(ge=1)] = None
) -> ToSignOut:
    """The document to approve by passkey; 409 where the controller's word is enough.

    Name the revision that you have read; without it the last one is meant.
    """
    with parts.db.look() as session:
        if revision is None:
            revision = parts.bulletins.get(session, who, bulletin_id).revision
        found = parts.broadcasts.to_sign(session, who, bulletin_id, revision)
    if found is None:
        raise Conflict("no_passkey_needed", "nobody has to sign it: approve it without a passkey")
    return ToSignOut(**asdict(found))


def sign(
    *, parts: Parts, who: Who, bulletin_id: Key, revision: Revision, given: SignatureIn, once: Once
) -> Response:
    """Approve by passkey; 202 while others have to sign the same document, too."""
    signature = Signature(document=given.document, assertion=given.assertion)

    def act(work: Work) -> Result:
        done = parts.broadcasts.sign(work, who, bulletin_id, revision, signature)
        if isinstance(done, HalfApproved):
            return Result(HalfApprovedOut(missing=done.missing), 202)
        return approved_out(done)

    return once.run(act)


def _result(bulletin: Bulletin, status: int = 200) -> Result:
    return Result(
        _out(bulletin), status, etag=etag(bulletin.revision), location=f"/api/v1/bulletins/{bulletin.id}"
    )


def _out(bulletin: Bulletin) -> BulletinOut:
    draft = bulletin.draft
    return BulletinOut(
        area=draft.area,
        title=draft.title,
        field=draft.field,
        class_=draft.class_,
        text=draft.text,
        voice=draft.voice,
        recording=draft.recording,
        plan=draft.plan,
        drill=draft.drill,
        id=bulletin.id,
        revision=bulletin.revision,
        state=bulletin.state,
        comment=bulletin.comment,
        created_by=bulletin.created_by,
        created_at=bulletin.created_at,
        updated_by=bulletin.updated_by,
        updated_at=bulletin.updated_at,
        submitted_by=bulletin.submitted_by,
        submitted_at=bulletin.submitted_at,
        broadcast=bulletin.broadcast,
    )
