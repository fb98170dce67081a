"""The rules of the timeline once more, as plainly as can be: a walk by the minute that looks at everything.

Far too slow for use; what it finds must be what `lay_out` finds.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from loa.protocol.ids import OccurrenceId, broadcast_of
from loa.protocol.kinds import AfterInterruption, BroadcastClass, Late
from loa.protocol.policy import Policy
from loa.schedules.localtime import broadcast_day
from loa.schedules.model import Item, Reorder, Silence, Withdrawal
from loa.schedules.policy import allowed_until, version_at
from tests.schedules.make import TZ

TICK = timedelta(minutes=1)
GRACE = timedelta(seconds=5)
EMERGENCY = BroadcastClass.EMERGENCY


def learnt_at(fact: Item | Silence | Withdrawal | Reorder) -> datetime:
    in_time = fact.known_at is None or fact.known_at <= fact.issued_at + GRACE
    return fact.issued_at if in_time or fact.known_at is None else fact.known_at


def ready_at(item: Item) -> datetime:
    return max(item.start_at, learnt_at(item))


def effect_of(silence: Silence) -> datetime:
    return max(silence.from_at, learnt_at(silence))


def is_meant_for(silence: Silence, item: Item) -> bool:
    return (silence.is_total or item.approved_at <= silence.issued_at) and (
        item.class_ is not EMERGENCY or silence.authority >= item.authority
    )


@cache
def last_end_of(item: Item) -> datetime:
    if item.class_ is EMERGENCY:
        return item.last_end_at
    return min(item.last_end_at, broadcast_day(item.start_at, TZ)[1])


@dataclass(eq=False)
class Walker:
    """One item on its way."""

    item: Item
    over: bool = False
    begun: bool = False
    offset: timedelta = timedelta()
    clock: datetime | None = None
    sounded: timedelta = timedelta()
    ticks: list[tuple[datetime, timedelta]] = field(default_factory=list)

    @property
    def duration(self) -> timedelta:
        return timedelta(milliseconds=self.item.duration_ms)

    def end_from(self, now: datetime) -> datetime:
        return (now - self.offset if self.clock is None else self.clock) + self.duration


@dataclass
class Naive:
    """All that is said, and a clock."""

    items: list[Item]
    withdrawals: list[Withdrawal]
    silences: list[Silence]
    reorders: list[Reorder]
    policy: Policy
    hours: dict[tuple[BroadcastClass, datetime], datetime | None] = field(default_factory=dict)

    def sounding(self) -> dict[datetime, tuple[OccurrenceId, timedelta]]:
        """Minute by minute, which item sounds and where in its sound it is."""
        self.walkers = [Walker(item) for item in self.items]
        for walker in self.walkers:
            due = max(walker.item.start_at, walker.item.issued_at)
            is_late = ready_at(walker.item) > due and walker.item.class_ is not EMERGENCY
            walker.clock = due if is_late and walker.item.late is Late.JOIN else None
            walker.over = is_late and walker.item.late is Late.SKIP
        self.current: Walker | None = None
        heard: dict[datetime, tuple[OccurrenceId, timedelta]] = {}
        now = min(ready_at(item) for item in self.items)
        stop = max(max(ready_at(item), item.last_end_at, item.not_after_at) for item in self.items)
        while now <= stop:
            self._tick(now)
            if self.current is not None:
                heard[now] = self.current.item.id, self.current.offset
                self.current.offset += TICK
                self.current.sounded += TICK
            now += TICK
        return heard

    def _tick(self, now: datetime) -> None:
        current = self.current
        if current is not None and current.offset >= current.duration:
            self._finish(current)
        self._take_away(now)
        current = self.current
        if current is not None and (last_end_of(current.item) <= now or not self._is_open(current, now)):
            self._finish(current)
        self._choose(now)

    def _take_away(self, now: datetime) -> None:
        for walker in self.walkers:
            item = walker.item
            withdrawn = any(
                one.target in {item.id, broadcast_of(item.id)} and learnt_at(one) <= now
                for one in self.withdrawals
            )
            silenced = any(
                is_meant_for(one, item) and effect_of(one) <= now < one.until_at and ready_at(item) <= now
                for one in self.silences
            )
            if withdrawn or silenced:
                self._finish(walker)

    def _finish(self, walker: Walker) -> None:
        walker.over = True
        if walker is self.current:
            self.current = None

    def _is_open(self, walker: Walker, now: datetime) -> bool:
        return walker.item.class_ is EMERGENCY or self._until(walker.item.class_, now) is not None

    def _until(self, class_: BroadcastClass, now: datetime) -> datetime | None:
        if (class_, now) not in self.hours:
            self.hours[class_, now] = allowed_until(self.policy, class_, now, TZ)
        return self.hours[class_, now]

    def _choose(self, now: datetime) -> None:
        able = [
            walker for walker in self.walkers if walker is not self.current and self._is_able(walker, now)
        ]
        emergencies = [walker for walker in able if walker.item.class_ is EMERGENCY]
        current = self.current
        if emergencies:
            best = min(emergencies, key=self._rank)
            if current is None:
                self._begin(best, now)
            elif current.item.class_ is not EMERGENCY or current.item.authority < best.item.authority:
                current.over = current.item.after_interruption is AfterInterruption.DROP
                self._begin(best, now)
        elif current is None and able:
            self._begin(min(able, key=lambda walker: self._ordinary_rank(walker, now)), now)

    def _begin(self, walker: Walker, now: datetime) -> None:
        if walker.clock is not None:
            walker.offset = now - walker.clock
        if not walker.begun:
            rejoins = walker.item.after_interruption is AfterInterruption.REJOIN
            walker.clock = now - walker.offset if rejoins else None
        walker.begun = True
        self.current = walker

    def _is_able(self, walker: Walker, now: datetime) -> bool:
        item, end, last_end = walker.item, walker.end_from(now), last_end_of(walker.item)
        if walker.over or ready_at(item) > now or min(end, last_end) <= now:
            return False
        if not walker.begun and now > item.not_after_at:
            return False
        if item.whole and end > last_end:
            return False
        return item.class_ is EMERGENCY or self._is_allowed(walker, now)

    def _is_allowed(self, walker: Walker, now: datetime) -> bool:
        until = self._until(walker.item.class_, now)
        if until is None or (walker.item.whole and walker.end_from(now) > until):
            return False
        lines = version_at(self.policy, now).minutes
        return walker.begun or all(
            self._used(line.classes, now) + walker.duration <= timedelta(minutes=line.minutes)
            for line in lines
            if walker.item.class_ in line.classes
        )

    def _used(self, classes: frozenset[BroadcastClass], now: datetime) -> timedelta:
        day = broadcast_day(now, TZ)
        counted = [
            walker
            for walker in self.walkers
            if walker.begun
            and walker.item.class_ in classes
            and broadcast_day(walker.item.start_at, TZ) == day
        ]
        return sum((w.sounded if self._is_gone(w, now) else w.duration for w in counted), timedelta())

    def _is_gone(self, walker: Walker, now: datetime) -> bool:
        """Over, or suspended for so long that it can never go on."""
        if walker.over:
            return True
        end, last_end = walker.end_from(now), last_end_of(walker.item)
        return walker is not self.current and (
            min(end, last_end) <= now or (walker.item.whole and end > last_end)
        )

    def _rank(self, walker: Walker) -> tuple[object, ...]:
        item = walker.item
        return -item.authority, ready_at(item), item.issued_at, item.id

    def _ordinary_rank(self, walker: Walker, now: datetime) -> tuple[object, ...]:
        item = walker.item
        place: tuple[object, ...]
        if item.class_ is BroadcastClass.PRIORITY:
            place = (self._order(item, now), -item.authority, item.start_at)
        else:
            place = (item.start_at, self._order(item, now), -item.authority)
        return item.class_ is BroadcastClass.NORMAL, not walker.begun, *place, item.issued_at, item.id

    def _order(self, item: Item, now: datetime) -> int:
        said = [
            one
            for one in self.reorders
            if one.target in {item.id, broadcast_of(item.id)} and learnt_at(one) <= now
        ]
        return max(said, key=lambda one: (one.issued_at, one.target, one.order)).order if said else item.order
