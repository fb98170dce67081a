"""An emergency, from the API call to the last of thousands of subscribers, beside the raw broker."""

import resource
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPSConnection

import httpx
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from bench.figure import Figure
from bench.site import AREAS, RAW, SOUND, Site, site
from bench.swarm import Swarm, swarm

SIZES = (1_000, 4_000)
ROUNDS = 15
WARM_UP = 3
MOST = 1.3
CPU_SPREAD = 1.25
"""By how much the controller's own work may differ between the sizes: noise of a shared machine."""
WITHIN_S = 30
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
    """Median of the rounds' own ratios: each round has the same bytes on both ways."""
    cpu_s: float
    """The controller's, from the call until the last subscriber has it, less what it uses at rest."""
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
        target=f"≤ {MOST} × raw Mosquitto at {few.subscribers} and {many.subscribers}, CPU alike",
        met=ratio <= MOST and work <= CPU_SPREAD,
        notes="; ".join(_told(one) for one in (few, many)) + f"; CPU ratio {work:.2f}",
    )


def _told(one: Measured) -> str:
    return (
        f"{one.subscribers} subscribers: {one.ours_s * 1000:.1f} ms, raw {one.raw_s * 1000:.1f} ms, "
        f"ratio {one.ratio:.2f}, {one.payload_bytes} bytes, controller {one.cpu_s * 1000:.1f} ms of CPU"
    )


def _measure(subscribers: int) -> Measured:
    topics = [f"loa/v1/areas/{area}/urgent" for area in AREAS]
    with site(subscribers) as running:
        running.admit_raw_publisher(tuple(topics))
        with swarm(("127.0.0.1", running.mqtt_port), running.nodes, running.issuer, topics) as nodes:
            client, raw = running.signed_in(), _raw(running)
            rounds = [_round(running, client, raw, nodes, number) for number in range(WARM_UP + ROUNDS)]
            raw.disconnect()
            raw.loop_stop()
    return _summary(subscribers, rounds[WARM_UP:])


@dataclass(frozen=True, slots=True)
class _Round:
    ours_s: float
    raw_s: float
    cpu_s: float
    payload_bytes: int


def _summary(subscribers: int, rounds: Sequence[_Round]) -> Measured:
    return Measured(
        subscribers=subscribers,
        ours_s=statistics.median(one.ours_s for one in rounds),
        raw_s=statistics.median(one.raw_s for one in rounds),
        ratio=statistics.median(one.ours_s for one in rounds)
        / statistics.median(one.raw_s for one in rounds),
        cpu_s=statistics.median(one.cpu_s for one in rounds),
        payload_bytes=rounds[-1].payload_bytes,
    )


def _round(running: Site, client: httpx.Client, raw: Client, nodes: Swarm, number: int) -> _Round:
    area = AREAS[number % len(AREAS)]
    bulletin = _emergency(client, area, number)
    call = _Call(running, client, bulletin)
    at_rest = _rest(running)
    cpu_before = running.cpu_s()
    began = time.monotonic()
    call.send()
    ours = nodes.wait_for(None, WITHIN_S)
    cpu_s = running.cpu_s() - cpu_before - at_rest * (time.monotonic() - began)
    ours_s = ours.at - began
    call.check()
    _rest(running)
    payload = ours.payload
    began = time.monotonic()
    raw.publish(f"loa/v1/areas/{area}/urgent", payload, qos=1, retain=True)
    raw_s = nodes.wait_for(payload, WITHIN_S).at - began
    _rest(running)
    return _Round(ours_s, raw_s, cpu_s, len(payload))


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
