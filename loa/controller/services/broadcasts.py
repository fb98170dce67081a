"""Broadcasts (lịch phát): approval makes them; nothing changes them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.access import Person
from loa.controller.core.broadcasts import Approved, Scheduled
from loa.controller.ports import Clock, Events, Publisher
from loa.controller.store.database import Session, Work
from loa.protocol.ids import AreaId, BroadcastId
from loa.protocol.keys import SigningKey

LEAD = timedelta(seconds=2)
"""What starts now starts this much later, so that near nodes begin together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastFilter:
    """Which broadcasts to list; None is any. `reaching` is an area in whose programme it stands."""

    issuer: AreaId | None = None
    reaching: AreaId | None = None
    bulletin: str | None = None
    from_at: datetime | None = None
    """Not over at this instant."""


@dataclass(frozen=True, slots=True)
class BroadcastPage:
    """Some broadcasts, the last approved first, and where to go on."""

    scheduled: tuple[Scheduled, ...]
    next_cursor: str | None


class Broadcasts:
    """Turns submitted bulletins into approved broadcasts and places them."""

    def __init__(
        self,
        *,
        clock: Clock,
        key: SigningKey,
        publisher: Publisher,
        events: Events,
        lead: timedelta = LEAD,
        approve_own: bool = False,
    ) -> None:
        self._clock = clock
        self._key = key
        self._publisher = publisher
        self._events = events
        self._lead = lead
        self._approve_own = approve_own

    def approve(self, work: Work, who: Person, bulletin_id: str, revision: int) -> Approved:
        """Approve a submitted bulletin; by its plan it stands in programmes or waits in inboxes.

        Raises `Stale`, `Conflict` (decided already), `Forbidden` (own bulletin), `Invalid` (the time asked for).
        """
        raise NotImplementedError

    def emergency(self, work: Work, who: Person, bulletin_id: str, revision: int) -> Approved:
        """Broadcast a bulletin of class emergency now (plus the lead), by one person with that right."""
        raise NotImplementedError

    def get(self, session: Session, who: Person, broadcast_id: BroadcastId) -> Scheduled:
        """Raises `NotFound` also where the person has no right to know of it."""
        raise NotImplementedError

    def find(
        self, session: Session, who: Person, wanted: BroadcastFilter, *, cursor: str | None, limit: int
    ) -> BroadcastPage:
        """Those that the person may read."""
        raise NotImplementedError
