import heapq
import logging
from datetime import datetime, timedelta
from pathlib import Path
from queue import Empty

from loa.audio.player import Began, Cue, Ended, Failed, Player, PlayerEvent
from loa.node_agent import logs
from loa.node_agent.core import plays
from loa.node_agent.core.cues import make_cues
from loa.node_agent.core.evidence import evidence_on, in_words
from loa.node_agent.core.forgetting import still_needed
from loa.node_agent.core.leaps import EARLY, Leap, Unsure, had_its_turn
from loa.node_agent.core.plan import Plan, make_plan, window_at
from loa.node_agent.core.plays import Play
from loa.node_agent.core.reports import SETTLE, Reality, is_owed, problem, report_on, report_on_vanished
from loa.node_agent.core.shelf import news
from loa.node_agent.core.stand_ins import is_stand_in, stood_for
from loa.node_agent.errors import PlayerUnavailableError
from loa.node_agent.memory import Memory
from loa.node_agent.output_watch import OutputWatch
from loa.node_agent.ports import Change, NodeClock, OpenPlayer, Recordings
from loa.node_agent.self_test import SelfTest
from loa.node_agent.witness import Witness
from loa.protocol.ids import OccurrenceId, RecordingId, broadcast_of
from loa.protocol.reasons import ClockState, ProblemCode, Reason
from loa.protocol.reports import Evidence, Report
from loa.protocol.units import to_whole_ms
from loa.schedules.localtime import broadcast_day

CUES_AHEAD = timedelta(minutes=30)
CHECKPOINT_S = 10.0
_CUE_AGAIN = timedelta(minutes=15)
_PATIENCE = timedelta(seconds=4)
"""How long after `SETTLE` the end of a sound is waited for before the occurrence is closed without it."""
_DOUBT = timedelta(minutes=1)
"""What ended within this time is looked at again after a restart."""
_OPEN_AGAIN_S = 5.0
_FAR_AHEAD = timedelta(days=2)
_TIDY_AFTER_S = 86_400.0
"""A clock that was set far ahead proves itself for so long before anything is forgotten by it."""
_KEEP_MARKS = timedelta(days=31)
"""Longer than needed by a clock that goes right: one that is set back must not repeat what was told."""

_log = logging.getLogger(__name__)


class Sounding:
    """Keeps the player at what the timeline demands, and the journal at what really sounded."""

    def __init__(
        self,
        *,
        memory: Memory,
        recordings: Recordings,
        open_player: OpenPlayer,
        clock: NodeClock,
        witness: Witness | None = None,
        self_test: SelfTest | None = None,
    ) -> None:
        self._memory = memory
        self._recordings = recordings
        self._open_player = open_player
        self._clock = clock
        self._witness = witness or Witness(clock=clock)
        self._self_test = self_test
        self.running_since = clock.now()
        self.unsure = Unsure()
        self.cleared: set[OccurrenceId] = set()
        """Emergencies that may sound on a clock that can't be trusted."""
        self._player: Player | None = None
        self._player_told = False
        self._open_at_s = 0.0
        self._checkpoint_at_s = 0.0
        self.output_watch = OutputWatch()
        self.plan: Plan | None = None
        self.lost: set[RecordingId] = set()
        """Recordings that came once and whose bytes are gone or damaged."""
        self._told_lost: set[RecordingId] = set()
        self._told_ears: set[str] = set()
        self.sounding: OccurrenceId | None = None
        self.siren_for: OccurrenceId | None = None
        """The emergency in whose place the siren sounds."""
        self._made_at = self._stale_at = self._cue_at = self.running_since
        self._owed: list[tuple[datetime, OccurrenceId]] = []
        self._missing: list[tuple[datetime, OccurrenceId]] = []
        self._to_tidy = False
        self._tidy_at_s = 0.0

    def recover(self) -> None:
        """Close what was under way when the agent ended, as far as it is certain."""
        cut = [plays.closed(play) for play in self._memory.plays.values() if play.going is not None]
        if cut:
            self._memory.keep(Change(plays=cut))

    def turn(self) -> None:
        """Hear the player, lay out anew if anything changed, and report what is final. Quick when idle."""
        now = self._clock.now()
        self._mind_the_player()
        self._listen()
        if not self._clock.is_set:
            return
        self._attend(now)
        if self._memory.needs_plan or not self._made_at - EARLY <= now < self._stale_at:
            self._lay_out(now)
        elif now >= self._cue_at:
            self._cue(now)
        self._checkpoint(now)
        self._miss(now)
        if self.plan is not None:
            self._account(self.plan, now)

    def heal(self, leap: Leap) -> None:
        """The clock was set, and what is on record was stamped anew."""
        self.running_since += leap.by
        self.unsure.move(leap)
        if leap.is_over_time:
            self.unsure.add(leap.was, leap.now)
        if leap.by > _FAR_AHEAD:
            self._tidy_at_s = self._clock.monotonic() + _TIDY_AFTER_S

    def trust(self, now: datetime, *, is_sure: bool) -> None:
        """From now on the clock may be relied on, or not."""
        if is_sure:
            self.unsure.end(now)
        else:
            self.unsure.begin(now)

    def hush(self) -> None:
        """Be silent at once, whatever the plan says; the next turn lays it out anew."""
        self._memory.needs_plan = True
        if self._player is not None:
            self._player.set_plan([])

    def close(self) -> None:
        """Stop the sound and write down how far it came."""
        if self._player is not None:
            self._player.close()
            self._listen()
            self._player = None
        self._witness.close()

    # What is captured, and the self-test.

    def _attend(self, now: datetime) -> None:
        self._witness.turn()
        troubles = self._witness.troubles()
        for name in troubles.keys() - self._told_ears:
            detail = f"{name}: {troubles[name]}"
            self._memory.keep(Change(reports=(self._problem(ProblemCode.EAR_FAILED, detail),)))
        self._told_ears = set(troubles)
        if self._self_test is not None and self._self_test.turn(self.plan, now):
            self._cue(now)

    def _guests(self, now: datetime) -> list[Cue]:
        """What sounds beside the timeline."""
        return self._self_test.cues(self.plan, now) if self._self_test is not None else []

    def _evidence(self, plan: Plan, name: OccurrenceId) -> Evidence:
        recording = plan.source(name).recording
        came = (self._memory.known_at(broadcast_of(name)), self._memory.sounds.get(recording))
        is_whole = came[1] is not None and recording not in self.lost
        play, findings = self._memory.plays.get(name), self._witness.findings(name)
        return evidence_on(play, came=came, is_whole=is_whole, findings=findings)

    # The player.

    def _mind_the_player(self) -> None:
        if self._player is not None:
            self._look_at(self._player)
        if self._player is None and self._clock.monotonic() >= self._open_at_s:
            self._open()

    def _look_at(self, player: Player) -> None:
        status = player.status()
        if self.output_watch.look(status):
            detail = "the sound card does not say when samples sound; neighbours may be apart"
            logs.shout(_log, "sync_degraded")
            self._memory.keep(Change(reports=(self._problem(ProblemCode.SYNC_DEGRADED, detail),)))
        if status.broken:
            self._listen()
            player.close()
            self._player = None
            self.output_watch.closed()
            self._suffer(status.broken)

    def _open(self) -> None:
        try:
            self._player = self._open_player()
        except PlayerUnavailableError as error:
            self._suffer(str(error))
            return
        self._player_told = False
        self.output_watch.look(self._player.status())
        logs.say(_log, "player_open")
        if self.plan is not None:
            self._cue(self._clock.now())

    def _suffer(self, detail: str) -> None:
        self._open_at_s = self._clock.monotonic() + _OPEN_AGAIN_S
        cut = [
            plays.closed(play).model_copy(update={"trouble": Reason.PLAYER_FAILED})
            for play in self._memory.plays.values()
            if play.going is not None
        ]
        self.sounding = self.siren_for = None
        report = () if self._player_told else (self._problem(ProblemCode.PLAYER_FAILED, detail),)
        if cut or report:
            self._memory.keep(Change(plays=cut, reports=report))
        if not self._player_told:
            logs.shout(_log, "player_failed", detail=detail)
        self._player_told = True

    def _listen(self) -> None:
        while self._player is not None:
            try:
                self._hear(self._player.events.get_nowait())
            except Empty:
                return

    def _hear(self, event: PlayerEvent) -> None:
        self._witness.note(event)
        if self._self_test is not None and self._self_test.hear(event):
            return
        occurrence, siren = stood_for(event.cue.occurrence), is_stand_in(event.cue.occurrence)
        if occurrence in self._memory.reported:
            logs.shout(_log, "sounded_after_report", occurrence=occurrence, what=type(event).__name__)
            return
        before = self._memory.plays.get(occurrence, Play(occurrence=occurrence))
        match event:
            case Began():
                self._mark(occurrence, siren=siren)
                what = "siren_began" if siren else "began"
                logs.say(_log, what, occurrence=occurrence, at=event.at, offset_ms=event.offset_ms)
                self._memory.keep(Change(plays=(plays.began(before, event, siren=siren),)))
            case Ended():
                self._unmark(occurrence, siren=siren)
                what = "siren_ended" if siren else "ended"
                logs.say(_log, what, occurrence=occurrence, at=event.at, why=event.reason)
                self._memory.keep(Change(plays=(plays.ended(before, event, siren=siren),)))
            case Failed():
                self._hear_failure(event, before)

    def _mark(self, occurrence: OccurrenceId, *, siren: bool) -> None:
        self.sounding, self.siren_for = (None, occurrence) if siren else (occurrence, None)

    def _unmark(self, occurrence: OccurrenceId, *, siren: bool) -> None:
        if siren and self.siren_for == occurrence:
            self.siren_for = None
        elif not siren and self.sounding == occurrence:
            self.sounding = None

    def _hear_failure(self, event: Failed, before: Play) -> None:
        if self.unsure.covers(event.cue.start_at):
            logs.say(_log, "leapt_over", occurrence=before.occurrence)
            return
        logs.shout(_log, "decode_failed", occurrence=before.occurrence, detail=event.detail)
        report = self._problem(ProblemCode.DECODE_FAILED, event.detail, before.occurrence)
        self._memory.keep(Change(plays=(plays.failed(before, event),), reports=(report,)))

    # The plan.

    def _lay_out(self, now: datetime) -> None:
        self._memory.needs_plan = False
        config = self._memory.config
        if config is None:
            self._stale_at = now + timedelta(days=1)
            return
        self._advance_account(now)
        window = window_at(now, self._memory.accounted_at, config.settings.fetch_ahead_ms, config.tz)
        turned = self.plan is None or self.plan.window.from_at != window.from_at
        memory = self._memory
        self.plan = make_plan(
            memory.shelf, memory.sounds, config, window, memory.siren, presses=memory.presses
        )
        self._made_at, self._stale_at = now, broadcast_day(now, config.tz)[1]
        self._find_owed(self.plan, now)
        self._cue(now)
        self._to_tidy = self._to_tidy or turned
        if self._to_tidy and self._clock.monotonic() >= self._tidy_at_s:
            self._to_tidy = False
            self._tidy(self.plan)

    def _advance_account(self, now: datetime) -> None:
        """At the turn of the day: all before is reported, if nothing is owed. Never ahead of the clock."""
        if self._memory.accounted_at > now + EARLY:
            self._memory.keep(Change(accounted_at=to_whole_ms(now)))
        nothing_owed = not self._owed or self._owed[0][0] > now
        if self.plan is not None and now >= self._stale_at and nothing_owed:
            self._memory.keep(Change(accounted_at=to_whole_ms(now - _DOUBT)))

    def _find_owed(self, plan: Plan, now: datetime) -> None:
        reported, accounted_at = self._memory.reported, self._memory.accounted_at
        self._owed = [
            (outcome.at + SETTLE, name)
            for name, outcome in plan.outcomes.items()
            if name not in reported and (name in self._memory.plays or is_owed(plan, name, accounted_at))
        ]
        heapq.heapify(self._owed)
        self._missing = [
            (at, name)
            for name, at in plan.due_without_sound.items()
            if name not in reported and self._is_untold(name)
        ]
        heapq.heapify(self._missing)
        gone = [p for p in self._memory.plays.values() if p.occurrence not in plan.items and p.going is None]
        if gone:
            at = to_whole_ms(now)
            self._memory.keep(Change(reports=tuple(report_on_vanished(play, at) for play in gone)))

    def _is_untold(self, name: OccurrenceId) -> bool:
        """Whether nobody was told yet that it is due without its recording."""
        play = self._memory.plays.get(name)
        return play is None or (play.trouble is None and not play.own)

    def _cue(self, now: datetime) -> None:
        self._cue_at = now + _CUE_AGAIN
        if self.plan is None or self._player is None:
            return
        cues = make_cues(
            self.plan, now, now + CUES_AHEAD, running_since=self.running_since, path_of=self._path_of
        )
        cues = [cue for cue in cues if self._may_sound(self.plan, cue.occurrence)]
        cues += self._guests(now)
        self._witness.expect(cues)
        self._player.set_plan(cues)

    def _may_sound(self, plan: Plan, cue: str) -> bool:
        """Not what a clock that was set back would repeat, nor by a clock that nobody can rely on."""
        name = stood_for(cue)
        if name in self._memory.reported or had_its_turn(self._memory.plays.get(name), plan.items[name]):
            return False
        return self._clock.state() is not ClockState.UNTRUSTED or name in self.cleared

    def _path_of(self, recording: RecordingId) -> Path | None:
        if self._recordings.is_sound(recording):
            self.lost.discard(recording)
            return self._recordings.place(recording)
        self.lost.add(recording)
        if recording not in self._told_lost:
            self._told_lost.add(recording)
            detail = f"recording {recording} is gone or damaged; it is fetched anew"
            self._memory.keep(Change(reports=(self._problem(ProblemCode.RECORDING_CORRUPT, detail),)))
        return None

    def _tidy(self, plan: Plan) -> None:
        """At the turn of the day: forget what can no longer sound."""
        shelf = still_needed(self._memory.shelf, plan)
        gone = news(shelf, self._memory.shelf)
        marks = self._memory.reported_before(plan.window.from_at - _KEEP_MARKS)
        if marks or not gone.is_empty():
            self._memory.keep(Change(forget=gone, forget_reported=marks))
        self._told_lost &= self._recordings.here().keys() | self.lost
        logs.say(_log, "tidied", entries=len(gone.entries))

    # The journal.

    def _checkpoint(self, now: datetime) -> None:
        sounding = self.sounding or self.siren_for
        if sounding is None or self._clock.monotonic() < self._checkpoint_at_s:
            return
        self._checkpoint_at_s = self._clock.monotonic() + CHECKPOINT_S
        play = self._memory.plays.get(sounding)
        if play is not None and play.going is not None:
            self._memory.keep(Change(plays=(plays.still_sounding(play, now),)))

    def _miss(self, now: datetime) -> None:
        while self._missing and self._missing[0][0] <= now:
            _, name = heapq.heappop(self._missing)
            logs.shout(_log, "recording_missing", occurrence=name)
            detail = "due, and its recording has not arrived"
            play = self._memory.plays.get(name, Play(occurrence=name))
            self._memory.keep(
                Change(
                    plays=(plays.missed(play),),
                    reports=(self._problem(ProblemCode.RECORDING_MISSING, detail, name),),
                )
            )

    def _account(self, plan: Plan, now: datetime) -> None:
        drafts: list[Report] = []
        while self._owed and self._owed[0][0] <= now:
            _, name = heapq.heappop(self._owed)
            if self._still_goes_on(name, plan.outcomes[name].at, now):
                heapq.heappush(self._owed, (now + SETTLE, name))
            else:
                drafts += self._report(plan, name)
        if drafts:
            self._memory.keep(Change(reports=drafts, accounted_at=to_whole_ms(now - _DOUBT)))

    def _still_goes_on(self, name: OccurrenceId, over_at: datetime, now: datetime) -> bool:
        """Whether the player has yet to tell of the end, or ears of what it was; not without end."""
        if self._witness.is_busy(name):
            return True
        play = self._memory.plays.get(name)
        if play is None or play.going is None:
            return False
        if now < over_at + SETTLE + _PATIENCE:
            return True
        self._memory.keep(Change(plays=(plays.closed(plays.still_sounding(play, over_at)),)))
        return False

    def _report(self, plan: Plan, name: OccurrenceId) -> list[Report]:
        reality = Reality(
            plays=self._memory.plays, running_since=self.running_since, was_unsure=self.unsure.covers
        )
        report = report_on(plan, name, reality, self._evidence(plan, name))
        logs.say(
            _log, "over", occurrence=name, outcome=report.outcome, late_ms=report.late_ms, by=report.by or "-"
        )
        if report.evidence is None or report.evidence.rendered is not False:
            return [report]
        return [report, self._problem(ProblemCode.NOT_RENDERED, in_words(report.evidence), name)]

    def _problem(self, code: ProblemCode, detail: str, occurrence: OccurrenceId | None = None) -> Report:
        return problem(at=self._clock.now(), code=code, detail=detail, occurrence=occurrence)
