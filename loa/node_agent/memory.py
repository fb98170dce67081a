import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from loa.node_agent import logs
from loa.node_agent.core.gate import Named
from loa.node_agent.core.leaps import Leap, right_config, right_plays, right_shelf, right_sounds
from loa.node_agent.core.plays import Play
from loa.node_agent.core.presses import Press
from loa.node_agent.core.reports import problem
from loa.node_agent.core.shelf import Shelf
from loa.node_agent.core.stand_ins import Siren
from loa.node_agent.pending import minus, plus
from loa.node_agent.ports import Change, Disk, Timekeeper
from loa.node_agent.writing import Writing
from loa.protocol.ids import AreaId, BroadcastId, OccurrenceId, RecordingId, start_of
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
        since = clock.now()
        recalled = disk.recall()
        self.config: Config | None = recalled.config
        self.held: dict[AreaId, Held] = dict(recalled.held)
        self.shelf: Shelf = recalled.shelf
        self.sounds: dict[RecordingId, datetime] = dict(recalled.sounds)
        self.plays: dict[OccurrenceId, Play] = dict(recalled.plays)
        self.reported: set[OccurrenceId] = set(recalled.reported)
        self.accounted_at: datetime = recalled.accounted_at or since
        self.siren: Siren | None = recalled.siren
        self.presses: tuple[Press, ...] = tuple(recalled.presses)
        self.update = recalled.update
        self.self_tested_at: datetime | None = recalled.self_tested_at
        self.needs_plan = True
        """Something changed that bears on what ought to sound."""
        self.has_news = True
        """A report was written since somebody looked."""
        self.revision = 0
        """Grows with every version that is taken in."""
        self.since = since
        """When this agent began, by the clock as it is set now."""
        self.named: Named | None = None
        """What the last answer in this boot said."""
        self.adopted_at: datetime | None = None
        """When the configuration came, if that was in this run."""
        self.writing = Writing(disk=disk, clock=clock, snapshot=self._snapshot)
        self.writing.begin()
        self._tell_damage(recalled.damage, clock.now())
        if recalled.accounted_at is None:
            self.keep(Change(accounted_at=to_whole_ms(self.accounted_at)))

    def keep(self, change: Change) -> None:
        """Take a change in, and write it down as soon as the disk takes it."""
        self._take(change, self.writing.keep)

    def keep_soon(self, change: Change) -> None:
        """Take a change in, and write it with the next one or at the end of the turn.

        For what comes again if power is lost before: an urgent message must not wait for a slow disk.
        """
        self._take(change, self.writing.keep_soon)

    def flush(self, *, at_last: bool = False) -> None:
        """Write what waits; see `Writing.flush`."""
        self.writing.flush(at_last=at_last)

    def _take(self, change: Change, keep: Callable[[Change], None]) -> None:
        fresh = [report for report in change.reports if not self._is_reported(report)]
        change = replace(change, reports=fresh)
        self._apply(change)
        self.has_news = bool(fresh) or self.has_news
        keep(change)

    def heal(self, leap: Leap) -> None:
        """The clock was set: stamp anew what it had stamped wrongly."""
        sounds = right_sounds(self.sounds, self.shelf, leap)
        healed = Change(
            config=self._healed_config(leap),
            shelf=right_shelf(self.shelf, leap),
            sounds=sounds,
            plays=right_plays(self.plays.values(), leap),
            accounted_at=None if leap.is_over_time else leap.right(self.accounted_at),
        )
        self.since += leap.by
        if sounds:
            self.keep(Change(forget_sounds=sounds))
        self.keep(healed)
        self.needs_plan = True

    def _healed_config(self, leap: Leap) -> Config | None:
        if self.config is None or self.adopted_at is None:
            return None
        config = right_config(self.config, self.adopted_at, leap)
        self.adopted_at = to_whole_ms(leap.right(self.adopted_at))
        return None if config is self.config else config

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
            self_tested_at=self.self_tested_at,
            siren=self.siren,
            presses=self.presses,
            update=self.update,
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
        self.presses = self.presses if change.presses is None else tuple(change.presses)
        self.accounted_at = change.accounted_at or self.accounted_at
        self.siren = change.siren or self.siren
        self.self_tested_at = change.self_tested_at or self.self_tested_at
        self.plays.update({play.occurrence: play for play in change.plays})
        self._close_plays(report.occurrence for report in change.reports if isinstance(report, PlayReport))
        self.reported -= set(change.forget_reported)
        self.update = change.update or self.update
        self.revision += bool(change.config or change.held)
        has_more = change.siren is not None or change.presses is not None
        if change.config or change.sounds or has_more or not change.shelf.is_empty():
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
