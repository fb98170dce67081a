import logging
from collections.abc import Callable
from datetime import timedelta
from random import Random

from loa.node_agent import logs
from loa.node_agent.core.ledger import Ledger, Outcome, Phase, Word
from loa.node_agent.core.plan import Plan
from loa.node_agent.core.reports import UNNUMBERED, problem, refusal
from loa.node_agent.core.wish import (
    MOST_REMEMBERED,
    Unfit,
    Unwanted,
    go_for,
    judge_manifest,
    judge_pointer,
    quiet_for,
    target_of,
)
from loa.node_agent.errors import WrongDigestError
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Change, Fetched, FetchTrouble, Job, Timekeeper
from loa.node_agent.update_ports import Site
from loa.protocol.errors import ProtocolError
from loa.protocol.ids import BootId, NodeId, OccurrenceId
from loa.protocol.programme import ReleasePointer
from loa.protocol.reasons import ProblemCode, RefusalReason
from loa.protocol.release import Manifest
from loa.protocol.reports import UpdateReport
from loa.protocol.topics import Channel, Topic

_LOOK_EVERY_S = 2.0
_NO_UPDATER_S = 60.0
"""So long after its start an agent believes that its updater may yet come up."""
_SAY_AGAIN_S = 600.0
"""A wish that nothing came of is written again: what wakes the updater may have missed the first time."""
_MOST_WRONG = 3
_RESERVE_BYTES = 100_000_000
"""What a bundle leaves free, for journal and recordings."""
_SECOND = timedelta(seconds=1)

_log = logging.getLogger(__name__)


class Updating:
    """The agent's part of an update: fetch what is pointed to, verify it, and let go at a quiet moment.

    The updater installs and judges; the two speak through a file each way.
    """

    def __init__(
        self,
        *,
        memory: Memory,
        site: Site,
        node: NodeId,
        runs: str,
        boot_id: BootId,
        pid: int,
        clock: Timekeeper,
        random: Random,
        plan: Callable[[], Plan | None],
        sounding: Callable[[], OccurrenceId | None],
        is_connected: Callable[[], bool],
    ) -> None:
        self._memory = memory
        self._site = site
        self._topic = str(Topic(Channel.CONFIG, node))
        self._runs = runs
        self._clock = clock
        self._random = random
        self._plan = plan
        self._sounding = sounding
        self._is_connected = is_connected
        self._told_full: ReleasePointer | None = None
        self._began_s = clock.monotonic()
        self._look_at_s = self._began_s
        self._word = Word(version=runs, pid=pid, boot_id=boot_id)
        self._said: Word | None = None
        self._said_s = self._began_s
        self._ledger: Ledger | None = None
        self._job: Job | None = None
        self._wanted: ReleasePointer | None = None
        self._ledger_is_new = True
        self._manifest: Manifest | None = None
        self._ready_s: float | None = None
        self._heard = False
        self.is_leaving = False
        """The agent is to end, so that its service starts the version that was switched to."""

    def turn(self) -> None:
        """Whatever an update needs now; cheap where there is none."""
        now_s = self._clock.monotonic()
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + _LOOK_EVERY_S
        self._ledger = self._site.ledger()
        if self._ledger is not None:
            self._tell(self._ledger)
            self._follow(self._ledger, now_s)
        elif now_s - self._began_s > _NO_UPDATER_S:
            self._miss_the_updater()

    def jobs(self) -> list[Job]:
        """The bundle, if one is to be fetched."""
        return [self._job] if self._job else []

    def take(self, fetched: Fetched) -> bool:
        """Take in what came if it is the bundle; whether it was."""
        if fetched.job != self._job:
            return False
        self._job = None
        self._look_at_s = self._clock.monotonic()
        return True

    def suffer(self, trouble: FetchTrouble) -> bool:
        """Whether it was the bundle that came with other bytes too often: each time costs a SIM its size."""
        pointer = self._wanted
        if pointer is None or trouble.job != self._job or not isinstance(trouble.error, WrongDigestError):
            return False
        if trouble.attempt >= _MOST_WRONG:
            self._refuse(pointer, Unfit(RefusalReason.WRONG_DIGEST, str(trouble.error)))
        return True

    def heard(self) -> None:
        """The controller answered or receipted: this version reports."""
        if not self._heard:
            self._heard = True
            self._look_at_s = self._clock.monotonic()

    # What the updater did.

    def _tell(self, ledger: Ledger) -> None:
        memory = self._memory.update
        # a ledger that was lost and begun anew counts from the beginning
        told_up_to = memory.told if memory.told <= ledger.last_number else 0
        news = [one for one in ledger.outcomes if one.number > told_up_to]
        if not news:
            return
        told = memory.model_copy(update={"told": news[-1].number})
        self._memory.keep(Change(update=told, reports=tuple(_report(one) for one in news)))
        for one in news:
            logs.say(_log, "update", version=one.target.version, outcome=one.outcome, detail=one.detail)

    # What is to be done.

    def _follow(self, ledger: Ledger, now_s: float) -> None:
        pointer = self._memory.config.release if self._memory.config else None
        wanted = pointer if pointer is not None and self._is_wanted(pointer, ledger) else None
        if wanted != self._wanted or self._ledger_is_new:
            self._wanted, self._job, self._manifest = wanted, None, None
            self._site.keep_only(wanted.sha256 if wanted else None)
            self._ledger_is_new = False
        wants = target_of(wanted) if wanted is not None and self._is_here(wanted) else None
        bad, go_until_s = self._word.bad, None
        if ledger.phase is Phase.READY and wants == ledger.target and wants is not None:
            bad, go_until_s = self._prepare(wants.version, now_s)
        elif ledger.phase in {Phase.IDLE, Phase.INSTALLING}:
            bad, self._ready_s = None, None
        self._leave(ledger, now_s)
        if ledger.phase is Phase.IDLE and wants is not None and now_s - self._said_s >= _SAY_AGAIN_S:
            self._said = None
        self._speak(wants=wants, bad=bad, go_until_s=go_until_s, heard=self._trial(ledger))

    def _is_wanted(self, pointer: ReleasePointer, ledger: Ledger) -> bool:
        verdict = judge_pointer(pointer, runs=self._runs, ledger=ledger, memory=self._memory.update)
        if isinstance(verdict, Unfit):
            self._refuse(pointer, verdict)
        return not isinstance(verdict, Unfit | Unwanted)

    def _is_here(self, pointer: ReleasePointer) -> bool:
        """Whether its bundle came and is in order; else it is fetched."""
        if self._manifest is not None:
            return True
        if self._job is not None:
            return False
        place = self._site.place(pointer.sha256)
        if place.exists():
            return self._verify(pointer)
        if not self._has_room(pointer):
            return False
        wait_s = self._random.uniform(0, pointer.spread_ms / 1000)
        self._job = Job(
            path=f"/api/v1/releases/{pointer.sha256}/content",
            sha256=pointer.sha256,
            size_bytes=pointer.size_bytes,
            into=place,
            not_before=self._clock.monotonic() + wait_s,
        )
        logs.say(_log, "release_wanted", version=pointer.version, sha256=pointer.sha256, in_s=round(wait_s))
        return False

    def _has_room(self, pointer: ReleasePointer) -> bool:
        """Journal and recordings go before an update."""
        free_bytes = self._site.free_bytes()
        if free_bytes >= pointer.size_bytes + _RESERVE_BYTES:
            return True
        if self._told_full != pointer:
            self._told_full = pointer
            detail = f"a release of {pointer.size_bytes} bytes is put off: {free_bytes} bytes are free"
            draft = problem(at=self._clock.now(), code=ProblemCode.DISK_FULL, detail=detail)
            self._memory.keep(Change(reports=(draft,)))
        return False

    def _verify(self, pointer: ReleasePointer) -> bool:
        try:
            manifest = self._site.manifest(pointer.sha256)
        except ProtocolError as error:
            self._refuse(pointer, Unfit(error.reason, str(error)))
            return False
        verdict = judge_manifest(manifest, pointer, runs=self._runs, machine=self._site.machine)
        if isinstance(verdict, Unfit):
            self._refuse(pointer, verdict)
            return False
        self._manifest = manifest
        return True

    def _refuse(self, pointer: ReleasePointer, unfit: Unfit) -> None:
        """Reported and remembered in one write, so that neither happens twice."""
        logs.shout(_log, "release_refused", version=pointer.version, reason=unfit.reason, detail=unfit.detail)
        at, memory = self._clock.now(), self._memory.update
        refused = (*memory.refused, target_of(pointer))[-MOST_REMEMBERED:]
        draft = refusal(
            at=at, topic=self._topic, reason=unfit.reason, detail=unfit.detail, sha256=pointer.sha256
        )
        self._memory.keep(Change(update=memory.model_copy(update={"refused": refused}), reports=(draft,)))

    def _miss_the_updater(self) -> None:
        pointer = self._memory.config.release if self._memory.config else None
        if pointer is None or pointer.version == self._runs:
            return
        if target_of(pointer) not in self._memory.update.refused:
            why = "there is no updater on this machine; install the node anew with its services"
            self._refuse(pointer, Unfit(RefusalReason.UNSUITABLE, why))

    def _prepare(self, version: str, now_s: float) -> tuple[str | None, float | None]:
        """Whether the new version is bad, else until when the updater may switch to it."""
        checked = self._site.check(version)
        if checked is None or checked.why is not None:
            return (checked.why if checked else None), None
        self._ready_s = now_s if self._ready_s is None else self._ready_s
        quiet = self._quiet(now_s)
        if quiet is None or not self._is_connected():
            return None, None
        until_s, said_s = now_s + quiet / _SECOND, self._word.go_until_s
        # what was said holds for a while: the file need not be written every time
        is_fresh = said_s is not None and now_s + quiet / _SECOND / 2 < said_s <= until_s
        return None, said_s if is_fresh else until_s

    def _quiet(self, now_s: float) -> timedelta | None:
        if self._sounding() is not None:
            return None
        after_ms = self._manifest.urgent_after_ms if self._manifest else None
        waited_ms = (now_s - self._ready_s) * 1000 if self._ready_s is not None else 0
        is_overdue = after_ms is not None and waited_ms >= after_ms
        return go_for(quiet_for(self._plan(), self._clock.now()), is_overdue=is_overdue)

    def _leave(self, ledger: Ledger, now_s: float) -> None:
        """Another version is to run, and this moment cuts nothing off."""
        is_due = ledger.phase in {Phase.SWITCHED, Phase.TRIAL} and ledger.target is not None
        if is_due and ledger.target is not None and ledger.target.version != self._runs:
            self.is_leaving = self._quiet(now_s) is not None
            if self.is_leaving:
                logs.say(_log, "leaving", runs=self._runs, next=ledger.target.version)

    def _trial(self, ledger: Ledger) -> str | None:
        is_mine = ledger.target is not None and ledger.target.version == self._runs
        return ledger.trial if self._heard and is_mine else self._word.heard

    def _speak(self, **said: object) -> None:
        word = self._word.model_copy(update=said)
        if word == self._said:
            return
        self._word = word
        try:
            self._site.say(word)
        except OSError as error:
            logs.shout(_log, "updater_not_told", detail=error)
            return
        self._said, self._said_s = word, self._clock.monotonic()


def _report(told: Outcome) -> UpdateReport:
    return UpdateReport(
        number=UNNUMBERED,
        at=told.at,
        rollout=told.target.rollout,
        sha256=told.target.sha256,
        version=told.target.version,
        runs=told.runs,
        outcome=told.outcome,
        detail=told.detail,
    )
