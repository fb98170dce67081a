"""With what attackers work: the ordinary clients of MQTT and HTTP, and bare sockets."""

import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WITHIN_S = 20.0


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
        command = ["mosquitto_pub", *self._where(), *card.arguments(), "-q", "1", "-t", topic, *kept, "-s"]
        done = subprocess.run(command, input=payload, capture_output=True, timeout=WITHIN_S, check=False)
        return done.stderr.decode(errors="replace").strip()

    def retained(self, card: Card, topic: str) -> bytes:
        """What the broker keeps under a topic."""
        command = self._listening(card, (topic,), "-C", "1", "-N")
        return subprocess.run(command, capture_output=True, timeout=WITHIN_S, check=True).stdout

    @contextmanager
    def listening(
        self, card: Card, topics: Sequence[str], heard: Path
    ) -> Iterator["subprocess.Popen[bytes]"]:
        """mosquitto_sub at work, with what it hears in a file: topic, a space, the payload, a line."""
        with heard.open("wb") as out:
            command = self._listening(card, topics, "-F", "%t %p")
            client = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield client
        finally:
            client.kill()
            client.wait()

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


def curl(url: str, authority: Path, *arguments: str, within_s: float = WITHIN_S) -> tuple[int, str]:
    """Status and body of what curl was answered; 0 where there was no answer."""
    command = ["curl", "-sS", "--cacert", str(authority), "-w", "\n%{http_code}", *arguments, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=within_s, check=False)
    body, _, status = done.stdout.rpartition("\n")
    return int(status or 0), body or done.stderr.strip()
