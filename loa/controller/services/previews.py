"""Previews: what the nodes will do if a plan is approved."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.access import Act, Person
from loa.controller.core.broadcasts import Issuer, make_broadcast
from loa.controller.core.bulletins import Draft, Plan
from loa.controller.core.cost import measure
from loa.controller.core.forecast import forecast, window_of
from loa.controller.core.inbox import destinations
from loa.controller.core.notices import Notice, NoticeCode, in_order
from loa.controller.core.planning import Examined, Request, examine, policy_from, policy_text
from loa.controller.core.preview import Preview, View
from loa.controller.core.programme import Contents
from loa.controller.core.standing import unite
from loa.controller.core.starts import Hours
from loa.controller.core.tree import Tree
from loa.controller.errors import Invalid
from loa.controller.ports import Clock, SilenceJournal
from loa.controller.services.broadcasts import LEAD
from loa.controller.services.hearing import may_hear
from loa.controller.services.rights import permit
from loa.controller.store.bulletins import read_recording
from loa.controller.store.database import Session
from loa.controller.store.programmes import contents_of, placed_areas
from loa.controller.store.tree import read_tree
from loa.protocol.broadcast import DAY_MS, Entry, RecordingSource, approve
from loa.protocol.ids import AreaId, NodeId, RecordingId
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.units import DurationMs, SizeBytes, to_whole_ms
from loa.schedules.audiences import audience_sets

BYTES_A_SECOND = 4_000
"""Of a prepared recording, 32 kbit/s: the size of one that is yet to be made."""
_NO_RECORDING = RecordingId("0" * 64)
_UNTITLED = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A plan to be previewed; a `duration_ms` stands in for a recording that is yet to be made."""

    area: AreaId
    """The issuing area."""
    class_: BroadcastClass
    plan: Plan
    recording: RecordingId | None = None
    duration_ms: int | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class _Group:
    """Nodes that hear the same by the same policy."""

    nodes: tuple[NodeId, ...]
    areas: tuple[AreaId, ...]
    """Of the first of them, the widest first."""
    hours: Hours


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """Everything that one preview is made from."""

    tree: Tree
    entry: Entry
    starts_at: datetime
    recurs: bool
    programmes: Mapping[AreaId, Contents]
    placed: frozenset[AreaId]
    estimated: bool
    now: datetime


class Previews:
    """Changes nothing."""

    def __init__(
        self, *, clock: Clock, key: SigningKey, journal: SilenceJournal, lead: timedelta = LEAD
    ) -> None:
        self._clock = clock
        self._key = key
        self._journal = journal
        self._lead = lead

    def preview(self, session: Session, who: Person, asked: Asked) -> Preview:
        """One view for each distinct set of audiences among the nodes reached; refusals are notices here.

        Raises `NotFound` and `Forbidden` as writing a bulletin does, `Invalid` for an unknown recording.
        """
        permit(session, who, Act.WRITE_BULLETIN, asked.area, sees=Act.READ_AREA)
        now = to_whole_ms(self._clock.now())
        source, estimated = _source(session, who, asked)
        tree = read_tree(session)
        examined = examine(tree, self._request(asked, source, now))
        if examined.when is None or not examined.starts.near or not self._is_ours(examined):
            return Preview(nodes=len(examined.nodes), first_start_at=None, views=(), notices=examined.notices)
        entry = self._entry(tree, asked, examined, source, who, now)
        scene = self._scene(session, tree, examined, entry, estimated=estimated, now=now)
        return Preview(
            nodes=len(examined.nodes),
            first_start_at=scene.starts_at,
            views=tuple(self._view(scene, group) for group in _groups(scene, examined.nodes)),
            notices=in_order([*examined.notices, *_choice(tree, asked)]),
        )

    def _request(self, asked: Asked, source: RecordingSource, now: datetime) -> Request:
        return Request(
            area=asked.area,
            class_=asked.class_,
            plan=asked.plan,
            duration_ms=source.duration_ms,
            now=now,
            lead=self._lead,
        )

    def _is_ours(self, examined: Examined) -> bool:
        """Whether its audience may be asked for: a stranger's timeline is nobody's business."""
        hidden = {
            NoticeCode.NOT_YOURS,
            NoticeCode.NO_NODES,
            NoticeCode.NO_AUDIENCE,
            NoticeCode.LAST_END_TOO_EARLY,
        }
        return not any(notice.code in hidden for notice in examined.notices)

    def _entry(  # noqa: PLR0917 -- all that a document is made from
        self,
        tree: Tree,
        asked: Asked,
        examined: Examined,
        source: RecordingSource,
        who: Person,
        now: datetime,
    ) -> Entry:
        if examined.when is None:
            raise Invalid("no_time", "say when it is to sound")
        draft = Draft(
            area=asked.area, title=asked.title.strip() or _UNTITLED, class_=asked.class_, plan=asked.plan
        )
        issuer = Issuer(draft, "0" * 32, tree.place(asked.area).authority, None)
        broadcast = make_broadcast(issuer, source, examined.when, examined.starts, created_at=now)
        approval = approve(broadcast, approver=who.user_id, approved_at=now, key=self._key)
        return Entry(document=broadcast.to_bytes().decode(), approvals=(approval,), issued_at=now)

    def _scene(
        self,
        session: Session,
        tree: Tree,
        examined: Examined,
        entry: Entry,
        *,
        estimated: bool,
        now: datetime,
    ) -> _Scene:
        held = {area for node in examined.nodes for area in tree.areas_of(node)}
        silences = {area: tuple(self._journal.of(area, now)) for area in held}
        filled = placed_areas(session, now) & held | {area for area, said in silences.items() if said}
        programmes = {area: contents_of(session, area, silences[area], now) for area in sorted(filled)}
        when = entry.broadcast.when
        return _Scene(
            tree=tree,
            entry=entry,
            starts_at=examined.starts.near[0],
            recurs=when.rrule is not None or bool(when.rdates),
            programmes=programmes,
            placed=frozenset(entry.broadcast.audience),
            estimated=estimated,
            now=now,
        )

    def _view(self, scene: _Scene, group: _Group) -> View:
        standing = unite(scene.programmes, group.areas)
        window = window_of(scene.starts_at, recurs=scene.recurs, tz=group.hours.tz)
        seen = forecast(standing, scene.entry, group.hours, window, scene.now)
        source = scene.entry.broadcast.source
        carried = any(one.broadcast.source.recording == source.recording for one in standing.entries.values())
        cost = measure(
            scene.entry,
            scene.programmes,
            [area for area in group.areas if area in scene.placed],
            self._key,
            recording_bytes=0 if carried else source.size_bytes,
            estimated=scene.estimated,
            occurrences=[fate.item for fate in seen.fates if fate.mine],
        )
        return View(
            nodes=group.nodes,
            areas=tuple(area for area in group.areas if area in scene.placed),
            from_at=seen.window.from_at,
            until_at=seen.window.until_at,
            segments=seen.segments,
            fates=seen.fates,
            notices=seen.notices,
            cost=cost,
        )


def _source(session: Session, who: Person, asked: Asked) -> tuple[RecordingSource, bool]:
    """The sound, and whether it is only estimated."""
    if asked.recording is None:
        duration_ms = asked.duration_ms
        if duration_ms is None or not 0 < duration_ms <= DAY_MS:
            raise Invalid("duration_missing", "name a recording, or a duration_ms of at most a day")
        size = max(1, duration_ms * BYTES_A_SECOND // 1000)
        estimate = RecordingSource(
            recording=_NO_RECORDING, duration_ms=DurationMs(duration_ms), size_bytes=SizeBytes(size)
        )
        return estimate, True
    row = read_recording(session, asked.recording)
    if row is None or not may_hear(session, who, asked.recording):
        raise Invalid("no_such_recording", "upload or speak the recording first", recording=asked.recording)
    known = RecordingSource(
        recording=asked.recording,
        duration_ms=DurationMs(row.duration_ms),
        size_bytes=SizeBytes(row.size_bytes),
    )
    return known, False


def _groups(scene: _Scene, nodes: frozenset[NodeId]) -> Iterator[_Group]:
    """Nodes that hear the same, split where their policies or time zones differ."""
    areas = {node: tuple(scene.tree.areas_of(node)) for node in nodes}
    heard = audience_sets({node: frozenset(own) for node, own in areas.items()}, _names(scene))
    for one in heard:
        by_policy: defaultdict[tuple[str | None, str], list[NodeId]] = defaultdict(list)
        for node in one.nodes:
            by_policy[policy_text(scene.tree, node)].append(node)
        for (text, tz), members in by_policy.items():
            yield _Group(tuple(members), areas[members[0]], Hours(policy_from(text), tz))


def _names(scene: _Scene) -> dict[str, set[AreaId]]:
    """Everything that can make a difference, and the areas of whose programmes it is part."""
    names: defaultdict[str, set[AreaId]] = defaultdict(set)
    names[scene.entry.id] = set(scene.placed)
    for area, contents in scene.programmes.items():
        for entry in contents.entries:
            names[f"{entry.id} {entry.issued_at}"].add(area)
        for name in [one.id for one in contents.withdrawals] + [one.id for one in contents.silences]:
            names[name].add(area)
        for broadcast, rank in contents.order.items():
            names[f"{broadcast} {rank}"].add(area)
    return names


def _choice(tree: Tree, asked: Asked) -> list[Notice]:
    waiting = destinations(tree, asked.area, asked.class_, asked.plan.audience).inbox
    if asked.class_ is not BroadcastClass.NORMAL or not waiting:
        return []
    return [Notice(code=NoticeCode.WAITS_FOR_CHOICE, areas=tuple(sorted(waiting)))]
