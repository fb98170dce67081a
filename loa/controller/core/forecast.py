"""What a new broadcast changes: the timeline with it held against the timeline without it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from loa.controller.core.notices import Notice, NoticeCode, in_order
from loa.controller.core.preview import Fate, Shown
from loa.controller.core.standing import Laid, Standing, lay
from loa.controller.core.starts import Hours, allowed_after, ceil_minute, soon
from loa.protocol.broadcast import Entry
from loa.protocol.ids import BroadcastId, OccurrenceId, broadcast_of
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reasons import Reason
from loa.schedules.localtime import broadcast_day
from loa.schedules.model import Item, Outcome, Segment, Window
from loa.schedules.policy import volume_cap

DAYS = timedelta(days=7)
"""How much of a recurrence is shown."""
_DAY = timedelta(days=1)
_SOUNDED = {Reason.COMPLETE, Reason.PARTLY}


@dataclass(frozen=True, slots=True)
class Forecast:
    """What one distinct set of audiences will hear."""

    window: Window
    segments: tuple[Shown, ...]
    fates: tuple[Fate, ...]
    notices: tuple[Notice, ...]


def window_of(start_at: datetime, *, recurs: bool, tz: str) -> Window:
    """The broadcast day of the first start, and of a recurrence the week from then on."""
    begin = broadcast_day(start_at, tz)[0]
    last = start_at + DAYS - _DAY if recurs else start_at
    return Window(from_at=begin, until_at=broadcast_day(last, tz)[1])


def forecast(standing: Standing, entry: Entry, hours: Hours, window: Window, now: datetime) -> Forecast:
    """Lay out with the new broadcast and without it; the day before is counted in, since it may straddle."""
    wide = Window(from_at=window.from_at - _DAY, until_at=window.until_at)
    with_it = standing.joined_by(entry)
    compared = _Compared(
        mine=entry.id,
        before=lay(standing, hours, wide),
        after=lay(with_it, hours, wide),
        titles={name: one.broadcast.title for name, one in with_it.entries.items()},
        hours=hours,
        now=now,
    )
    return Forecast(
        window,
        tuple(compared.shown(window)),
        tuple(compared.fates(window)),
        in_order([*compared.about_mine(), *compared.about_others()]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    mine: BroadcastId
    before: Laid
    after: Laid
    titles: Mapping[BroadcastId, str]
    hours: Hours
    now: datetime

    def shown(self, window: Window) -> Iterator[Shown]:
        for segment in self.after.timeline.segments:
            if segment.to_at > window.from_at and segment.from_at < window.until_at:
                name = broadcast_of(segment.item_id)
                yield Shown(
                    from_at=segment.from_at,
                    to_at=segment.to_at,
                    item=segment.item_id,
                    offset_ms=segment.offset_ms,
                    title=self.titles[name],
                    class_=self.after.items[segment.item_id].class_,
                    mine=name == self.mine,
                )

    def fates(self, window: Window) -> Iterator[Fate]:
        for item in sorted(self.after.items.values(), key=lambda one: (one.start_at, one.id)):
            outcome = self.after.timeline.outcomes[item.id]
            if item.last_end_at > window.from_at:
                yield self._fate(item, outcome)

    def about_mine(self) -> Iterator[Notice]:
        mine = [item for item in self.after.items.values() if broadcast_of(item.id) == self.mine]
        for item in mine:
            yield from self._about_one_of_mine(item)
        if mine:
            yield from self._attenuation(min(mine, key=lambda item: item.start_at))

    def about_others(self) -> Iterator[Notice]:
        for item in self.before.items.values():
            yield from self._about_another(item)

    def _fate(self, item: Item, outcome: Outcome) -> Fate:
        name = broadcast_of(item.id)
        return Fate(
            item=item.id,
            title=self.titles[name],
            class_=item.class_,
            mine=name == self.mine,
            planned_at=item.start_at,
            duration_ms=item.duration_ms,
            reason=outcome.reason,
            at=outcome.at,
            sounded_ms=outcome.sounded_ms,
            by=outcome.by,
            legal_source=outcome.legal_source,
        )

    def _about_one_of_mine(self, item: Item) -> Iterator[Notice]:
        outcome = self.after.timeline.outcomes[item.id]
        if outcome.reason not in _SOUNDED:
            yield replace(
                self._notice(NoticeCode.WILL_NOT_SOUND, item),
                reason=outcome.reason,
                legal_source=outcome.legal_source,
                by=outcome.by,
                by_title=self._title(outcome.by),
                repaired_after=self._free_after(item),
            )
            return
        first = _first(self.after, item.id)
        if first is not None and first.from_at > max(item.start_at, item.issued_at):
            by = _sounding_before(self.after, first.from_at)
            yield replace(
                self._notice(NoticeCode.DELAYED, item),
                delta_ms=_ms(first.from_at - item.start_at),
                by=by,
                by_title=self._title(by),
                repaired_after=self._free_after(item),
            )

    def _about_another(self, item: Item) -> Iterator[Notice]:
        was, will_be = self.before.timeline.outcomes[item.id], self.after.timeline.outcomes[item.id]
        titled = replace(self._notice(NoticeCode.DISPLACES, item), title=self._title(item.id))
        if was.reason in _SOUNDED and will_be.sounded_ms < was.sounded_ms:
            yield replace(
                titled,
                code=NoticeCode.TAKES_AWAY,
                reason=will_be.reason,
                legal_source=will_be.legal_source,
                by=will_be.by,
            )
            return
        then, now = _first(self.before, item.id), _first(self.after, item.id)
        if then is not None and now is not None and now.from_at > then.from_at:
            yield replace(titled, delta_ms=_ms(now.from_at - then.from_at))
        elif _pieces(self.after, item.id) > _pieces(self.before, item.id):
            yield replace(titled, code=NoticeCode.INTERRUPTS)

    def _attenuation(self, item: Item) -> Iterator[Notice]:
        cap = volume_cap(self.hours.policy, item.class_, item.start_at, self.hours.tz)
        if cap.cap_db < 0:
            notice = self._notice(NoticeCode.ATTENUATED, item)
            yield replace(notice, cap_db=cap.cap_db, legal_source=cap.legal_source)

    def _notice(self, code: NoticeCode, item: Item) -> Notice:
        return Notice(code=code, at=item.start_at, item=item.id)

    def _title(self, by: str | None) -> str | None:
        return None if by is None else self.titles.get(broadcast_of(OccurrenceId(by)))

    def _free_after(self, item: Item) -> datetime | None:
        """The next whole minute of that day at which the channel is free and its class allowed."""
        if item.class_ is BroadcastClass.EMERGENCY:
            return None
        taken = self.before.timeline.segments
        length = timedelta(milliseconds=item.duration_ms)
        ends = broadcast_day(item.start_at, self.hours.tz)[1]
        at = max(ceil_minute(item.start_at), soon(self.now))
        while at + length <= ends:
            free_at = allowed_after([self.hours], item.class_, at, item.duration_ms)
            if free_at is None or free_at + length > ends:
                return None
            in_the_way = next((s for s in taken if s.from_at < free_at + length and free_at < s.to_at), None)
            if in_the_way is None:
                return free_at if free_at != item.start_at else None
            at = max(ceil_minute(in_the_way.to_at), free_at + timedelta(minutes=1))
        return None


def _first(laid: Laid, item: OccurrenceId) -> Segment | None:
    return next(iter(laid.pieces.get(item, ())), None)


def _pieces(laid: Laid, item: OccurrenceId) -> int:
    return len(laid.pieces.get(item, ()))


def _sounding_before(laid: Laid, at: datetime) -> OccurrenceId | None:
    return next((segment.item_id for segment in laid.timeline.segments if segment.to_at == at), None)


def _ms(delta: timedelta) -> int:
    return delta // timedelta(milliseconds=1)
