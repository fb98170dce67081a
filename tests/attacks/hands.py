"""With what attackers work: the ordinary clients of MQTT and HTTP, and bare sockets."""

import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread

WITHIN_S, FLOOD_WITHIN_S = 20.0, 60.0


@dataclass(frozen=True, slots=True)
class Card:
    """With what somebody goes to the broker."""

    authority: Path
    certificate: Path
    key: Path

    def arguments(self) -> list[str]:
        """For mosquitto_pub and mosquitto_sub."""
        return [
            *("--cafile", str(self.authority)),
            *("--cert", str(self.certificate)),
            *("--key", str(self.key)),
        ]


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is."""

    host: str
    port: int

    def publish(self, card: Card, topic: str, payload: bytes, *, retain: bool = True) -> str:
        """Send it as mosquitto_pub does; what that said, which is nothing if the broker took it."""
        kept = ["-r"] if retain else []
        by = ["-V", "5", *self._where(), *card.arguments()]  # by MQTT 5 the broker says why it takes nothing
        command = ["mosquitto_pub", *by, "-q", "1", "-t", topic, *kept, "-s"]
        done = subprocess.run(command, input=payload, capture_output=True, timeout=WITHIN_S, check=False)
        return done.stderr.decode(errors="replace").strip()

    def retained(self, card: Card, topic: str) -> bytes:
        """What the broker keeps under a topic."""
        command = self._listening(card, (topic,), "-C", "1", "-N")
        return subprocess.run(command, capture_output=True, timeout=WITHIN_S, check=True).stdout

    def overhear(self, card: Card, topics: Sequence[str], *, for_s: float | None = None) -> "Heard":
        """mosquitto_sub at work, until it is ended, or its time is up."""
        limit = [] if for_s is None else ["-W", str(for_s)]
        command = ["stdbuf", "-oL", *self._listening(card, topics, "-d", "-F", "%t %p", *limit)]
        return Heard(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))

    def flood(self, card: Card, topic: str, payloads: Sequence[bytes]) -> "subprocess.Popen[bytes]":
        """One client sends all of them as fast as it can."""
        by = [*self._where(), *card.arguments()]
        command = ["mosquitto_pub", *by, "-q", "1", "-t", topic, "-l"]
        with TemporaryFile() as lines:
            lines.write(b"\n".join(payloads) + b"\n")
            lines.seek(0)
            return subprocess.Popen(command, stdin=lines, stderr=subprocess.DEVNULL)

    def raw(self, content: bytes) -> bytes:
        """What comes back on a bare socket before it is closed on us."""
        with socket.create_connection((self.host, self.port), timeout=WITHIN_S) as bare:
            bare.sendall(content)
            try:
                return bare.recv(4096)
            except ConnectionError:
                return b""

    def _where(self) -> list[str]:
        return ["-h", self.host, "-p", str(self.port)]

    def _listening(self, card: Card, topics: Sequence[str], *more: str) -> list[str]:
        named = [part for topic in topics for part in ("-t", topic)]
        return ["mosquitto_sub", *self._where(), *card.arguments(), "-q", "1", *named, *more]


_TOPIC = "loa/"
"""Other lines are what mosquitto_sub says (-d) of what it does: thrown out, it calls again, and again."""


class Heard:
    """What a listener hears: lines of a topic, a space and what came."""

    def __init__(self, client: "subprocess.Popen[str]") -> None:
        self._client = client
        self._lines: list[str] = []
        self.ended_s: float | None = None
        """When its first connection ended, by `time.monotonic`; None while it stands."""
        self._reader = Thread(target=self._read, name="overhearing", daemon=True)
        self._reader.start()

    def lines(self) -> list[str]:
        """So far."""
        return list(self._lines)

    def topics(self) -> list[str]:
        """Those heard of so far."""
        return [line.partition(" ")[0] for line in self.lines()]

    def to_its_end(self) -> list[str]:
        """Those heard of until it was over."""
        self._client.wait(WITHIN_S)
        self._reader.join(WITHIN_S)
        return self.topics()

    def end(self) -> None:
        self._client.kill()
        self.to_its_end()

    def _read(self) -> None:
        assert self._client.stdout is not None
        with self._client.stdout as lines:
            calls = 0
            for line in lines:
                if line.startswith(_TOPIC):
                    self._lines.append(line.strip())
                elif "sending CONNECT" in line:
                    calls += 1
                    if calls > 1:
                        self._end()
        self._end()

    def _end(self) -> None:
        self.ended_s = self.ended_s or time.monotonic()


class Requests:
    """curl at work, many requests at a time."""

    def __init__(self, client: "subprocess.Popen[str]") -> None:
        self._client = client

    def statuses(self) -> list[int]:
        """Of all answers, once they are there; 0 stands for none."""
        said, _ = self._client.communicate(timeout=FLOOD_WITHIN_S)
        return [int(status) for status in said.split()]


def flood_of_requests(url: str, count: int, authority: Path, *arguments: str) -> Requests:
    """The same request so many times, twenty at a time."""
    one = ["-sS", "--cacert", str(authority), "-o", "/dev/null", "-w", "%{http_code}\n", *arguments, url]
    again = [part for _ in range(count - 1) for part in ("--next", *one)]
    command = ["curl", "--parallel", "--parallel-max", "20", *one, *again]
    return Requests(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
