"""From a broadcast as it travels to a broadcast as `expand` takes it."""

from datetime import datetime

from loa.protocol.broadcast import Entry
from loa.schedules.model import Placed


def place(entry: Entry, *, known_at: datetime | None = None) -> Placed:
    """The same for whoever lays it out; `known_at` is None where it came in time."""
    broadcast = entry.broadcast
    return Placed(
        broadcast_id=entry.id,
        when=broadcast.when,
        duration_ms=broadcast.source.duration_ms,
        class_=broadcast.class_,
        authority=broadcast.authority,
        not_after_ms=broadcast.not_after_ms,
        last_end_ms=broadcast.last_end_ms,
        approved_at=entry.approved_at,
        issued_at=entry.issued_at,
        known_at=known_at,
        after_interruption=broadcast.after_interruption,
        late=broadcast.late,
        max_plays=broadcast.max_plays,
        expires_at=broadcast.expires_at,
    )
