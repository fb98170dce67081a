"""How a node is doing, judged from all that is known of it: the worst first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from loa.controller.core.divergence import Divergence
from loa.controller.core.health import Point
from loa.controller.core.identities import Verdict
from loa.controller.core.node_states import Judged, fault_in, judged_self_test
from loa.controller.core.nodes import Node
from loa.controller.core.presence import Presence
from loa.protocol.health import Concern
from loa.protocol.reasons import ClockState
from loa.protocol.reports import SelfTestReport, State


class Situation(StrEnum):
    """What is to be said of a node, from what ends all talk to what is well."""

    RETIRED = "retired"
    WAITING = "waiting"
    """It was added and has not enrolled yet."""
    CUT_OFF = "cut_off"
    """It was enrolled, and somebody refused the machine that spoke: it has to enrol anew."""
    NEVER_HEARD = "never_heard"
    """It enrolled and has never said anything."""
    STOPPED = "stopped"
    """Somebody pressed the button at its pole."""
    AHEAD = "ahead"
    """It holds orders that the controller never gave."""
    LOST = "lost"
    BEHIND = "behind"
    """It is there, and does not take what it was sent."""
    SILENT = "silent"
    """It plays, and its ears do not find the sound."""
    NO_OUTPUT = "no_output"
    CLOCK_UNTRUSTED = "clock_untrusted"
    TWO_MACHINES = "two_machines"
    OTHER_MACHINE = "other_machine"
    OTHER_CARD = "other_card"
    CHAIN_BROKEN = "chain_broken"
    """Its reports do not follow those that it sent before."""
    DISK_ERRORS = "disk_errors"
    UNDER_VOLTAGE = "under_voltage"
    HOT = "hot"
    DISK_WORN = "disk_worn"
    NO_ROOM = "no_room"
    DISK_SHORT = "disk_short"
    MEMORY_SHORT = "memory_short"
    CLOCK_OFF = "clock_off"
    BUDGET_SHORT = "budget_short"
    SIGNAL_WEAK = "signal_weak"
    LATE = "late"
    SILENCED = "silenced"
    """By an order of the console's that is in force."""
    SOUNDING = "sounding"
    FETCHING = "fetching"
    FINE = "fine"


GONE = frozenset({Situation.RETIRED, Situation.WAITING, Situation.CUT_OFF, Situation.NEVER_HEARD})
"""What it said of itself before that, if anything, is of no use."""
WELL = frozenset({Situation.SILENCED, Situation.SOUNDING, Situation.FETCHING, Situation.FINE})
"""Nobody has to do anything."""
_OF_VERDICT = {
    Verdict.CARD_CLONED: Situation.TWO_MACHINES,
    Verdict.NODE_DOUBLED: Situation.TWO_MACHINES,
    Verdict.CARD_MOVED: Situation.OTHER_MACHINE,
    Verdict.NODE_REPLACED: Situation.OTHER_MACHINE,
    Verdict.DISK_REPLACED: Situation.OTHER_CARD,
    Verdict.DISK_RETURNED: Situation.OTHER_CARD,
    Verdict.JOURNAL_ANEW: Situation.OTHER_CARD,
    Verdict.CHAIN_BROKEN: Situation.CHAIN_BROKEN,
}


@dataclass(frozen=True, slots=True)
class Found:
    """A situation, and since when it is so if that is known."""

    what: Situation
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that is known of a node."""

    node: Node
    state: State | None
    self_test: SelfTestReport | None = None
    heard: Sequence[Judged] = ()
    """What its ears made of what it played lately."""
    points: Sequence[Point] = ()
    """Its machine, hour by hour, in order."""
    silenced_until: datetime | None = None
    divergence: Divergence | None = None


def situations(seen: Seen) -> tuple[Found, ...]:
    """All that there is to say, the worst first; never nothing."""
    gone = _gone(seen.node, seen.state)
    if gone is not None:
        return (gone,)
    found = [*_faults(seen), *_identity(seen.node), *_concerns(seen)]
    if not found:
        return (_well(seen),)
    order = list(Situation)
    return tuple(sorted(found, key=lambda one: order.index(one.what)))


def silent_since(heard: Iterable[Judged], self_test: SelfTestReport | None) -> datetime | None:
    """Since when nothing came out; None if the last that was judged did, or nothing was."""
    tested = None if self_test is None else judged_self_test(self_test)
    fault = fault_in([*heard, *([] if tested is None else [tested])])
    return None if fault is None else fault.at


def _gone(node: Node, state: State | None) -> Found | None:
    if node.retired_at is not None:
        return Found(Situation.RETIRED, node.retired_at)
    if node.enrolled_at is None:
        return Found(Situation.WAITING)
    if not node.has_key:
        return Found(Situation.CUT_OFF)
    return Found(Situation.NEVER_HEARD, node.enrolled_at) if state is None else None


def _faults(seen: Seen) -> list[Found]:
    node, state = seen.node, seen.state
    found = []
    if node.presence == Presence.LOST:
        found.append(Found(Situation.LOST, node.state_at))
    elif node.presence == Presence.LATE:
        found.append(Found(Situation.LATE, node.state_at))
    if seen.divergence is not None:
        found.append(Found(Situation(seen.divergence.value)))
    silent = silent_since(seen.heard, seen.self_test)
    if silent is not None:
        found.append(Found(Situation.SILENT, silent))
    return found + (_of_state(node, state) if state is not None else [])


def _of_state(node: Node, state: State) -> list[Found]:
    found = []
    if state.stopped is not None and state.stopped.id != node.settings.released:
        found.append(Found(Situation.STOPPED, state.stopped.at))
    if state.output is not None and not state.output.is_open:
        found.append(Found(Situation.NO_OUTPUT))
    if state.clock is ClockState.UNTRUSTED:
        found.append(Found(Situation.CLOCK_UNTRUSTED))
    if state.without_room:
        found.append(Found(Situation.NO_ROOM))
    return found


def _identity(node: Node) -> list[Found]:
    verdict = node.identities.verdict
    return [] if verdict is None else [Found(_OF_VERDICT[verdict], node.identities.verdict_at)]


def _concerns(seen: Seen) -> list[Found]:
    return [Found(Situation(one.value), _minded_since(seen.points, one)) for one in seen.node.concerns]


def _minded_since(points: Sequence[Point], concern: Concern) -> datetime | None:
    """The first of the last hours without a break that had it; hours in which it said nothing don't count."""
    since = None
    for point in reversed(points):
        if concern not in point.health.concerns:
            break
        since = point.at
    return since


def _well(seen: Seen) -> Found:
    state = seen.state
    if state is not None and state.sounding is not None:
        return Found(Situation.SOUNDING)
    if seen.silenced_until is not None:
        return Found(Situation.SILENCED)
    return Found(Situation.FETCHING if state is not None and state.missing else Situation.FINE)
