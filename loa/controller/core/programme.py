"""What stands in a programme and in an urgent message, and in which order it must fit."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, BroadcastId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Programme, Silence, Urgent, Withdrawal
from loa.protocol.topics import Channel, row_of

WITHDRAWALS_OF_NOW = timedelta(hours=1)
"""How long a withdrawal stays urgent; the programme carries it as long as it matters."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What the database and the journal hold of an area at one instant."""

    entries: tuple[Entry, ...] = ()
    """Of what may still sound, in any order."""
    withdrawals: tuple[Withdrawal, ...] = ()
    silences: tuple[Silence, ...] = ()
    order: dict[BroadcastId, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fitted:
    """An urgent message, and what found no room in it: that travels by the programme alone."""

    urgent: Urgent
    left_out: tuple[str, ...]
    """Ids of silences, withdrawals and broadcasts."""


def make_programme(area: AreaId, contents: Contents, *, version: int, issued_at: datetime) -> Programme:
    """The same contents give the same programme, whatever order they came in."""
    return Programme(
        area=area,
        version=version,
        issued_at=issued_at,
        entries=tuple(sorted(contents.entries, key=lambda entry: (entry.issued_at, entry.id))),
        withdrawals=tuple(sorted(contents.withdrawals, key=lambda one: (one.issued_at, one.id))),
        silences=tuple(sorted(contents.silences, key=lambda one: one.counter)),
        order=contents.order,
    )


def make_urgent(area: AreaId, contents: Contents, *, version: int, issued_at: datetime) -> Fitted:
    """Silences first, then withdrawals of now, then emergencies by authority; of each the newest first."""
    urgent = Urgent(area=area, version=version, issued_at=issued_at)
    left_out: list[str] = []
    for add, name in _candidates(contents, issued_at):
        larger = add(urgent)
        if _fits(larger):
            urgent = larger
        else:
            left_out.append(name)
    return Fitted(urgent, tuple(left_out))


def same_contents(one: Programme | Urgent, other: Programme | Urgent) -> bool:
    """Whether they differ in nothing but version and time of issue."""
    return one.model_copy(update={"version": other.version, "issued_at": other.issued_at}) == other


_Add = Callable[[Urgent], Urgent]


def _candidates(contents: Contents, now: datetime) -> Iterator[tuple[_Add, str]]:
    for silence in sorted(contents.silences, key=lambda one: -one.counter):
        yield _adder("silences", silence), silence.id
    for withdrawal in _newest(contents.withdrawals, now - WITHDRAWALS_OF_NOW):
        yield _adder("withdrawals", withdrawal), withdrawal.id
    for entry in _emergencies(contents):
        yield _adder("entries", entry), entry.id


def _adder(part: str, added: Entry | Withdrawal | Silence) -> _Add:
    return lambda urgent: urgent.model_copy(update={part: (*getattr(urgent, part), added)})


def _newest(withdrawals: Iterable[Withdrawal], since: datetime) -> list[Withdrawal]:
    recent = [one for one in withdrawals if one.issued_at >= since]
    return sorted(recent, key=lambda one: (one.issued_at, one.id), reverse=True)


def _emergencies(contents: Contents) -> list[Entry]:
    gone = {one.target for one in contents.withdrawals if one.target == broadcast_of_target(one.target)}
    sounding = [
        entry
        for entry in contents.entries
        if entry.broadcast.class_ is BroadcastClass.EMERGENCY and entry.id not in gone
    ]
    return sorted(
        sounding, key=lambda entry: (entry.broadcast.authority, entry.issued_at, entry.id), reverse=True
    )


def broadcast_of_target(target: str) -> str:
    """The broadcast of a withdrawal's target, which may be one occurrence of it."""
    return target.partition("@")[0]


def _fits(urgent: Urgent) -> bool:
    """By the arithmetic of base64, since signing each try would cost more than all else."""
    return _ENVELOPE_BYTES + (len(urgent.to_bytes()) * 4 + 2) // 3 <= row_of(Channel.URGENT).limit_bytes


_ENVELOPE_BYTES = 240
"""Header, dots and signature take 218 to 220."""
