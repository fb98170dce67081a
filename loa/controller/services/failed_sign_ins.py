"""Sign-ins that were refused: counted, and told in the log in a bounded number of lines."""

import threading
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from loa.controller.ports import Clock
from loa.controller.services.metrics import Metrics

_log = structlog.get_logger(__name__)
LINES_A_MINUTE = 20
"""Anybody can fail as often as the network carries; the metric counts on."""


class Step(StrEnum):
    """What was refused."""

    PASSWORD = "password"  # noqa: S105 -- the step, not one
    CODE = "code"
    """Of the second factor."""
    RECOVERY = "recovery"
    SLOWED = "slowed"
    """Nothing was looked at: too many before."""


class FailedSignIns:
    """Thread-safe. No password is told, nor a name that is none: people type passwords into that field."""

    def __init__(self, *, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._lock = threading.Lock()
        self._began: datetime | None = None
        self._told = 0

    def note(self, step: Step, source: str, user: str | None) -> None:
        """One of somebody at that address; `user` is None where the name is none of ours."""
        self._metrics.sign_ins_failed.labels(step).inc()
        told = self._count()
        if told <= LINES_A_MINUTE:
            _log.warning("sign_in.failed", step=step, source=source, user=user)
        elif told == LINES_A_MINUTE + 1:
            _log.warning("sign_in.failed_often", lines_a_minute=LINES_A_MINUTE)

    def _count(self) -> int:
        now = self._clock.now()
        with self._lock:
            if self._began is None or now - self._began >= timedelta(minutes=1):
                self._began, self._told = now, 0
            self._told += 1
            return self._told
