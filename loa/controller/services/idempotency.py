"""The same request sent twice does its work once, and is answered alike."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from loa.controller.errors import Invalid
from loa.controller.ports import Clock
from loa.controller.store import answers
from loa.controller.store.database import Work

KEY_CHARACTERS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request was answered."""

    status: int
    body: str
    """JSON, or nothing."""
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False


class Idempotency:
    """Keeps answers beside what the requests changed, in one transaction."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock

    def once(
        self, work: Work, *, user_id: str, key: str, request_sha256: str, act: Callable[[Work], Answer]
    ) -> Answer:
        """Do `act`, or answer as it was answered before under that key; an error leaves nothing behind.

        Raises `Invalid` if the key was used for another request, or is no key.
        """
        if not 0 < len(key) <= KEY_CHARACTERS:
            raise Invalid("bad_idempotency_key", f"send 1 to {KEY_CHARACTERS} characters as Idempotency-Key")
        found = answers.kept(work.session, key=key, user_id=user_id)
        if found is None:
            return self._first(work, user_id, key, request_sha256, act(work))
        if found.request_sha256 != request_sha256:
            raise Invalid(
                "idempotency_key_reused", "this Idempotency-Key was used for another request; make a new one"
            )
        before = json.loads(found.body)
        return Answer(status=found.status, body=before["body"], headers=before["headers"], replayed=True)

    def _first(self, work: Work, user_id: str, key: str, request_sha256: str, answer: Answer) -> Answer:
        answers.keep(
            work.session,
            key=key,
            user_id=user_id,
            request_sha256=request_sha256,
            status=answer.status,
            body=json.dumps({"body": answer.body, "headers": dict(answer.headers)}),
            at=self._clock.now(),
        )
        return answer
