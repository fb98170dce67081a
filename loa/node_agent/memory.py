import logging
from collections import deque
from collections.abc import Iterable
from datetime import datetime

from loa.node_agent import logs
from loa.node_agent.core.plays import Play
from loa.node_agent.core.reports import problem
from loa.node_agent.core.shelf import Shelf
from loa.node_agent.errors import StorageFullError
from loa.node_agent.ports import Change, Disk, Timekeeper
from loa.protocol.ids import AreaId, BroadcastId, OccurrenceId, RecordingId, start_of
from loa.protocol.programme import Config
from loa.protocol.reasons import ProblemCode
from loa.protocol.reports import Held, PlayReport
from loa.protocol.units import to_whole_ms

_TRY_AGAIN_S = 10.0

_log = logging.getLogger(__name__)


class Memory:
    """What the agent knows, and its way to the disk.

    A change counts at once; while the disk is full it waits in memory, so that a STOP still stops. For one
    thread.
    """

    def __init__(self, *, disk: Disk, clock: Timekeeper) -> None:
        recalled = disk.recall()
        self.config: Config | None = recalled.config
        self.held: dict[AreaId, Held] = dict(recalled.held)
        self.shelf: Shelf = recalled.shelf
        self.sounds: dict[RecordingId, datetime] = dict(recalled.sounds)
        self.plays: dict[OccurrenceId, Play] = dict(recalled.plays)
        self.reported: set[OccurrenceId] = set(recalled.reported)
        self.accounted_at: datetime = recalled.accounted_at or clock.now()
        self.self_tested_at: datetime | None = recalled.self_tested_at
        self.needs_plan = True
        """Something changed that bears on what ought to sound."""
        self.has_news = True
        """A report was written since somebody looked."""
        self.revision = 0
        """Grows with every version that is taken in."""
        self._disk = disk
        self._clock = clock
        self._backlog: deque[Change] = deque()
        self._try_again_s = 0.0
        self._told_full = False
        if recalled.accounted_at is None:
            self.keep(Change(accounted_at=to_whole_ms(self.accounted_at)))

    def keep(self, change: Change) -> None:
        """Take a change in, and write it down as soon as the disk takes it."""
        self._apply(change)
        self._backlog.append(change)
        if not self._told_full:
            self.flush()

    def flush(self) -> None:
        """Write what waits; after a failure not before some seconds have passed."""
        if not self._backlog or self._clock.monotonic() < self._try_again_s:
            return
        try:
            while self._backlog:
                self._disk.write(self._backlog[0])
                self.has_news = bool(self._backlog.popleft().reports) or self.has_news
        except StorageFullError as error:
            self._suffer(error)
        else:
            self._recover()

    def _suffer(self, error: StorageFullError) -> None:
        self._try_again_s = self._clock.monotonic() + _TRY_AGAIN_S
        if not self._told_full:
            self._told_full = True
            logs.shout(_log, "disk_full", path=error.path, waiting=len(self._backlog))
            draft = problem(at=self._clock.now(), code=ProblemCode.DISK_FULL, detail=str(error))
            self._backlog.append(Change(reports=(draft,)))

    def _recover(self) -> None:
        if self._told_full:
            self._told_full = False
            logs.say(_log, "disk_writable_again")

    def _apply(self, change: Change) -> None:
        self.config = change.config or self.config
        self.held.update(change.held)
        self.shelf = _without(_with(self.shelf, change.shelf), change.forget)
        for recording, at in change.sounds.items():
            self.sounds.setdefault(recording, at)
        for recording in change.forget_sounds:
            self.sounds.pop(recording, None)
        self.accounted_at = change.accounted_at or self.accounted_at
        self.self_tested_at = change.self_tested_at or self.self_tested_at
        self.plays.update({play.occurrence: play for play in change.plays})
        self._close_plays(report.occurrence for report in change.reports if isinstance(report, PlayReport))
        self.reported -= set(change.forget_reported)
        self.revision += bool(change.config or change.held)
        if change.config or change.sounds or not change.shelf.is_empty():
            self.needs_plan = True

    def _close_plays(self, occurrences: Iterable[OccurrenceId]) -> None:
        for occurrence in occurrences:
            self.plays.pop(occurrence, None)
            self.reported.add(occurrence)

    def known_at(self, broadcast: BroadcastId) -> datetime | None:
        """When the node learnt of a broadcast that is on its shelf."""
        seen = self.shelf.entries.get(broadcast)
        return None if seen is None else seen.known_at

    def reported_before(self, at: datetime) -> set[OccurrenceId]:
        """Marks of occurrences that were planned before an instant."""
        return {name for name in self.reported if start_of(name) < at}


def _with(shelf: Shelf, added: Shelf) -> Shelf:
    return Shelf(
        entries={**shelf.entries, **added.entries},
        withdrawals={**shelf.withdrawals, **added.withdrawals},
        silences={**shelf.silences, **added.silences},
        orders={**shelf.orders, **added.orders},
    )


def _without(shelf: Shelf, gone: Shelf) -> Shelf:
    if gone.is_empty():
        return shelf
    return Shelf(
        entries={name: one for name, one in shelf.entries.items() if name not in gone.entries},
        withdrawals={name: one for name, one in shelf.withdrawals.items() if name not in gone.withdrawals},
        silences={name: one for name, one in shelf.silences.items() if name not in gone.silences},
        orders={name: one for name, one in shelf.orders.items() if name not in gone.orders},
    )
