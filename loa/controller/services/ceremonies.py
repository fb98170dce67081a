"""Challenges that wait for a browser's answer: each for one session, once, and not for long."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loa.controller.errors import Conflict
from loa.controller.ports import Clock

LASTING = timedelta(minutes=5)
MOST = 10_000
"""Sessions that wait at once; then the oldest have to begin again."""
CHALLENGE_BYTES = 32


def _random() -> bytes:
    return secrets.token_bytes(CHALLENGE_BYTES)


@dataclass(slots=True, kw_only=True)
class Ceremonies:
    """In memory: after a restart a person taps once more. Thread-safe."""

    clock: Clock
    random: Callable[[], bytes] = _random
    _open: dict[str, tuple[bytes, datetime]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self, session_hash: str) -> bytes:
        """A challenge for this session; one that it had before is void."""
        challenge, until = self.random(), self.clock.now() + LASTING
        with self._lock:
            self._open.pop(session_hash, None)
            while len(self._open) >= MOST:
                del self._open[next(iter(self._open))]
            self._open[session_hash] = challenge, until
        return challenge

    def end(self, session_hash: str) -> bytes:
        """The session's challenge, which is void from now on; raises `Conflict` if none waits."""
        with self._lock:
            challenge, until = self._open.pop(session_hash, (b"", self.clock.now()))
        if until <= self.clock.now():
            raise Conflict("challenge_over", "it took too long, or was used already; begin again")
        return challenge
