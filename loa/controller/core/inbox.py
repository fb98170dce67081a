"""A higher level's broadcasts before a commune: which wait for its choice, which only for its order.

Circular 39/2020/TT-BTTTT: the commune chooses normal ones, places priority ones, and carries emergencies at once.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from loa.controller.core.broadcasts import Scheduled
from loa.protocol.ids import AreaId, BroadcastId


class InboxState(StrEnum):
    """How a higher level's broadcast stands with a commune."""

    WAITING = "waiting"
    """Normal: nothing sounds until the commune chooses it."""
    CHOSEN = "chosen"
    LEFT = "left"
    PLACED = "placed"
    """Priority: it sounds; the commune orders it among its own."""
    PLAYING = "playing"
    """Emergency: it sounds at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """One broadcast before one commune."""

    area: AreaId
    scheduled: Scheduled
    state: InboxState
    received_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    chosen_as: BroadcastId | None
    """The commune's own broadcast, if it chose another time."""
    rank: int
    """Place that the commune gave it among priority ones; lowest first, 0 if none was given."""
