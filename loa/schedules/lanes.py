"""Those who wait: sorted lanes of candidates, the parked, and the deadlines of both."""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any

from loa.protocol.kinds import BroadcastClass
from loa.schedules.plays import Play, Refused, Stage

NEVER = 2**62
"""An instant after all others."""

_WAITING = Stage.WAITING

Entry = tuple[Any, int, Play]
"""Key, ticket, play; stale once the play has another ticket."""


class Lanes:
    """Lanes of waiting plays, by class, the suspended before those that have not begun.

    A play that the hours or minutes keep from sounding is parked until they change, so that it
    is not asked about again each time the channel is free.
    """

    def __init__(self) -> None:
        self._tickets = 0
        self.emergencies: list[Entry] = []
        self._ordinary: dict[tuple[BroadcastClass, bool], list[Entry]] = {
            (class_, begun): []
            for class_ in (BroadcastClass.PRIORITY, BroadcastClass.NORMAL)
            for begun in (True, False)
        }
        self._deadlines: list[tuple[int, int, Play]] = []
        self._for_hours: list[Play] = []
        self._for_minutes: dict[BroadcastClass, list[Entry]] = {
            BroadcastClass.PRIORITY: [],
            BroadcastClass.NORMAL: [],
        }
        self.wakes: list[int] = []
        self.waiting: set[Play] = set()

    def wait(self, play: Play, latest_ms: int) -> None:
        """Let a play wait for the channel until its latest instant."""
        play.stage = _WAITING
        play.key = play.sort_key()
        play.turn = self._ticket()
        self.waiting.add(play)
        heappush(self._deadlines, (latest_ms, play.turn, play))
        self._enter(play)

    def leave(self, play: Play, stage: Stage) -> None:
        """Let a play wait no longer."""
        play.stage = stage
        play.ticket = play.turn = 0
        self.waiting.discard(play)

    def sort_anew(self, play: Play) -> None:
        """Give a waiting play the place that its changed order asks for."""
        play.key = play.sort_key()
        if play.ticket:
            self._enter(play)

    def first_emergency(self) -> Play | None:
        """The waiting emergency that goes before the others."""
        return _top(self.emergencies)

    def candidates(self) -> Iterator[Play]:
        """Waiting plays but emergencies, best first; the caller takes or parks each before the next."""
        for lane in self._ordinary.values():
            while lane:
                _, ticket, play = lane[0]
                if play.ticket == ticket:
                    yield play
                else:
                    heappop(lane)

    def park(self, play: Play, refused: Refused) -> None:
        """Keep a play out of the lanes until the hours change or minutes are given back."""
        play.ticket = 0
        play.parked = refused
        if refused.ask_again_ms is None:
            heappush(self._for_minutes[play.class_], (play.duration, self._ticket(), play))
        else:
            self._for_hours.append(play)
            heappush(self.wakes, refused.ask_again_ms)

    def wake(self, at_ms: int) -> None:
        """Put those back who wait for hours that change at `at_ms`."""
        while self.wakes and self.wakes[0] <= at_ms:
            heappop(self.wakes)
        self._wake_hours()

    def wake_minutes(self, class_: BroadcastClass, free_ms: float) -> None:
        """Put those of a class back whose duration is at most `free_ms`."""
        parked = self._for_minutes[class_]
        while parked and parked[0][0] <= free_ms:
            self._come_back(heappop(parked)[2])

    def wake_all(self) -> None:
        """Put everybody back: another policy is in force."""
        self.wakes.clear()
        self._wake_hours()
        for class_ in self._for_minutes:
            self.wake_minutes(class_, float("inf"))

    def next_ms(self) -> int:
        """The next deadline or change of hours that somebody waits for, or NEVER."""
        deadline = self._deadline()
        if self.wakes and self.wakes[0] < deadline < NEVER:
            return self.wakes[0]
        return deadline

    def may_be_due(self, at_ms: int) -> bool:
        """Whether there is a deadline by `at_ms`, be it of one who no longer waits."""
        return bool(self._deadlines) and self._deadlines[0][0] <= at_ms

    def due(self, at_ms: int) -> list[Play]:
        """Take those whose latest instant is `at_ms` or before off the list of deadlines."""
        due = []
        while self._deadline() <= at_ms:
            due.append(heappop(self._deadlines)[2])
        return due

    def _deadline(self) -> int:
        deadlines = self._deadlines
        while deadlines:
            deadline, turn, play = deadlines[0]
            if play.turn == turn:
                return deadline
            heappop(deadlines)
        return NEVER

    def _wake_hours(self) -> None:
        parked, self._for_hours = self._for_hours, []
        for play in parked:
            self._come_back(play)

    def _come_back(self, play: Play) -> None:
        if play.parked is not None and play.stage is _WAITING:
            self._enter(play)

    def _enter(self, play: Play) -> None:
        play.parked = None
        play.ticket = self._ticket()
        lane = self.emergencies if play.emergency else self._ordinary[play.class_, play.begun]
        heappush(lane, (play.key, play.ticket, play))

    def _ticket(self) -> int:
        self._tickets += 1
        return self._tickets


def _top(lane: list[Entry]) -> Play | None:
    while lane and lane[0][2].ticket != lane[0][1]:
        heappop(lane)
    return lane[0][2] if lane else None
