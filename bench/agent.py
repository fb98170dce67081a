"""What an agent costs: memory at rest and while it plays, and processor time at rest.

The agent runs as in the field (broker, configuration, programme, WAV sink); its memory is resident size with
that of all its children. The peer is a bare Python that imports the same third-party libraries.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from bench.figure import Figure
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass
from tests.node_agent.makers import (
    make_broadcast,
    make_config,
    make_entry,
    make_programme,
    make_source,
    make_urgent,
)
from tests.node_agent.processes import NodeProcess, make_sound
from tests.node_agent.station import Station
from tests.waiting import wait_for

LIMIT_MB = 80.0
LIMIT_CPU_PCT = 1.0
LIMIT_PLAYING_PCT = 10.0
SETTLED_AFTER_S = 12.0
"""After a start an agent asks for the time up to seven times, a second apart; then it rests."""
REST_S = 20.0
SOUND_S = 60
PLAY_S = 10.0
LIBRARIES = "paho.mqtt.client, pydantic, joserfc.jws, joserfc.jwk, cryptography, urllib3, numpy"
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    rest_mb: float
    rest_cpu_pct: float
    playing_mb: float
    playing_cpu_pct: float


def measure() -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        cost = agent(Path(folder))
    peer_mb = bare_python()
    most_mb = max(cost.rest_mb, cost.playing_mb)
    rest = f"at rest {cost.rest_mb:.1f} MB and {cost.rest_cpu_pct:.2f} % of a core over {REST_S:g} s"
    playing = f"playing {cost.playing_mb:.1f} MB and {cost.playing_cpu_pct:.2f} %, decoder included"
    return Figure(
        name="agent",
        value=most_mb,
        unit="MB",
        peer=peer_mb,
        peer_unit="MB",
        ratio=most_mb / peer_mb,
        target=(
            f"under {LIMIT_MB:g} MB resident while it plays, under {LIMIT_CPU_PCT:g} % of a core at rest, "
            f"under {LIMIT_PLAYING_PCT:g} % while it plays"
        ),
        met=most_mb < LIMIT_MB
        and cost.rest_cpu_pct < LIMIT_CPU_PCT
        and cost.playing_cpu_pct < LIMIT_PLAYING_PCT,
        notes=f"{rest}; {playing}; peer: a bare Python that imports {LIBRARIES}",
    )


def agent(folder: Path) -> Cost:
    key = SigningKey.generate()
    station, node = Station(folder, node_key=key), NodeProcess(folder, node_key=key)
    try:
        station.start()
        node.enrol(host=station.broker.host, port=station.broker.port, base_url=station.base_url)
        node.start()
        alarm = prepare(station, node, make_sound(folder, seconds=SOUND_S, seed=1))
        process = psutil.Process(node.pid)
        time.sleep(SETTLED_AFTER_S)
        rest = over(process, REST_S)
        alarm()
        log_says(node, "event=began")
        return Cost(*rest, *over(process, PLAY_S))
    finally:
        node.close()
        station.close()


def prepare(station: Station, node: NodeProcess, sound: bytes) -> Callable[[], None]:
    """Let the node hold a programme of tomorrow, and give back what makes the same sound play now."""
    now = datetime.now(UTC)
    recording = station.serve_recording(sound)
    source = make_source(recording, duration_ms=SOUND_S * 1_000, size_bytes=len(sound))
    station.configure(make_config(issued_at=now))
    tomorrow = make_broadcast(now + timedelta(days=1), source=source)
    station.issue(make_programme(make_entry(tomorrow, issued_at=now), issued_at=now))
    log_says(node, "event=fetched")

    def alarm() -> None:
        issued_at = datetime.now(UTC)
        broadcast = make_broadcast(issued_at, source=source, class_=BroadcastClass.EMERGENCY)
        station.urge(make_urgent(make_entry(broadcast, issued_at=issued_at), issued_at=issued_at))

    return alarm


def over(process: psutil.Process, seconds: float) -> tuple[float, float]:
    """The most that it and its children were resident with, in MB, and the processor time in per cent."""
    began_s, used_s = time.monotonic(), busy_s(process)
    most = 0
    while time.monotonic() - began_s < seconds:
        most = max(most, resident_bytes(process))
        time.sleep(0.2)
    return most / _MB, 100 * (busy_s(process) - used_s) / (time.monotonic() - began_s)


def resident_bytes(process: psutil.Process) -> int:
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


def busy_s(process: psutil.Process) -> float:
    """Its own, that of children that ended, and that of a decoder that still runs beside it."""
    times = process.cpu_times()
    beside = [child.cpu_times() for child in process.children(recursive=True)]
    own = times.user + times.system + times.children_user + times.children_system
    return own + sum(one.user + one.system for one in beside)


def bare_python() -> float:
    command = f"import {LIBRARIES}; print(flush=True); input()"
    peer = subprocess.Popen([sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert peer.stdout is not None
        peer.stdout.readline()
        return psutil.Process(peer.pid).memory_info().rss / _MB
    finally:
        peer.kill()
        peer.communicate()


def log_says(node: NodeProcess, event: str) -> None:
    wait_for(lambda: event in node.log.read_text(), what=event, within_s=60)
