"""Hours without a network, in seconds: time passes for all where nothing has to sound."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from tests.field.kinds import FETCH, WARM, Stage
from tests.field.ledger import Due, Fault, Span, Stretch, whole
from tests.field.proxy import Flow, Weather
from tests.field.scenes import Scenes, off_the_turn
from tests.field.studio import Take
from tests.flow.office import Announced
from tests.flow.times import seconds
from tests.waiting import wait_for

_WAKE = seconds(9)
"""So long before something is due time goes at its usual pace again."""
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_WITHIN_S = 180.0
_LEAST_FAULTS, _MOST = 10, 8
"""Of a campaign; and of its nights, or what stands ready for later days would sound in it."""
KINDS = ("hours_cut_off", "day_without_power")


class Nights:
    """Each is a fault that concerns all nodes; everything else is healed and at rest before it begins."""

    def __init__(self, stage: Stage, scenes: Scenes, dice: Random) -> None:
        self._stage = stage
        self._scenes = scenes
        self._dice = dice
        self._days = 0

    def begin(self, kind: str, daily: tuple[Announced, Take]) -> None:
        """Returns when it is over."""
        parish, ledger = self._stage.parish, self._stage.ledger
        fault = Fault(len(ledger.faults) + 1, kind, None, parish.now())
        ledger.faults.append(fault)
        if kind == KINDS[0]:
            self._cut_off(fault)
        else:
            self._without_power(fault, daily)
        fault.healed_at = parish.now()
        self._scenes.hold_until(parish.now() + seconds(2))

    def _cut_off(self, fault: Fault) -> None:
        """Hours in which the nodes run and nobody hears of them."""
        count = self._dice.choice((1, 2, 3)) if self._stage.is_long else 1
        dues = [self._announce(hour) for hour in range(1, count + 1)]
        fault.what = f"{count} h"
        self._let_it_arrive(dues)
        self._cut(fault)
        for due in dues:
            self._live_through(due.planned_at, due.length)
        self._heal(fault)

    def _without_power(self, fault: Fault, daily: tuple[Announced, Take]) -> None:
        """What is due while they are off is lost, and told; then they come back, without a network."""
        parish = self._stage.parish
        lost = self._announce(1)
        self._let_it_arrive([lost])
        self._cut(fault)
        off_at = parish.now()
        for pole in parish.poles:
            pole.kill()
        self._days += 1
        announced, take = daily
        again_at = announced.first_at + self._days * _DAY
        fault.what = f"{(again_at - parish.now()).total_seconds() / 3600:.0f} h"
        self._pass_until(again_at - 2 * _WAKE)
        for pole in parish.poles:
            pole.start()
        self._stage.ledger.spans.append(Span(None, Stretch(off_at, again_at - _WAKE), fault.kind, mute=True))
        due = self._scenes.expect("daily", announced, take, again_at, whole(again_at, take.sound.length))
        self._live_through(due.planned_at, due.length)
        self._heal(fault)

    def _announce(self, hour: int) -> Due:
        at = (self._stage.parish.now() + hour * _HOUR).replace(microsecond=0)
        return self._scenes.announce_one("night", 2, off_the_turn(at, seconds(4)))

    def _let_it_arrive(self, dues: list[Due]) -> None:
        """By what is seen from the outside: every loudspeaker says that it holds the programme."""
        wanted = {(due.occurrence, pole.name) for due in dues for pole in self._stage.parish.poles}

        def has_arrived() -> bool:
            held = {
                (line["occurrence"], line["node"])
                for line in self._stage.bureau.lines()
                if line["delivered_at"]
            }
            return wanted <= held

        wait_for(has_arrived, what="every node holds what is due at night", within_s=_WITHIN_S)

    def _cut(self, fault: Fault) -> None:
        fault.at = self._stage.parish.now()
        self._weather(Weather(Flow.CUT))

    def _heal(self, fault: Fault) -> None:
        self._weather(Weather())
        self._stage.excuse(fault, FETCH, deaf=True)

    def _weather(self, weather: Weather) -> None:
        for pole in self._stage.parish.poles:
            for link in pole.links:
                link.become(weather)

    def _pass_until(self, at: datetime) -> None:
        left = at - self._stage.parish.now()
        if left > timedelta(0):
            self._stage.parish.let_pass(left)

    def _live_through(self, at: datetime, length: timedelta) -> None:
        self._pass_until(at - _WAKE)
        for pole in self._stage.parish.poles:
            pole.ear.waits_until(at + length + WARM, within_s=_WITHIN_S)


def spread(count: int, kinds: Sequence[str], *, alone: bool) -> list[tuple[int, str]]:
    """After how many other faults which night comes: one in 25 faults, or all if there are no others."""
    if not kinds or (count < _LEAST_FAULTS and not alone):
        return []
    nights = min(_MOST, count if alone else max(1, count // 25))
    others = 0 if alone else count - nights
    return [(round((number + 1) * others / nights), kinds[number % len(kinds)]) for number in range(nights)]
