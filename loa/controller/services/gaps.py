"""Journals with a hole: waited for, and given up when it is clear that nobody has the missing numbers."""

import time
from collections.abc import Callable

from loa.controller.store.reports import Journal

PATIENCE_S = 60.0
"""A node sends what no receipt covers again well within this time."""


class Gaps:
    """For one thread. A restored backup makes holes: the node forgot what the lost disk had confirmed."""

    def __init__(
        self, *, patience_s: float = PATIENCE_S, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience_s = patience_s
        self._ticks = ticks
        self._since: dict[Journal, float] = {}

    def close(self, journal: Journal) -> None:
        """The journal has no hole any more."""
        self._since.pop(journal, None)

    def is_hopeless(self, journal: Journal) -> bool:
        """Whether the hole has been there for so long that the node cannot fill it."""
        now = self._ticks()
        return now - self._since.setdefault(journal, now) >= self._patience_s
