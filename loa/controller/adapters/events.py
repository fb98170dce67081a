"""Tells open pages what changed: a bounded queue for each of them."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from loa.controller.ports import Event, EventKind
from loa.controller.services.metrics import Metrics
from loa.protocol.ids import AreaId

QUEUE_LIMIT = 200
"""Events that a page may be behind before it is told to load everything anew."""


class EventHub:
    """`loa.controller.ports.Events` for any thread, `EventStream` for the event loop."""

    def __init__(self, *, metrics: Metrics, limit: int = QUEUE_LIMIT) -> None:
        self._metrics = metrics
        self._limit = limit
        self._lock = threading.Lock()
        self._listeners: set[_Listener] = set()
        self._told = 0

    @property
    def open_pages(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def told(self) -> int:
        """How much was announced so far."""
        return self._told

    def announce(self, kind: EventKind, area: AreaId, subject: str) -> None:
        """Hand over to every listener's loop; never waits."""
        with self._lock:
            self._told += 1
            listeners = list(self._listeners)
        for listener in listeners:
            listener.hand_over(Event(kind, area, subject))

    def look_again(self, user: str) -> None:
        """Have the streams of that user look whether their sessions are still there; never waits."""
        with self._lock:
            listeners = [listener for listener in self._listeners if listener.user == user]
        for listener in listeners:
            listener.hand_over(Event(EventKind.SESSION, AreaId(""), user))

    @contextmanager
    def listen(
        self, may_hear: Callable[[AreaId], bool], user: str = ""
    ) -> Iterator[AsyncIterator[Event | None]]:
        """The events from now on, within a running loop; None: load everything anew."""
        listener = _Listener(asyncio.get_running_loop(), may_hear, self._limit, self._metrics, user)
        with self._lock:
            self._listeners.add(listener)
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def close(self) -> None:
        """End every stream, so that a server that stops need not wait for its pages."""
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.close()


class _Listener:
    """One page. Its queue belongs to its loop; other threads only schedule."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        may_hear: Callable[[AreaId], bool],
        limit: int,
        metrics: Metrics,
        user: str,
    ) -> None:
        self.user = user
        self._loop = loop
        self._may_hear = may_hear
        self._limit = limit
        self._metrics = metrics
        self._queue: deque[Event | None] = deque()
        self._something = asyncio.Event()
        self._closed = False

    def hand_over(self, event: Event) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, event)

    def close(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._close)

    def __aiter__(self) -> "_Listener":
        return self

    async def __anext__(self) -> Event | None:
        while not self._queue:
            if self._closed:
                raise StopAsyncIteration
            self._something.clear()
            await self._something.wait()
        return self._queue.popleft()

    def _put(self, event: Event) -> None:
        is_heard = event.kind is EventKind.SESSION or self._may_hear(event.area)
        if not is_heard or (self._queue and self._queue[-1] is None):
            return
        if len(self._queue) >= self._limit:
            self._metrics.slow_pages.inc()
            self._queue.clear()
            self._queue.append(None)
        else:
            self._queue.append(event)
        self._something.set()

    def _close(self) -> None:
        self._closed = True
        self._something.set()
