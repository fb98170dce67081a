"""What stands on a node by the programmes of its areas, laid out as the node itself lays it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from loa.controller.core.programme import Contents
from loa.controller.core.starts import Hours
from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, BroadcastId, OccurrenceId
from loa.protocol.programme import Silence as SilenceSaid
from loa.protocol.programme import Withdrawal as WithdrawalSaid
from loa.schedules.errors import RecurrenceError
from loa.schedules.expand import expand
from loa.schedules.model import Item, Segment, Silence, Timeline, Window, Withdrawal
from loa.schedules.placing import place
from loa.schedules.timeline import lay_out


@dataclass(frozen=True, slots=True)
class Standing:
    """The union of the programmes that a node holds."""

    entries: Mapping[BroadcastId, Entry]
    withdrawals: tuple[Withdrawal, ...]
    silences: tuple[Silence, ...]
    ranks: Mapping[BroadcastId, int]

    def joined_by(self, entry: Entry) -> "Standing":
        """The same with one more broadcast."""
        return replace(self, entries={**self.entries, entry.id: entry})


@dataclass(frozen=True, slots=True)
class Laid:
    """Items in a window, and what becomes of them."""

    items: Mapping[OccurrenceId, Item]
    timeline: Timeline
    pieces: Mapping[OccurrenceId, list[Segment]]
    """The segments of each item that sounds at all."""


def unite(programmes: Mapping[AreaId, Contents], areas: Sequence[AreaId]) -> Standing:
    """What a node of these areas, the widest first, makes of the programmes.

    Of a broadcast in several of them the first issue counts, and of its ranks that of the narrowest area;
    what is for other areas is left out.
    """
    held = [programmes[area] for area in areas if area in programmes]
    entries: dict[BroadcastId, Entry] = {}
    for entry in (entry for contents in held for entry in contents.entries):
        before = entries.get(entry.id)
        if set(entry.broadcast.audience) & set(areas) and (
            before is None or entry.issued_at < before.issued_at
        ):
            entries[entry.id] = entry
    ranks = {name: rank for contents in held for name, rank in contents.order.items()}
    withdrawals = {one.id: one for contents in held for one in contents.withdrawals}
    silences = {one.id: one for contents in held for one in contents.silences}
    return Standing(
        entries,
        tuple(map(_withdrawal, withdrawals.values())),
        tuple(map(_silence, silences.values())),
        ranks,
    )


def lay(standing: Standing, hours: Hours, window: Window) -> Laid:
    """Expand and lay out, as the node does; a recurrence that cannot be followed is left out."""
    items = [item for entry in standing.entries.values() for item in items_of(standing, entry, window)]
    timeline = lay_out(items, standing.withdrawals, standing.silences, hours.policy, hours.tz)
    pieces: dict[OccurrenceId, list[Segment]] = {}
    for segment in timeline.segments:
        pieces.setdefault(segment.item_id, []).append(segment)
    return Laid({item.id: item for item in items}, timeline, pieces)


def items_of(standing: Standing, entry: Entry, window: Window) -> Sequence[Item]:
    """The occurrences of one of its broadcasts; none of a recurrence that cannot be followed."""
    try:
        return expand([replace(place(entry), order=standing.ranks.get(entry.id, 0))], window)
    except RecurrenceError:
        return ()


def _withdrawal(said: WithdrawalSaid) -> Withdrawal:
    return Withdrawal(id=said.id, target=said.target, issued_at=said.issued_at)


def _silence(said: SilenceSaid) -> Silence:
    return Silence(
        id=said.id,
        from_at=said.from_at,
        until_at=said.until_at,
        issued_at=said.issued_at,
        authority=said.authority,
    )
