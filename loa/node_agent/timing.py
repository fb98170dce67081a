import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf
from random import Random

from loa.node_agent import logs
from loa.node_agent.core.clock import LIMIT_S
from loa.node_agent.core.gate import Named, cleared, emergencies
from loa.node_agent.core.leaps import NOTABLE, Leap
from loa.node_agent.core.plan import Plan
from loa.node_agent.core.reports import problem
from loa.node_agent.memory import Memory
from loa.node_agent.ports import Change, Message, NodeClock, Step
from loa.node_agent.sounding import Sounding
from loa.node_agent.telling import Answered, Telling
from loa.protocol.errors import ProtocolError
from loa.protocol.ids import OccurrenceId
from loa.protocol.reasons import ClockSource, ClockState, ProblemCode
from loa.protocol.topics import Channel, Topic

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 5.0, 600.0
"""An answer that is needed and does not come is asked for again after this time, then after twice as long."""
_LISTEN_ANEW = timedelta(seconds=30)
"""What a clock so wrong may have refused, as from the future, is listened for again."""
_AFTER = timedelta(milliseconds=1)
"""What an earlier run stamped is not to be taken for a stamp of this one."""
_MOST_WAITING = 64
_FINE_S = 0.001
"""Neighbours whose clocks are so certain sound as one."""
_MORE, _MORE_EVERY_S = 6, 1.0
"""So often the time is asked once more when it was told for the first time, and was not so certain."""
_OF_AREAS = {Channel.URGENT, Channel.PROGRAMME, Channel.CONFIG}

_log = logging.getLogger(__name__)


class Timing:
    """Keeps the clock: follows what the machine says, asks the controller, and heals what a wrong clock did.

    Until somebody has told the time in this boot, what comes from the controller waits: nobody could say when
    it came, nor whether it is of now.
    """

    def __init__(
        self, *, clock: NodeClock, memory: Memory, sounding: Sounding, telling: Telling, random: Random
    ) -> None:
        self._clock = clock
        self._memory = memory
        self._sounding = sounding
        self._telling = telling
        self._random = random
        self._waiting: deque[Message] = deque(maxlen=_MOST_WAITING)
        self._state: ClockState | None = None
        self._seen: tuple[int, Plan | None, Named | None] | None = None
        self._ask_at_s = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._more, self._more_at_s = 0, inf
        self._told_apart = False
        self._asked_about: set[OccurrenceId] = set()

    def recover(self) -> None:
        """Read the clock for the first time; nobody has relied on it yet."""
        goes_on = self._clock.is_set
        self._raise()
        step = self._clock.look()
        if step is not None and goes_on:
            self._mind(step, was_set=True)
        elif step is not None:
            self._heal(step, was_set=False)
        self._note_state()

    def turn(self) -> None:
        """Follow the clock, and ask for the time where that would help. Quick when all is well."""
        was_set = self._clock.is_set
        self._mind(self._clock.look(), was_set=was_set)
        self._note_state()
        if self._state is ClockState.UNTRUSTED:
            self._mind_the_gate()
        self._ask()

    def holds(self, message: Message) -> bool:
        """Whether the message has to wait until somebody has told the time; it is then kept here."""
        if self._clock.is_set:
            return False
        try:
            waits = Topic.parse(message.topic).channel in _OF_AREAS
        except ProtocolError:
            return False
        if waits:
            logs.say(_log, "waits_for_the_time", topic=message.topic)
            self._waiting.append(message)
        return waits

    def released(self) -> list[Message]:
        """What waited and need not wait any longer; it counts as coming now."""
        if not self._waiting or not self._clock.is_set:
            return []
        now = self._clock.now()
        messages = [replace(one, at=now) for one in self._waiting]
        self._waiting.clear()
        return messages

    def take(self, answered: Answered) -> None:
        """The controller answered a nonce of ours."""
        answer, was_set = answered.answer, self._clock.is_set
        self._memory.named = Named(at=answer.at, current=dict(answer.current))
        step = self._clock.take_answer(answer.exact_at, answered.round_trip_s, answered.came_s)
        self._mind(step, was_set=was_set)
        self._compare()
        self._note_state()
        self._refine(is_first=not was_set)

    # What the clock does.

    def _mind(self, step: Step | None, *, was_set: bool) -> None:
        if step is None or abs(step.by) < NOTABLE:
            return
        self._heal(step, was_set=was_set)
        self._tell(step)
        if was_set and abs(step.by) > _LISTEN_ANEW:
            self._telling.listen_anew()

    def _heal(self, step: Step, *, was_set: bool) -> None:
        leap = Leap(was=step.was, now=step.now, since=self._memory.since, was_set=was_set)
        self._memory.heal(leap)
        self._sounding.heal(leap)

    def _tell(self, step: Step) -> None:
        reading = self._clock.reading()
        by_s = step.by.total_seconds()
        way = "forward" if by_s > 0 else "back"
        detail = f"the clock was set {way} by {abs(by_s):.1f} s, by {reading.source or 'what is known'}"
        logs.shout(_log, "clock_jumped", by_s=round(by_s, 1), source=reading.source)
        self._report(ProblemCode.CLOCK_JUMPED, detail)

    def _compare(self) -> None:
        """Say so if the controller's clock differs from one that its answer may not set."""
        reading = self._clock.reading()
        if reading.apart_s is None or reading.state is ClockState.UNTRUSTED:
            return
        doubt_s = reading.apart_error_s + (reading.error_s or 0.0)
        if abs(reading.apart_s) <= LIMIT_S + doubt_s or self._told_apart:
            return
        self._told_apart = True
        logs.shout(_log, "clock_disagrees", apart_s=round(reading.apart_s, 1), source=reading.source)
        detail = (
            f"the controller's clock is {reading.apart_s:+.1f} s ahead of the one that {reading.source} keeps"
        )
        self._report(ProblemCode.CLOCK_DISAGREES, detail)

    def _note_state(self) -> None:
        state, before = self._clock.state(), self._state
        if state is before:
            return
        self._state = state
        reading = self._clock.reading()
        logs.say(_log, "clock", state=state, source=reading.source, error_s=reading.error_s)
        is_sure = state is not ClockState.UNTRUSTED
        if before is None or is_sure is not (before is not ClockState.UNTRUSTED):
            self._sounding.trust(self._clock.now(), is_sure=is_sure)
            self._memory.needs_plan = True
        if before is not None and not is_sure:
            self._let_go_on()

    # What may sound all the same.

    def _let_go_on(self) -> None:
        """Emergencies that came while the clock was good are no old ones."""
        plan = self._sounding.plan
        if plan is not None:
            self._sounding.cleared |= emergencies(plan)

    def _mind_the_gate(self) -> None:
        """Let emergencies sound that an answer names, and ask about others."""
        plan = self._sounding.plan
        seen = self._memory.revision, plan, self._memory.named
        if seen == self._seen:
            return
        self._seen = seen
        self._raise()
        if plan is None:
            return
        known = cleared(plan, self._memory.shelf, self._memory.held, self._memory.named)
        if known - self._sounding.cleared:
            self._sounding.cleared |= known
            self._memory.needs_plan = True
        if news := emergencies(plan) - self._sounding.cleared - self._asked_about:
            self._asked_about |= news
            self._ask_at_s, self._pause_s = 0.0, _FIRST_PAUSE_S

    def _raise(self) -> None:
        """It is not earlier than anything genuine that was said, nor than anything that was done."""
        newest = max(_stamps(self._memory), default=None)
        step = self._clock.not_before(newest + _AFTER) if newest else None
        if step is not None:
            self._heal(step, was_set=self._clock.is_set)

    # Asking.

    def _refine(self, *, is_first: bool) -> None:
        """Ask some more times after the first answer: of many ways the shortest says best what time it is."""
        self._more = _MORE if is_first else max(0, self._more - 1)
        reading = self._clock.reading()
        is_fine = reading.source is not ClockSource.ANSWER or (reading.error_s or 0.0) <= _FINE_S
        self._more_at_s = inf if is_fine or not self._more else self._clock.monotonic() + _MORE_EVERY_S

    def _ask(self) -> None:
        is_quiet = self._sounding.sounding is None
        if is_quiet and self._clock.monotonic() >= self._more_at_s and self._telling.ask():
            self._more_at_s = inf
        if not self._clock.wants_answer:
            self._ask_at_s, self._pause_s = 0.0, _FIRST_PAUSE_S
            return
        now_s = self._clock.monotonic()
        is_busy = self._state is not ClockState.UNTRUSTED and self._sounding.sounding is not None
        if now_s < self._ask_at_s or is_busy or not self._telling.ask():
            return
        self._ask_at_s = now_s + self._random.uniform(0.5, 1.0) * self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def _report(self, code: ProblemCode, detail: str) -> None:
        self._memory.keep(Change(reports=(problem(at=self._clock.now(), code=code, detail=detail),)))


def _stamps(memory: Memory) -> Iterator[datetime]:
    """Instants that have been, by a clock that could be relied on then."""
    if memory.config is not None:
        yield memory.config.issued_at
    shelf = memory.shelf
    for part in (shelf.entries, shelf.withdrawals, shelf.silences):
        for seen in part.values():
            yield max(seen.said.issued_at, seen.known_at)
    yield from memory.sounds.values()
    for play in memory.plays.values():
        yield from (one.to_at for one in play.stretches)
