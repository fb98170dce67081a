"""What many people ask at once is read once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from loa.controller.ports import Clock

FRESH = timedelta(seconds=5)
"""What only time changes may be so old."""
MOST = 256
T = TypeVar("T")


@dataclass
class _Slot(Generic[T]):
    lock: threading.Lock = field(default_factory=threading.Lock)
    changes: int = -1
    at: datetime | None = None
    value: T | None = None


class Shared(Generic[T]):
    """Answers by key; `changes` counts what pages are told of, and each change makes all answers old.

    Who asks while the same answer is being read waits for it.
    """

    def __init__(self, *, clock: Clock, changes: Callable[[], int]) -> None:
        self._clock = clock
        self._changes = changes
        self._lock = threading.Lock()
        self._slots: OrderedDict[Hashable, _Slot[T]] = OrderedDict()

    def get(self, key: Hashable, read: Callable[[], T], *, behind: timedelta = timedelta()) -> T:
        """The answer, read anew if something changed since; or one that is `behind` by so much at most.

        Who asks because something changed, and waited so long before, misses nothing by that.
        """
        slot = self._slot(key)
        with slot.lock:
            now, changes = self._clock.now(), self._changes()
            good_for = FRESH if slot.changes == changes else behind
            is_good = slot.at is not None and timedelta() <= now - slot.at < good_for
            if slot.value is None or not is_good:
                # what changes while it is read must make it old: so the count from before
                slot.value, slot.changes, slot.at = read(), changes, now
            return slot.value

    def _slot(self, key: Hashable) -> _Slot[T]:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > MOST:
                self._slots.popitem(last=False)
            return slot
