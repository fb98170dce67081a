"""From what is held to what ought to sound.

A node knows an item only once it has its sound: a broadcast whose recording arrives late is laid out as one
that was learnt late. So nothing waits for a sound that may never come, `late` decides how it begins once
the sound is there, and the past stays as it was. In place of an emergency the siren sounds meanwhile, if the
node has one. Beside the timeline stands the one that would hold if every
recording were here: it says which recording is needed first, and what becomes of items without a sound.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from loa.node_agent.core.presses import Press, to_silences
from loa.node_agent.core.shelf import Ordered, Seen, Shelf
from loa.node_agent.core.stand_ins import (
    Parted,
    Siren,
    StandIn,
    part,
    stand_in,
    with_late_sound,
    with_stand_ins,
)
from loa.protocol.broadcast import Entry, RecordingSource
from loa.protocol.ids import AreaId, BroadcastId, OccurrenceId, RecordingId, broadcast_of
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import Policy
from loa.protocol.programme import Config
from loa.protocol.programme import Silence as SilenceSaid
from loa.protocol.programme import Withdrawal as WithdrawalSaid
from loa.protocol.reasons import Reason
from loa.schedules.errors import RecurrenceError
from loa.schedules.expand import expand
from loa.schedules.localtime import broadcast_day
from loa.schedules.model import (
    KNOWN_GRACE_MS,
    Item,
    Outcome,
    Placed,
    Reorder,
    Segment,
    Silence,
    Window,
    Withdrawal,
)
from loa.schedules.placing import place
from loa.schedules.timeline import lay_out

_LONGEST_BACK = timedelta(days=31)
_DAY = timedelta(days=1)
_GRACE = timedelta(milliseconds=KNOWN_GRACE_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """An item without its recording: when it is due, and until when it might still begin."""

    source: RecordingSource
    due_at: datetime
    until_at: datetime
    is_emergency: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What ought to sound in a window, with all that is needed to play it and to report on it."""

    window: Window
    policy: Policy
    tz: str
    items: Mapping[OccurrenceId, Item]
    sources: Mapping[BroadcastId, RecordingSource]
    recurring: frozenset[BroadcastId]
    segments: tuple[Segment, ...]
    outcomes: Mapping[OccurrenceId, Outcome]
    """Of every item in the window; what has no sound yet is `sound_missing` once it may no longer begin."""
    due_without_sound: Mapping[OccurrenceId, datetime]
    """When the items without a recording would have begun."""
    wanted: tuple[Need, ...]
    """What recordings are missing for."""
    sirens: tuple[Segment, ...] = ()
    """Where the siren sounds in place of an emergency without its sound, as one endless siren."""
    siren: RecordingSource | None = None
    volume_db: float = 0.0
    """The node's own volume."""

    def source(self, occurrence: OccurrenceId) -> RecordingSource:
        """Where the sound of an occurrence comes from."""
        return self.sources[broadcast_of(occurrence)]


def window_at(now: datetime, accounted_at: datetime, ahead_ms: int, tz: str) -> Window:
    """From the broadcast day before the last one that is accounted for, until `ahead_ms` from now.

    That day more keeps what still bears on the first day of which anything is to be told. Whoever was off
    for longer than a month has its older occurrences told by nobody.
    """
    back_to = max(min(now, accounted_at) - _DAY, now - _LONGEST_BACK)
    return Window(from_at=broadcast_day(back_to, tz)[0], until_at=now + timedelta(milliseconds=ahead_ms))


def make_plan(
    shelf: Shelf,
    sounds: Mapping[RecordingId, datetime],
    config: Config,
    window: Window,
    siren: Siren | None = None,
    *,
    presses: Sequence[Press] = (),
) -> Plan:
    """Lay out everything on the shelf that is meant for this node.

    `sounds` says when each recording came, `presses` are those of the STOP button. Entries whose recurrence
    cannot be expanded are left out.
    """
    here = _meant_for(shelf, config)
    acts = [_act(seen, sounds.get(_recording(seen)), window, siren) for seen in here]
    items = [item for act in acts if act.has_sound for item in act.items]
    silent = [item for act in acts if not act.has_sound for item in act.items]
    facts = _Facts(shelf, config, presses)
    laid = facts.lay_out(items, [one for act in acts for one in act.stand_ins])
    plan = _plan(here, config, window, [*items, *silent], laid)
    plan = replace(plan, siren=siren.source if siren else None)
    if not silent:
        return plan
    dreamt = facts.lay_out([*items, *silent], [one for act in acts if act.has_sound for one in act.stand_ins])
    return _with_missing(plan, silent, laid, dreamt)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    """What a broadcast gives to a timeline."""

    has_sound: bool
    items: list[Item]
    stand_ins: list[StandIn]


def _act(seen: Seen[Entry], came_at: datetime | None, window: Window, siren: Siren | None) -> _Act:
    has_sound = came_at is not None
    if seen.said.broadcast.class_ is not BroadcastClass.EMERGENCY:
        placed = _placed(seen, came_at or seen.known_at)
        return _Act(has_sound=has_sound, items=_expand_one(placed, window), stand_ins=[])
    bare = _expand_one(_placed(seen, seen.known_at), window)
    found = [stand_in(item, siren, came_at) for item in bare] if siren else []
    items = [with_late_sound(item, came_at) for item in bare]
    return _Act(has_sound=has_sound, items=items, stand_ins=[one for one in found if one is not None])


class _Facts:
    """What holds beside the items."""

    def __init__(self, shelf: Shelf, config: Config, presses: Sequence[Press]) -> None:
        self._withdrawals = [to_withdrawal(seen) for seen in shelf.withdrawals.values()]
        said = [to_silence(seen) for seen in shelf.silences.values()]
        self._silences = [*said, *to_silences(presses)]
        self._reorders = reorders(shelf.orders.values(), config.areas)
        self._config = config

    def lay_out(self, items: Sequence[Item], stand_ins: Sequence[StandIn]) -> Parted:
        cast = with_stand_ins(items, self._withdrawals, self._silences, stand_ins)
        policy, tz = self._config.policy, self._config.tz
        laid = lay_out(cast.items, cast.withdrawals, cast.silences, policy, tz, reorders=self._reorders)
        return part(laid)


def reorders(orders: Iterable[Seen[Ordered]], areas: Sequence[AreaId]) -> list[Reorder]:
    """The order of each broadcast as it changes: the rank of the narrowest area that has given one.

    `areas` from the widest to the narrowest; ranks by other areas don't count.
    """
    by_broadcast: dict[BroadcastId, list[Seen[Ordered]]] = {}
    for seen in orders:
        if seen.said.area in areas:
            by_broadcast.setdefault(seen.said.broadcast, []).append(seen)
    return [one for name, given in by_broadcast.items() for one in _reorders_of(name, given, list(areas))]


def _reorders_of(broadcast: BroadcastId, given: list[Seen[Ordered]], areas: list[AreaId]) -> list[Reorder]:
    given.sort(key=lambda seen: (seen.learnt_at, seen.said.issued_at, areas.index(seen.said.area)))
    latest: dict[AreaId, Seen[Ordered]] = {}
    changes: list[Reorder] = []
    for seen in given:
        before = latest.get(seen.said.area)
        if before is None or before.said.issued_at <= seen.said.issued_at:
            latest[seen.said.area] = seen
        narrowest = max(latest, key=areas.index)
        rank = latest[narrowest].said.rank
        changes.append(Reorder(target=broadcast, order=rank, issued_at=seen.learnt_at))
    return changes


def _meant_for(shelf: Shelf, config: Config) -> list[Seen[Entry]]:
    return [seen for seen in shelf.entries.values() if set(seen.said.broadcast.audience) & set(config.areas)]


def _expand_one(placed: Placed, window: Window) -> list[Item]:
    try:
        return expand([placed], window)
    except RecurrenceError:
        return []


def _plan(
    here: Iterable[Seen[Entry]], config: Config, window: Window, items: Iterable[Item], laid: Parted
) -> Plan:
    entries = [seen.said for seen in here]
    return Plan(
        window=window,
        policy=config.policy,
        tz=config.tz,
        items={item.id: item for item in items},
        sources={entry.id: entry.broadcast.source for entry in entries},
        recurring=frozenset(entry.id for entry in entries if _recurs(entry)),
        segments=laid.timeline.segments,
        outcomes=laid.timeline.outcomes,
        due_without_sound={},
        wanted=(),
        sirens=laid.sirens,
        volume_db=float(config.settings.volume_db),
    )


def _with_missing(plan: Plan, silent: Sequence[Item], laid: Parted, dreamt: Parted) -> Plan:
    due: dict[OccurrenceId, datetime] = {}
    for segment in dreamt.timeline.segments:
        due.setdefault(segment.item_id, segment.from_at)
    absent = {
        item.id: _without_sound(item, dreamt.timeline.outcomes[item.id], laid.outcomes.get(item.id))
        for item in silent
    }
    return replace(
        plan,
        outcomes={**plan.outcomes, **absent},
        due_without_sound={item.id: due[item.id] for item in silent if item.id in due},
        wanted=tuple(
            _need(plan, item, due.get(item.id)) for item in silent if _is_hoped_for(absent[item.id])
        ),
    )


def _is_hoped_for(absent: Outcome) -> bool:
    """Whether it sounds with its recording, or might if something else changed."""
    return absent.reason not in {Reason.WITHDRAWN, Reason.SILENCED}


def _need(plan: Plan, item: Item, due_at: datetime | None) -> Need:
    return Need(
        source=plan.source(item.id),
        due_at=due_at or item.start_at,
        until_at=item.not_after_at,
        is_emergency=item.class_ is BroadcastClass.EMERGENCY,
    )


def _without_sound(item: Item, dreamt: Outcome, of_siren: Outcome | None) -> Outcome:
    """What would not have sounded anyway keeps its reason; what ended the siren ended the occurrence."""
    if not dreamt.sounded_ms:
        return dreamt
    if of_siren is not None and of_siren.reason in {Reason.SILENCED, Reason.WITHDRAWN}:
        return replace(of_siren, sounded_ms=0)
    return Outcome(Reason.SOUND_MISSING, max(item.not_after_at, item.issued_at))


def _recording(seen: Seen[Entry]) -> RecordingId:
    return seen.said.broadcast.source.recording


def _recurs(entry: Entry) -> bool:
    return entry.broadcast.when.rrule is not None or bool(entry.broadcast.when.rdates)


def _placed(seen: Seen[Entry], came_at: datetime) -> Placed:
    known_at = max(seen.known_at, came_at)
    return place(seen.said, known_at=known_at if known_at > seen.said.issued_at + _GRACE else None)


def to_withdrawal(seen: Seen[WithdrawalSaid]) -> Withdrawal:
    """A withdrawal as the timeline takes it."""
    said = seen.said
    return Withdrawal(id=said.id, target=said.target, issued_at=said.issued_at, known_at=seen.known_at)


def to_silence(seen: Seen[SilenceSaid]) -> Silence:
    """A silence as the timeline takes it."""
    said = seen.said
    return Silence(
        id=said.id,
        from_at=said.from_at,
        until_at=said.until_at,
        issued_at=said.issued_at,
        authority=said.authority,
        known_at=seen.known_at,
    )
