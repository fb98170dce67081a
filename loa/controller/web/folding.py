"""A week to scale on one page: long empty stretches are folded, what overlaps stands side by side."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

Shown = TypeVar("Shown")
"""What stands in the grid; folding does not look at it."""

DAY = 24 * 60
"""All times here are minutes after midnight."""
PX_A_MINUTE = 3
LEAST = 8
"""A shorter one is drawn as long as this, so that its title can be read."""
STEP = 10
"""Bands begin and end on such minutes."""
FOLD = 60
"""An empty stretch of this length is folded."""
TICK = 30
"""Minutes between names of hours, at least."""


@dataclass(frozen=True, slots=True)
class Span(Generic[Shown]):
    """Something in one day, from and until a minute."""

    begin: int
    end: int
    shown: Shown

    @property
    def drawn_end(self) -> int:
        """Until where it takes room; at most midnight."""
        return min(DAY, max(self.end, self.begin + LEAST))

    @property
    def drawn_begin(self) -> int:
        """From where: what begins just before midnight is drawn a little earlier."""
        return min(self.begin, DAY - LEAST)


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of all days, drawn to scale, or folded to one line."""

    begin: int
    end: int
    folded: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """Room in which nothing stands."""

    px: int
    quiet: bool


@dataclass(frozen=True, slots=True)
class Block(Generic[Shown]):
    """Something, drawn so high."""

    px: int
    shown: Shown


@dataclass(frozen=True, slots=True)
class Lanes(Generic[Shown]):
    """What overlaps, side by side."""

    lanes: tuple[tuple[Gap | Block[Shown], ...], ...]


Part = Gap | Block[Shown] | Lanes[Shown]
Quiets = Sequence[tuple[int, int]]


def bands(busy: Iterable[tuple[int, int]], around: Iterable[int] = ()) -> list[Band]:
    """All 24 hours in order: to scale where something stands on any of the days, folded where not.

    At the minutes `around` a folded stretch is parted, so that quiet hours are named apart.
    """
    open_bands = list(_joined(sorted(_rounded(begin, end) for begin, end in busy)))
    edges = [0, *(edge for band in open_bands for edge in band), DAY]
    cuts = sorted(set(around))
    found = [Band(begin, end, folded=False) for begin, end in open_bands]
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        inner = [begin, *(cut for cut in cuts if begin < cut < end), end]
        found += [Band(a, b, folded=True) for a, b in pairwise(inner) if a < b]
    return sorted(found, key=lambda band: band.begin)


def day_parts(spans: Iterable[Span[Shown]], band: Band, quiet: Quiets) -> list[Part[Shown]]:
    """One day's part of a band, from top to bottom; the heights add up to the band's."""
    inside = [span for span in spans if band.begin <= span.drawn_begin < band.end]
    parts: list[Part[Shown]] = []
    at = band.begin
    for cluster in _clusters(inside):
        begin, end = cluster[0].drawn_begin, max(span.drawn_end for span in cluster)
        parts += gaps(at, begin, quiet)
        parts.append(_lanes(cluster, begin, end))
        at = end
    return [*parts, *gaps(at, band.end, quiet)]


def gaps(begin: int, end: int, quiet: Quiets) -> list[Gap]:
    """An empty stretch, parted where quiet hours begin or end."""
    cuts = sorted({begin, end, *(cut for pair in quiet for cut in pair if begin < cut < end)})
    return [Gap((b - a) * PX_A_MINUTE, is_within(a, b, quiet)) for a, b in pairwise(cuts)]


def is_within(begin: int, end: int, quiet: Quiets) -> bool:
    """Whether all of it is quiet."""
    return any(a <= begin and end <= b for a, b in quiet)


def ticks(starts: Iterable[int], band: Band) -> list[int]:
    """The minutes to be named beside a band: its begin, and starts that leave room for names."""
    found = [band.begin]
    for start in sorted(set(starts)):
        if found[-1] + TICK <= start <= band.end - STEP and start % 5 == 0:
            found.append(start)
    return found


def _rounded(begin: int, end: int) -> tuple[int, int]:
    begin, end = min(begin, DAY - LEAST), min(DAY, max(end, begin + LEAST))
    return begin // STEP * STEP, -(-end // STEP) * STEP


def _joined(busy: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    held: tuple[int, int] | None = None
    for begin, end in busy:
        if held is not None and begin - held[1] < FOLD:
            held = held[0], max(held[1], end)
        else:
            if held is not None:
                yield held
            held = begin, end
    if held is not None:
        yield held


def _clusters(spans: Iterable[Span[Shown]]) -> Iterator[list[Span[Shown]]]:
    cluster: list[Span[Shown]] = []
    end = 0
    for span in sorted(spans, key=lambda one: (one.drawn_begin, one.drawn_end)):
        if cluster and span.drawn_begin >= end:
            yield cluster
            cluster = []
        cluster.append(span)
        end = max(span.drawn_end, end) if len(cluster) > 1 else span.drawn_end
    if cluster:
        yield cluster


def _lanes(cluster: Sequence[Span[Shown]], begin: int, end: int) -> Part[Shown]:
    lanes: list[list[Span[Shown]]] = []
    for span in cluster:
        free = next((lane for lane in lanes if lane[-1].drawn_end <= span.drawn_begin), None)
        if free is None:
            lanes.append([span])
        else:
            free.append(span)
    if len(lanes) == 1 and len(cluster) == 1:
        return Block((end - begin) * PX_A_MINUTE, cluster[0].shown)
    return Lanes(tuple(tuple(_lane(lane, begin)) for lane in lanes))


def _lane(spans: Sequence[Span[Shown]], at: int) -> Iterator[Gap | Block[Shown]]:
    for span in spans:
        if span.drawn_begin > at:
            yield Gap((span.drawn_begin - at) * PX_A_MINUTE, quiet=False)
        yield Block((span.drawn_end - span.drawn_begin) * PX_A_MINUTE, span.shown)
        at = span.drawn_end
