"""The schedule as its page draws it: a week to scale, a month in numbers, a day as a list."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

from loa.controller.core.quiet import Quiet
from loa.controller.core.schedule import Schedule, Slot, SlotState
from loa.controller.web import folding
from loa.controller.web.catalogue import CLASSES, PLAYED, PLAYING, TO_COME, Look
from loa.controller.web.folding import Band, Gap, Lanes, Part, Quiets, Span
from loa.controller.web.localtime import clock, day_words, today
from loa.controller.web.schedule_words import (
    SHORT_DAYS,
    SOME_SILENT,
    look_of,
    notes_of,
    sentence_of,
    why_of,
)
from loa.controller.web.words import _, ngettext
from loa.protocol.kinds import BroadcastClass
from loa.schedules.localtime import to_wall

_DAY = timedelta(days=1)
MONTH_TITLES = 3
"""Titles in a day of the month, at most."""


@dataclass(frozen=True, slots=True)
class Card:
    """A slot, ready to be drawn."""

    at: str
    title: str
    sentence: str
    icon: str
    looks: str
    href: str
    bulletin: str
    revision: int
    was: str
    """The wall time of its planned start, if it may be moved; else empty."""
    move_href: str
    look: Look


@dataclass(frozen=True, slots=True)
class Entry:
    """A slot in the list of a day, which has room for more."""

    card: Card
    badge: str
    """Its class, unless it is a normal one."""
    note: str
    why: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing to write into a column of the week, from top to bottom: see `_pieces`."""

    kind: str
    px: int = 0
    card: Card | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """A day above its column."""

    short: str
    number: str
    day: str
    words: str
    is_today: bool
    is_chosen: bool
    count: str
    url: str
    day_url: str
    """The day alone."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The name of an hour, so far below the one before."""

    px: int
    word: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One day's part of a band."""

    day: str
    is_today: bool
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Row:
    """A band of the week; a folded one has words in place of cells."""

    begin: int
    end: int
    ticks: Sequence[Tick] = ()
    cells: Sequence[Cell] = ()
    words: str = ""
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class MonthDay:
    """A day of the month: its number, what is in it."""

    head: Head
    is_inside: bool
    cards: Sequence[Card]
    more: str
    """How many are not named, in words."""


@dataclass(slots=True, kw_only=True)
class Painter:
    """Draws schedules for one reader."""

    now: datetime
    tz: str
    place: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """What an audience is called."""
    readable: frozenset[str] = frozenset()
    """Areas whose bulletins the person may open."""
    writable: frozenset[str] = frozenset()
    """Areas whose bulletins the person may change."""
    back: str = "/schedule"
    """Where moving something leads back to, as part of an address."""

    def card(self, slot: Slot) -> Card:
        """One slot."""
        look = look_of(slot, self.now)
        waits = slot.state is not SlotState.APPROVED
        was = to_wall(slot.planned_at, self.tz).isoformat() if waits and slot.issuer in self.writable else ""
        move_href = f"/schedule/move/{slot.bulletin}?was={was}&back={self.back}" if was else ""
        return Card(
            at=clock(slot.from_at, self.tz),
            title=slot.title,
            sentence=sentence_of(slot, look, self.tz),
            icon=_icon(slot, look),
            looks=" ".join(_looks(slot, look, self.now)),
            href=f"/bulletins/{slot.bulletin}" if slot.issuer in self.readable else "",
            bulletin=slot.bulletin,
            revision=slot.revision,
            was=was,
            move_href=move_href,
            look=look,
        )

    def entry(self, slot: Slot) -> Entry:
        """One slot in a list."""
        card = self.card(slot)
        return Entry(
            card=card,
            badge="" if slot.class_ is BroadcastClass.NORMAL else str(CLASSES[slot.class_]),
            note=" · ".join(notes_of(slot, card.look, self.place.get(slot.audience, ""))),
            why=why_of(slot),
        )

    def by_day(self, schedule: Schedule) -> Mapping[date, list[Slot]]:
        """The slots by the local day on which they begin to sound."""
        found: defaultdict[date, list[Slot]] = defaultdict(list)
        for slot in schedule.slots:
            found[today(slot.from_at, self.tz)].append(slot)
        return found

    def head(self, day: date, slots: Sequence[Slot], *, chosen: date, url: str, day_url: str) -> Head:
        """A day with how much is in it."""
        return Head(
            short=str(SHORT_DAYS[day.weekday()]),
            number=f"{day.day}/{day.month}",
            day=day.isoformat(),
            words=day_words(day),
            is_today=day == today(self.now, self.tz),
            is_chosen=day == chosen,
            count=ngettext("%(num)s lượt", "%(num)s lượt", len(slots)),
            url=url,
            day_url=day_url,
        )

    def rows(self, schedule: Schedule, days: Sequence[date]) -> list[Row]:
        """The bands of these days."""
        slots = self.by_day(schedule)
        spans = {day: [self._span(slot) for slot in slots.get(day, ())] for day in days}
        quiet = {day: list(_minutes(schedule.quiet, day, self.tz)) for day in days}
        common = _common(quiet.values())
        busy = [(span.begin, span.end) for one in spans.values() for span in one]
        edges = [edge for pair in common for edge in pair]
        return [self._row(band, spans, quiet, common) for band in folding.bands(busy, edges)]

    def _row(
        self, band: Band, spans: Mapping[date, list[Span[Card]]], quiet: Mapping[date, Quiets], common: Quiets
    ) -> Row:
        if band.folded:
            is_quiet = folding.is_within(band.begin, band.end, common)
            return Row(band.begin, band.end, words=_fold_words(band, is_quiet=is_quiet), quiet=is_quiet)
        cells = [
            Cell(
                day=day.isoformat(),
                is_today=day == today(self.now, self.tz),
                pieces=list(_pieces(folding.day_parts(spans[day], band, quiet[day]))),
            )
            for day in spans
        ]
        starts = [span.begin for one in spans.values() for span in one]
        return Row(band.begin, band.end, ticks=list(_ticks(starts, band)), cells=cells)

    def _span(self, slot: Slot) -> Span[Card]:
        begin = _minute(slot.from_at, self.tz)
        length = -(-(slot.to_at - slot.from_at) // timedelta(minutes=1))
        return Span(begin, begin + length, self.card(slot))


def in_words(minute: int) -> str:
    """`05:30`, and `24:00` at the end."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _pieces(parts: Iterable[Part[Card]]) -> Iterator[Piece]:
    """Gaps and slots, and where lanes begin and end: flat, so that a template need not call itself."""
    for part in parts:
        if isinstance(part, Lanes):
            yield Piece("lanes")
            for lane in part.lanes:
                yield Piece("lane")
                yield from _pieces(lane)
                yield Piece("lane-end")
            yield Piece("lanes-end")
        elif isinstance(part, Gap):
            yield Piece("quiet" if part.quiet else "gap", part.px)
        else:
            yield Piece("slot", part.px, part.shown)


def _fold_words(band: Band, *, is_quiet: bool) -> str:
    span = {"start": in_words(band.begin), "end": in_words(band.end)}
    if is_quiet:
        return _("%(start)s đến %(end)s: giờ yên tĩnh", **span)
    return _("%(start)s đến %(end)s: không có gì phát", **span)


def _ticks(starts: Iterable[int], band: Band) -> Iterator[Tick]:
    at = band.begin
    for minute in folding.ticks(starts, band):
        yield Tick((minute - at) * folding.PX_A_MINUTE, in_words(minute))
        at = minute


def _minute(at: datetime, tz: str) -> int:
    wall = to_wall(at, tz)
    return wall.hour * 60 + wall.minute


def _minutes(quiet: Iterable[Quiet], day: date, tz: str) -> Iterator[tuple[int, int]]:
    """The quiet hours of a day in minutes after its midnight."""
    for one in quiet:
        first, last = to_wall(one.from_at, tz), to_wall(one.to_at, tz)
        midnight = datetime.combine(day, datetime.min.time())
        begin = max(0, (first - midnight) // timedelta(minutes=1))
        end = min(folding.DAY, (last - midnight) // timedelta(minutes=1))
        if begin < end:
            yield begin, end


def _common(quiet: Iterable[Quiets]) -> Quiets:
    """What is quiet on each of the days."""
    days = list(quiet)
    edges = sorted({0, folding.DAY, *(edge for one in days for pair in one for edge in pair)})
    return [(a, b) for a, b in pairwise(edges) if days and all(folding.is_within(a, b, one) for one in days)]


def _icon(slot: Slot, look: Look) -> str:
    if slot.class_ is BroadcastClass.EMERGENCY:
        return "alarm"
    if look is SOME_SILENT:
        return "horn-off"
    if slot.state is not SlotState.APPROVED and not slot.sounds:
        return "cross"
    if look in {PLAYED, TO_COME}:
        return "flag" if slot.class_ is BroadcastClass.PRIORITY else ""
    return look.icon


def _looks(slot: Slot, look: Look, now: datetime) -> Iterator[str]:
    if slot.state is not SlotState.APPROVED:
        yield "slot-wait"
        if not slot.sounds:
            yield "slot-refused"
    elif look is SOME_SILENT or (look.look == "bad" and slot.sounds):
        yield "slot-silent"
    elif not slot.sounds:
        yield "slot-refused"
    elif look is PLAYING:
        yield "slot-now"
    elif slot.to_at <= now:
        yield "slot-past"
    if slot.class_ is not BroadcastClass.NORMAL:
        yield "slot-first"
