"""Whether a node holds other orders than it was given, by the versions that it tells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from loa.protocol.ids import AreaId
from loa.protocol.reports import Held
from loa.protocol.units import from_ms

GRACE = timedelta(seconds=75)
"""So long may an order be on its way; and between two looks, so that it shows within two minutes."""
_LAST_MS = 4_000_000_000_000


class Divergence(StrEnum):
    """What is wrong with what it holds."""

    BEHIND = "behind"
    """It was heard, and has not taken what it was sent: refused, kept back on the way, or not to be had."""
    AHEAD = "ahead"
    """It holds what we never gave: of somebody else with our key, or of before our backup."""


@dataclass(frozen=True, slots=True)
class Orders:
    """The versions of a node's configuration and of its areas' messages; 0 is none."""

    config: int
    held: Mapping[AreaId, Held] = field(default_factory=dict)


def diverges(
    told: Orders, given: Orders, *, heard_at: datetime, there_since: datetime, now: datetime
) -> Divergence | None:
    """Compared area by area of those in `given`. A version is the instant of its issue, or little more.

    What is given after the node was last heard says nothing of it, nor what it said as it came back just now.
    """
    pairs = list(_pairs(told, given))
    if any(theirs > ours and abs(now - _issue(theirs)) > GRACE for theirs, ours in pairs):
        return Divergence.AHEAD
    late = (ours for theirs, ours in pairs if theirs < ours and _issue(ours) < heard_at)
    if any(max(_issue(ours), there_since) + GRACE <= now for ours in late):
        return Divergence.BEHIND
    return None


def _pairs(told: Orders, given: Orders) -> Iterator[tuple[int, int]]:
    yield told.config, given.config
    for area, ours in given.held.items():
        theirs = told.held.get(area, Held())
        yield theirs.programme, ours.programme
        yield theirs.urgent, ours.urgent


def _issue(version: int) -> datetime:
    return from_ms(min(version, _LAST_MS))
