"""Writes that may be sent again: header Idempotency-Key."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from loa.controller.api.deps import Parts, Who
from loa.controller.composition import Controller
from loa.controller.core.access import Person
from loa.controller.services.idempotency import KEY_CHARACTERS, Answer
from loa.controller.store.database import Work


@dataclass(frozen=True, slots=True)
class Result:
    """What an endpoint answers, and with which ETag and Location."""

    body: BaseModel | None
    status: int = 200
    etag: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class OnceOnly:
    """Runs one request's write in one transaction; with a key, at most once."""

    parts: Controller
    user_id: str
    key: str | None
    request_sha256: str

    def run(self, act: Callable[[Work], Result]) -> Response:
        """The response of `act`, or the one given before under the same key."""
        with self.parts.db.work() as work:
            answer = self._answer(work, act)
        headers = dict(answer.headers) | ({"idempotency-replayed": "true"} if answer.replayed else {})
        media_type = "application/json" if answer.body else None
        return Response(answer.body, status_code=answer.status, headers=headers, media_type=media_type)

    def _answer(self, work: Work, act: Callable[[Work], Result]) -> Answer:
        if self.key is None:
            return _answer(act(work))
        return self.parts.idempotency.once(
            work,
            user_id=self.user_id,
            key=self.key,
            request_sha256=self.request_sha256,
            act=lambda work: _answer(act(work)),
        )


async def request_sha256(request: Request) -> str:
    """Names a request by method, address, revision meant and body."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(request.headers.get("if-match", "").encode() + b"\n" + await request.body())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class OnceFor:
    """For an endpoint that asks who it is in its own thread, since an emergency has no time to change it."""

    parts: Controller
    key: str | None
    request_sha256: str

    def by(self, who: Person) -> OnceOnly:
        """The request, once this person is known to have sent it."""
        return OnceOnly(
            parts=self.parts, user_id=who.user_id, key=self.key, request_sha256=self.request_sha256
        )


async def once_for(
    parts: Parts,
    sha256: Annotated[str, Depends(request_sha256)],
    idempotency_key: Annotated[
        str | None,
        Header(
            description="The same key with the same request is answered as before and does nothing again.",
            min_length=1,
            max_length=KEY_CHARACTERS,
        ),
    ] = None,
) -> OnceFor:
    """The request by its bytes and key, whoever sent it."""
    return OnceFor(parts=parts, key=idempotency_key, request_sha256=sha256)


async def once_only(who: Who, request: Annotated[OnceFor, Depends(once_for)]) -> OnceOnly:
    """For endpoints whose body is JSON."""
    return request.by(who)


def _answer(result: Result) -> Answer:
    given = {"etag": result.etag, "location": result.location}
    headers = {name: value for name, value in given.items() if value is not None}
    body = "" if result.body is None else result.body.model_dump_json(by_alias=True)
    return Answer(status=result.status, body=body, headers=headers)


OnceUnasked = Annotated[OnceFor, Depends(once_for)]
Once = Annotated[OnceOnly, Depends(once_only)]
"""An endpoint writes `once: Once` and returns `once.run(lambda work: Result(…))`."""
