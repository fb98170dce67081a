import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Condition, Thread
from typing import Protocol

from loa.node_agent.errors import FetchError, FetchStoppedError, StorageFullError
from loa.node_agent.ports import Arrival, Crashed, Fetched, FetchTrouble, Job, Timekeeper

_FIRST_WAIT_S = 1.0
_DOUBLINGS = 16
"""More change nothing, but that a float can't hold the result after some days without a controller."""
_CLOSE_S = 0.6

_log = logging.getLogger(__name__)


class Fetch(Protocol):
    """What fetches one job."""

    def fetch(self, job: Job, *, is_stopped: Callable[[], bool]) -> None:
        """Raises a `FetchError` or `StorageFullError`."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """The last of several attempts that came to nothing."""

    attempt: int
    at_s: float
    spread: float
    """The drawn part of the wait."""


def not_before(job: Job, failure: Failure | None) -> float:
    """When a job may be tried, on the monotonic clock; what became urgent need not wait out a long pause."""
    if failure is None:
        return job.not_before
    wait_s = min(_FIRST_WAIT_S * 2.0 ** min(failure.attempt - 1, _DOUBLINGS), job.longest_wait_s)
    return max(job.not_before, failure.at_s + wait_s * failure.spread)


class BackgroundDownloads:
    """`Downloads` in one thread. After a failure a job waits 1 s, then twice as long, up to its longest.

    Each wait is drawn from between half and the whole of it, so that nodes don't come back together.
    """

    def __init__(self, fetch: Fetch, *, inbox: Queue[Arrival], clock: Timekeeper) -> None:
        self._fetch = fetch
        self._inbox = inbox
        self._clock = clock
        self._changed = Condition()
        self._wanted: list[Job] = []
        self._jobs: list[Job] = []
        self._done: set[Path] = set()
        """What came since it was wanted: the agent, which may not know yet, wants it still."""
        self._current: Job | None = None
        self._failures: dict[str, Failure] = {}
        self._closed = False
        self._thread = Thread(target=self._run, name="loa-downloads", daemon=True)
        self._thread.start()

    def want(self, jobs: Sequence[Job]) -> None:
        """See `Downloads.want`."""
        with self._changed:
            if list(jobs) == self._wanted:
                return
            self._wanted = list(jobs)
            self._done &= {job.into for job in jobs}
            self._jobs = [job for job in jobs if job.into not in self._done]
            wanted = {job.sha256 for job in jobs}
            self._failures = {name: one for name, one in self._failures.items() if name in wanted}
            self._changed.notify()

    def close(self) -> None:
        """See `Downloads.close`."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        try:
            while (job := self._next()) is not None:
                self._try(job)
        except Exception as error:  # noqa: BLE001 -- the root of a thread; the agent ends with it
            self._inbox.put(Crashed("downloads", error))

    def _next(self) -> Job | None:
        with self._changed:
            self._current = None
            while not self._closed:
                job, wait_s = self._due()
                if job is not None:
                    self._current = job
                    return job
                self._changed.wait(wait_s)
        return None

    def _due(self) -> tuple[Job | None, float | None]:
        """The first job that need not wait, else how long until one need not."""
        now = self._clock.monotonic()
        waits = [not_before(job, self._failures.get(job.sha256)) - now for job in self._jobs]
        for job, wait_s in zip(self._jobs, waits, strict=True):
            if wait_s <= 0:
                return job, None
        return None, min(waits, default=None)

    def _try(self, job: Job) -> None:
        try:
            self._fetch.fetch(job, is_stopped=self._is_stopped)
        except FetchStoppedError:
            _log.info("event=fetch_stopped path=%s", job.path)
        except (FetchError, StorageFullError, OSError) as error:
            self._inbox.put(FetchTrouble(job, error, self._put_off(job), self._clock.now()))
        else:
            self._drop(job)
            self._inbox.put(Fetched(job, job.into, self._clock.now()))

    def _is_stopped(self) -> bool:
        with self._changed:
            return self._closed or self._due()[0] != self._current

    def _put_off(self, job: Job) -> int:
        with self._changed:
            last = self._failures.get(job.sha256)
            attempt = last.attempt + 1 if last else 1
            spread = random.uniform(0.5, 1)  # noqa: S311 -- spreads load, guards nothing
            self._failures[job.sha256] = Failure(attempt, self._clock.monotonic(), spread)
            return attempt

    def _drop(self, job: Job) -> None:
        with self._changed:
            self._done |= {job.into} & {one.into for one in self._wanted}
            self._jobs = [one for one in self._jobs if one.into != job.into]
