"""Threads that must not die unnoticed."""

import os
import signal
import threading
from collections.abc import Callable

import structlog

_log = structlog.get_logger(__name__)


class Task:
    """A thread for `run`, which returns when its owner stops it. If it fails, the process ends."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self._name = name
        self._run = run
        self._thread = threading.Thread(target=self._guard, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end, if it was ever begun."""
        if self._thread.is_alive():
            self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether it is at work."""
        return self._thread.is_alive()

    def _guard(self) -> None:
        try:
            self._run()
        except BaseException:  # noqa: BLE001 -- the root of a task: nobody else would hear of it
            _log.exception("task.failed", task=self._name)
            os.kill(os.getpid(), signal.SIGTERM)  # systemd starts a whole controller again
