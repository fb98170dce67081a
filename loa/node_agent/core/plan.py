"""From what is held to what ought to sound.

A node knows an item only once it has its sound: a broadcast whose recording arrives late is laid out as one
that was learnt late. So nothing waits for a sound that may never come, `late` decides how it begins once
the sound is there, and the past stays as it was. Beside the timeline stands the one that would hold if every
recording were here: it says which recording is needed first, and what becomes of items without a sound.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.node_agent.core.presses import Press, to_silences
from loa.node_agent.core.shelf import Ordered, Seen, Shelf
from loa.protocol.broadcast import Entry, RecordingSource
from loa.protocol.ids import AreaId, BroadcastId, OccurrenceId, RecordingId, broadcast_of
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
    Timeline,
    Window,
    Withdrawal,
)
from loa.schedules.placing import place
from loa.schedules.timeline import lay_out

_LONGEST_BACK = timedelta(days=31)
_DAY = timedelta(days=1)
_GRACE = timedelta(milliseconds=KNOWN_GRACE_MS)


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
    wanted: tuple[RecordingId, ...]
    """Recordings that are missing, the first to sound first."""

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
    *,
    presses: Sequence[Press] = (),
) -> Plan:
    """Lay out everything on the shelf that is meant for this node.

    `sounds` says when each recording came, `presses` are those of the STOP button. Entries whose recurrence
    cannot be expanded are left out.
    """
    here = _meant_for(shelf, config)
    with_sound = [seen for seen in here if _recording(seen) in sounds]
    without = [seen for seen in here if _recording(seen) not in sounds]
    items = _expand([_placed(seen, sounds) for seen in with_sound], window)
    facts = _Facts(shelf, config, presses)
    timeline = facts.lay_out(items)
    if not without:
        return _plan(here, config, window, items, timeline)
    silent = _expand([_placed(seen, sounds) for seen in without], window)
    dreamt = facts.lay_out([*items, *silent])
    plan = _plan(here, config, window, [*items, *silent], timeline)
    return _with_missing(plan, silent, dreamt)


class _Facts:
    """What holds beside the items."""

    def __init__(self, shelf: Shelf, config: Config, presses: Sequence[Press]) -> None:
        self._withdrawals = [to_withdrawal(seen) for seen in shelf.withdrawals.values()]
        said = [to_silence(seen) for seen in shelf.silences.values()]
        self._silences = [*said, *to_silences(presses)]
        self._reorders = reorders(shelf.orders.values(), config.areas)
        self._config = config

    def lay_out(self, items: Sequence[Item]) -> Timeline:
        return lay_out(
            items,
            self._withdrawals,
            self._silences,
            self._config.policy,
            self._config.tz,
            reorders=self._reorders,
        )


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


def _expand(placed: Iterable[Placed], window: Window) -> list[Item]:
    return [item for one in placed for item in _expand_one(one, window)]


def _expand_one(placed: Placed, window: Window) -> list[Item]:
    try:
        return expand([placed], window)
    except RecurrenceError:
        return []


def _plan(
    here: Iterable[Seen[Entry]], config: Config, window: Window, items: Iterable[Item], timeline: Timeline
) -> Plan:
    entries = [seen.said for seen in here]
    return Plan(
        window=window,
        policy=config.policy,
        tz=config.tz,
        items={item.id: item for item in items},
        sources={entry.id: entry.broadcast.source for entry in entries},
        recurring=frozenset(entry.id for entry in entries if _recurs(entry)),
        segments=timeline.segments,
        outcomes=timeline.outcomes,
        due_without_sound={},
        wanted=(),
    )


def _with_missing(plan: Plan, silent: Sequence[Item], dreamt: Timeline) -> Plan:
    due: dict[OccurrenceId, datetime] = {}
    for segment in dreamt.segments:
        due.setdefault(segment.item_id, segment.from_at)
    absent = {item.id: _without_sound(item, dreamt.outcomes[item.id]) for item in silent}
    return Plan(
        window=plan.window,
        policy=plan.policy,
        tz=plan.tz,
        items=plan.items,
        sources=plan.sources,
        recurring=plan.recurring,
        segments=plan.segments,
        outcomes={**plan.outcomes, **absent},
        due_without_sound={item.id: due[item.id] for item in silent if item.id in due},
        wanted=_by_need(plan, silent, due),
    )


def _without_sound(item: Item, dreamt: Outcome) -> Outcome:
    """What would not have sounded anyway keeps its reason."""
    if not dreamt.sounded_ms:
        return dreamt
    return Outcome(Reason.SOUND_MISSING, max(item.not_after_at, item.issued_at))


def _by_need(
    plan: Plan, silent: Iterable[Item], due: Mapping[OccurrenceId, datetime]
) -> tuple[RecordingId, ...]:
    needs: dict[RecordingId, tuple[datetime, int]] = {}
    for item in silent:
        source = plan.source(item.id)
        need = (due.get(item.id, item.start_at), source.size_bytes)
        needs[source.recording] = min(needs.get(source.recording, need), need)
    return tuple(sorted(needs, key=lambda name: (needs[name], name)))


def _recording(seen: Seen[Entry]) -> RecordingId:
    return seen.said.broadcast.source.recording


def _recurs(entry: Entry) -> bool:
    return entry.broadcast.when.rrule is not None or bool(entry.broadcast.when.rdates)


def _placed(seen: Seen[Entry], sounds: Mapping[RecordingId, datetime]) -> Placed:
    known_at = max(seen.known_at, sounds.get(_recording(seen), seen.known_at))
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
