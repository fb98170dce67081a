"""What a node has verified: the union of all that came, and when it learnt of each.

Absence means nothing: a message only adds. Merging is commutative, associative and idempotent, so neither
the order nor the repetition of messages matters.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, BroadcastId, SilenceId, WithdrawalId
from loa.protocol.programme import Programme, Silence, Urgent, Withdrawal
from loa.protocol.units import Instant
from loa.protocol.wire import Wire
from loa.schedules.model import KNOWN_GRACE_MS

_GRACE = timedelta(milliseconds=KNOWN_GRACE_MS)


class Ordered(Wire):
    """The rank that an area's programme gave to a broadcast, from an issue of the programme on."""

    area: AreaId
    broadcast: BroadcastId
    rank: int
    issued_at: Instant


Said = TypeVar("Said", Entry, Withdrawal, Silence, Ordered)
Name = TypeVar("Name")
OrderName = tuple[AreaId, BroadcastId, datetime]


@dataclass(frozen=True, slots=True)
class Seen(Generic[Said]):
    """What was said, and when this node learnt of it."""

    said: Said
    known_at: datetime

    @property
    def learnt_at(self) -> datetime:
        """From when on it counts: its issue if it came within the grace, else its arrival."""
        issued_at = self.said.issued_at
        return self.known_at if self.known_at > issued_at + _GRACE else issued_at

    def precedence(self) -> tuple[datetime, datetime, datetime, bytes]:
        """The least of several sightings counts: learnt first, issued first."""
        return self.learnt_at, self.said.issued_at, self.known_at, self.said.to_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Everything that a node keeps, by name."""

    entries: Mapping[BroadcastId, Seen[Entry]] = field(default_factory=dict)
    withdrawals: Mapping[WithdrawalId, Seen[Withdrawal]] = field(default_factory=dict)
    silences: Mapping[SilenceId, Seen[Silence]] = field(default_factory=dict)
    orders: Mapping[OrderName, Seen[Ordered]] = field(default_factory=dict)

    def is_empty(self) -> bool:
        """Whether it holds nothing at all."""
        return not (self.entries or self.withdrawals or self.silences or self.orders)


def merge(one: Shelf, other: Shelf) -> Shelf:
    """The union; of two sightings of the same thing the one that counts first."""
    return Shelf(
        entries=_union(one.entries, other.entries),
        withdrawals=_union(one.withdrawals, other.withdrawals),
        silences=_union(one.silences, other.silences),
        orders=_union(one.orders, other.orders),
    )


def news(before: Shelf, after: Shelf) -> Shelf:
    """What `after` holds and `before` did not hold so."""
    return Shelf(
        entries=_difference(before.entries, after.entries),
        withdrawals=_difference(before.withdrawals, after.withdrawals),
        silences=_difference(before.silences, after.silences),
        orders=_difference(before.orders, after.orders),
    )


def from_message(
    message: Programme | Urgent, entries: Iterable[Entry], known_at: datetime, held: Shelf
) -> Shelf:
    """What a message adds, given which of its entries were accepted and what is held already."""
    accepted = {entry.id: Seen(entry, known_at) for entry in entries}
    orders = _orders(message, accepted, known_at, held) if isinstance(message, Programme) else {}
    return Shelf(
        entries=accepted,
        withdrawals={said.id: Seen(said, known_at) for said in message.withdrawals},
        silences={said.id: Seen(said, known_at) for said in message.silences},
        orders=orders,
    )


def latest_ranks(orders: Iterable[Seen[Ordered]]) -> dict[tuple[AreaId, BroadcastId], int]:
    """The rank that each area gave last to each broadcast."""
    in_turn = sorted(orders, key=lambda seen: seen.said.issued_at)
    return {(seen.said.area, seen.said.broadcast): seen.said.rank for seen in in_turn}


def _orders(
    programme: Programme, accepted: Iterable[BroadcastId], known_at: datetime, held: Shelf
) -> dict[OrderName, Seen[Ordered]]:
    """Changes of rank only: a programme that goes on as it was adds nothing. Absent is 0."""
    before = latest_ranks(held.orders.values())
    ranks = {**dict.fromkeys(accepted, 0), **programme.order}
    said = [
        Ordered(area=programme.area, broadcast=name, rank=rank, issued_at=programme.issued_at)
        for name, rank in ranks.items()
        if before.get((programme.area, name), 0) != rank
    ]
    return {(one.area, one.broadcast, one.issued_at): Seen(one, known_at) for one in said}


def _union(one: Mapping[Name, Seen[Said]], other: Mapping[Name, Seen[Said]]) -> dict[Name, Seen[Said]]:
    both = dict(one)
    for name, seen in other.items():
        held = both.get(name)
        both[name] = seen if held is None else min(held, seen, key=Seen.precedence)
    return both


def _difference(
    before: Mapping[Name, Seen[Said]], after: Mapping[Name, Seen[Said]]
) -> dict[Name, Seen[Said]]:
    return {name: seen for name, seen in after.items() if before.get(name) != seen}
