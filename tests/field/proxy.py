"""A TCP proxy that is as bad as a mobile network: slow, stalling, half open, cut off, reset.

Not every kernel has `tc netem`; a proxy needs none and can do what netem can't: hold a connection that is
dead. What TCP makes of loss is a stall: nothing for a while, then everything, in order.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar

Result = TypeVar("Result")
_CHUNK_BYTES = 1024
_MOST_CHUNKS = 256
"""In flight in one direction; then the sender has to wait, as for a full window."""
_WITHIN_S = 10.0


class Flow(StrEnum):
    """What becomes of bytes."""

    FREE = "free"
    STALLED = "stalled"
    """They are held, and come in order once it flows again."""
    HALF_OPEN = "half_open"
    """They are swallowed, ends of connections too; a connection that saw this is dead for good."""
    CUT = "cut"
    """Every connection is reset, and every new one."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How a link is."""

    flow: Flow = Flow.FREE
    delay_ms: tuple[float, float] = (0.0, 0.0)
    """Mean, and how far it may be off either way."""
    bytes_per_s: float | None = None


SLOW = Weather(delay_ms=(300, 100), bytes_per_s=64_000 / 8)


class Network:
    """The event loop of all links, on a thread of its own; every method may be called from any thread."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._links: list[Link] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for link in self._links:
            self.call(link.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_WITHIN_S)
        self._loop.close()

    def link(self, target: tuple[str, int], port: int = 0) -> "Link":
        """A new way to `target`, listening on a port of the loopback."""
        link = Link(self, target, Random(self._dice.random()))
        self.call(link.open(port))
        self._links.append(link)
        return link

    def call(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do it on the network's thread; returns when it is done."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_WITHIN_S)


class Link:
    """One port that leads to one target."""

    def __init__(self, network: Network, target: tuple[str, int], dice: Random) -> None:
        self.port = 0
        self.weather = Weather()
        self.flows = asyncio.Event()
        self.dice = dice
        self.brought_at_s = 0.0
        self._network = network
        self._target = target
        self._wires: set[_Wire] = set()
        self._server: asyncio.Server | None = None

    async def open(self, port: int) -> None:
        """Listen."""
        self.flows.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """End everything."""
        if self._server is not None:
            self._server.close()
        await self._reset(dead_only=False)

    def has_brought(self, since_s: float) -> bool:
        """Whether something came from the target and was passed on, since then by `time.monotonic`."""
        return self.brought_at_s > since_s

    def become(self, weather: Weather) -> None:
        """From now on."""
        self._network.call(self._become(weather))

    def reset(self, *, dead_only: bool = False) -> None:
        """Reset the connections, as a router does that came back and knows nothing of them."""
        self._network.call(self._reset(dead_only=dead_only))

    async def _become(self, weather: Weather) -> None:
        self.weather = weather
        if weather.flow is Flow.STALLED:
            self.flows.clear()
        else:
            self.flows.set()
        if weather.flow is Flow.HALF_OPEN:
            for wire in self._wires:
                wire.dead = True
        if weather.flow is Flow.CUT:
            await self._reset(dead_only=False)

    async def _reset(self, *, dead_only: bool) -> None:
        wires = [wire for wire in self._wires if wire.dead or not dead_only]
        for wire in wires:
            wire.task.cancel()
        await asyncio.gather(*(wire.task for wire in wires), return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        wire = _Wire(self, task, dead=self.weather.flow is Flow.HALF_OPEN)
        self._wires.add(wire)
        writers = [writer]
        try:
            if self.weather.flow is not Flow.CUT:
                await wire.serve(reader, writers, self._target)
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            self._wires.discard(wire)
            for one in writers:
                _abort(one)


class _Wire:
    """One connection through a link."""

    def __init__(self, link: Link, task: "asyncio.Task[None]", *, dead: bool) -> None:
        self.task = task
        self.dead = dead
        self._link = link

    async def serve(
        self, reader: asyncio.StreamReader, writers: list[asyncio.StreamWriter], target: tuple[str, int]
    ) -> None:
        """Until both directions are over; `writers` gets the one to the target, for whoever cleans up."""
        if self.dead:
            await asyncio.Event().wait()
        far_reader, far_writer = await asyncio.open_connection(*target)
        writers.append(far_writer)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._carry(reader, far_writer, is_down=False))
            both.create_task(self._carry(far_reader, writers[0], is_down=True))

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_down: bool
    ) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_MOST_CHUNKS)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._take(reader, queue))
            both.create_task(self._give(writer, queue, is_down=is_down))

    async def _take(self, reader: asyncio.StreamReader, queue: "asyncio.Queue[tuple[float, bytes]]") -> None:
        due_s = 0.0
        while True:
            chunk = await reader.read(_CHUNK_BYTES)
            weather, now_s = self._link.weather, asyncio.get_running_loop().time()
            mean_ms, spread_ms = weather.delay_ms
            delay_s = (mean_ms + self._link.dice.uniform(-spread_ms, spread_ms)) / 1000
            takes_s = len(chunk) / weather.bytes_per_s if weather.bytes_per_s else 0.0
            due_s = max(due_s, now_s + delay_s) + takes_s
            await queue.put((due_s, chunk))
            if not chunk:
                return

    async def _give(
        self,
        writer: asyncio.StreamWriter,
        queue: "asyncio.Queue[tuple[float, bytes]]",
        *,
        is_down: bool,
    ) -> None:
        while True:
            due_s, chunk = await queue.get()
            await asyncio.sleep(max(0.0, due_s - asyncio.get_running_loop().time()))
            await self._link.flows.wait()
            if self.dead:
                await asyncio.Event().wait()
            if not chunk:
                with suppress(OSError):
                    writer.write_eof()
                return
            writer.write(chunk)
            if is_down:
                self._link.brought_at_s = time.monotonic()
            await writer.drain()


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close with a reset."""
    kept: socket.socket | None = writer.get_extra_info("socket")
    if kept is not None:
        with suppress(OSError):
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
