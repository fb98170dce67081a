"""What a node makes of one alarm: whether it sounds it now, has sounded it, or cannot be reached."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from loa.controller.core.expected import EXPECTED, MISSED
from loa.controller.core.presence import Presence
from loa.protocol.ids import BroadcastId, OccurrenceId, broadcast_of
from loa.protocol.reports import State

SETTLING = timedelta(seconds=15)
"""How long after its planned end an alarm still counts as sounding before any node has said so."""


class NodeState(StrEnum):
    """How a node stands with an alarm."""

    SOUNDING = "sounding"
    SIREN = "siren"
    """The standing siren sounds in its place, as its own sound has not come."""
    UNHEARD = "unheard"
    """It plays one of both, but its ears found no sound when they listened last."""
    COMING = "coming"
    """It is there and has said nothing of it yet."""
    SOUNDED = "sounded"
    NOT_SOUNDED = "not_sounded"
    """It has reported that it did not sound it, with the reason."""
    LOST = "lost"


class Deaf(StrEnum):
    """Why people at a node will not hear what goes out now."""

    LOST = "lost"
    STOPPED = "stopped"
    """Its STOP button was pressed and nobody has released it."""
    NO_OUTPUT = "no_output"
    """Its sound card is missing or broken."""
    SILENT = "silent"
    """It plays, but its ears found no sound when they listened last."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a node at this moment."""

    state: State | None
    presence: Presence
    outcome: str = EXPECTED
    played_ms: int = 0
    was_silent: bool = False
    """Whether its ears found no sound when they listened last."""


def judge_node(told: Told, broadcast: BroadcastId) -> NodeState:
    """A report counts more than the last state, and that more than what is believed of the connection."""
    if told.outcome not in {EXPECTED, MISSED}:
        return NodeState.SOUNDED if told.played_ms else NodeState.NOT_SOUNDED
    if told.presence in {Presence.LOST, Presence.UNKNOWN}:
        return NodeState.LOST
    if told.state is not None and _is_of(told.state.siren_for, broadcast):
        return NodeState.UNHEARD if told.was_silent else NodeState.SIREN
    if told.state is not None and _is_of(told.state.sounding, broadcast):
        return NodeState.UNHEARD if told.was_silent else NodeState.SOUNDING
    return NodeState.COMING


def judge_ears(state: State | None, presence: Presence, *, was_silent: bool) -> Deaf | None:
    """Why nobody would hear the node; None as far as is known."""
    if state is None or presence in {Presence.LOST, Presence.UNKNOWN}:
        return Deaf.LOST
    if state.stopped is not None:
        return Deaf.STOPPED
    if state.output is not None and not state.output.is_open:
        return Deaf.NO_OUTPUT
    return Deaf.SILENT if was_silent else None


def is_on(states: Collection[NodeState], planned_end_at: datetime, now: datetime) -> bool:
    """Whether it counts as sounding: some node says so, or it ought to by its plan and some node may yet."""
    if any(state in {NodeState.SOUNDING, NodeState.SIREN, NodeState.UNHEARD} for state in states):
        return True
    may_yet = any(state in {NodeState.COMING, NodeState.LOST} for state in states)
    return may_yet and now < planned_end_at + SETTLING


def _is_of(occurrence: OccurrenceId | None, broadcast: BroadcastId) -> bool:
    return occurrence is not None and broadcast_of(occurrence) == broadcast
