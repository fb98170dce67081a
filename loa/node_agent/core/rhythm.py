"""When a node says how it is: in its rhythm, at once on a change, never so often that it costs the SIM."""

from random import Random

from loa.protocol.reports import Detail

FULL_EVERY_S = 3_600.0
LEAST_BETWEEN_S = 1.0
MOST_IN_A_ROW = 20
"""So many changes are told at once; one more every three minutes. Others wait for the rhythm."""
_REGAINED_EVERY_S = 180.0
_SPREAD = 0.1
"""Each interval is drawn anew from so much around it, so that thousands of nodes don't come together."""


class Rhythm:
    """Of one connection's states."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._paid_until_s = 0.0
        self._said: tuple[object, object] | None = None
        self._said_s = self._next_s = self._full_s = 0.0

    def begin_anew(self) -> None:
        """After a hello a state is due, in full only if one would have been due anyway."""
        self._next_s = 0.0

    def due(self, now_s: float, *, light: object, weighty: object, every_s: float) -> Detail | None:
        """What is to be said now; None is nothing. A change of what is weighty is told in full.

        What is returned counts as said.
        """
        changed = self._said != (light, weighty) and self._may_hurry(now_s)
        if now_s < self._next_s and not changed:
            return None
        if now_s < self._next_s:
            self._paid_until_s = max(self._paid_until_s, now_s) + _REGAINED_EVERY_S
        full = now_s >= self._full_s or self._said is None or self._said[1] != weighty
        self._said, self._said_s = (light, weighty), now_s
        self._next_s = now_s + every_s * self._random.uniform(1 - _SPREAD, 1 + _SPREAD)
        if full:
            self._full_s = now_s + FULL_EVERY_S * self._random.uniform(1 - _SPREAD, 1)
        return Detail.FULL if full else Detail.COMPACT

    def _may_hurry(self, now_s: float) -> bool:
        if self._said is None:
            return True
        if now_s < self._said_s + LEAST_BETWEEN_S:
            return False
        return self._paid_until_s - now_s <= (MOST_IN_A_ROW - 1) * _REGAINED_EVERY_S
