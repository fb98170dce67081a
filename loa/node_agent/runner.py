import logging
from collections.abc import Callable
from dataclasses import replace
from queue import Empty, Queue

from loa.node_agent import logs
from loa.node_agent.core.reports import problem
from loa.node_agent.fetching import Fetching
from loa.node_agent.intake import Intake
from loa.node_agent.memory import Memory
from loa.node_agent.ports import (
    Arrival,
    Change,
    Courier,
    Crashed,
    Disk,
    Downloads,
    Fetched,
    FetchTrouble,
    Message,
    Pressed,
    Timekeeper,
    Trouble,
    Upkeep,
    Watchdog,
)
from loa.node_agent.sounding import Sounding
from loa.node_agent.stopping import Stopping
from loa.node_agent.telling import Telling
from loa.node_agent.timing import Timing
from loa.node_agent.updating import Updating
from loa.node_agent.wired import Wired
from loa.protocol.reasons import ProblemCode

LOOK_EVERY_S = 0.25
"""How long the loop waits for an arrival before it looks at the player and the clock again."""
_MOST_AT_ONCE = 100

_log = logging.getLogger(__name__)


class Agent:
    """The one loop of a node: take what comes, lay out, play, report. All parts run in its thread."""

    def __init__(
        self,
        *,
        inbox: Queue[Arrival],
        memory: Memory,
        disk: Disk,
        intake: Intake,
        sounding: Sounding,
        fetching: Fetching,
        telling: Telling,
        stopping: Stopping,
        wired: Wired,
        timing: Timing,
        updating: Updating,
        upkeep: Upkeep,
        courier: Courier,
        downloads: Downloads,
        clock: Timekeeper,
        watchdog: Watchdog,
    ) -> None:
        self._inbox = inbox
        self._memory = memory
        self._disk = disk
        self._intake = intake
        self._sounding = sounding
        self._fetching = fetching
        self._telling = telling
        self._stopping = stopping
        self._wired = wired
        self._timing = timing
        self._updating = updating
        self._upkeep = upkeep
        self._courier = courier
        self._downloads = downloads
        self._clock = clock
        self._watchdog = watchdog
        self._lost = 0

    def run(self, is_stopped: Callable[[], bool]) -> None:
        """Play what the disk holds, then listen to the network, until told to stop.

        Raises what ended a thread that must not end. Leaves everything written and closed.
        """
        try:
            self.recover()
            self._watchdog.ready()
            while not (is_stopped() or self._updating.is_leaving):
                self._take_all()
                self.turn()
                self._watchdog.alive(self._clock.monotonic())
        finally:
            self._close()

    def turn(self) -> None:
        """Everything that is due now."""
        self._stopping.turn()
        self._timing.turn()
        for message in self._timing.released():
            self._take_message(message)
        self._sounding.turn()
        self._updating.turn()
        self._fetching.turn()
        self._mind_overflow()
        self._upkeep.follow(self._memory.config.address if self._memory.config else None)
        self._memory.flush()
        self._telling.turn()

    def recover(self) -> None:
        """Take up what the disk holds, before the network is there."""
        if self._disk.was_corrupt:
            detail = "the journal could not be read; it was set aside and begun anew"
            self._tell(ProblemCode.JOURNAL_CORRUPT, detail)
        self._timing.recover()
        self._sounding.recover()
        self._fetching.recover()
        self._sounding.turn()
        self._courier.start()
        self._upkeep.start()
        logs.say(_log, "running", journal=self._disk.journal_id, entries=len(self._memory.shelf.entries))

    def _take_all(self) -> None:
        """Wait a little for an arrival, and take what else is there."""
        try:
            self.take(self._inbox.get(timeout=LOOK_EVERY_S))
            for _ in range(_MOST_AT_ONCE):
                self.take(self._inbox.get_nowait())
        except Empty:
            return

    def take(self, arrival: Arrival) -> None:
        """Take in one thing that another thread handed over.

        It counts as coming now: the clock may have been set since the other thread looked at it.
        """
        if isinstance(arrival, Message | Fetched):
            arrival = replace(arrival, at=self._clock.now())
        match arrival:
            case Message():
                if not self._timing.holds(arrival):
                    self._take_message(arrival)
            case Fetched():
                if not self._updating.take(arrival):
                    self._fetching.take(arrival)
            case FetchTrouble():
                self._suffer(arrival)
            case Pressed():
                self._stopping.take(arrival)
            case Trouble():
                self._tell(arrival.code, arrival.detail)
            case Crashed():
                logs.shout(_log, "crashed", what=arrival.what, detail=repr(arrival.error))
                raise arrival.error

    def _suffer(self, trouble: FetchTrouble) -> None:
        if not self._updating.suffer(trouble):
            self._fetching.suffer(trouble)

    def _take_message(self, message: Message) -> None:
        said = self._intake.take(message)
        if said is None:
            return
        self._updating.heard()
        if (answered := self._telling.take(said, message.came_s)) is not None:
            self._timing.take(answered)

    def _mind_overflow(self) -> None:
        """What was dropped comes again: retained messages by listening anew, the rest by the next hello."""
        lost = self._courier.lost
        if lost == self._lost or not self._inbox.empty():
            return
        logs.shout(_log, "queue_overflow", lost=lost - self._lost)
        self._tell(ProblemCode.QUEUE_OVERFLOW, f"{lost - self._lost} messages were dropped")
        self._lost = lost
        self._telling.listen_anew()

    def _tell(self, code: ProblemCode, detail: str) -> None:
        self._memory.keep(Change(reports=(problem(at=self._clock.now(), code=code, detail=detail),)))

    def _close(self) -> None:
        self._watchdog.stopping()
        self._sounding.close()
        self._wired.close()
        self._upkeep.close()
        self._courier.close()
        self._downloads.close()
        self._telling.close()
        self._memory.flush(at_last=True)
        self._disk.close()
        logs.say(_log, "stopped")
