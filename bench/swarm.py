"""Thousands of MQTT subscribers in a few processes: TLS under epoll, and just enough of MQTT 3.1.1."""

import multiprocessing
import selectors
import socket
import ssl
import struct
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from tests.certificates import Issuer

PROCESSES = 2
CONNACK, PUBLISH, SUBACK = 2, 3, 9
KEEP_ALIVE_S = 3_600


@dataclass(frozen=True, slots=True)
class Whole:
    """All subscribers of one process have this payload; `at` is of the machine's monotonic clock."""

    payload: bytes
    at: float


class Swarm:
    """Told by its processes when all have a payload."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes
        self._had: defaultdict[bytes, list[float]] = defaultdict(list)

    def wait_for(self, is_wanted: bytes | None, within_s: float) -> Whole:
        """When the last of all subscribers had it: a certain payload, or the next one that all get."""
        ends = time.monotonic() + within_s
        while time.monotonic() < ends:
            for payload, times in list(self._had.items()):
                if len(times) == len(self._pipes):
                    del self._had[payload]
                    if is_wanted in {None, payload}:
                        return Whole(payload, max(times))
            for pipe in self._pipes:
                while pipe.poll(0.001):
                    whole: Whole = pipe.recv()
                    self._had[whole.payload].append(whole.at)
        raise AssertionError(f"not all subscribers had the message within {within_s} s")


@contextmanager
def swarm(
    address: tuple[str, int], users: Sequence[str], issuer: Issuer, topics: Sequence[str]
) -> Iterator[Swarm]:
    """All connected and subscribed."""
    context = multiprocessing.get_context("fork")
    pipes, processes = [], []
    for number in range(PROCESSES):
        mine, theirs = context.Pipe()
        share = users[number::PROCESSES]
        process = context.Process(target=_live, args=(theirs, address, share, issuer, topics), daemon=True)
        process.start()
        pipes.append(mine)
        processes.append(process)
    try:
        for pipe in pipes:
            assert pipe.poll(120), "the subscribers did not get in"
            assert pipe.recv() == "subscribed"
        yield Swarm(pipes)
    finally:
        for process in processes:
            process.terminate()
            process.join()


@dataclass(slots=True)
class _One:
    """A subscriber's socket and what is not yet a whole packet."""

    socket: ssl.SSLSocket
    rest: bytes = b""
    subscribed: bool = False


@dataclass(slots=True)
class _Hall:
    """The subscribers of one process."""

    pipe: Connection
    ones: list[_One]
    topics: Sequence[str]
    subscribed: int = 0
    had: defaultdict[bytes, int] = field(default_factory=lambda: defaultdict(int))

    def run(self) -> None:
        selector = selectors.EpollSelector()
        for one in self.ones:
            selector.register(one.socket, selectors.EVENT_READ, one)
        while True:
            for key, _ in selector.select():
                self._read(key.data)

    def _read(self, one: _One) -> None:
        data, at = one.rest + _received(one.socket), 0
        while (end := _packet_end(data, at)) is not None:
            self._take(one, data[at], data[_body(data, at) : end])
            at = end
        one.rest = data[at:]

    def _take(self, one: _One, header: int, body: bytes) -> None:
        kind = header >> 4
        if kind == PUBLISH:
            self._published(one, header, body)
        elif kind == CONNACK:
            assert body[1] == 0, f"refused with {body[1]}"
            one.socket.sendall(subscribe(self.topics))
        elif kind == SUBACK:
            self.subscribed += 1
            if self.subscribed == len(self.ones):
                self.pipe.send("subscribed")

    def _published(self, one: _One, header: int, body: bytes) -> None:
        length = struct.unpack_from("!H", body)[0] + 2
        if header & 0x06:
            one.socket.sendall(b"\x40\x02" + body[length : length + 2])
            length += 2
        payload = body[length:]
        self.had[payload] += 1
        if self.had[payload] == len(self.ones):
            del self.had[payload]
            self.pipe.send(Whole(payload, time.monotonic()))


def connect(client_id: str) -> bytes:
    head = b"\x00\x04MQTT\x04\x02" + struct.pack("!H", KEEP_ALIVE_S)
    return packet(0x10, head + text(client_id))


def subscribe(topics: Sequence[str]) -> bytes:
    return packet(0x82, b"\x00\x01" + b"".join(text(topic) + b"\x01" for topic in topics))


def packet(header: int, body: bytes) -> bytes:
    length, rest = b"", len(body)
    while True:
        rest, low = divmod(rest, 128)
        length += bytes([low | (0x80 if rest else 0)])
        if not rest:
            return bytes([header]) + length + body


def text(value: str) -> bytes:
    return struct.pack("!H", len(value.encode())) + value.encode()


def _live(
    pipe: Connection, address: tuple[str, int], users: Sequence[str], issuer: Issuer, topics: Sequence[str]
) -> None:
    ones = []
    for user in users:
        plain = socket.create_connection(address, timeout=60)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened = issuer.client_context(user).wrap_socket(plain, server_hostname=address[0])
        opened.sendall(connect(user))
        opened.setblocking(False)
        ones.append(_One(opened))
    _Hall(pipe, ones, topics).run()


def _received(opened: ssl.SSLSocket) -> bytes:
    """All that is there: what OpenSSL holds already, epoll does not tell of."""
    data = b""
    while True:
        try:
            if not (chunk := opened.recv(65_536)):
                raise ConnectionError("the broker ended the connection")
            data += chunk
        except ssl.SSLWantReadError:
            return data


def _packet_end(data: bytes, at: int) -> int | None:
    """Where the packet that begins at `at` ends, None if it is not whole."""
    length, shift, place = 0, 0, at + 1
    while place < len(data):
        length |= (data[place] & 0x7F) << shift
        if not data[place] & 0x80:
            end = place + 1 + length
            return end if end <= len(data) else None
        shift, place = shift + 7, place + 1
    return None


def _body(data: bytes, at: int) -> int:
    place = at + 1
    while data[place] & 0x80:
        place += 1
    return place + 1
