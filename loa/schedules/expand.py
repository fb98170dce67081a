"""From broadcasts and their recurrences to single items."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import zip_longest

from loa.protocol.ids import occurrence_id
from loa.schedules.model import Item, Placed, Window
from loa.schedules.recurrence import starts

_MS = timedelta(milliseconds=1)


def expand(entries: Iterable[Placed], window: Window) -> list[Item]:
    """The items that start in the window, by start and id; a window selects by start and cuts nothing.

    An occurrence may begin only until just before the next start of its broadcast, or repeats would
    queue up. Raises RecurrenceError for a rule that cannot be followed to the window.
    """
    items = [item for entry in entries for item in _occurrences(entry, window)]
    return sorted(items, key=lambda item: (item.start_at, item.id))


def _occurrences(entry: Placed, window: Window) -> Iterator[Item]:
    patience = timedelta(milliseconds=entry.not_after_ms)
    beyond = Window(from_at=window.from_at, until_at=window.until_at + patience + _MS)
    every = [
        start
        for start in starts(entry.when, beyond, limit=entry.max_plays)
        if entry.expires_at is None or start < entry.expires_at
    ]
    for start, following in zip_longest(every, every[1:]):
        if start < window.until_at:
            latest = start + patience if following is None else min(start + patience, following - _MS)
            yield _item(entry, start, latest)


def _item(entry: Placed, start_at: datetime, not_after_at: datetime) -> Item:
    return Item(
        id=occurrence_id(entry.broadcast_id, start_at),
        class_=entry.class_,
        start_at=start_at,
        duration_ms=entry.duration_ms,
        not_after_at=not_after_at,
        last_end_at=start_at + timedelta(milliseconds=entry.last_end_ms),
        approved_at=entry.approved_at,
        issued_at=entry.issued_at,
        known_at=entry.known_at,
        authority=entry.authority,
        order=entry.order,
        after_interruption=entry.after_interruption,
        late=entry.late,
        whole=entry.whole,
    )
