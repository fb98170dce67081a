"""An item on its way through the sweep: its times as integers, and how far it has got."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any

from loa.protocol.ids import OccurrenceId, SilenceId, WithdrawalId
from loa.protocol.kinds import AfterInterruption, BroadcastClass, Late
from loa.protocol.reasons import Reason
from loa.protocol.units import from_ms, to_ms
from loa.schedules import localtime
from loa.schedules.errors import BadItemError
from loa.schedules.model import KNOWN_GRACE_MS, Item, Outcome, Refusal

_DAY_MS = 86_400_000
_EMERGENCY, _PRIORITY = BroadcastClass.EMERGENCY, BroadcastClass.PRIORITY
_REJOIN = AfterInterruption.REJOIN

By = OccurrenceId | SilenceId | WithdrawalId | None


class Stage(Enum):
    """Where in its life a play is."""

    AHEAD = auto()
    WAITING = auto()
    """Ready and not sounding: it has not begun, or it is suspended."""
    SOUNDING = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a play may not sound now, by which rule, and when to ask again.

    `ask_again_ms` None: once minutes are given back.
    """

    reason: Reason
    legal_source: str
    ask_again_ms: int | None


@dataclass(slots=True, eq=False, kw_only=True)
class Play:
    """The state of one item; all times are ms since the epoch."""

    item: Item
    id: OccurrenceId
    class_: BroadcastClass
    emergency: bool
    whole: bool
    authority: int
    start: int
    issued: int
    learnt: int
    ready: int
    not_after: int
    last_end: int
    duration: int
    day: int
    """Beginning of its broadcast day."""
    order: int
    clock: int | None = None
    """When its sound would have begun if it is bound to the clock, or None."""
    stage: Stage = Stage.AHEAD
    begun: bool = False
    offset: int = 0
    sounded: int = 0
    reserved: int = 0
    ticket: int = 0
    """Names its valid entry in a lane; 0 for none."""
    turn: int = 0
    """Names its valid deadline."""
    key: tuple[Any, ...] = field(default=())
    withdrawn: tuple[int, WithdrawalId] | None = None
    """When and by what it was withdrawn before it was ready."""
    parked: Refused | None = None
    """Why it is not in a lane although it waits."""

    def end_from(self, at_ms: int) -> int:
        """When its sound would be over if it went on at `at_ms`."""
        if self.clock is not None:
            return self.clock + self.duration
        return at_ms + self.duration - self.offset

    def is_spent(self, at_ms: int) -> bool:
        """Whether nothing of it can sound from `at_ms` on."""
        return min(self.end_from(at_ms), self.last_end) <= at_ms

    def latest(self) -> int:
        """The last instant at which it can begin or go on, whatever the hours allow."""
        if self.clock is not None:
            end = self.clock + self.duration
            latest = min(end, self.last_end) if end <= self.last_end or not self.whole else self.ready - 1
        elif self.whole:
            latest = self.last_end - self.duration + self.offset
        else:
            latest = self.last_end
        return latest if self.begun else min(latest, self.not_after)

    def go_on(self, at_ms: int) -> None:
        """Take the place in its sound at which it sounds from `at_ms` on."""
        if self.clock is not None:
            self.offset = at_ms - self.clock
        if not self.begun:
            rejoins = self.item.after_interruption is _REJOIN
            self.clock = at_ms - self.offset if rejoins else None
        self.begun = True

    def sort_key(self) -> tuple[Any, ...]:
        """Its place among those of its class."""
        if self.emergency:
            return (-self.authority, self.ready, self.issued, self.id)
        if self.class_ is _PRIORITY:
            return (self.order, -self.authority, self.start, self.issued, self.id)
        return (self.start, self.order, -self.authority, self.issued, self.id)


def effective_ms(issued_ms: int, known_at: datetime | None) -> int:
    """When a node counts as knowing what was issued at `issued_ms`: then, or at a late arrival."""
    if known_at is None:
        return issued_ms
    known_ms = to_ms(known_at)
    return known_ms if known_ms > issued_ms + KNOWN_GRACE_MS else issued_ms


def enter(items: Iterable[Item], tz: str) -> tuple[list[Play], list[Refusal]]:
    """One play an id, and what was refused because another body had taken its id before."""
    days = _Days(tz)
    firsts: dict[OccurrenceId, Play] = {}
    rivals: list[Play] = []
    for item in items:
        play = _play(item, days)
        if firsts.setdefault(play.id, play) is not play:
            rivals.append(play)
    return (list(firsts.values()), []) if not rivals else _settle(firsts, rivals)


def _settle(firsts: dict[OccurrenceId, Play], rivals: list[Play]) -> tuple[list[Play], list[Refusal]]:
    rivals = [*rivals, *(firsts[rival.id] for rival in rivals)]
    for rival in rivals:
        firsts[rival.id] = min(firsts[rival.id], rival, key=_precedence)
    bodies: dict[tuple[Any, ...], Play] = {}
    for rival in sorted(rivals, key=_precedence):
        bodies.setdefault((rival.id, _body(rival)), rival)
    refused = [play for play in bodies.values() if _body(play) != _body(firsts[play.id])]
    refused.sort(key=lambda play: (play.learnt, play.id, _precedence(play)))
    return list(firsts.values()), [
        Refusal(play.item, Outcome(Reason.CONFLICTING_BODY, from_ms(play.learnt))) for play in refused
    ]


def _precedence(play: Play) -> tuple[Any, ...]:
    return (play.learnt, play.ready, play.issued, play.item.approved_at, _body(play))


def _body(play: Play) -> tuple[Any, ...]:
    item = play.item
    return (
        *(play.class_, play.authority, play.start, play.duration, play.not_after, to_ms(item.last_end_at)),
        *(item.after_interruption, item.late, play.whole, item.order),
    )


class _Days:
    """Broadcast days, quick when asked for the same ones many times."""

    def __init__(self, tz: str) -> None:
        self._tz = tz
        self._met: dict[int, tuple[tuple[int, int], ...]] = {}

    def of(self, at: datetime, at_ms: int) -> tuple[int, int]:
        for day in self._met.get(at_ms // _DAY_MS, ()):
            if day[0] <= at_ms < day[1]:
                return day
        begin, end = localtime.broadcast_day(at, self._tz)
        day = to_ms(begin), to_ms(end)
        self._met[at_ms // _DAY_MS] = (*self._met.get(at_ms // _DAY_MS, ()), day)
        return day


def _play(item: Item, days: _Days) -> Play:
    if item.duration_ms <= 0:
        raise BadItemError(item.id, f"a duration of {item.duration_ms} ms; it must be positive")
    start, issued, last_end = to_ms(item.start_at), to_ms(item.issued_at), int(to_ms(item.last_end_at))
    learnt = issued if item.known_at is None else effective_ms(issued, item.known_at)
    day, day_end = days.of(item.start_at, start)
    emergency = item.class_ is _EMERGENCY
    play = Play(
        item=item,
        id=item.id,
        class_=item.class_,
        emergency=emergency,
        whole=item.whole,
        authority=item.authority,
        start=start,
        issued=issued,
        learnt=learnt,
        ready=max(start, learnt),
        not_after=to_ms(item.not_after_at),
        last_end=last_end if emergency else min(last_end, day_end),
        duration=item.duration_ms,
        day=day,
        order=item.order,
    )
    due = max(start, issued)
    if play.ready > due and item.late is Late.JOIN and not emergency:
        play.clock = due
    return play
