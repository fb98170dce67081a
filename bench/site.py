"""A controller process of its own with thousands of enrolled nodes, for the benchmarks that need one."""

import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from loa.controller.core.broker_rules import BrokerUser, acl_text
from loa.controller.store.database import Database
from loa.controller.store.recording_uses import add_maker
from loa.controller.store.tables import AreaRow, NodeRow, RecordingRow
from loa.controller.store.tree import touch
from loa.controller.store.upsert import insert_new
from loa.node_agent.adapters.tls import web_context
from loa.protocol.keys import SigningKey
from tests.certificates import Issuer
from tests.loopback import free_port

VILLAGE = "thon-thong-nhat"
AREAS = (VILLAGE, "lang-cong", "song-lo", "vinh-phuc")
"""What every node hears, but for itself."""
APPROVER, PASSWORD = "lan", "mat-khau-do-kiem"
SOUND = "a" * 64
STARTS_WITHIN_S = 60
RAW = "raw"


@dataclass(frozen=True, slots=True)
class Site:
    """The running controller."""

    folder: Path
    process: subprocess.Popen[bytes]
    http_port: int
    mqtt_port: int
    nodes: tuple[str, ...]
    issuer: Issuer

    @property
    def trust(self) -> ssl.SSLContext:
        """Whom a browser here believes."""
        return web_context(self.issuer.authority.pem)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.http_port}"

    @property
    def database(self) -> str:
        return f"sqlite:///{self.folder / 'loa.db'}"

    def signed_in(self) -> httpx.Client:
        """An approver of the whole province."""
        client = httpx.Client(base_url=self.url, timeout=60, verify=self.trust)
        given = {"user": APPROVER, "password": PASSWORD}
        answer = client.post("/api/v1/sessions", json=given).raise_for_status()
        client.headers["x-csrf-token"] = answer.json()["csrf"]
        return client

    def cpu_s(self) -> float:
        """Processor time that the controller has used, its broker not included; to the nanosecond."""
        clock = (~self.process.pid << 3) | _CPUCLOCK_SCHED
        return time.clock_gettime(clock)

    def admit_raw_publisher(self, topics: tuple[str, ...]) -> None:
        """Let a user of the benchmark's own write these topics: the peer that publishes the same bytes."""
        broker = self.folder / "broker"
        with (broker / "acl").open("a") as file:
            file.write("\n" + acl_text([BrokerUser(RAW, reads=(), writes=topics)]))
        os.kill(int((broker / "mosquitto.pid").read_text()), signal.SIGHUP)


@contextmanager
def site(nodes: int, *, keys: dict[str, str] | None = None) -> Iterator[Site]:
    """Started and ready; `keys` are the public keys of nodes, without which they cannot report."""
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name:
        folder, http_port, mqtt_port = Path(name) / "data", free_port(), free_port()
        environment = os.environ | {
            "LOA_DATA_DIR": str(folder),
            "LOA_HTTP_HOST": "127.0.0.1",
            "LOA_HTTP_PORT": str(http_port),
            "LOA_BROKER_LISTEN": '["127.0.0.1"]',
            "LOA_BROKER_HOST": "127.0.0.1",
            "LOA_BROKER_PORT": str(mqtt_port),
            "LOA_LOG_LEVEL": "WARNING",
            "LOA_MAKE_STANDING_MESSAGES": "false",
        }
        names = tuple(keys) if keys else tuple(f"loa-{number:04d}" for number in range(nodes))
        _prepare(folder, environment, {node: (keys or {}).get(node) for node in names})
        with (
            (Path(name) / "log").open("wb") as log,
            subprocess.Popen(_command("serve"), env=environment, stdout=log, stderr=log) as process,
        ):
            try:
                issuer = Issuer.of_controller(folder, Path(name) / "issuer")
                found = Site(folder, process, http_port, mqtt_port, names, issuer)
                _wait_until_ready(found, Path(name) / "log")
                yield found
            finally:
                process.terminate()
                process.wait(60)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from loa.controller.main import run; run()", *arguments]


def _prepare(folder: Path, environment: dict[str, str], nodes: dict[str, str | None]) -> None:
    _run(environment, "init", "--sample", "--password", PASSWORD)
    _run(environment, "user", "add", APPROVER, "--password", PASSWORD, "--role", "approver@vinh-phuc")
    database = Database(f"sqlite:///{folder / 'loa.db'}")
    now, some_key = datetime.now(UTC), SigningKey.generate().public.x
    with database.work() as work:
        insert_new(work.session, AreaRow, [_area(node, now) for node in nodes])
        enrolled = [
            {"id": node, "key_x": key or some_key, "enrolled_at": now} | _NODE for node, key in nodes.items()
        ]
        insert_new(work.session, NodeRow, enrolled)
        touch(work.session)
        insert_new(work.session, RecordingRow, [{"sha256": SOUND, "created_at": now} | _RECORDING])
        add_maker(work.session, SOUND, APPROVER)
    database.close()


def _run(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run(_command(*arguments), env=environment, check=True, stdout=subprocess.DEVNULL)


def _area(node: str, now: datetime) -> dict[str, object]:
    return {
        "id": node,
        "name": node,
        "kind": "node",
        "parent_id": VILLAGE,
        "authority": 0,
        "created_at": now,
    }


def _wait_until_ready(found: Site, log: Path) -> None:
    ends = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < ends:
        try:
            if httpx.get(f"{found.url}/readyz", verify=found.trust).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        if found.process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"the controller did not become ready:\n{log.read_text()[-4000:]}")


_CPUCLOCK_SCHED = 2
"""Linux: the clock of a process is named by its id and this (clock_getcpuclockid(3))."""
_NODE = {"config_version": 0, "presence": "unknown"}
_RECORDING: dict[str, object] = {
    "duration_ms": 5_000,
    "size_bytes": 20_000,
    "loudness_lufs": -18.0,
    "true_peak_dbtp": -2.0,
    "origin": "upload",
    "warnings": "[]",
    "created_by": "terminal",
}
