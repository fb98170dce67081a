"""How often somebody may have costly work done: so many times an hour, whatever the person's intent."""

import threading
from collections import deque
from datetime import datetime, timedelta

from loa.controller.errors import TooMany
from loa.controller.ports import Clock

WINDOW = timedelta(hours=1)


class Budget:
    """For each subject by itself; thread-safe, forgotten when the process ends."""

    def __init__(self, *, clock: Clock, most: int) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._spent: dict[str, deque[datetime]] = {}

    def spend(self, subject: str) -> None:
        """Count one; raises `TooMany` where the last hour had as many as it may."""
        now = self._clock.now()
        with self._lock:
            for other in [one for one, times in self._spent.items() if times[-1] <= now - WINDOW]:
                del self._spent[other]
            times = self._spent.setdefault(subject, deque())
            while times and times[0] <= now - WINDOW:
                times.popleft()
            if len(times) >= self._most:
                wait_s = int((times[0] + WINDOW - now).total_seconds()) + 1
                raise TooMany("too_much_work", f"wait {wait_s} s before the next sound", retry_after_s=wait_s)
            times.append(now)
