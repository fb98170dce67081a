"""The programme of an area as people look at it: what sounds when on its nodes, and what still waits."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from loa.controller.core.bulletins import BulletinState
from loa.controller.core.quiet import Quiet
from loa.controller.core.standing import Laid, Standing
from loa.controller.core.starts import Hours
from loa.protocol.broadcast import Broadcast, Entry
from loa.protocol.ids import AreaId, BroadcastId, OccurrenceId, broadcast_of
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reasons import Reason
from loa.schedules.model import Item, Window
from loa.schedules.policy import allowed_until

BACK = timedelta(days=1)
"""What begins the day before may still sound."""


class SlotState(StrEnum):
    """Whether it is in the programme, or how far it is on the way there."""

    APPROVED = "approved"
    SUBMITTED = "submitted"
    DRAFT = "draft"
    RETURNED = "returned"


STATES = {
    BulletinState.SUBMITTED: SlotState.SUBMITTED,
    BulletinState.DRAFT: SlotState.DRAFT,
    BulletinState.RETURNED: SlotState.RETURNED,
}
"""Of bulletins that wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A bulletin that is not approved yet, as the broadcast that it would become."""

    entry: Entry
    state: SlotState
    revision: int
    estimated: bool
    """Whether its length is reckoned, since its sound is yet to be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What nodes reported of an occurrence by now, in nodes."""

    sounded: int = 0
    silent: int = 0
    """Those that ought to have sounded and did not, or not audibly."""
    stopped: int = 0
    """Those where a person took it away."""
    short: int = 0
    unknown: int = 0
    """Those that did not report in time."""
    expected: int = 0
    """Those whose report is still to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One occurrence in the schedule of an area."""

    item: OccurrenceId
    bulletin: str
    issuer: AreaId
    audience: tuple[AreaId, ...]
    title: str
    field: str
    class_: BroadcastClass
    state: SlotState
    revision: int = 0
    """Of a bulletin that waits; 0 for what is approved."""
    estimated: bool = False
    recurs: bool
    approved_at: datetime
    """Of what waits, now."""
    planned_at: datetime
    duration_ms: int
    from_at: datetime
    """When it begins to sound by the rules; as planned if it does not sound."""
    to_at: datetime
    sounds: bool
    reason: Reason
    legal_source: str | None
    by_title: str | None
    """Of what keeps it from sounding, if that is a broadcast."""
    nodes: int
    """How many nodes of the area have it."""
    otherwise: int = 0
    """How many of them have it at another time or not at all."""
    proof: Proof | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """All slots that touch the window, by the time at which they sound."""

    area: AreaId
    tz: str
    window: Window
    nodes: int
    slots: tuple[Slot, ...]
    quiet: tuple[Quiet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSchedule:
    """The schedule of nodes that hear the same."""

    nodes: int
    standing: Standing
    before: Laid
    """Without what waits."""
    after: Laid
    """With it."""
    waiting: Mapping[BroadcastId, Waiting]


def joined(standing: Standing, waiting: Iterable[Waiting]) -> Standing:
    """The same with all that waits."""
    return replace(standing, entries={**standing.entries, **{one.entry.id: one.entry for one in waiting}})


def wide(window: Window) -> Window:
    """The window with the day before it."""
    return Window(from_at=window.from_at - BACK, until_at=window.until_at)


def slots_of(heard: Sequence[GroupSchedule], window: Window) -> list[Slot]:
    """Each occurrence once, as most of the nodes have it; what is approved stands as if nothing waited."""
    found = [slot for group in heard for slot in _slots(group, window)]
    if len(heard) > 1:
        variants: defaultdict[OccurrenceId, list[Slot]] = defaultdict(list)
        for slot in found:
            variants[slot.item].append(slot)
        found = list(map(_merged, variants.values()))
    return sorted(found, key=lambda slot: (slot.from_at, slot.item))


def is_quiet(hours: Iterable[Hours], class_: BroadcastClass, at: datetime) -> bool:
    """Whether any of these hours forbids the class at that instant."""
    return any(allowed_until(one.policy, class_, at, one.tz) is None for one in hours)


def _merged(variants: Sequence[Slot]) -> Slot:
    """The variant that most of the nodes have."""
    nodes: Counter[Slot] = Counter()
    for slot in variants:
        nodes[replace(slot, nodes=0)] += slot.nodes
    chosen = min(nodes, key=lambda one: (-nodes[one], one.from_at))
    return replace(chosen, nodes=nodes.total(), otherwise=nodes.total() - nodes[chosen])


def _slots(group: GroupSchedule, window: Window) -> Iterator[Slot]:
    for item in group.after.items.values():
        waits = group.waiting.get(broadcast_of(item.id))
        laid = group.before if waits is None else group.after
        slot = _slot(group, laid, item, waits)
        withdrawn = not slot.sounds and slot.reason is Reason.WITHDRAWN
        if not withdrawn and slot.to_at > window.from_at and slot.from_at < window.until_at:
            yield slot


def _slot(group: GroupSchedule, laid: Laid, item: Item, waits: Waiting | None) -> Slot:
    name = broadcast_of(item.id)
    entry = group.standing.entries[name] if waits is None else waits.entry
    broadcast, outcome = entry.broadcast, laid.timeline.outcomes[item.id]
    pieces = laid.pieces.get(item.id)
    planned_end = item.start_at + timedelta(milliseconds=item.duration_ms)
    return Slot(
        item=item.id,
        bulletin=broadcast.bulletin,
        issuer=broadcast.issuer,
        audience=broadcast.audience,
        title=broadcast.title,
        field=broadcast.field,
        class_=broadcast.class_,
        state=SlotState.APPROVED if waits is None else waits.state,
        revision=0 if waits is None else waits.revision,
        estimated=waits is not None and waits.estimated,
        recurs=_recurs(broadcast),
        approved_at=entry.approved_at,
        planned_at=item.start_at,
        duration_ms=item.duration_ms,
        from_at=pieces[0].from_at if pieces else item.start_at,
        to_at=pieces[-1].to_at if pieces else planned_end,
        sounds=bool(pieces),
        reason=outcome.reason,
        legal_source=outcome.legal_source,
        by_title=_title(group, outcome.by),
        nodes=group.nodes,
    )


def _recurs(broadcast: Broadcast) -> bool:
    return broadcast.when.rrule is not None or bool(broadcast.when.rdates)


def _title(group: GroupSchedule, by: str | None) -> str | None:
    name = None if by is None else broadcast_of(OccurrenceId(by))
    found = name and (group.standing.entries.get(name) or getattr(group.waiting.get(name), "entry", None))
    return found.broadcast.title if found else None
