"""Whether a node is there: the age of what it last said decides, its will is only a hint."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from loa.protocol.ids import OccurrenceId
from loa.protocol.programme import NodeSettings
from loa.protocol.reports import Detail, State


class Presence(StrEnum):
    """What the controller believes of a node."""

    UNKNOWN = "unknown"
    """It has never said anything."""
    CONNECTED = "connected"
    LATE = "late"
    """One message is overdue, or the broker says that the connection broke."""
    LOST = "lost"
    """Several messages in a row did not come."""


@dataclass(frozen=True, slots=True)
class LastWord:
    """What a node last said of itself."""

    presence: Presence = Presence.UNKNOWN
    sounding: OccurrenceId | None = None
    at: datetime | None = None
    """When it was heard of."""


LATE_AFTER = 1.5
"""In intervals of the state message."""
LOST_AFTER = 3.0
ONLY_FULL = frozenset({"config", "held", "free_bytes", "agent", "health"})
"""Of a state's fields."""


def presence_of(
    state: State | None, heard_at: datetime | None, now: datetime, settings: NodeSettings
) -> Presence:
    """What to believe at `now` of a node whose last state came at `heard_at`."""
    if state is None or heard_at is None:
        return Presence.UNKNOWN
    every = timedelta(milliseconds=settings.state_every_ms)
    age = now - heard_at
    if age > every * LOST_AFTER:
        return Presence.LOST
    if age > every * LATE_AFTER or state.detail is Detail.WILL:
        return Presence.LATE
    return Presence.CONNECTED


def merge(before: State | None, new: State) -> State:
    """What is known after a new state: a will only says that the node is gone.

    A compact one says the same as a full one but for `ONLY_FULL`: what else it leaves out is at its default.
    """
    if before is None or new.detail is Detail.FULL:
        return new
    if new.detail is Detail.WILL:
        return before.model_copy(update={"detail": Detail.WILL})
    kept = {name: getattr(before, name) for name in ONLY_FULL - new.model_fields_set}
    return new.model_copy(update=kept)
