"""The ribbon: today in one line, long empty stretches folded, so that what sounds can be seen. Pure.

Lengths are px of the narrowest card that it stands in; they are given out as percentages, so that a
wider card draws the same wider and no item is ever less than `LEAST_PX`, unless there are too many for that.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

WIDTH_PX = 296.0
"""Inside a card on a phone of 360 px."""
LEAST_PX = 8.0
FOLD_PX, LEAST_FOLD_PX = 22.0, 6.0
TICK_PX = 46.0
"""Two hours are not named closer to each other."""
EDGE_PX = 22.0
"""No word is centred closer to the ends."""
FOLDED_FROM = timedelta(minutes=60)
AIR = timedelta(minutes=12)
"""What is shown around an item."""
DUSK = timedelta(minutes=40)
"""How much of the quiet hours is shown."""
_STEPS = 60
_MINUTE = timedelta(minutes=1)

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that sounded, sounds or will."""

    from_at: datetime
    to_at: datetime
    kind: str
    is_thick: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of the line, in percent of its width."""

    x: float
    width: float
    kind: str = ""
    is_thick: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """A word below the line."""

    x: float
    word: str


@dataclass(frozen=True, slots=True)
class Ribbon:
    """What is drawn, from the back to the front."""

    stretches: tuple[Bar, ...]
    folds: tuple[Bar, ...]
    nights: tuple[Bar, ...]
    blocks: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    needle: float
    label: float
    """Where the needle's word is centred."""
    knots: tuple[tuple[int, float], ...]
    """Instants in ms since the epoch and where they stand; between two of them the needle moves evenly."""


@dataclass(frozen=True, slots=True)
class _Scale:
    at: tuple[datetime, ...]
    px: tuple[float, ...]

    def __call__(self, instant: datetime) -> float:
        place = min(max(bisect_right(self.at, instant), 1), len(self.at) - 1)
        before, after = self.at[place - 1], self.at[place]
        share = (min(max(instant, before), after) - before) / (after - before)
        return self.px[place - 1] + share * (self.px[place] - self.px[place - 1])


def draw(
    marks: Sequence[Mark],
    quiet: Sequence[Span],
    day: Span,
    now: datetime,
    hours: Sequence[tuple[datetime, str]],
) -> Ribbon:
    """The ribbon of a day; `hours` are the instants that may be named, with their words."""
    marks = [_clipped(mark, day) for mark in marks if mark.from_at < day[1] and mark.to_at > day[0]]
    stretches = _stretches(marks, quiet, day, now)
    scale = _scale(stretches, marks)
    return Ribbon(
        stretches=tuple(_bar(scale, span) for span in stretches),
        folds=tuple(_bar(scale, (one[1], other[0])) for one, other in pairwise(stretches)),
        nights=tuple(_bar(scale, span) for span in _shown(quiet, stretches)),
        blocks=tuple(_bar(scale, (one.from_at, one.to_at), one.kind, one.is_thick) for one in marks),
        ticks=tuple(_ticks(scale, stretches, {*_edges(quiet), *(one.from_at for one in marks)}, hours)),
        needle=_percent(scale(now)),
        label=_percent(_inside(scale(now))),
        knots=tuple(
            (round(at.timestamp() * 1000), _percent(px)) for at, px in zip(scale.at, scale.px, strict=True)
        ),
    )


def _stretches(marks: Sequence[Mark], quiet: Sequence[Span], day: Span, now: datetime) -> list[Span]:
    shown = [(mark.from_at - AIR, mark.to_at + AIR) for mark in marks]
    shown.append((now - AIR, now + AIR))
    shown += [(max(begin, end - DUSK), end) for begin, end in quiet if end < day[1]]
    shown += [(begin, min(end, begin + DUSK)) for begin, end in quiet if begin > day[0]]
    merged: list[Span] = []
    for begin, end in sorted((max(begin, day[0]), min(end, day[1])) for begin, end in shown):
        if merged and begin - merged[-1][1] <= FOLDED_FROM:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return merged


def _scale(stretches: Sequence[Span], marks: Sequence[Mark]) -> _Scale:
    pieces = [list(pairwise(_cuts(span, marks))) for span in stretches]
    lengths = [(end - begin) / _MINUTE for piece in pieces for begin, end in piece]
    least = [LEAST_PX if _is_busy(span, marks) else 0.0 for piece in pieces for span in piece]
    fold_px = _fold_px(len(stretches) - 1, sum(least))
    widths = _fit(lengths, least, WIDTH_PX - fold_px * (len(stretches) - 1))
    at: list[datetime] = []
    px: list[float] = []
    next_px, number = 0.0, 0
    for piece in pieces:
        at.append(piece[0][0])
        px.append(next_px)
        for _, end in piece:
            at.append(end)
            px.append(px[-1] + widths[number])
            number += 1
        next_px = px[-1] + fold_px
    return _Scale(tuple(at), tuple(px))


def _fold_px(folds: int, least_px: float) -> float:
    """Narrower folds before narrower items, where there are many."""
    return min(FOLD_PX, max(LEAST_FOLD_PX, (WIDTH_PX - least_px) / 2 / folds)) if folds else 0.0


def _cuts(span: Span, marks: Sequence[Mark]) -> list[datetime]:
    edges = {edge for mark in marks for edge in (mark.from_at, mark.to_at) if span[0] < edge < span[1]}
    return sorted({*span, *edges})


def _is_busy(span: Span, marks: Sequence[Mark]) -> bool:
    return any(mark.from_at < span[1] and mark.to_at > span[0] for mark in marks)


def _fit(lengths: Sequence[float], least: Sequence[float], room: float) -> list[float]:
    """Widths in proportion to the lengths, none below its least, together as wide as the room."""
    if sum(least) >= room:
        share = room / sum(least)
        return [one * share for one in least]
    low, high = 0.0, room / sum(lengths)
    for _ in range(_STEPS):
        rate = (low + high) / 2
        if sum(max(one * rate, floor) for one, floor in zip(lengths, least, strict=True)) > room:
            high = rate
        else:
            low = rate
    return [max(one * low, floor) for one, floor in zip(lengths, least, strict=True)]


def _shown(spans: Sequence[Span], stretches: Sequence[Span]) -> Iterator[Span]:
    for begin, end in spans:
        for since, until in stretches:
            if max(begin, since) < min(end, until):
                yield max(begin, since), min(end, until)


def _edges(spans: Sequence[Span]) -> Iterator[datetime]:
    for begin, end in spans:
        yield from (begin, end)


def _ticks(
    scale: _Scale,
    stretches: Sequence[Span],
    wanted: Collection[datetime],
    hours: Sequence[tuple[datetime, str]],
) -> Iterator[Tick]:
    """First the hours at which something begins, then others, as far as there is room."""
    visible = [(at, word) for at, word in hours if any(begin <= at <= end for begin, end in stretches)]
    taken: list[float] = []
    for at, word in sorted(visible, key=lambda hour: (hour[0] not in wanted, hour[0])):
        px = _inside(scale(at))
        if all(abs(px - other) >= TICK_PX for other in taken):
            taken.append(px)
            yield Tick(_percent(px), word)


def _bar(scale: _Scale, span: Span, kind: str = "", is_thick: bool = False) -> Bar:  # noqa: FBT001, FBT002 -- a look, not a switch
    begin, end = scale(span[0]), scale(span[1])
    return Bar(_percent(begin), _percent(end - begin), kind, is_thick)


def _clipped(mark: Mark, day: Span) -> Mark:
    return Mark(max(mark.from_at, day[0]), min(mark.to_at, day[1]), mark.kind, mark.is_thick)


def _inside(px: float) -> float:
    return min(max(px, EDGE_PX), WIDTH_PX - EDGE_PX)


def _percent(px: float) -> float:
    return round(100 * px / WIDTH_PX, 3)
