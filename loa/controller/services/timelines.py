"""The schedule of an area or node, by the very functions that its nodes use."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.broadcasts import Issuer, make_broadcast
from loa.controller.core.bulletins import Bulletin, Draft, spoken_ms
from loa.controller.core.planning import policy_from, policy_text
from loa.controller.core.programme import Contents
from loa.controller.core.quiet import quiet_stretches
from loa.controller.core.schedule import (
    STATES,
    GroupSchedule,
    Schedule,
    Waiting,
    joined,
    slots_of,
    wide,
)
from loa.controller.core.standing import lay, unite
from loa.controller.core.starts import Hours, find_starts
from loa.controller.core.tree import Tree
from loa.controller.errors import Invalid
from loa.controller.ports import Clock, SilenceJournal
from loa.controller.services.previews import BYTES_A_SECOND
from loa.controller.services.rights import permit
from loa.controller.store.areas import areas_below
from loa.controller.store.bulletins import find_bulletins, read_recording
from loa.controller.store.database import Session
from loa.controller.store.programmes import contents_of, placed_areas
from loa.controller.store.proofs import proofs
from loa.controller.store.tree import read_tree
from loa.protocol.broadcast import Entry, RecordingSource, approve
from loa.protocol.ids import AreaId, NodeId, RecordingId
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.units import DurationMs, SizeBytes, to_whole_ms
from loa.protocol.when import When
from loa.schedules.errors import RecurrenceError
from loa.schedules.model import Window

LONGEST = timedelta(days=62)
"""What one question may ask for."""
MOST_WAITING = 200
"""Bulletins of each state that are looked at, the last changed first."""
LEAST_MS = 60_000
_NO_RECORDING = RecordingId("0" * 64)
_UNTITLED = "-"


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes that hear the same by the same policy; none for an area that has no nodes yet."""

    nodes: tuple[NodeId, ...]
    areas: tuple[AreaId, ...]
    hours: Hours


class Timelines:
    """Changes nothing."""

    def __init__(self, *, clock: Clock, key: SigningKey, journal: SilenceJournal) -> None:
        self._clock = clock
        self._key = key
        self._journal = journal

    def read(self, session: Session, who: Person, area: AreaId, window: Window, *, waiting: bool) -> Schedule:
        """What sounds in the area, which may be a node; with what waits, as far as the person may know.

        Raises `NotFound` where the person has no right to know of the area, `Invalid` for too long a time.
        """
        permit(session, who, Act.READ_AREA, area)
        if not timedelta() < window.until_at - window.from_at <= LONGEST:
            raise Invalid("bad_window", f"ask for more than nothing and at most {LONGEST.days} days")
        now = to_whole_ms(self._clock.now())
        tree = read_tree(session)
        programmes = programmes_of(session, self._journal, tree, area, min(now, window.from_at))
        asked = list(self._waiting(session, who, tree, area, now)) if waiting else []
        groups = list(groups_of(tree, area, programmes, asked))
        heard = [_lay(group, programmes, asked, window) for group in groups]
        known = proofs(session, area, window.from_at, min(now, window.until_at))
        slots = [
            replace(slot, proof=known[slot.item]) if slot.item in known else slot
            for slot in slots_of(heard, window)
        ]
        hours = max(groups, key=lambda group: len(group.nodes)).hours
        return Schedule(
            area=area,
            tz=tree.tz_of(area),
            window=window,
            nodes=len(tree.nodes_of(area)),
            slots=tuple(slots),
            quiet=tuple(quiet_stretches([hours], [BroadcastClass.NORMAL], window)),
        )

    def _waiting(
        self, session: Session, who: Person, tree: Tree, area: AreaId, now: datetime
    ) -> Iterator[Waiting]:
        readable = areas_below(session, granted(who, Act.READ_BULLETIN))
        here = frozenset(tree.nodes_of(area)) or {NodeId(area)}
        for state in STATES:
            found = find_bulletins(
                session, readable, state=state, created_by=None, after=None, limit=MOST_WAITING
            )
            for bulletin in found:
                audience = bulletin.draft.plan.audience
                reached = tree.nodes_within(tuple(one for one in audience if one in tree))
                if here & reached or area in audience:
                    made = self._as_waiting(session, tree, bulletin, now)
                    if made is not None:
                        yield made

    def _as_waiting(self, session: Session, tree: Tree, bulletin: Bulletin, now: datetime) -> Waiting | None:
        draft, when = bulletin.draft, bulletin.draft.plan.when
        if not isinstance(when, When) or draft.area not in tree:
            return None
        try:
            found = find_starts(when, now, limit=draft.plan.max_plays, expires_at=draft.plan.expires_at)
        except RecurrenceError:
            return None
        if not found.near:
            return None
        source, estimated = _source(session, draft)
        named = replace(draft, title=draft.title.strip() or _UNTITLED)
        issuer = Issuer(named, bulletin.id, tree.place(draft.area).authority, None)
        broadcast = make_broadcast(issuer, source, when, found, created_at=now)
        approval = approve(broadcast, approver=bulletin.updated_by, approved_at=now, key=self._key)
        entry = Entry(document=broadcast.to_bytes().decode(), approvals=(approval,), issued_at=now)
        return Waiting(
            entry=entry, state=STATES[bulletin.state], revision=bulletin.revision, estimated=estimated
        )


def programmes_of(
    session: Session, journal: SilenceJournal, tree: Tree, area: AreaId, since: datetime
) -> Mapping[AreaId, Contents]:
    """What the nodes of the area hold, or would hold, by the areas that say so."""
    held = {one for node in tree.nodes_of(area) for one in tree.areas_of(node)}
    held |= {place.id for place in tree.path(area)}
    silences = {one: tuple(journal.of(one, since)) for one in held}
    filled = placed_areas(session, since) & held | {one for one, said in silences.items() if said}
    return {one: contents_of(session, one, silences[one], since) for one in sorted(filled)}


def _source(session: Session, draft: Draft) -> tuple[RecordingSource, bool]:
    row = read_recording(session, draft.recording) if draft.recording else None
    if row is not None:
        recording = RecordingId(row.sha256)
        return _sound(recording, row.duration_ms, row.size_bytes), False
    duration_ms = max(LEAST_MS, spoken_ms(draft.text or ""))
    return _sound(_NO_RECORDING, duration_ms, duration_ms * BYTES_A_SECOND // 1000), True


def _sound(recording: RecordingId, duration_ms: int, size_bytes: int) -> RecordingSource:
    return RecordingSource(
        recording=recording, duration_ms=DurationMs(duration_ms), size_bytes=SizeBytes(size_bytes)
    )


def groups_of(
    tree: Tree, area: AreaId, programmes: Mapping[AreaId, Contents], waiting: Iterable[Waiting]
) -> Iterator[Group]:
    """Nodes of the area, those together that hear the same by the same policy."""
    entries = [entry for contents in programmes.values() for entry in contents.entries]
    entries += [one.entry for one in waiting]
    telling = programmes.keys() | {one for entry in entries for one in entry.broadcast.audience}
    alike: defaultdict[tuple[tuple[AreaId, ...], tuple[str | None, str]], list[NodeId]] = defaultdict(list)
    for node in tree.nodes_of(area):
        own = tuple(one for one in tree.areas_of(node) if one in telling)
        alike[own, policy_text(tree, node)].append(node)
    for (own, (text, tz)), nodes in alike.items():
        yield Group(tuple(nodes), own, Hours(policy_from(text), tz))
    if not alike:
        path = tuple(place.id for place in tree.path(area))
        text, tz = policy_text(tree, NodeId(area))
        yield Group((), path, Hours(policy_from(text), tz))


def _lay(
    group: Group, programmes: Mapping[AreaId, Contents], waiting: Iterable[Waiting], window: Window
) -> GroupSchedule:
    standing = unite(programmes, group.areas)
    own = set(group.areas)
    mine = [one for one in waiting if own & set(one.entry.broadcast.audience)]
    before = lay(standing, group.hours, wide(window))
    after = lay(joined(standing, mine), group.hours, wide(window)) if mine else before
    return GroupSchedule(
        nodes=len(group.nodes) or 1,
        standing=standing,
        before=before,
        after=after,
        waiting={one.entry.id: one for one in mine},
    )
