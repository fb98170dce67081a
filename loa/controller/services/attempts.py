"""Slows down who guesses, and nobody else: counted by name and by where the attempt comes from."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.passwords import FREE_ATTEMPTS, wait_s
from loa.controller.errors import TooMany
from loa.controller.ports import Clock

REMEMBERED = 10_000
FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last_at: datetime


class Attempts:
    """Failures in a row for each subject; thread-safe, forgotten when the process ends."""

    def __init__(self, *, clock: Clock, remembered: int = REMEMBERED) -> None:
        self._clock = clock
        self._remembered = remembered
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def check(self, subject: str, *, free: int = FREE_ATTEMPTS) -> None:
        """Return if another attempt is welcome now; else raise `TooMany`. So many failures are `free`."""
        now = self._clock.now()
        with self._lock:
            known = self._failures.get(subject)
        if known is None:
            return
        left = (known.last_at + timedelta(seconds=wait_s(known.count, free)) - now).total_seconds()
        if left > 0:
            seconds = int(left) + 1
            raise TooMany(
                "too_many_attempts", f"wait {seconds} s before the next attempt", retry_after_s=seconds
            )

    def failed(self, subject: str) -> None:
        """Count a failure."""
        now = self._clock.now()
        with self._lock:
            known = self._failures.pop(subject, None)
            fresh = known is not None and now - known.last_at < FORGOTTEN_AFTER
            self._failures[subject] = _Failures(known.count + 1 if known and fresh else 1, now)
            while len(self._failures) > self._remembered:
                self._failures.popitem(last=False)

    def succeeded(self, subject: str) -> None:
        """Forget the failures."""
        with self._lock:
            self._failures.pop(subject, None)
