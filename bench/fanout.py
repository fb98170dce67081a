"""An emergency, from the API call to the last of thousands of subscribers, beside the raw broker.

Both are measured a moment after the bulletin was written, as people and programs do it, and once more after
a rest of the whole site: some virtual machines make an idle process pay for each page of its memory
(`bench/idle.py`), and a controller has more of them than a broker. The first are the figure.
"""

import resource
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPSConnection
from itertools import count

import httpx
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from bench.figure import Figure
from bench.idle import touch_us
from bench.site import AREAS, RAW, SOUND, Site, site
from bench.swarm import Swarm, swarm

SIZES = (1_000, 4_000)
ROUNDS = 15
RESTED_ROUNDS = 5
WARM_UP = 3
MOST = 1.3
CPU_SPREAD = 1.25
"""By how much the controller's own work may differ between the sizes: noise of a shared machine."""
WITHIN_S = 30
MOMENT_S = 0.05
"""From the bulletin to the click."""
CPU_WITHIN_S = 0.6
"""Longer than any fan-out, so that the controller's work is counted over the same time for each size."""
LOOK_S = 0.2
QUIET_LOOKS = 7
"""Longer than the second for which all else waits after an urgent message."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one number of subscribers; medians."""

    subscribers: int
    ours_s: float
    raw_s: float
    ratio: float
    """Of the medians; each round has the same bytes on both ways."""
    rested_ratio: float
    """After a rest of the whole site."""
    cpu_s: float
    """The controller's, from the call on for `CPU_WITHIN_S`, less what it uses at rest."""
    payload_bytes: int


def measure() -> Figure:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    few, many = (_measure(size) for size in SIZES)
    ratio = max(few.ratio, many.ratio)
    work = many.cpu_s / few.cpu_s
    return Figure(
        name="fanout",
        value=many.ours_s * 1000,
        unit="ms",
        peer=many.raw_s * 1000,
        peer_unit="ms",
        ratio=ratio,
        target=f"≤ {MOST} × raw Mosquitto at {few.subscribers} and {many.subscribers}, awake, CPU alike",
        met=ratio <= MOST and work <= CPU_SPREAD,
        notes="; ".join(_told(one) for one in (few, many)) + f"; CPU ratio {work:.2f}; {_of_the_machine()}",
    )


def _told(one: Measured) -> str:
    return (
        f"{one.subscribers} subscribers: {one.ours_s * 1000:.1f} ms, raw {one.raw_s * 1000:.1f} ms, "
        f"ratio {one.ratio:.2f} (after a rest {one.rested_ratio:.2f}), {one.payload_bytes} bytes, "
        f"controller {one.cpu_s * 1000:.1f} ms of CPU"
    )


def _of_the_machine() -> str:
    rest_s = LOOK_S * QUIET_LOOKS
    return (
        f"a page of memory costs {touch_us(rest_s):.2g} µs here after {rest_s:.1f} s of rest, "
        f"{touch_us(0):.2g} µs without"
    )


def _measure(subscribers: int) -> Measured:
    topics = [f"loa/v1/areas/{area}/urgent" for area in AREAS]
    with site(subscribers) as running:
        running.admit_raw_publisher(tuple(topics))
        with swarm(("127.0.0.1", running.mqtt_port), running.nodes, running.issuer, topics) as nodes:
            client, raw = running.signed_in(), _raw(running)
            rounds = [_round(running, client, raw, nodes) for _ in range(WARM_UP + ROUNDS)]
            rested = [_round(running, client, raw, nodes, rest=True) for _ in range(RESTED_ROUNDS)]
            raw.disconnect()
            raw.loop_stop()
    return _summary(subscribers, rounds[WARM_UP:], rested)


@dataclass(frozen=True, slots=True)
class _Round:
    ours_s: float
    raw_s: float
    cpu_s: float
    payload_bytes: int


def _summary(subscribers: int, rounds: Sequence[_Round], rested: Sequence[_Round]) -> Measured:
    return Measured(
        subscribers=subscribers,
        ours_s=statistics.median(one.ours_s for one in rounds),
        raw_s=statistics.median(one.raw_s for one in rounds),
        ratio=_ratio(rounds),
        rested_ratio=_ratio(rested),
        cpu_s=statistics.median(one.cpu_s for one in rounds),
        payload_bytes=rounds[-1].payload_bytes,
    )


def _ratio(rounds: Sequence[_Round]) -> float:
    return statistics.median(one.ours_s for one in rounds) / statistics.median(one.raw_s for one in rounds)


_numbers = count()


def _round(running: Site, client: httpx.Client, raw: Client, nodes: Swarm, *, rest: bool = False) -> _Round:
    number = next(_numbers)
    area = AREAS[number % len(AREAS)]
    at_rest = _rest(running)
    call = _Call(running, client, _written(running, client, area, number, rest=rest))
    cpu_before = running.cpu_s()
    began = time.monotonic()
    call.send()
    ours = nodes.wait_for(None, WITHIN_S)
    time.sleep(max(0.0, began + CPU_WITHIN_S - time.monotonic()))
    cpu_s = running.cpu_s() - cpu_before - at_rest * (time.monotonic() - began)
    call.check()
    _rest(running)
    _written(running, client, area, number, rest=rest)
    began_raw = time.monotonic()
    raw.publish(f"loa/v1/areas/{area}/urgent", ours.payload, qos=1, retain=True)
    raw_s = nodes.wait_for(ours.payload, WITHIN_S).at - began_raw
    return _Round(ours.at - began, raw_s, cpu_s, len(ours.payload))


def _written(running: Site, client: httpx.Client, area: str, number: int, *, rest: bool) -> str:
    """A bulletin, written a moment ago or before a rest."""
    bulletin = _emergency(client, area, number)
    if rest:
        _rest(running)
    else:
        time.sleep(MOMENT_S)
    return bulletin


class _Call:
    """The click: a request on a connection that is open already, as a browser's is."""

    def __init__(self, running: Site, client: httpx.Client, bulletin: str) -> None:
        self._connection = HTTPSConnection(
            "127.0.0.1", running.http_port, timeout=WITHIN_S, context=running.trust
        )
        self._connection.connect()
        self._path = f"/api/v1/bulletins/{bulletin}/emergency"
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        token = client.headers["x-csrf-token"]
        self._headers = {"if-match": '"1"', "cookie": cookies, "x-csrf-token": token}

    def send(self) -> None:
        self._connection.request("POST", self._path, headers=self._headers)

    def check(self) -> None:
        answer = self._connection.getresponse()
        assert answer.status == HTTPStatus.CREATED, answer.read()
        self._connection.close()


def _emergency(client: httpx.Client, area: str, number: int) -> str:
    plan = {"audience": [area], "last_end_ms": 5_000, "not_after_ms": 0}
    draft = {"area": area, "title": f"Lũ {number}", "class": "emergency", "recording": SOUND, "plan": plan}
    answer = client.post("/api/v1/bulletins", json=draft).raise_for_status()
    bulletin: str = answer.json()["id"]
    return bulletin


def _rest(running: Site) -> float:
    """Wait until the controller has done what follows an emergency; what it uses at rest, in s a second."""
    still, before = 0, running.cpu_s()
    used = 0.0
    while still < QUIET_LOOKS:
        time.sleep(LOOK_S)
        now = running.cpu_s()
        still, used = (still + 1, used + now - before) if now - before < 0.02 else (0, 0.0)
        before = now
    return used / (QUIET_LOOKS * LOOK_S)


def _raw(running: Site) -> Client:
    client = Client(CallbackAPIVersion.VERSION2, client_id=RAW)
    client.tls_set_context(running.issuer.client_context(RAW))
    client.connect("127.0.0.1", running.mqtt_port)
    client.loop_start()
    while not client.is_connected():
        time.sleep(0.01)
    return client
