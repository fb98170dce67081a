"""People with open home pages and live updates: their page requests beside a bare page of the same bytes."""

import asyncio
import hashlib
import random
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ssl import SSLContext

import httpx
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from bench.figure import Figure
from bench.site import AREAS, VILLAGE, Site, site
from loa.controller.gate import SESSION_COOKIE
from loa.controller.store.database import Database
from loa.controller.store.tables import LogRow, RoleRow, SessionRow, UserRow
from loa.controller.store.upsert import insert_new
from loa.protocol.codec import encode
from loa.protocol.ids import BootId, NodeId, OccurrenceId
from loa.protocol.keys import SigningKey
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Detail, State
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import to_whole_ms
from tests.loopback import free_port

PEOPLE = 200
NODES = 14
OCCURRENCES = 12
EVERY_S = 20.0
"""Between two pages that a person opens, beside what the open page asks for by itself."""
LASTING_S = 36.0
BURST_S = 12.0
"""So often a broadcast begins or ends, and all nodes say so within a second."""
TARGET_MS = 300.0
GATHER_S, LEAST_S = 0.25, 2.0
"""As `live.js` waits."""
ROLES = ("official", "approver", "supervisor", "technician")
BARE = """
import sys, uvicorn
from fastapi import FastAPI, Response
app, page = FastAPI(), sys.stdin.buffer.read()
@app.get("/")
def bare() -> Response:
    return Response(page, media_type="text/html")
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
"""


def measure() -> Figure:
    keys = {f"loa-{number:04d}": SigningKey.generate() for number in range(NODES)}
    with site(NODES, keys={node: key.public.x for node, key in keys.items()}) as running:
        cookies, occurrence = _fill(running)
        _warm_up(running, cookies)
        crowd = asyncio.run(_live(running, cookies, keys, occurrence))
        page = httpx.get(running.url, cookies={SESSION_COOKIE: cookies[0]}, verify=running.trust).content
    bare = _bare(page)
    value, peer = _p95(crowd.took_ms), _p95(bare)
    return Figure(
        name="people",
        value=value,
        unit="ms p95",
        peer=peer,
        peer_unit="ms p95 (bare FastAPI page)",
        ratio=value / peer,
        target=f"p95 at most {TARGET_MS:g} ms",
        met=value <= TARGET_MS and not crowd.failed,
        notes=f"{PEOPLE} people with an open home page and its event stream for {LASTING_S:g} s: "
        f"{len(crowd.took_ms)} page requests ({crowd.failed} failed), {crowd.told} events. Each opens a "
        f"page every {EVERY_S:g} s; every {BURST_S:g} s all {NODES} nodes begin or end a broadcast, upon "
        f"which every page asks anew. Median {statistics.median(crowd.took_ms):.0f} ms. The peer answers "
        f"{len(page)} bytes to {PEOPLE} requests in {EVERY_S / 2:g} s.",
    )


def _warm_up(running: Site, cookies: list[str]) -> None:
    """A page of each kind of person: a controller that runs for months has filled its templates before."""
    for cookie in cookies[: len(AREAS) * len(ROLES)]:
        httpx.get(running.url, cookies={SESSION_COOKIE: cookie}, verify=running.trust)


@dataclass
class Crowd:
    """What all of them met."""

    ends_at: float
    took_ms: list[float] = field(default_factory=list)
    failed: int = 0
    told: int = 0

    async def ask(self, client: httpx.AsyncClient, headers: dict[str, str]) -> str:
        began = time.monotonic()
        answer = await client.get("/", headers=headers)
        self.took_ms.append((time.monotonic() - began) * 1000)
        self.failed += answer.status_code != httpx.codes.OK
        return answer.text


async def _live(running: Site, cookies: list[str], keys: dict[str, SigningKey], occurrence: str) -> Crowd:
    crowd = Crowd(time.monotonic() + LASTING_S)
    told = asyncio.create_task(asyncio.to_thread(_speak, running, keys, occurrence, crowd.ends_at))
    trust = running.trust
    await asyncio.gather(*(_person(running, cookie, crowd, trust) for cookie in cookies))
    await told
    return crowd


async def _person(running: Site, cookie: str, crowd: Crowd, trust: SSLContext) -> None:
    limits = httpx.Limits(max_connections=3, keepalive_expiry=60)  # as a browser keeps them
    async with httpx.AsyncClient(
        base_url=running.url,
        cookies={SESSION_COOKIE: cookie},
        timeout=60,
        limits=limits,
        verify=trust,
    ) as client:
        await asyncio.sleep(random.uniform(0, EVERY_S / 2))
        stale = asyncio.Event()
        parts = [_listen(client, crowd, stale), _refresh(client, crowd, stale), _open(client, crowd)]
        tasks = [asyncio.create_task(part) for part in parts]
        await asyncio.sleep(max(0.0, crowd.ends_at - time.monotonic()))
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def _open(client: httpx.AsyncClient, crowd: Crowd) -> None:
    while True:
        await crowd.ask(client, {})
        await asyncio.sleep(EVERY_S * random.uniform(0.5, 1.5))


async def _listen(client: httpx.AsyncClient, crowd: Crowd, stale: asyncio.Event) -> None:
    async with client.stream("GET", "/api/v1/events", timeout=None) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event:"):
                crowd.told += 1
                stale.set()


async def _refresh(client: httpx.AsyncClient, crowd: Crowd, stale: asyncio.Event) -> None:
    spread_ms = 40.0 * PEOPLE
    while True:
        await stale.wait()
        await asyncio.sleep(GATHER_S + random.uniform(0, spread_ms / 1000))
        stale.clear()
        text = await crowd.ask(client, {"hx-request": "true", "hx-target": "today"})
        spread_ms = float(text.partition('data-live-spread="')[2].partition('"')[0])
        await asyncio.sleep(LEAST_S)


def _speak(running: Site, keys: dict[str, SigningKey], occurrence: str, ends_at: float) -> None:
    clients = {node: _client(running, node) for node in keys}
    sounding: OccurrenceId | None = None
    while time.monotonic() < ends_at:
        for node, client in clients.items():
            topic = Topic(Channel.STATE, NodeId(node))
            client.publish(str(topic), encode(topic, _state(node, sounding), keys[node]), qos=1, retain=True)
            time.sleep(1 / NODES)
        sounding = None if sounding else OccurrenceId(occurrence)
        time.sleep(BURST_S - 1)
    for client in clients.values():
        client.disconnect()
        client.loop_stop()


def _client(running: Site, node: str) -> Client:
    client = Client(CallbackAPIVersion.VERSION2, client_id=node)
    client.tls_set_context(running.issuer.client_context(node))
    client.connect("127.0.0.1", running.mqtt_port)
    client.loop_start()
    return client


def _state(node: str, sounding: OccurrenceId | None) -> State:
    return State(
        node=NodeId(node),
        boot_id=BootId("c" * 32),
        at=to_whole_ms(datetime.now(UTC)),
        detail=Detail.FULL,
        clock=ClockState.TRUSTED,
        sounding=sounding,
    )


def _bare(page: bytes) -> list[float]:
    port = free_port()
    with subprocess.Popen([sys.executable, "-c", BARE, str(port)], stdin=subprocess.PIPE) as server:
        assert server.stdin
        server.stdin.write(page)
        server.stdin.close()
        try:
            return asyncio.run(_ask_all(f"http://127.0.0.1:{port}"))
        finally:
            server.terminate()


async def _ask_all(url: str) -> list[float]:
    crowd = Crowd(0)
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        await _until(lambda: client.get("/"))
        await asyncio.gather(*(_once(client, crowd) for _ in range(PEOPLE)))
    return crowd.took_ms


async def _once(client: httpx.AsyncClient, crowd: Crowd) -> None:
    await asyncio.sleep(random.uniform(0, EVERY_S / 2))
    await crowd.ask(client, {})


async def _until(ask: Callable[[], Awaitable[httpx.Response]]) -> None:
    for _ in range(200):
        with suppress(httpx.TransportError):
            await ask()
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the bare server did not answer")


def _p95(took_ms: list[float]) -> float:
    return statistics.quantiles(took_ms, n=20)[-1]


def _fill(running: Site) -> tuple[list[str], str]:
    """People of all kinds of roles, signed in, and a day of the log; their cookies, and what sounds."""
    now = datetime.now(UTC).replace(microsecond=0)
    found = [(f"nguoi-{number}", secrets.token_urlsafe(24)) for number in range(PEOPLE)]
    users = [{"id": user, "name": user, "active": True, "created_at": now} for user, _ in found]
    roles = [
        {"user_id": user, "area_id": AREAS[number % len(AREAS)], "role": ROLES[number // 4 % len(ROLES)]}
        for number, (user, _) in enumerate(found)
    ]
    sessions = [_session(user, secret, now) for user, secret in found]
    starts = [now + timedelta(hours=number) for number in range(-OCCURRENCES // 2, OCCURRENCES // 2)]
    database = Database(running.database)
    with database.work() as work:
        for table, rows in ((UserRow, users), (RoleRow, roles), (SessionRow, sessions)):
            insert_new(work.session, table, rows)
        lines = [_line(node, start, now) for start in starts for node in running.nodes]
        insert_new(work.session, LogRow, lines)
    database.close()
    return [secret for _, secret in found], _occurrence(now)


def _session(user: str, secret: str, now: datetime) -> dict[str, object]:
    return {
        "token_hash": hashlib.sha256(secret.encode()).hexdigest(),
        "user_id": user,
        "kind": "session",
        "name": "",
        "csrf": "c" * 32,
        "created_at": now,
        "expires_at": now + timedelta(days=1),
    }


def _line(node: str, start: datetime, now: datetime) -> dict[str, object]:
    is_over = start < now
    return {
        "occurrence": _occurrence(start),
        "broadcast_id": "b" * 64,
        "node_id": node,
        "area_id": VILLAGE,
        "path": "/" + "/".join(AREAS[::-1]) + "/",
        "place": VILLAGE,
        "title": f"Bản tin lúc {start:%H:%M}",
        "field": "news",
        "class": "normal",
        "planned_at": start,
        "duration_ms": 600_000,
        "outcome": "complete" if is_over else "expected",
        "played_ms": 600_000 if is_over else None,
    }


def _occurrence(start: datetime) -> str:
    return f"{'b' * 64}@{round(start.timestamp() * 1000)}"
