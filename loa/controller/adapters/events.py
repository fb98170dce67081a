"""Tells open pages what changed: to all of them at once, what was announced within a fifth of a second."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager

from loa.controller.ports import Event, EventKind, Told
from loa.controller.services.metrics import Metrics
from loa.protocol.ids import AreaId

QUEUE_LIMIT = 200
"""Events that a page may be behind before it is told to load everything anew."""
GATHER_S = 0.2
"""When a broadcast begins, every node says so within a second: one by one, each would go to every page."""


class EventHub:
    """`loa.controller.ports.Events` for any thread, `EventStream` for the event loop."""

    def __init__(self, *, metrics: Metrics, limit: int = QUEUE_LIMIT, gather_s: float = GATHER_S) -> None:
        self._metrics = metrics
        self._limit = limit
        self._gather_s = gather_s
        self._lock = threading.Lock()
        self._listeners: set[_Listener] = set()
        self._gathered: list[Event] = []
        self._told = 0

    @property
    def open_pages(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def told(self) -> int:
        """How much was announced so far."""
        return self._told

    def announce(self, kind: EventKind, area: AreaId, subject: str) -> None:
        """Have every listener told soon; never waits."""
        with self._lock:
            self._told += 1
        self._gather(Event(kind, area, subject))

    def look_again(self, user: str) -> None:
        """Have the streams of that user look whether their sessions are still there; never waits."""
        self._gather(Event(EventKind.SESSION, AreaId(""), user))

    @contextmanager
    def listen(self, may_hear: Callable[[AreaId], bool], user: str = "") -> Iterator[AsyncIterator[Told]]:
        """The events from now on, within a running loop; see `EventStream`."""
        listener = _Listener(asyncio.get_running_loop(), may_hear, self._limit, self._metrics, user)
        with self._lock:
            self._listeners.add(listener)
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners.discard(listener)
                if not self._listeners:
                    self._gathered.clear()

    def close(self) -> None:
        """End every stream, so that a server that stops need not wait for its pages."""
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.close()

    def _gather(self, event: Event) -> None:
        """The first of a burst wakes each loop, once for all of its pages."""
        with self._lock:
            loops = {listener.loop for listener in self._listeners} if not self._gathered else set()
            if self._listeners:
                self._gathered.append(event)
        for loop in loops:
            if not loop.is_closed():
                loop.call_soon_threadsafe(loop.call_later, self._gather_s, self._hand_over)

    def _hand_over(self) -> None:
        with self._lock:
            events, self._gathered = list(dict.fromkeys(self._gathered)), []
            listeners = list(self._listeners)
        for listener in listeners:
            listener.take(events)


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
        self.loop = loop
        self._user = user
        self._may_hear = may_hear
        self._limit = limit
        self._metrics = metrics
        self._queue: deque[Event] = deque()
        self._is_behind = False
        self._something = asyncio.Event()
        self._closed = False

    def take(self, events: Sequence[Event]) -> None:
        """Those of them that this page may hear."""
        heard = [event for event in events if self._hears(event)]
        if not heard or self._is_behind:
            return
        if len(self._queue) + len(heard) > self._limit:
            self._metrics.slow_pages.inc()
            self._queue.clear()
            self._is_behind = True
        else:
            self._queue.extend(heard)
        self._something.set()

    def close(self) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._close)

    def __aiter__(self) -> "_Listener":
        return self

    async def __anext__(self) -> Told:
        while not self._queue and not self._is_behind:
            if self._closed:
                raise StopAsyncIteration
            self._something.clear()
            await self._something.wait()
        told = tuple(self._queue)
        self._queue.clear()
        self._is_behind = False
        return told

    def _hears(self, event: Event) -> bool:
        return event.subject == self._user if event.kind is EventKind.SESSION else self._may_hear(event.area)

    def _close(self) -> None:
        self._closed = True
        self._something.set()
