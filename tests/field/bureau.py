"""The office's work in the field: what it asks for is asked again until the controller has answered."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import httpx

from loa.protocol.ids import RecordingId
from tests.field.world import Parish
from tests.flow.office import Announced, Json, Refused
from tests.waiting import wait_for

Answer = TypeVar("Answer")
PATIENCE_MS = 15_000
"""So late may a broadcast begin that was kept from it."""
_PATIENCE_S = 90.0
_PAUSE_S = 0.2
_SERVER_ERROR = 500


class RefusedError(Exception):
    """The controller answered, and said no: too late, for instance."""


class Bureau:
    """Every act has a key, so that to ask again is not to act again."""

    def __init__(self, parish: Parish) -> None:
        self._parish = parish
        self._office = parish.office

    def announce(
        self,
        recording: RecordingId,
        at: datetime,
        *,
        key: str,
        class_: str = "normal",
        rrule: str | None = None,
    ) -> Announced:
        """A broadcast that keeps to the clock on a node that learns of it late."""
        return self._patiently(
            lambda: self._office.announce(
                recording, at=at, key=key, class_=class_, rrule=rrule, late="join", not_after_ms=PATIENCE_MS
            )
        )

    def emergency(self, recording: RecordingId, *, key: str) -> Announced:
        return self._patiently(lambda: self._office.emergency(recording, key=key))

    def withdraw(self, announced: Announced, *, key: str) -> None:
        self._patiently(lambda: self._office.withdraw(announced, key=key))

    def stop(self) -> None:
        self._patiently(lambda: self._office.stop(minutes=1))

    def lines(self) -> list[Json]:
        """The whole log."""
        return self._patiently(self._lines)

    def _lines(self) -> list[Json]:
        found: list[Json] = []
        cursor: str | None = None
        while True:
            page = self._office.leader.get("/log", limit=500, cursor=cursor)
            found += page["items"]
            cursor = page["cursor"]
            if cursor is None:
                return found

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        def look() -> tuple[Answer] | None:
            try:
                return (ask(),)
            except httpx.TransportError:
                return None
            except Refused as error:
                if error.status < _SERVER_ERROR:
                    raise RefusedError(str(error)) from error
                return None

        return wait_for(look, what="the controller answers", within_s=_PATIENCE_S, every_s=_PAUSE_S)[0]
