"""In which order, and how fast, recordings are fetched."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from loa.node_agent.core.plan import Need, Plan
from loa.protocol.broadcast import RecordingSource
from loa.protocol.ids import OccurrenceId, RecordingId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import NodeSettings
from loa.schedules.localtime import broadcast_day

SOON = timedelta(minutes=10)
"""What is due within this time is fetched at once and as fast as it comes."""
_GENTLE_SHARE = 8
"""Standing messages come at this part of the rate: nobody waits for them, and they are never evicted."""

_MS = timedelta(milliseconds=1)


class Haste(IntEnum):
    """How urgently a recording is to come; the smaller goes first."""

    EMERGENCY = 0
    SOON = 1
    STANDING = 2
    AHEAD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A recording to be fetched."""

    source: RecordingSource
    haste: Haste
    due_at: datetime | None
    """When it sounds first; None: it is to be had, whenever that is."""

    @property
    def is_hasty(self) -> bool:
        """Whether nothing may hold it up, be it a spread or a limit of the rate."""
        return self.haste <= Haste.SOON

    def rate_bytes_s(self, settings: NodeSettings) -> int | None:
        """How fast it may come."""
        if self.is_hasty:
            return None
        rate = settings.fetch_rate_bytes_s
        return max(1, rate // _GENTLE_SHARE) if self.haste is Haste.STANDING else rate


def in_order(needs: Iterable[Need], standing: Iterable[RecordingSource], now: datetime) -> list[Order]:
    """Each recording once: emergencies, what is due soon, standing messages, and the rest by need.

    What can no longer begin needs nothing.
    """
    orders = [_order(need, now) for need in needs if need.until_at >= now]
    orders += [Order(source=source, haste=Haste.STANDING, due_at=None) for source in standing]
    first: dict[RecordingId, Order] = {}
    for order in sorted(orders, key=_place):
        first.setdefault(order.source.recording, order)
    return list(first.values())


def next_turn(needs: Iterable[Need], now: datetime) -> datetime | None:
    """When the order changes by the mere passing of time."""
    instants = (at for need in needs for at in (need.due_at - SOON, need.until_at + _MS))
    return min((at for at in instants if at > now), default=None)


def lost_needs(plan: Plan, lost: Iterable[RecordingId], now: datetime) -> list[Need]:
    """Recordings that came once and whose bytes are gone, by what counts on them."""
    names = set(lost)
    return [
        Need(
            source=plan.source(segment.item_id),
            due_at=segment.from_at,
            until_at=segment.to_at,
            is_emergency=plan.items[segment.item_id].class_ is BroadcastClass.EMERGENCY,
        )
        for segment in plan.segments
        if segment.to_at > now and plan.source(segment.item_id).recording in names
    ]


def still_counted_on(plan: Plan, reported: Collection[OccurrenceId], now: datetime) -> set[RecordingId]:
    """What the coming days need, and what today's broadcast day rests on.

    Nothing but an emergency reaches from one broadcast day into the next, so what was over and reported
    before today can be forgotten without a change of what sounds now.
    """
    today = broadcast_day(now, plan.tz)[0]
    return {
        plan.source(name).recording
        for name, item in plan.items.items()
        if name not in reported
        or item.class_ is BroadcastClass.EMERGENCY
        or max(item.start_at, plan.outcomes[name].at) >= today
    }


def sources_of(plan: Plan) -> Mapping[RecordingId, RecordingSource]:
    """The sounds of everything in the plan's window."""
    found = (plan.source(name) for name in plan.items)
    return {source.recording: source for source in found}


def _order(need: Need, now: datetime) -> Order:
    soon = need.due_at <= now + SOON
    hasty = Haste.EMERGENCY if need.is_emergency else Haste.SOON
    return Order(source=need.source, haste=hasty if soon else Haste.AHEAD, due_at=need.due_at)


def _place(order: Order) -> tuple[object, ...]:
    due_s = order.due_at.timestamp() if order.due_at else 0.0
    return order.haste, due_s, order.source.size_bytes, order.source.recording
