"""The standing siren in place of an emergency whose own sound has not come.

Such an emergency has a stand-in: an item of its own, which `lay_out` treats like any other. It begins when
the emergency ought to, is withdrawn at the instant at which the emergency's sound comes, and lasts at most
as long as the emergency might still begin. So the siren ends where the sound begins, and the arrival changes
nothing before itself. A stand-in ranks just below the emergency: one of the same rank that has its sound
goes before a siren, one of a lower rank does not, and whoever may silence the emergency silences its siren.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from loa.protocol.broadcast import RecordingSource
from loa.protocol.ids import OccurrenceId, WithdrawalId, broadcast_of
from loa.protocol.kinds import AfterInterruption, BroadcastClass
from loa.protocol.units import Instant
from loa.protocol.wire import Wire
from loa.schedules.model import Item, Outcome, Segment, Silence, Timeline, Withdrawal

_PREFIX = "siren:"
_MS = timedelta(milliseconds=1)


class Siren(Wire):
    """The siren that this node has, and since when it has had one."""

    source: RecordingSource
    since: Instant


@dataclass(frozen=True, slots=True)
class StandIn:
    """The siren's item for an emergency's, and the withdrawal that ends it where its sound came."""

    item: Item
    ended: Withdrawal | None


def name_of_stand_in(occurrence: OccurrenceId) -> OccurrenceId:
    """What the stand-in of an occurrence is called, here and by the player."""
    return OccurrenceId(_PREFIX + occurrence)


def is_stand_in(name: str) -> bool:
    """Whether a name is that of a stand-in."""
    return name.startswith(_PREFIX)


def stood_for(name: str) -> OccurrenceId:
    """The occurrence itself; the name of one that is no stand-in stays as it is."""
    return OccurrenceId(name.removeprefix(_PREFIX))


def stand_in(item: Item, siren: Siren, came_at: datetime | None) -> StandIn | None:
    """The stand-in of an emergency whose sound came at `came_at`, or has not come; None where none sounds.

    `item` as it would be with its sound there from the beginning.
    """
    if item.class_ is not BroadcastClass.EMERGENCY:
        return None
    begins_at = max(item.start_at, item.issued_at, siren.since, item.known_at or item.start_at)
    hopeless_at = min(item.not_after_at, item.last_end_at - item.duration_ms * _MS)
    if begins_at >= hopeless_at or (came_at is not None and came_at <= begins_at):
        return None
    name = name_of_stand_in(item.id)
    siren_item = replace(
        item,
        id=name,
        duration_ms=(hopeless_at - begins_at) // _MS,
        last_end_at=hopeless_at,
        known_at=siren.since if begins_at == siren.since else item.known_at,
        after_interruption=AfterInterruption.RESUME,
        whole=False,
    )
    ended = None if came_at is None else Withdrawal(id=WithdrawalId(name), target=name, issued_at=came_at)
    return StandIn(siren_item, ended)


def exact(item: Item) -> Item:
    """An emergency that was late to be known or to have its sound: it counts from then to the millisecond.

    The grace with which other late items join their neighbours would cut off its beginning.
    """
    known_at = item.known_at
    if item.class_ is not BroadcastClass.EMERGENCY or known_at is None or known_at <= item.issued_at:
        return item
    return replace(item, issued_at=known_at)


def with_late_sound(item: Item, came_at: datetime | None) -> Item:
    """An emergency as it is known by its sound; where that was there at the start nothing changes."""
    if came_at is None or came_at <= item.start_at:
        return item
    return replace(item, known_at=max(came_at, item.known_at or came_at))


@dataclass(frozen=True, slots=True)
class Cast:
    """What `lay_out` takes when stand-ins take part."""

    items: list[Item]
    withdrawals: list[Withdrawal]
    silences: list[Silence]


def with_stand_ins(
    items: Iterable[Item],
    withdrawals: Iterable[Withdrawal],
    silences: Iterable[Silence],
    stand_ins: Iterable[StandIn],
) -> Cast:
    """Everything together: ranks are doubled, so that a stand-in's lies between two of them."""
    these = list(stand_ins)
    own, acts = list(withdrawals), [exact(item) for item in items]
    if not these:
        return Cast(acts, own, list(silences))
    stood = {stood_for(one.item.id) for one in these}
    targets = stood | {broadcast_of(name) for name in stood}
    mirrored = [
        replace(one, target=name_of_stand_in(OccurrenceId(one.target)))
        for one in own
        if one.target in targets
    ]
    ended = [one.ended for one in these if one.ended is not None]
    doubled = [replace(item, authority=2 * item.authority) for item in acts]
    sirens = [replace(exact(one.item), authority=2 * one.item.authority - 1) for one in these]
    heard = [replace(one, authority=2 * one.authority) for one in silences]
    return Cast([*doubled, *sirens], [*own, *mirrored, *ended], heard)


@dataclass(frozen=True, slots=True)
class Parted:
    """A timeline without its stand-ins, and theirs under the names of the occurrences."""

    timeline: Timeline
    sirens: tuple[Segment, ...]
    outcomes: Mapping[OccurrenceId, Outcome]


def part(timeline: Timeline) -> Parted:
    """Take the stand-ins out of a timeline."""
    own = tuple(one for one in timeline.segments if not is_stand_in(one.item_id))
    sirens = tuple(
        replace(one, item_id=stood_for(one.item_id)) for one in timeline.segments if is_stand_in(one.item_id)
    )
    outcomes = {name: one for name, one in timeline.outcomes.items() if not is_stand_in(name)}
    theirs = {stood_for(name): one for name, one in timeline.outcomes.items() if is_stand_in(name)}
    return Parted(Timeline(own, _named(outcomes), timeline.refused), sirens, theirs)


def _named(outcomes: Mapping[OccurrenceId, Outcome]) -> dict[OccurrenceId, Outcome]:
    """What a siren kept from sounding was kept from it by the emergency."""
    return {
        name: replace(one, by=stood_for(one.by)) if one.by is not None and is_stand_in(one.by) else one
        for name, one in outcomes.items()
    }
