import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from loa.node_agent import logs
from loa.node_agent.core.plays import Play
from loa.node_agent.core.reports import problem
from loa.node_agent.core.shelf import Shelf
from loa.node_agent.writing import Writing
from loa.node_agent.pending import minus, plus
from loa.node_agent.ports import Change, Disk, Timekeeper
from loa.protocol.ids import AreaId, OccurrenceId, RecordingId, start_of
from loa.protocol.programme import Config
from loa.protocol.reasons import ProblemCode
from loa.protocol.reports import Held, PlayReport, Report
from loa.protocol.units import to_whole_ms

_log = logging.getLogger(__name__)


class Memory:
    """What the agent knows, and its way to the disk.

    A change counts at once; while the disk takes none it waits in memory, so that a STOP still stops. For
    one thread.
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
        self.needs_plan = True
        """Something changed that bears on what ought to sound."""
        self.has_news = True
        """A report was written since somebody looked."""
        self.revision = 0
        """Grows with every version that is taken in."""
        self.writing = Writing(disk=disk, clock=clock, snapshot=self._snapshot)
        self.writing.begin()
        self._tell_damage(recalled.damage, clock.now())
        if recalled.accounted_at is None:
            self.keep(Change(accounted_at=to_whole_ms(self.accounted_at)))

    def keep(self, change: Change) -> None:
        """Take a change in, and write it down as soon as the disk takes it."""
        fresh = [report for report in change.reports if not self._is_reported(report)]
        change = replace(change, reports=fresh)
        self._apply(change)
        self.has_news = bool(fresh) or self.has_news
        self.writing.keep(change)

    def flush(self, *, at_last: bool = False) -> None:
        """Write what waits; see `Writing.flush`."""
        self.writing.flush(at_last=at_last)

    def _is_reported(self, report: Report) -> bool:
        return isinstance(report, PlayReport) and report.occurrence in self.reported

    def _tell_damage(self, damage: Iterable[str], at: datetime) -> None:
        for detail in damage:
            logs.shout(_log, "journal_damage", detail=detail)
            draft = problem(at=at, code=ProblemCode.JOURNAL_CORRUPT, detail=detail)
            self.keep(Change(reports=(draft,)))

    def _snapshot(self) -> Change:
        return Change(
            config=self.config,
            held=self.held,
            shelf=self.shelf,
            sounds=self.sounds,
            plays=tuple(self.plays.values()),
            accounted_at=self.accounted_at,
            closed=self.reported,
        )

    def _apply(self, change: Change) -> None:
        self.config = change.config or self.config
        self.held.update(change.held)
        self.shelf = plus(minus(self.shelf, change.forget), change.shelf)
        for recording, at in change.sounds.items():
            self.sounds.setdefault(recording, at)
        for recording in change.forget_sounds:
            self.sounds.pop(recording, None)
        self.accounted_at = change.accounted_at or self.accounted_at
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

    def reported_before(self, at: datetime) -> set[OccurrenceId]:
        """Marks of occurrences that were planned before an instant."""
        return {name for name in self.reported if start_of(name) < at}
