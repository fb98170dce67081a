"""Letting broadcasts stand in programmes, and telling nodes and pages after the commit."""

from collections.abc import Collection
from datetime import datetime

from loa.controller.core.inbox import Destinations
from loa.controller.ports import EventKind, Events, Publisher
from loa.controller.store import broadcasts as store
from loa.controller.store.database import Work
from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, BroadcastId


class Placing:
    """What follows from every change of programmes."""

    def __init__(self, *, publisher: Publisher, events: Events) -> None:
        self._publisher = publisher
        self._events = events

    def place(self, work: Work, broadcast: BroadcastId, to: Destinations, issued_at: datetime) -> None:
        """Let it stand in programmes and lie in inboxes."""
        store.place(work.session, broadcast, to.placed, issued_at)
        for area, state in to.inbox.items():
            store.put_before(work.session, broadcast, area, state, issued_at)
        self.changed(work, to.placed, urgent=False)
        self.tell(work, {*to.placed, *to.inbox}, broadcast)

    def place_emergency(self, work: Work, entry: Entry, over_at: datetime | None, to: Destinations) -> None:
        """As `place`, and it leaves at once."""
        places = frozenset(to.placed)
        work.after_commit(lambda: self._publisher.emergency(places, entry, over_at), first=True)
        self.place(work, entry.id, to, entry.issued_at)

    def changed(self, work: Work, areas: Collection[AreaId], *, urgent: bool) -> None:
        """Have the programmes of the areas issued anew, the urgent messages first."""
        every = frozenset(areas)
        if urgent and every:
            work.after_commit(lambda: self._publisher.urgent_changed(every), first=True)
        if every:
            work.after_commit(lambda: self._publisher.programme_changed(every))

    def tell(self, work: Work, areas: Collection[AreaId], broadcast: BroadcastId) -> None:
        """Let pages of these areas know that something changed about a broadcast."""
        every = sorted(set(areas))

        def announce() -> None:
            for area in every:
                self._events.announce(EventKind.BROADCAST, area, broadcast)

        work.after_commit(announce)
