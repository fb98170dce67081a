"""Makes programmes, urgent messages and configurations from the database and sends them."""

from loa.controller.ports import Clock, Courier, SilenceJournal
from loa.controller.services.metrics import Metrics
from loa.controller.store.database import Database
from loa.protocol.ids import AreaId
from loa.protocol.keys import SigningKey


class Publisher:
    """`loa.controller.ports.Publisher`. Urgent goes out in the caller's thread, all else in its own."""

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        key: SigningKey,
        courier: Courier,
        journal: SilenceJournal,
        metrics: Metrics,
    ) -> None:
        self._db = db
        self._clock = clock
        self._key = key
        self._courier = courier
        self._journal = journal
        self._metrics = metrics

    def start(self) -> None:
        """Compose what is stale and begin to work."""
        raise NotImplementedError

    def stop(self) -> None:
        """Finish what is in hand; returns when the thread has ended."""
        raise NotImplementedError

    def connected(self) -> None:
        """Give to `Courier.start` as `on_connect`: everything retained is sent anew."""
        raise NotImplementedError

    def programme_changed(self, areas: frozenset[AreaId]) -> None:
        """Call after the commit that changed placements, withdrawals or order of these areas."""
        raise NotImplementedError

    def urgent_changed(self, areas: frozenset[AreaId]) -> None:
        """Call after the commit that changed emergencies, withdrawals or silences of now."""
        raise NotImplementedError

    def config_changed(self, nodes: frozenset[AreaId]) -> None:
        """Call after the commit that changed areas, zones, policy or settings of these nodes."""
        raise NotImplementedError
