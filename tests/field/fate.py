"""Draws faults by the seed, each with its moment relative to what sounds, and does and heals them in time."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tests.field.kinds import HEALED, KINDS, OF_ALL, Stage, Steps
from tests.field.ledger import Fault
from tests.field.world import Pole

_BOUND_S = 160.0
"""For what a fault waits for before it is healed."""
_RESTART_S = 1.0
"""After which systemd starts an agent again that ended by itself."""
_PHASES = ("before", "begin", "middle", "end", "after", "whenever")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A fault to come."""

    kind: str
    choice: float
    """0 to 1: which of the nodes that are well."""
    gap_s: float
    """Since the one before."""
    phase: str
    patience_s: float
    """It is not waited longer for its moment."""


@dataclass(slots=True)
class _Active:
    """A fault on its way to being healed."""

    fault: Fault
    steps: Steps
    look: Callable[[], bool]
    ends_s: float


class Fate:
    """`turn` does whatever is due; at most one fault a node at a time, and one that concerns all."""

    def __init__(self, stage: Stage, drawn: Sequence[Drawn]) -> None:
        self._stage = stage
        self._drawn = list(drawn)
        self._done = 0
        self._active: list[_Active] = []
        self._last_s = time.monotonic()
        self._died_at_s: dict[str, float] = {}

    @property
    def left(self) -> int:
        """Faults that are still to come."""
        return len(self._drawn)

    def has_done(self, count: int) -> bool:
        """Whether so many were done."""
        return self._done >= count

    @property
    def is_healed(self) -> bool:
        """Whether every cause is gone."""
        return not self._taken

    @property
    def is_calm(self) -> bool:
        """Whether every effect is gone, too."""
        return not self._active

    def turn(self, *, more: bool) -> None:
        """Heal what is due; with `more`, do the next one if it is time; start agents that ended."""
        for active in list(self._active):
            self._go_on(active)
        if more and self._drawn and self._is_time(self._drawn[0]):
            self._begin(self._drawn[0])
        for pole in self._stage.parish.poles:
            self._mind(pole)

    def _is_time(self, drawn: Drawn) -> bool:
        waited_s = time.monotonic() - self._last_s - drawn.gap_s
        return waited_s >= 0 and (waited_s > drawn.patience_s or self._is_moment(drawn.phase))

    def _is_moment(self, phase: str) -> bool:
        """Whether something that sounds, or is about to, is at this phase."""
        at = self._stage.parish.now()
        pieces = [piece for due in self._stage.ledger.dues[-12:] for piece in due.pieces]
        for piece in pieces:
            since_s, left_s = (
                (at - piece.when.from_at).total_seconds(),
                (piece.when.to_at - at).total_seconds(),
            )
            found = {
                "before": -1.5 < since_s < -0.3,
                "begin": 0 <= since_s < 0.3,
                "middle": since_s > 0.5 and left_s > 0.5,
                "end": 0 <= left_s < 0.3,
                "after": -1.3 < left_s < 0,
            }
            if found.get(phase, True):
                return True
        return phase == "whenever"

    def _begin(self, drawn: Drawn) -> None:
        pole = self._victim(drawn)
        if pole is None:
            return
        self._drawn.pop(0)
        self._done += 1
        self._last_s = time.monotonic()
        stage = self._stage
        name = None if drawn.kind in OF_ALL else pole.name
        fault = Fault(len(stage.ledger.faults) + 1, drawn.kind, name, stage.parish.now())
        stage.ledger.faults.append(fault)
        steps = KINDS[drawn.kind](stage, fault, pole)
        active = _Active(fault, steps, lambda: True, self._last_s + _BOUND_S)
        self._active.append(active)
        self._go_on(active)

    @property
    def _taken(self) -> set[str | None]:
        """To whom something is done that is not healed."""
        return {active.fault.node for active in self._active if active.fault.healed_at is None}

    def _victim(self, drawn: Drawn) -> Pole | None:
        """A node that nothing is done to; for what concerns all, any."""
        poles = self._stage.parish.poles
        if drawn.kind in OF_ALL:
            free = [] if None in self._taken else poles
        else:
            taken = self._taken
            free = [pole for pole in poles if pole.name not in taken and pole.wanted]
        return free[int(drawn.choice * len(free))] if free else None

    def _go_on(self, active: _Active) -> None:
        while active.look():
            try:
                told = next(active.steps)
            except StopIteration:
                self._heal(active.fault)
                self._active.remove(active)
                return
            if told is HEALED:
                self._heal(active.fault)
                continue
            active.look = told if callable(told) else _after(told)
            active.ends_s = time.monotonic() + _BOUND_S
        if time.monotonic() > active.ends_s:
            self._stage.ledger.unhealed.append(active.fault)
            self._active.remove(active)

    def _heal(self, fault: Fault) -> None:
        fault.healed_at = fault.healed_at or self._stage.parish.now()

    def _mind(self, pole: Pole) -> None:
        """As systemd does."""
        if not pole.has_died:
            return
        died_s = self._died_at_s.setdefault(pole.name, time.monotonic())
        if time.monotonic() - died_s < _RESTART_S:
            return
        del self._died_at_s[pole.name]
        for fault in [one for one in self._stage.ledger.faults if one.node in {None, pole.name}][-1:]:
            fault.deaths += 1
        pole.start()


def draw(dice: Random, count: int, kinds: Sequence[str], pace_s: float) -> list[Drawn]:
    """Each kind as often as the others, in an order of its own; on average one in `pace_s`."""
    deck = _decks(dice, kinds)
    return [
        Drawn(next(deck), dice.random(), dice.uniform(0.3, 1.2) * pace_s, dice.choice(_PHASES), pace_s)
        for _ in range(count)
    ]


def _decks(dice: Random, kinds: Sequence[str]) -> Iterator[str]:
    while True:
        deck = list(kinds)
        dice.shuffle(deck)
        yield from deck


def _after(wait_s: float) -> Callable[[], bool]:
    ends_s = time.monotonic() + wait_s
    return lambda: time.monotonic() >= ends_s
