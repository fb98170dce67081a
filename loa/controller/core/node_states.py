"""What state a node is in, as people look at it: it sounds, it waits, its horn is silent, or it is lost."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from loa.controller.core.presence import Presence
from loa.protocol.reasons import SelfTestOutcome
from loa.protocol.reports import Evidence, SelfTestReport, Sensed, State

LATELY = timedelta(days=7)
"""So long a horn that an ear found silent is believed to be so, if no ear has found it since."""


class NodeState(StrEnum):
    """Exactly one of these; in the order of the strip."""

    SOUNDING = "sounding"
    IDLE = "idle"
    """Connected, and nothing sounds."""
    SILENT = "silent"
    """Connected, and what it plays cannot be heard."""
    LOST = "lost"


class Why(StrEnum):
    """What a state is told from, where that is not plain."""

    NOT_RENDERED = "not_rendered"
    """The output gave nothing the last time that an ear judged it."""
    NOT_HEARD = "not_heard"
    """The microphone or the amplifier's current gave nothing."""
    NO_CARD = "no_card"
    """The sound card is missing or broken."""
    STOP_PRESSED = "stop_pressed"
    """Somebody pressed the STOP button at the loudspeaker."""
    GONE = "gone"
    """It spoke, and does no more."""
    NEVER_HEARD = "never_heard"


@dataclass(frozen=True, slots=True)
class Condition:
    """The state of a node."""

    state: NodeState
    why: Why | None = None
    since: datetime | None = None
    """Of what went wrong; of a lost node when it was last heard."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What an ear made of something that sounded."""

    at: datetime
    fault: Why | None


def judged(at: datetime, evidence: Evidence | None) -> Judged | None:
    """What the ears made of it; None where none of them judged.

    What was there for a part is no silent horn.
    """
    if evidence is None or (evidence.rendered is None and evidence.heard is None):
        return None
    if evidence.rendered is False and not _partly(evidence.rendered_by):
        return Judged(at, Why.NOT_RENDERED)
    silent = evidence.heard is False and not _partly(evidence.heard_by)
    return Judged(at, Why.NOT_HEARD if silent else None)


def judged_line(
    at: datetime, *, rendered: bool | None, heard: bool | None, evidence: str | None
) -> Judged | None:
    """As `judged`, of a line of the log; one without its evidence is believed as it stands."""
    if evidence is not None:
        return judged(at, Evidence.from_bytes(evidence))
    if rendered is None and heard is None:
        return None
    if rendered is False:
        return Judged(at, Why.NOT_RENDERED)
    return Judged(at, Why.NOT_HEARD if heard is False else None)


def judged_self_test(report: SelfTestReport) -> Judged | None:
    """What the last self-test says of the horn; None where it says nothing."""
    match report.outcome:
        case SelfTestOutcome.PASSED:
            return Judged(report.at, None)
        case SelfTestOutcome.SILENT:
            return judged(report.at, report.evidence) or Judged(report.at, Why.NOT_HEARD)
        case _:
            return None


def fault_in(found: Iterable[Judged]) -> Judged | None:
    """The first of the faults that no ear has contradicted since; None if the last one heard the horn."""
    fault: Judged | None = None
    for one in sorted(found, key=lambda one: one.at):
        if one.fault is None:
            fault = None
        elif fault is None:
            fault = one
    return fault


def condition_of(
    presence: Presence, state: State | None, heard_at: datetime | None, fault: Judged | None
) -> Condition:
    """The state of a node; whoever is lost is lost, and a dead horn is not called sounding."""
    if presence is Presence.UNKNOWN:
        return Condition(NodeState.LOST, Why.NEVER_HEARD)
    if presence is Presence.LOST:
        return Condition(NodeState.LOST, Why.GONE, heard_at)
    if state is not None and state.stopped is not None:
        return Condition(NodeState.SILENT, Why.STOP_PRESSED, state.stopped.at)
    if state is not None and state.output is not None and not state.output.is_open:
        return Condition(NodeState.SILENT, Why.NO_CARD)
    if fault is not None:
        return Condition(NodeState.SILENT, fault.fault, fault.at)
    sounds = state is not None and state.sounding is not None
    return Condition(NodeState.SOUNDING if sounds else NodeState.IDLE)


def _partly(by: Sensed | None) -> bool:
    return by is not None and by.passed > 0
