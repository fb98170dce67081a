"""Withdrawals: taking a broadcast or one occurrence of it off the air."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from loa.controller.core.access import Person
from loa.controller.ports import Clock, Events, Publisher
from loa.controller.store.database import Work
from loa.protocol.ids import AreaId, BroadcastId, OccurrenceId, WithdrawalId


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A withdrawal as it is kept."""

    id: WithdrawalId
    broadcast: BroadcastId
    target: BroadcastId | OccurrenceId
    area: AreaId | None
    issued_at: datetime
    by: str
    reason: str


class Withdrawals:
    """Needs no approver: taking sound away is always the safe side."""

    def __init__(self, *, clock: Clock, ids: Callable[[], str], publisher: Publisher, events: Events) -> None:
        self._clock = clock
        self._ids = ids
        self._publisher = publisher
        self._events = events

    def withdraw(
        self,
        work: Work,
        who: Person,
        broadcast: BroadcastId,
        *,
        occurrence: OccurrenceId | None = None,
        area: AreaId | None = None,
        reason: str = "",
    ) -> Withdrawn:
        """Everywhere, or only from the programme of `area`. The same target again gives the first withdrawal."""
        raise NotImplementedError
