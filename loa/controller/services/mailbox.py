"""Where the broker's client leaves what nodes say, until the ingest thread takes it."""

import queue
import time
from dataclasses import dataclass, field

import structlog

from loa.controller.services.metrics import Metrics

_log = structlog.get_logger(__name__)
_SHOUT_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it came, unverified."""

    topic: str
    payload: bytes
    retained: bool = False
    """It was said at some time before we subscribed."""
    came_s: float = field(default_factory=time.monotonic)
    """When it came, by a clock that nobody sets."""


class Mailbox:
    """A bounded queue. What does not fit is counted, logged and dropped: nodes keep it until a receipt."""

    def __init__(self, *, limit: int, metrics: Metrics) -> None:
        self._queue: queue.Queue[Incoming] = queue.Queue(limit)
        self._metrics = metrics
        self._shouted_at = -_SHOUT_EVERY_S

    def put(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """Called on the thread of the broker's client; never waits."""
        try:
            self._queue.put_nowait(Incoming(topic, payload, retained))
        except queue.Full:
            self._metrics.overflows.inc()
            self._shout(topic)

    def take(self, *, most: int, within_s: float, gather_s: float) -> list[Incoming]:
        """Wait up to `within_s` for a first message, then gather for `gather_s` or until there are `most`."""
        taken: list[Incoming] = []
        ends = time.monotonic() + within_s
        while len(taken) < most:
            try:
                taken.append(self._queue.get(timeout=max(ends - time.monotonic(), 0)))
            except queue.Empty:
                break
            if len(taken) == 1:
                ends = time.monotonic() + gather_s
        return taken

    def _shout(self, topic: str) -> None:
        if time.monotonic() - self._shouted_at >= _SHOUT_EVERY_S:
            self._shouted_at = time.monotonic()
            _log.error("mailbox.overflow", topic=topic, limit=self._queue.maxsize)
