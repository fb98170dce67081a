"""Broadcasts (lịch phát): how an approved bulletin becomes one, and what is wrong with the time asked for."""

from dataclasses import dataclass
from datetime import datetime

from loa.controller.core.notices import Notice
from loa.protocol.broadcast import Broadcast
from loa.protocol.ids import BroadcastId


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A broadcast as it is kept."""

    id: BroadcastId
    broadcast: Broadcast
    approved_by: str
    approved_at: datetime
    first_start_at: datetime
    over_at: datetime | None
    """After it nothing of the broadcast can sound."""
    withdrawn_at: datetime | None
    """When it was withdrawn everywhere, if it was."""


@dataclass(frozen=True, slots=True)
class Approved:
    """What came of an approval, and what the approver is to know about it."""

    scheduled: Scheduled
    notices: tuple[Notice, ...]
