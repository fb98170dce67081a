import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from loa.audio.player import Began, Cue, Ended, Ending, PlayerEvent
from loa.audio.self_test_sound import LENGTH_MS, write_self_test
from loa.node_agent import logs
from loa.node_agent.core.evidence import in_words, sensed
from loa.node_agent.core.plan import Plan, to_silence
from loa.node_agent.core.presses import to_silences
from loa.node_agent.core.reports import UNNUMBERED, problem
from loa.node_agent.core.self_test import Due, due_self_test, hindrance, is_demanded, judge_self_test
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Change, Timekeeper
from loa.node_agent.witness import Witness
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Config
from loa.protocol.reasons import ClockState, ProblemCode, SelfTestOutcome
from loa.protocol.reports import Evidence, Report, SelfTestReport
from loa.protocol.units import to_ms
from loa.schedules.model import Silence
from loa.schedules.policy import volume_cap

LEAD = timedelta(seconds=4)
"""From the decision to the sound: a decoder is opened, an amplifier switched on."""
_LENGTH = timedelta(milliseconds=LENGTH_MS)
_PATIENCE = timedelta(seconds=5)
"""After its planned end the player has so long to tell of it."""
_FAILED = {SelfTestOutcome.SILENT, SelfTestOutcome.PLAYER_FAILED}

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Run:
    """A self-test that sounds, or is about to, or is being judged."""

    due: Due
    cue: Cue
    began: bool = False
    ended: Ending | None = None
    dropped: bool = False
    """Something has to sound instead."""


class SelfTest:
    """Sounds the built-in self-test when it is due and nothing else is, and reports what ears made of it."""

    def __init__(self, *, memory: Memory, witness: Witness, clock: Timekeeper, path: Path) -> None:
        self._memory = memory
        self._witness = witness
        self._clock = clock
        self._path = path
        self._run: _Run | None = None

    def turn(self, plan: Plan | None, now: datetime) -> bool:
        """Begin or report what is due; whether `cues` changed."""
        config = self._memory.config
        if self._run is not None:
            return self._follow(self._run, now)
        if config is None or self._clock.state() is ClockState.UNTRUSTED:
            return False
        due = due_self_test(config, now, self._memory.self_tested_at)
        return due is not None and self._begin(config, plan, due, now)

    def cues(self, plan: Plan | None, now: datetime) -> list[Cue]:
        """The cue of the self-test; none any more once something has to sound, or nothing may."""
        run = self._run
        if run is None or run.dropped:
            return []
        is_silenced = any(one.from_at < run.cue.stop_at and now < one.until_at for one in self._silences())
        run.dropped = is_silenced or is_demanded(plan, now, run.cue.stop_at)
        return [] if run.dropped else [run.cue]

    def hear(self, event: PlayerEvent) -> bool:
        """What the player says of the self-test; False for everything else."""
        run = self._run
        if run is None or event.cue.occurrence != run.cue.occurrence:
            return False
        match event:
            case Began():
                run.began = True
            case Ended():
                run.ended = event.reason
            case _:
                run.ended = Ending.FAILED
        return True

    def _begin(self, config: Config, plan: Plan | None, due: Due, now: datetime) -> bool:
        start_at = now + LEAD
        reason = hindrance(config, plan, self._silences(), now, start_at + _LENGTH)
        if reason is SelfTestOutcome.BUSY and now + timedelta(seconds=1) < due.until_at:
            return False
        if reason is not None:
            self._report(due, reason)
            return False
        try:
            write_self_test(self._path)
        except OSError as failure:
            self._report(due, SelfTestOutcome.PLAYER_FAILED, detail=f"cannot write its sound: {failure}")
            return False
        cap_db = float(volume_cap(config.policy, BroadcastClass.NORMAL, start_at, config.tz).cap_db)
        gain_db = min(cap_db, float(config.settings.volume_db))
        cue = Cue(f"self-test@{to_ms(due.at)}", self._path, start_at, start_at + _LENGTH, gain_db=gain_db)
        self._run = _Run(due, cue)
        logs.say(_log, "self_test", due_at=due.at, on_demand=due.on_demand, start_at=start_at)
        return True

    def _silences(self) -> list[Silence]:
        """By message and by the STOP button."""
        said = [to_silence(seen) for seen in self._memory.shelf.silences.values()]
        return [*said, *to_silences(self._memory.presses)]

    def _follow(self, run: _Run, now: datetime) -> bool:
        """Whether it is over, and no cue of it is left."""
        is_late = now > run.cue.stop_at + _PATIENCE
        is_over = run.ended is not None or (run.dropped and not run.began) or is_late
        if not is_over or self._witness.is_busy(run.cue.occurrence):
            return False
        evidence = Evidence(
            verified=True, decoded=run.began, **sensed(self._witness.findings(run.cue.occurrence))
        )
        self._run = None
        self._report(run.due, _outcome(run, evidence), evidence)
        return True

    def _report(
        self, due: Due, outcome: SelfTestOutcome, evidence: Evidence | None = None, *, detail: str = ""
    ) -> None:
        detail = in_words(evidence) if evidence is not None else detail
        report = SelfTestReport(
            number=UNNUMBERED,
            at=self._clock.now(),
            due_at=due.at,
            on_demand=due.on_demand,
            outcome=outcome,
            detail=detail[:500],
            evidence=evidence,
        )
        reports: list[Report] = [report]
        if outcome in _FAILED:
            code, words = ProblemCode.SELF_TEST_FAILED, f"{outcome}: {detail}"
            reports.append(problem(at=self._clock.now(), code=code, detail=words))
        logs.say(_log, "self_tested", due_at=due.at, outcome=outcome, detail=detail)
        self._memory.keep(Change(reports=reports, self_tested_at=due.at))


def _outcome(run: _Run, evidence: Evidence) -> SelfTestOutcome:
    if run.dropped or run.ended in {Ending.REMOVED, Ending.DISPLACED, Ending.CLOSED}:
        return SelfTestOutcome.INTERRUPTED
    if not run.began or run.ended is Ending.FAILED:
        return SelfTestOutcome.PLAYER_FAILED
    return judge_self_test(evidence)
