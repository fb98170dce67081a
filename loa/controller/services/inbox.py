"""The commune's inbox of a higher level's broadcasts: choose, leave, order."""

from collections.abc import Sequence

from loa.controller.core.access import Person
from loa.controller.core.inbox import InboxItem, InboxState
from loa.controller.ports import Clock, Events, Publisher
from loa.controller.services.broadcasts import Broadcasts
from loa.controller.store.database import Session, Work
from loa.protocol.ids import AreaId, BroadcastId
from loa.protocol.when import When


class Inbox:
    """What a commune decides about broadcasts that come from above."""

    def __init__(self, *, clock: Clock, broadcasts: Broadcasts, publisher: Publisher, events: Events) -> None:
        self._clock = clock
        self._broadcasts = broadcasts
        self._publisher = publisher
        self._events = events

    def find(
        self, session: Session, who: Person, area: AreaId, state: InboxState | None = None
    ) -> list[InboxItem]:
        """What the commune has before it, the last received first."""
        raise NotImplementedError

    def choose(
        self, work: Work, who: Person, area: AreaId, broadcast: BroadcastId, when: When | None = None
    ) -> InboxItem:
        """Place it in the commune's programme; at another time it becomes a broadcast of the commune. Idempotent."""
        raise NotImplementedError

    def leave(self, work: Work, who: Person, area: AreaId, broadcast: BroadcastId) -> InboxItem:
        """Decline a waiting one. Idempotent."""
        raise NotImplementedError

    def order(self, work: Work, who: Person, area: AreaId, broadcasts: Sequence[BroadcastId]) -> None:
        """Priority broadcasts in the order in which they are to go; those not named come after."""
        raise NotImplementedError
