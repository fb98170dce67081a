"""The controller's side made by hand: a real Mosquitto, a real HTTP server, and what they carry."""

import getpass
import socket
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from loa.protocol.codec import decode, encode, pack
from loa.protocol.ids import AreaId, JournalId, RecordingId, sha256_hex
from loa.protocol.keys import KeyRing, SigningKey
from loa.protocol.programme import Config, ConfigPointer, Programme, ProgrammePointer, Urgent
from loa.protocol.reports import (
    Answer,
    Held,
    Hello,
    PlayReport,
    ProblemReport,
    Receipt,
    RefusalReport,
    Report,
    Reports,
)
from loa.protocol.topics import Channel, Message, Topic
from loa.protocol.units import SizeBytes
from tests import loopback
from tests.certificates import Issuer
from tests.node_agent.makers import KEY, NODE
from tests.waiting import wait_for

Bodies = dict[str, bytes]


class Broker:
    """Mosquitto as a child process on a free port of one host, without persistence."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        self.host, self.port = host, loopback.free_port(host)
        self.issuer = Issuer.new(folder / f"broker-{self.port}")
        self._config = folder / f"mosquitto-{self.port}.conf"
        server, authority = self.issuer.server(), self.issuer.folder / "authority.crt"
        authority.write_text(self.issuer.authority.pem)
        self._config.write_text(
            f"user {getpass.getuser()}\nlistener {self.port} {host}\ncafile {authority}\n"
            f"certfile {server}\nkeyfile {server}\nset_tcp_nodelay true\n"
            "require_certificate true\nuse_identity_as_username true\npersistence false\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["mosquitto", "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(lambda: loopback_answers(self.host, self.port), what="mosquitto listens")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def hold_back_nothing(_client: Client, _userdata: Any, opened: Any) -> None:  # noqa: ANN401 -- paho's
    """As the controller's client."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def loopback_answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


class _Handler(BaseHTTPRequestHandler):
    bodies: Bodies
    asked: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        self.asked.append((self.path, dict(self.headers)))
        body = self.bodies.get(self.path)
        if body is None:
            self.send_error(404)
            return
        begin = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        self.wfile.write(body[begin:])

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 -- http.server's signature
        return


class Station:
    """Signs, publishes, serves, and keeps what the node tells; receipts go out only when asked for."""

    def __init__(self, folder: Path, *, node_key: SigningKey, host: str = "127.0.0.1") -> None:
        self.broker = Broker(folder, host)
        self.bodies: Bodies = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        handler = type("Handler", (_Handler,), {"bodies": self.bodies, "asked": self.asked})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.socket = self.broker.issuer.server_context().wrap_socket(
            self._http.socket, server_side=True, do_handshake_on_connect=False
        )
        self.base_url = f"https://127.0.0.1:{self._http.server_address[1]}"
        self._node_keys = KeyRing([node_key.public])
        self.came: Queue[tuple[Channel, Message]] = Queue()
        self.reports: dict[tuple[JournalId, int], Report] = {}
        self.channels: list[Channel] = []
        self.gives_receipts = True
        self.gives_answers = True
        self.urgent: dict[AreaId, int] = {}
        """The versions that it sent last."""
        self._client: Client | None = None
        Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def start(self) -> None:
        self.broker.start()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.tls_set_context(self.broker.issuer.client_context("station"))
        self._client.on_message = self._on_message
        self._client.on_socket_open = hold_back_nothing
        self._client.connect(self.broker.host, self.broker.port)
        self._client.subscribe("loa/v1/nodes/#", 1)
        self._client.loop_start()

    def stop(self) -> None:
        """Broker and controller are gone at once."""
        if self._client is not None:
            self._client.loop_stop()
            self._client = None
        self.broker.kill()

    def close(self) -> None:
        self.stop()
        self._http.shutdown()
        self._http.server_close()

    def serve_recording(self, content: bytes) -> RecordingId:
        name = RecordingId(sha256_hex(content))
        self.bodies[f"/api/v1/recordings/{name}/content"] = content
        return name

    def configure(self, config: Config) -> None:
        packed = pack(config, KEY)
        digest = sha256_hex(packed)
        self.bodies[f"/api/v1/nodes/{config.node}/config/{digest}"] = packed
        self._point(
            Topic(Channel.CONFIG, config.node),
            ConfigPointer(
                node=config.node,
                version=config.version,
                sha256=digest,
                size_bytes=SizeBytes(len(packed)),
                issued_at=config.issued_at,
            ),
        )

    def issue(self, programme: Programme) -> None:
        packed = pack(programme, KEY)
        digest = sha256_hex(packed)
        self.bodies[f"/api/v1/areas/{programme.area}/programme/{digest}"] = packed
        self._point(
            Topic(Channel.PROGRAMME, programme.area),
            ProgrammePointer(
                area=programme.area,
                version=programme.version,
                sha256=digest,
                size_bytes=SizeBytes(len(packed)),
                issued_at=programme.issued_at,
            ),
        )

    def urge(self, urgent: Urgent, key: SigningKey = KEY) -> bytes:
        topic = Topic(Channel.URGENT, urgent.area)
        self.urgent[urgent.area] = urgent.version
        payload = encode(topic, urgent, key)
        self.publish(str(topic), payload)
        return payload

    def publish(self, topic: str, payload: bytes) -> None:
        assert self._client is not None
        self._client.publish(topic, payload, 1, retain=True).wait_for_publish(10)

    def play_report(self, occurrence: str) -> PlayReport | None:
        found = [r for r in self.told() if isinstance(r, PlayReport) and r.occurrence == occurrence]
        assert len(found) <= 1, "an occurrence is reported once"
        return found[0] if found else None

    def refusals(self) -> list[RefusalReport]:
        return [report for report in self.told() if isinstance(report, RefusalReport)]

    def problems(self) -> list[ProblemReport]:
        return [report for report in self.told() if isinstance(report, ProblemReport)]

    def told(self) -> list[Report]:
        return list(self.reports.values())

    def _point(self, topic: Topic, pointer: ConfigPointer | ProgrammePointer) -> None:
        self.publish(str(topic), encode(topic, pointer, KEY))

    def _on_message(self, client: Client, _userdata: Any, message: MQTTMessage) -> None:  # noqa: ANN401 -- paho's
        came_s, topic = time.monotonic(), Topic.parse(message.topic)
        if not topic.row.upward:
            return
        said = decode(topic, bytes(message.payload), self._node_keys)
        self.channels.append(topic.channel)
        self.came.put((topic.channel, said))
        if isinstance(said, Reports):
            self._store(client, said)
        elif isinstance(said, Hello) and self.gives_answers:
            self._answer(client, said, came_s)

    def _answer(self, client: Client, hello: Hello, came_s: float) -> None:
        topic = Topic(Channel.ANSWER, hello.node)
        current = {area: Held(urgent=version) for area, version in self.urgent.items()}
        now = datetime.now(UTC)
        answer = Answer(
            node=hello.node,
            nonce=hello.nonce,
            at=now,
            beyond_us=now.microsecond % 1000,
            waited_us=int((time.monotonic() - came_s) * 1_000_000),
            config=hello.config,
            current=current,
        )
        client.publish(str(topic), encode(topic, answer, KEY), 1)

    def _store(self, client: Client, batch: Reports) -> None:
        for report in batch.reports:
            before = self.reports.setdefault((batch.journal_id, report.number), report)
            assert before == report, "a number is given once"
        if not self.gives_receipts:
            return
        topic = Topic(Channel.RECEIPT, batch.node)
        numbers = sorted(number for journal, number in self.reports if journal == batch.journal_id)
        up_to = max(number for at, number in enumerate(numbers, 1) if number == at)
        receipt = Receipt(node=NODE, journal_id=batch.journal_id, up_to=up_to, at=datetime.now(UTC))
        client.publish(str(topic), encode(topic, receipt, KEY), 1)


def awaited(station: Station, look: Callable[[Station], Any], what: str, within_s: float = 40.0) -> Any:  # noqa: ANN401 -- whatever is looked for
    return wait_for(lambda: look(station), what=what, within_s=within_s)
