"""A preview as the page shows it: what will not sound, what moves, what it costs, and the timeline."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loa.controller.core.notices import Notice, NoticeCode, Weight
from loa.controller.core.preview import Fate, Preview, Shown, View
from loa.controller.web import phrases
from loa.controller.web.catalogue import NOTICES, WHY
from loa.controller.web.localtime import clock, full_day, megabytes, spell, today, weekday
from loa.protocol.ids import AreaId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.units import to_ms

PX_A_MINUTE = 6.75
"""Eight minutes are 54 px high, with border and margin; two lines of text need as much."""
LEAST_PX, MOST_PX = 54, 130
AROUND_PX = 11
"""What border, padding and margin add to the height of a block."""
AROUND = timedelta(minutes=45)
"""How much of the neighbours' time is shown before and after what is previewed."""
MOST_DAYS = 3
FOLD = timedelta(minutes=10)
"""A silence longer than this is folded to one line."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A button that puts a value right."""

    value: str
    word: str


@dataclass(frozen=True, slots=True)
class Note:
    """A notice as it is shown."""

    kind: str
    icon: str
    title: str
    why: str
    source: str | None = None
    repair: Repair | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the drawn timeline."""

    kind: str
    at: str = ""
    text: str = ""
    title: str = ""
    icon: str = ""
    height: int = 0
    looks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """The rows of one local day; no title where one day is all."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class PlaceSet:
    """The timeline of all nodes that hear the same."""

    name: str
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Price:
    """What it costs over the SIM."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """All that the page shows of a preview."""

    problem: str | None = None
    notes: tuple[Note, ...] = ()
    cost: Price | None = None
    sets: tuple[PlaceSet, ...] = ()
    refused: bool = False
    """Whether approval would be refused as it stands."""


@dataclass(slots=True)
class Painter:
    """Draws a preview for one reader."""

    names: Mapping[AreaId, str] = field(default_factory=dict)
    """Of the areas."""
    mine: str = phrases.MY_BULLETIN
    tz: str = "Asia/Ho_Chi_Minh"
    repairs: bool = True
    classes: dict[str, BroadcastClass] = field(default_factory=dict)
    """Of the items in the preview."""

    def page(self, preview: Preview) -> PreviewPage:
        """The whole preview."""
        self.classes = {fate.item: fate.class_ for view in preview.views for fate in view.fates}
        found = dict.fromkeys((*preview.notices, *(one for view in preview.views for one in view.notices)))
        refused = {one.at for one in found if one.weight is Weight.REFUSED}
        told = [
            one for one in found if one.weight is Weight.REFUSED or one.at not in refused or one.at is None
        ]
        notices = sorted(told, key=lambda one: list(Weight).index(one.weight))
        quiet = [one for one in preview.notices if one.code in _QUIET and one.repaired_after]
        return PreviewPage(
            notes=tuple(note for note in map(self.note, notices) if note),
            cost=_price(preview.views),
            sets=tuple(self.places(view, quiet) for view in preview.views),
            refused=any(one.weight is Weight.REFUSED for one in notices),
        )

    def note(self, notice: Notice) -> Note | None:
        """One notice in words; the button carries the moment that is wrong and the one to take instead."""
        words = NOTICES[notice.code]
        facts = self._facts(notice)
        return Note(
            kind=_NOTE_LOOK[notice.weight],
            icon=words.icon,
            title=words.title.format_map(facts),
            why=self._why(notice, words.why).format_map(facts),
            source=notice.legal_source,
            repair=self._repair(notice) if self.repairs else None,
        )

    def places(self, view: View, quiet: Sequence[Notice] = ()) -> PlaceSet:
        """The timeline of one set of places."""
        name = _place_name([self.names.get(area, area) for area in view.areas])
        title = phrases.reach(name, len(view.nodes))
        return PlaceSet(name=title, days=tuple(self._days(view, quiet)))

    def _why(self, notice: Notice, otherwise: str) -> str:
        if notice.code is not NoticeCode.DELAYED:
            return otherwise
        return _FIRST.get(self.classes.get(notice.by or "", BroadcastClass.NORMAL), otherwise)

    def _facts(self, notice: Notice) -> dict[str, str]:
        names = [self.names.get(AreaId(area), area) for area in notice.areas]
        return {
            "at": self._moment(notice.at),
            "title": notice.title or self.mine,
            "by": notice.by_title or "",
            "delta": spell(notice.delta_ms or 0),
            "new": self._moment(_later(notice)),
            "day": full_day(today(notice.at, self.tz)) if notice.at else "",
            "length": spell(_length_ms(notice)),
            "quiet_from": self._moment(notice.quiet_from_at),
            "quiet_until": self._moment(notice.quiet_until_at),
            "reason": WHY.get(notice.reason or "", notice.reason or "").partition("{")[0].rstrip(" ,"),
            "areas": ", ".join(names),
            "db": f"{abs(notice.cap_db or 0):g}",
        }

    def _moment(self, at: datetime | None) -> str:
        return clock(at, self.tz) if at else ""

    def _repair(self, notice: Notice) -> Repair | None:
        at, found = notice.at, [one for one in (notice.repaired_before, notice.repaired_after) if one]
        if not found or at is None:
            return None
        becomes = min(found, key=lambda one: (today(one, self.tz) != today(at, self.tz), abs(one - at)))
        same_day = today(becomes, self.tz) == today(at, self.tz)
        word = phrases.CHANGE_TO if same_day else phrases.CHANGE_TO_DAY
        return Repair(
            value=f"repair:{to_ms(at)}:{to_ms(becomes)}",
            word=word.format(time=clock(becomes, self.tz), day=weekday(becomes, self.tz)),
        )

    def _days(self, view: View, quiet: Sequence[Notice]) -> Iterator[Day]:
        mine = [fate.planned_at for fate in view.fates if fate.mine]
        days = sorted({today(at, self.tz) for at in mine})[:MOST_DAYS]
        for day in days:
            starts = [at for at in mine if today(at, self.tz) == day]
            title = weekday(starts[0], self.tz) if len(days) > 1 else ""
            rows = (*self._rows(view, starts, quiet), *self._nights(quiet, starts))
            yield Day(title=title, rows=rows)

    def _rows(self, view: View, starts: Sequence[datetime], quiet: Sequence[Notice]) -> Iterator[Row]:
        last: datetime | None = None
        for begin, end, row in sorted(self._blocks(view, starts, quiet), key=lambda block: block[:2]):
            if last is not None and begin - last >= FOLD:
                span = {"start": clock(last, self.tz), "end": clock(begin, self.tz)}
                yield Row(kind="gap", text=phrases.QUIET_GAP.format_map(span))
            yield row
            last = end if last is None else max(last, end)

    def _nights(self, quiet: Sequence[Notice], starts: Sequence[datetime]) -> Iterator[Row]:
        """Until when it is quiet, below what the quiet hours refuse."""
        ends = {one.repaired_after for one in quiet if one.at in starts}
        for end in sorted(end for end in ends if end):
            yield Row(kind="night", text=phrases.QUIET_UNTIL.format(end=clock(end, self.tz)))

    def _blocks(
        self, view: View, starts: Sequence[datetime], quiet: Sequence[Notice]
    ) -> Iterator[tuple[datetime, datetime, Row]]:
        fates = {fate.item: fate for fate in view.fates}
        sounding = {shown.item for shown in view.segments}
        for shown in view.segments:
            if any(shown.from_at < at + AROUND and shown.to_at > at - AROUND for at in starts) or shown.mine:
                yield shown.from_at, shown.to_at, self._sounding(shown, fates.get(shown.item), starts)
        for fate in view.fates:
            near = any(abs(fate.planned_at - at) <= AROUND for at in starts)
            if fate.item not in sounding and near:
                over = next((one for one in quiet if fate.mine and one.at == fate.planned_at), None)
                yield fate.planned_at, fate.planned_at, self._silent(fate, over)

    def _sounding(self, shown: Shown, fate: Fate | None, _: Sequence[datetime]) -> Row:
        late_ms = to_ms(shown.from_at) - to_ms(fate.planned_at) if fate and shown.offset_ms == 0 else 0
        end = clock(shown.to_at, self.tz)
        looks, icon = ["mine"] if shown.mine else [], ""
        length_ms = to_ms(shown.to_at) - to_ms(shown.from_at)
        text = phrases.SPAN.format(start=clock(shown.from_at, self.tz), end=end)
        if length_ms < _MINUTE_MS:
            text = spell(length_ms)
        if shown.class_ is not BroadcastClass.NORMAL:
            looks.append("first")
        if late_ms >= 1000:  # noqa: PLR2004 -- a second is the least that the page's minutes can show
            looks, icon = [*looks, "moved"], "later"
            text = phrases.MOVED_TO.format(delta=spell(late_ms), end=end)
        return Row(
            kind="block",
            at=clock(shown.from_at, self.tz),
            title=self.mine if shown.mine else shown.title,
            text=text,
            icon=icon,
            looks=tuple(looks),
            height=_height(length_ms),
        )

    def _silent(self, fate: Fate, over: Notice | None) -> Row:
        why = WHY.get(fate.reason, fate.reason).partition("{")[0].rstrip(" ,")
        if over is not None and over.code is NoticeCode.INTO_QUIET_HOURS:
            why = phrases.RUNS_OVER.format(over=spell(over.delta_ms or 0))
        return Row(
            kind="block",
            at=clock(fate.planned_at, self.tz),
            title=(
                phrases.WILL_NOT_SOUND if fate.mine else phrases.OTHER_WILL_NOT_SOUND.format(title=fate.title)
            ),
            text=why,
            icon="cross",
            looks=("refused",),
            height=_height(fate.duration_ms),
        )


_QUIET = {NoticeCode.QUIET_HOURS, NoticeCode.INTO_QUIET_HOURS}
_FIRST = {
    BroadcastClass.PRIORITY: phrases.PRIORITY_FIRST,
    BroadcastClass.EMERGENCY: phrases.EMERGENCY_FIRST,
}
_MINUTE_MS = 60_000
_NOTE_LOOK = {Weight.REFUSED: "bad", Weight.SILENT: "bad", Weight.MOVED: "warn", Weight.NOTE: "act"}


def _length_ms(notice: Notice) -> int:
    """How long that is which runs into quiet hours."""
    if notice.at is None or notice.quiet_from_at is None:
        return 0
    return to_ms(notice.quiet_from_at) - to_ms(notice.at) + (notice.delta_ms or 0)


def _later(notice: Notice) -> datetime | None:
    if notice.at is None or notice.delta_ms is None:
        return notice.at
    return notice.at + timedelta(milliseconds=notice.delta_ms)


def _height(duration_ms: int) -> int:
    return round(min(MOST_PX, max(LEAST_PX, duration_ms / 60_000 * PX_A_MINUTE))) - AROUND_PX


def _place_name(names: Sequence[str]) -> str:
    if not names:
        return ""
    if len(names) == 1:
        return phrases.PLACES_ONE.format(place=names[0])
    return phrases.places_more(names[0], len(names) - 1)


def _price(views: Iterable[View]) -> Price | None:
    views = list(views)
    nodes = sum(len(view.nodes) for view in views)
    if not nodes:
        return None
    total = sum(len(view.nodes) * view.cost.total_bytes for view in views)
    most = max(view.cost.total_bytes for view in views)
    text = phrases.COST_TEXT.format(nodes=nodes, each=megabytes(most))
    estimated = any(view.cost.recording_estimated for view in views)
    return Price(
        title=phrases.COST_TITLE.format(total=megabytes(total)),
        text=f"{text} {phrases.COST_ESTIMATED}" if estimated else text,
    )
