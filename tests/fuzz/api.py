"""`python -m tests.fuzz.api`: requests made of our own OpenAPI description, right and wrong, by everybody.

Schemathesis makes them; they are asked of a whole controller without a server. What is named in them is
often put to what there is, so that they come further than to "not found". No answer may be a 5xx.
"""

import argparse
import asyncio
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any

import httpx
import schemathesis
import schemathesis.openapi
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.logs import configure
from loa.controller.settings import LogFormat
from loa.protocol.bearer import make_token
from loa.protocol.ids import NodeId
from loa.protocol.keys import SigningKey
from tests.controller.site import Client, Site, open_site

NODE, OTHER = NodeId("loa-1"), "lan"
_REAL: Mapping[str, tuple[str, ...]] = {
    "area": (COMMUNE, *VILLAGES),
    "parent": (COMMUNE, *VILLAGES),
    "issuer": (COMMUNE,),
    "audience": (COMMUNE, *VILLAGES),
    "areas": VILLAGES,
    "into": VILLAGES,
    "node": (NODE,),
    "nodes": (NODE,),
    "user": (OTHER,),
    "user_id": (OTHER,),
}
"""What exists, by the names under which it is asked for."""
_NOT_READY = ("GET /readyz", 503)
"""Without a broker the controller is not ready, and says so."""
_BASE = "https://loa.test"


Headers = Callable[[], dict[str, str]]


@schemathesis.serializer("application/offset+octet-stream")
def _part_of_an_upload(_context: object, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


@dataclass
class Tally:
    """What was asked and answered."""

    answers: Counter[int] = field(default_factory=Counter)
    operations: int = 0
    faults: list[str] = field(default_factory=list)


def search(site: Site, *, examples: int, chance: int = 1) -> Tally:
    """So many requests, right ones and wrong ones, for each operation; the same chance, the same requests."""
    tally = Tally()
    callers = _Callers(site)
    with asyncio.Runner() as runner:
        for found in schemathesis.openapi.from_dict(site.app.openapi()).get_all_operations():
            assert isinstance(found, Ok), found
            operation = found.ok()
            tally.operations += 1
            everybody = callers.everybody()
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

                def ask(case: Case[Any], everybody: Sequence[Headers] = everybody) -> None:
                    for headers in everybody:
                        runner.run(_answer(site, case, headers(), tally))

                _make(operation.as_strategy(generation_mode=mode), examples, chance, ask)
    return tally


def _make(cases: Any, examples: int, chance: int, ask: Callable[[Case[Any]], None]) -> None:  # noqa: ANN401 -- untyped
    @seed(chance)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def run(case: Case[Any]) -> None:
        ask(case)

    # nothing can be wrong with a request that has neither parameters nor body
    with suppress(Unsatisfiable):
        run()


class _Callers:
    """Somebody with every right, a node and a stranger."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._key: SigningKey = site.node(NODE)
        self._admins = 0
        self._admin = self._new_admin()
        site.user(OTHER, (VILLAGES[0], Role.OFFICIAL))

    def everybody(self) -> Sequence[Headers]:
        """How each is known; requests before may have ended the admin's token, or taken the rights."""
        me = self._admin.get("/me")
        if me.status_code != HTTPStatus.OK or len(me.json()["roles"]) < len(Role):
            self._admin = self._new_admin()
        return (lambda: self._admin.headers, self._as_node, dict)

    def _as_node(self) -> dict[str, str]:
        return {"authorization": f"Bearer {make_token(NODE, now=datetime.now(UTC), key=self._key)}"}

    def _new_admin(self) -> Client:
        self._admins += 1
        return self._site.user(f"quan-{self._admins}", *((COMMUNE, role) for role in Role))


async def _answer(site: Site, case: Case[Any], headers: dict[str, str], tally: Tally) -> None:
    rng = Random(repr(case.as_transport_kwargs()))
    case.path_parameters = _grounded(case.path_parameters, rng)
    case.body = _grounded(case.body, rng)
    asked = case.as_transport_kwargs(base_url=_BASE)
    # what we bring takes the place of what was made up, however that is written
    kept = {name: value for name, value in asked["headers"].items() if name.lower() not in headers}
    asked["headers"] = kept | headers
    asked.pop("cookies", None)
    if isinstance(asked.get("data"), bytes | str):
        asked["content"] = asked.pop("data")
    if asked.get("files"):
        asked["files"] = [(name, _sendable(*part)) for name, part in asked["files"]]
    transport = httpx.ASGITransport(_Briefly(site.app))
    try:
        async with httpx.AsyncClient(transport=transport, timeout=20) as client:
            answer = await client.request(**asked)
    except Exception:  # noqa: BLE001 -- whatever the application raises is the finding
        tally.faults.append(f"{case.operation.label} {asked}\n{traceback.format_exc()}")
        return
    tally.answers[answer.status_code] += 1
    if answer.status_code >= 500 and (case.operation.label, answer.status_code) != _NOT_READY:
        tally.faults.append(f"{case.operation.label} {asked}\n{answer.status_code} {answer.text}")


def _sendable(file: str | None, content: object, *more: object) -> tuple[object, ...]:
    """A part of a form as httpx can write it: what was made up as a number, in its digits."""
    return file, content if isinstance(content, bytes | str) else str(content), *more


def _grounded(said: Any, rng: Random, name: str = "") -> Any:  # noqa: ANN401 -- JSON
    """Half of what is named is put to what there is."""
    match said:
        case dict():
            return {key: _grounded(value, rng, key) for key, value in said.items()}
        case list():
            return [_grounded(value, rng, name) for value in said]
        case str() if name in _REAL and rng.random() < 0.5:
            return rng.choice(_REAL[name])
        case _:
            return said


class _Briefly:
    """Ends what would never end: a stream of events."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_briefly(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start" and _is_stream(message):
                await send({"type": "http.response.body", "body": b""})
                raise _EnoughError

        try:
            await self._app(scope, receive, send_briefly)
        except* _EnoughError:
            pass


class _EnoughError(Exception):
    """Of a stream that answers."""


def _is_stream(start: Message) -> bool:
    headers = dict(start["headers"])
    return bool(headers.get(b"content-type", b"").startswith(b"text/event-stream"))


def main() -> int:
    """The status is 0 only if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.api", description=__doc__)
    parser.add_argument("--examples", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    configure(LogFormat.CONSOLE, "CRITICAL")
    with tempfile.TemporaryDirectory(prefix="loa-api-") as folder:
        tally = search(open_site(Path(folder)), examples=asked.examples, chance=asked.seed)
    print("\n\n".join(tally.faults))
    statuses = ", ".join(f"{status} {n}" for status, n in sorted(tally.answers.items()))
    print(
        f"api: {tally.operations} operations, {tally.answers.total()} answers ({statuses}), "
        f"{len(tally.faults)} faults"
    )
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
