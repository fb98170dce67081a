"""Forgets what nobody needs any more, after periods that settings give."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from loa.controller.ports import Clock
from loa.controller.store import retention as store
from loa.controller.store.database import Database, Session

_log = structlog.get_logger(__name__)
ROWS_AT_ONCE = 1_000
"""Deleted in one transaction: others want to write, too."""

_Delete = Callable[[Session, datetime, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How long things are kept; refusals, problems and the audit trail for good."""

    plays: timedelta = timedelta(days=400)
    """Play reports as they were sent."""
    lines: timedelta | None = None
    """Lines of the log, and what proves them; None: for good."""
    answers: timedelta = timedelta(days=2)
    """Answers under an Idempotency-Key."""
    sessions: timedelta = timedelta(days=1)
    """After their end."""
    health: timedelta = timedelta(days=90)
    """Hours of nodes' health."""
    certificates: timedelta = timedelta(days=365)
    """After their end."""


class Retention:
    """A job; each kind in transactions of its own. `others` forget what lies outside of the database."""

    def __init__(
        self, *, db: Database, clock: Clock, periods: Periods, others: Sequence[Callable[[], object]] = ()
    ) -> None:
        self._db = db
        self._clock = clock
        self._periods = periods
        self._others = others

    def tidy(self) -> None:
        """Delete all that is old enough. Raises Unavailable, DiskFull."""
        kinds: list[tuple[str, timedelta | None, _Delete]] = [
            ("plays", self._periods.plays, store.delete_plays),
            ("lines", self._periods.lines, store.delete_lines),
            ("envelopes", self._periods.lines, store.delete_envelopes),
            ("answers", self._periods.answers, store.delete_answers),
            ("sessions", self._periods.sessions, store.delete_sessions),
            ("health", self._periods.health, store.delete_health),
            ("certificates", self._periods.certificates, store.delete_certificates),
        ]
        for name, period, delete in kinds:
            if period is not None:
                self._tidy(name, self._clock.now() - period, delete)
        for tidy in self._others:
            tidy()

    def _tidy(self, name: str, before: datetime, delete: _Delete) -> None:
        gone = 0
        while True:
            with self._db.work() as work:
                some = delete(work.session, before, ROWS_AT_ONCE)
            gone += some
            if some < ROWS_AT_ONCE:
                break
        if gone:
            _log.info("retention.deleted", kind=name, rows=gone, before=str(before))
