"""What changed, as it changes: server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import lru_cache

from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from loa.controller.api.deps import Parts
from loa.controller.api.problems import documented
from loa.controller.composition import Controller
from loa.controller.core.access import Act, Person, granted
from loa.controller.errors import Unauthenticated, Unavailable
from loa.controller.ports import Event, EventKind, Told
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId

LOOK_EVERY_S = 30.0
"""Sessions end by time, too, and by commands at the terminal."""
_LOOK = (Event(EventKind.SESSION, AreaId(""), ""),)
PING_S = 20
"""A comment so often, so that proxies keep the connection and dead ones are noticed."""
RELOAD = "reload"
_RELOAD = ServerSentEvent(event=RELOAD, data="{}").encode()


async def events(request: Request, parts: Parts) -> EventSourceResponse:
    """Events of the areas that the person may see: `event` is the kind, `data` has area and subject.

    `event: reload` means that the page was too slow and should load everything anew. The stream ends with
    the session, and follows the person's roles.
    """
    secret = parts.gate.secret_of(request)
    person = await run_in_threadpool(parts.gate.person, request)
    areas = await run_in_threadpool(_visible, parts, person)
    return EventSourceResponse(_stream(parts, secret, person.user_id, areas), ping=PING_S)


def router() -> APIRouter:
    """`/events`."""
    routes = APIRouter(tags=["events"])
    routes.add_api_route("/events", events, responses=documented(401), response_class=EventSourceResponse)
    return routes


async def _stream(
    parts: Controller, secret: str, user: str, areas: frozenset[AreaId]
) -> AsyncIterator[bytes]:
    with parts.events.listen(lambda area: area in areas, user) as heard:
        yield ServerSentEvent(comment="listening").encode()
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    told = await anext(heard)
            except StopAsyncIteration:
                return
            except TimeoutError:
                told = _LOOK
            before, looks, after = _parted(told)
            if before:
                yield b"".join(map(_sent, before))
            if not looks:
                continue
            try:
                areas = await run_in_threadpool(_still_visible, parts, secret)
            except Unauthenticated:
                return
            except Unavailable:
                pass  # without a database nobody can be signed out either
            sent = [_sent(event) for event in after if event.area in areas] if told else [_RELOAD]
            if sent:
                yield b"".join(sent)


def _parted(told: Told) -> tuple[Told, bool, Told]:
    """What to send, whether the session is to be looked at, and what to send if it is still there."""
    asks = [place for place, event in enumerate(told) if event.kind is EventKind.SESSION]
    if not asks:
        return told, not told, ()
    return told[: asks[0]], True, tuple(one for one in told[asks[0] :] if one.kind is not EventKind.SESSION)


@lru_cache(maxsize=64)
def _sent(event: Event) -> bytes:
    """As it goes to every page."""
    data = json.dumps({"area": event.area, "subject": event.subject})
    return ServerSentEvent(event=event.kind, data=data).encode()


def _visible(parts: Controller, person: Person) -> frozenset[AreaId]:
    with parts.db.look() as session:
        return read_tree(session).below(granted(person, Act.READ_AREA))


def _still_visible(parts: Controller, secret: str) -> frozenset[AreaId]:
    return _visible(parts, parts.gate.check(secret))
