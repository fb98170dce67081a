"""One day in one line: what sounded, what is to come, and now; empty stretches are dots."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from loa.controller.core.schedule import Schedule, Slot, SlotState
from loa.controller.web import folding
from loa.controller.web.folding import DAY, Band
from loa.controller.web.localtime import clock, today
from loa.controller.web.schedule_words import look_of
from loa.controller.web.words import ngettext
from loa.protocol.kinds import BroadcastClass
from loa.schedules.localtime import to_wall

WIDTH = 328
FOLDED = 22
"""What a folded stretch takes."""
LEAST = 8
"""A mark is at least so wide."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on the line, from `x` on, in units of the picture."""

    x: float
    width: float
    look: str


@dataclass(frozen=True, slots=True)
class Label:
    """An hour below the line."""

    x: float
    word: str


@dataclass(frozen=True, slots=True)
class Ribbon:
    """The picture, and the sentence that says the same."""

    width: int
    grounds: Sequence[Mark]
    marks: Sequence[Mark]
    labels: Sequence[Label]
    needle: Label | None
    sentence: str


def ribbon(schedule: Schedule, day: date, now: datetime, tz: str) -> Ribbon | None:
    """Of a day of the schedule; None if nothing is in it."""
    slots = [slot for slot in schedule.slots if today(slot.from_at, tz) == day]
    if not slots:
        return None
    spans = [(_minute(slot.from_at, tz), _minute(slot.from_at, tz) + _length(slot)) for slot in slots]
    scale = _Scale(folding.bands(spans))
    is_today = today(now, tz) == day
    return Ribbon(
        width=WIDTH,
        grounds=list(scale.grounds()),
        marks=[scale.mark(span, look) for span, look in zip(spans, _looks(slots, now), strict=True)],
        labels=list(scale.labels()),
        needle=Label(round(scale.x(_minute(now, tz)), 1), clock(now, tz)) if is_today else None,
        sentence=ngettext("%(num)s lượt phát trong ngày", "%(num)s lượt phát trong ngày", len(slots)),
    )


class _Scale:
    """Minutes to units: open bands share the width that folded ones leave."""

    def __init__(self, bands: Sequence[Band]) -> None:
        self._places: list[tuple[Band, float, float]] = []
        folded = sum(band.folded for band in bands)
        minutes = sum(band.end - band.begin for band in bands if not band.folded)
        unit = (WIDTH - folded * FOLDED) / max(1, minutes)
        at = 0.0
        for band in bands:
            width = FOLDED if band.folded else (band.end - band.begin) * unit
            self._places.append((band, at, width))
            at += width

    def x(self, minute: float) -> float:
        for band, at, width in self._places:
            if minute <= band.end:
                return at + width * (minute - band.begin) / (band.end - band.begin)
        return float(WIDTH)

    def mark(self, span: tuple[int, int], look: str) -> Mark:
        begin, end = self.x(span[0]), self.x(min(span[1], DAY))
        width = max(LEAST, end - begin - 1)
        return Mark(round(min(begin, WIDTH - width), 1), round(width, 1), look)

    def grounds(self) -> Iterator[Mark]:
        for band, at, width in self._places:
            yield Mark(round(at, 1), round(width, 1), "fold" if band.folded else "open")

    def labels(self) -> Iterator[Label]:
        last = -60.0
        for band, at, _width in self._places:
            if not band.folded and at - last >= 38:  # noqa: PLR2004 -- what the name of an hour takes
                yield Label(round(at, 1), f"{band.begin // 60:02d}:{band.begin % 60:02d}")
                last = at


def _looks(slots: Iterable[Slot], now: datetime) -> Iterator[str]:
    for slot in slots:
        look = look_of(slot, now)
        if slot.state is not SlotState.APPROVED:
            yield "wait"
        elif look.look in {"bad", "warn"}:
            yield "bad"
        elif slot.sounds and slot.from_at <= now < slot.to_at:
            yield "now"
        elif slot.to_at <= now:
            yield "past"
        else:
            yield "plan" if slot.class_ is BroadcastClass.NORMAL else "first"


def _minute(at: datetime, tz: str) -> int:
    wall = to_wall(at, tz)
    return wall.hour * 60 + wall.minute


def _length(slot: Slot) -> int:
    return max(1, round((slot.to_at - slot.from_at).total_seconds() / 60))
