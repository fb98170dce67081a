"""What a node would cost a SIM: its connections led through TLS, over a way with a delay, and counted there.

    agent ── TLS ──► near end ══ TLS 1.3, counted ══► delay ══ TLS 1.3 ══► far end ── TLS ──► server

The near end opens the agent's TLS, to see what is said, and speaks it anew in its place: with the
certificates that the agent would show and be shown, and one record for what it hands over at a time. Bytes
and segments are the kernel's own count of the encrypted socket (TCP_INFO); the segments' headers are added
by their size. The delay lets acknowledgements travel alone where they do so on a mobile network. Nothing is
lost and sent again here.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from bench.certificates import NAME
from tests.loopback import free_port

Result = TypeVar("Result")

DELAY_S = 0.1
"""One way."""
MSS_BYTES = 1_348
"""A mobile network's 1,400 bytes, less the headers."""
HEADERS_BYTES = 52
"""IPv4 and TCP with timestamps, of each segment."""
_SYN_OPTIONS_BYTES = 8
_HOST = "127.0.0.1"
_PUBLISH, _PINGREQ = 3, 12
_INFO = struct.Struct("<104xQQQQII")
"""`struct tcp_info`: …, pacing (2), bytes acked and received, segments out and in; linux/tcp.h."""
_GOOD_BYE_SEGMENTS = 4
_READ_BYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Who shows what on a way: None is plain TCP, for what needs no secret."""

    near: ssl.SSLContext | None = None
    """To the agent."""
    out: ssl.SSLContext
    """From the near end to the far one, in the agent's place."""
    inside: ssl.SSLContext
    """At the far end, in the server's place."""
    on: ssl.SSLContext | None = None
    """To the server."""
    name: str = NAME
    """Of the far end, as its certificate has it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What went over the wire in both directions."""

    tls_bytes: int = 0
    segments: int = 0
    connections: int = 0

    @property
    def on_wire_bytes(self) -> int:
        """With the headers of TCP and IP."""
        headers = self.segments * HEADERS_BYTES + 2 * self.connections * _SYN_OPTIONS_BYTES
        return self.tls_bytes + headers

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.tls_bytes + other.tls_bytes,
            self.segments + other.segments,
            self.connections + other.connections,
        )

    def __sub__(self, other: "Tally") -> "Tally":
        return Tally(
            self.tls_bytes - other.tls_bytes,
            self.segments - other.segments,
            self.connections - other.connections,
        )


class Tunnel:
    """To one server; lives in the loop of `tunnels`."""

    def __init__(self, run: "Runner", *, server: int, ends: Ends) -> None:
        self.port, self._relay, self._far, self._server = free_port(), free_port(), free_port(), server
        self.said: Counter[str] = Counter()
        """MQTT messages of the node by the last segment of their topic, and `ping`."""
        self.sizes: dict[str, int] = {}
        """Of the last of each, in bytes."""
        self.last_s = time.monotonic()
        self._run = run
        self._open: set[socket.socket] = set()
        self._closed = Tally()
        self._writers: set[asyncio.StreamWriter] = set()
        self._ends = ends

    async def listen(self) -> None:
        self._servers = [
            await asyncio.start_server(self._at_far_end, _HOST, self._far, ssl=self._ends.inside),
            await asyncio.start_server(self._at_relay, _HOST, self._relay),
            await asyncio.start_server(self._at_near_end, _HOST, self.port, ssl=self._ends.near),
        ]

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        await self._cut()
        for _ in range(5):
            await asyncio.sleep(DELAY_S)  # what the ends still do for themselves

    def tally(self) -> Tally:
        return self._run(self._tally())

    def cut(self) -> None:
        """End all connections, as a network does that forgets them."""
        self._run(self._cut())

    async def _tally(self) -> Tally:
        total = self._closed
        for one in self._open:
            total += _info(one)
        return total

    async def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _at_near_end(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        out = socket.socket()
        out.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, MSS_BYTES)
        out.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        out.setblocking(False)
        await asyncio.get_running_loop().sock_connect(out, (_HOST, self._relay))
        counted = out.dup()
        self._open.add(counted)
        try:
            ends = self._ends
            far = await asyncio.open_connection(sock=out, ssl=ends.out, server_hostname=ends.name)
            await self._join((reader, writer), far, is_near=True)
        finally:
            self._closed += _info(counted) + Tally(segments=_GOOD_BYE_SEGMENTS)
            self._open.remove(counted)
            counted.close()

    async def _at_relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond = await asyncio.open_connection(_HOST, self._far)
        await self._join((reader, writer), beyond, delay_s=DELAY_S)

    async def _at_far_end(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond = await asyncio.open_connection(_HOST, self._server, ssl=self._ends.on)
        await self._join((reader, writer), beyond)

    async def _join(self, one: "_End", other: "_End", *, delay_s: float = 0.0, is_near: bool = False) -> None:
        """Until either is closed; then both are."""
        self._writers |= {one[1], other[1]}
        ways = [self._flow(one[0], other[1], delay_s, notes=is_near), self._flow(other[0], one[1], delay_s)]
        tasks = {asyncio.create_task(way) for way in ways}
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _, writer in (one, other):
            self._writers.discard(writer)
            writer.close()

    async def _flow(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        delay_s: float,
        *,
        notes: bool = False,
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_READ_BYTES):
                self.last_s = time.monotonic()
                if notes:
                    self._note(chunk)
                if delay_s:
                    asyncio.get_running_loop().call_later(delay_s, writer.write, chunk)
                else:
                    writer.write(chunk)
        await asyncio.sleep(2 * delay_s)  # what is under way arrives

    def _note(self, chunk: bytes) -> None:
        for kind, body in _packets(chunk):
            if kind == _PUBLISH:
                length = int.from_bytes(body[:2], "big")
                name = body[2 : 2 + length].decode(errors="replace").rpartition("/")[2]
            elif kind == _PINGREQ:
                name = "ping"
            else:
                continue
            self.said[name] += 1
            self.sizes[name] = len(body)


_End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Runner:
    """Runs coroutines in the loop of a thread, from another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)


@contextmanager
def tunnels(*servers: tuple[int, Ends]) -> Iterator[tuple[Tunnel, ...]]:
    """A tunnel to each of these ports of the loopback."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    run = Runner(loop)
    made = tuple(Tunnel(run, server=server, ends=ends) for server, ends in servers)
    for one in made:
        run(one.listen())
    try:
        yield made
    finally:
        for one in made:
            run(one.close())
        run(_end_all())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end_all() -> None:
    """Whatever still runs in this loop."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _info(counted: socket.socket) -> Tally:
    info = counted.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    _, _, acknowledged, received, segments_out, segments_in = _INFO.unpack_from(info)
    # the kernel acknowledges the SYN as a byte
    return Tally(max(0, acknowledged - 1) + received, segments_out + segments_in, 1)


def _packets(chunk: bytes) -> Iterator[tuple[int, bytes]]:
    """The MQTT packets that are whole in a chunk, MQTT 3.1.1, section 2.2."""
    while len(chunk) > 1:
        length, shift, at = 0, 0, 1
        while at < len(chunk):
            length |= (chunk[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not chunk[at - 1] & 0x80:
                break
        if at + length > len(chunk):
            return
        yield chunk[0] >> 4, chunk[at : at + length]
        chunk = chunk[at + length :]
