"""The day at a glance: what sounds, sounded and will, how the nodes are, what needs the person. One read."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.alerts import Alert
from loa.controller.core.approving import needs_another
from loa.controller.core.node_states import Condition, NodeState
from loa.controller.core.planning import hours_of
from loa.controller.core.presence import LastWord, Presence
from loa.controller.core.quiet import quiet_stretches
from loa.controller.core.starts import find_starts
from loa.controller.core.today import (
    About,
    Counted,
    Fate,
    Occurrence,
    Said,
    Standing,
    occurrence_of,
)
from loa.controller.core.tree import Tree
from loa.controller.ports import Clock, SilenceJournal
from loa.controller.services.alerts import Alerts
from loa.controller.services.day_plans import DayPlans
from loa.controller.services.node_states import conditions_of
from loa.controller.services.shared import Shared
from loa.controller.store import today as store
from loa.controller.store.broadcasts import count_waiting
from loa.controller.store.database import Session
from loa.controller.store.heard import Known, known_nodes
from loa.controller.store.today import Submitted
from loa.controller.store.tree import read_tree
from loa.protocol.broadcast import Broadcast
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.when import DEFAULT_TZ, When
from loa.schedules.errors import RecurrenceError
from loa.schedules.localtime import at_wall, local_date
from loa.schedules.model import Window

LOOK_AHEAD = timedelta(days=1)
"""After the day: what comes next is told even where it comes tomorrow."""
MOST_WAITING = 100
_DAY = timedelta(days=1)
_ORDINARY = (BroadcastClass.NORMAL, BroadcastClass.PRIORITY)
_THERE = {Presence.CONNECTED, Presence.LATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """Everything that the home page shows; nodes are those of the person's areas."""

    now: datetime
    tz: str
    window: Window
    """The local day."""
    tree: Tree
    roots: tuple[AreaId, ...]
    heard: Mapping[NodeId, LastWord]
    occurrences: tuple[Occurrence, ...]
    """Of today, by the time at which they sound; those of bulletins that wait are among them."""
    next_ones: tuple[Occurrence, ...]
    """Of tomorrow."""
    quiet: tuple[tuple[datetime, datetime], ...]
    """Hours of today at which nothing but emergencies may sound on any node."""
    silenced_until: datetime | None
    """A silence of all of the person's areas holds until then."""
    alerts: tuple[Alert, ...]
    conditions: Mapping[NodeId, Condition]
    returned: int
    inbox: int


class Days:
    """Reads; the number of its queries does not grow with nodes, areas or occurrences."""

    def __init__(
        self,
        *,
        clock: Clock,
        journal: SilenceJournal,
        alerts: Alerts,
        changes: Callable[[], int],
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._alerts = alerts
        self._plans = DayPlans(journal=journal)
        self._boards: Shared[_Board] = Shared(clock=clock, changes=changes)

    def today(self, session: Session, who: Person, *, behind: timedelta = timedelta()) -> Today:
        """The day of the areas that the person may read; empty for a person without any.

        People of the same roles share one read until something changes: a change makes all of them look.
        Such a look may be `behind` by less than it waited, so that many of them share one read again.
        """
        board = self._boards.get(who.grants, lambda: self._board(session, who), behind=behind)
        tree, now = board.day.tree, self._clock.now()
        others = {
            one.id for one in board.submitted if needs_another(tree, one.area, one.by, who.user_id, now)
        }
        areas = tree.below(granted(who, Act.READ_BULLETIN))
        return replace(
            board.day,
            now=now,
            alerts=tuple(one for one in board.day.alerts if one.subject not in others),
            returned=store.count_returned(session, areas, who.user_id) if areas else 0,
        )

    def _board(self, session: Session, who: Person) -> "_Board":
        now, tree = self._clock.now(), read_tree(session)
        roots = tuple(sorted(root for root in granted(who, Act.READ_AREA) if root in tree))
        tz = tree.tz_of(roots[0]) if roots else DEFAULT_TZ
        date = local_date(now, tz)
        window = Window(from_at=at_wall(date, 0, tz), until_at=at_wall(date + _DAY, 0, tz))
        nodes = tree.nodes_within(roots)
        known = known_nodes(session, nodes)
        conditions = conditions_of(session, known, now=now)
        heard = {one.node: _heard(one) for one in known}
        read = _Read(session, who, tree, nodes, now)
        found = self._occurrences(read, heard, conditions, window)
        mine = [*(one for one in found if one.from_at < window.until_at), *read.waiting(window)]
        everybody = Person("", "", who.grants)
        day = Today(
            now=now,
            tz=tz,
            window=window,
            tree=tree,
            roots=roots,
            heard=heard,
            occurrences=tuple(sorted(mine, key=lambda one: (one.from_at, one.title))),
            next_ones=tuple(one for one in found if one.from_at >= window.until_at),
            quiet=_quiet(tree, nodes, window),
            silenced_until=self._silenced(tree, roots, now),
            alerts=tuple(self._alerts.of(session, everybody)),
            conditions=conditions,
            returned=0,
            inbox=read.inbox(),
        )
        return _Board(day, tuple(read.submitted))

    def _occurrences(
        self,
        read: "_Read",
        heard: Mapping[NodeId, LastWord],
        conditions: Mapping[NodeId, Condition],
        window: Window,
    ) -> list[Occurrence]:
        ahead = Window(from_at=window.from_at, until_at=window.until_at + LOOK_AHEAD)
        plans = self._plans.of(read.session, read.tree, read.nodes, ahead)
        said = _said(heard, conditions)
        by_name: defaultdict[str, list[Counted]] = defaultdict(list)
        for line in read.lines(ahead, said.keys()):
            by_name[line.occurrence].append(line)
        about = read.about({lines[0].broadcast for lines in by_name.values()})
        return [
            occurrence_of(
                lines,
                plans.get(name),
                said.get(name, Said()),
                about.get(lines[0].broadcast, About()),
                read.now,
            )
            for name, lines in by_name.items()
        ]

    def _silenced(self, tree: Tree, roots: Collection[AreaId], now: datetime) -> datetime | None:
        """Until when all of the areas are silent; a silence of an area above counts, too."""
        ends = [
            max(
                (one.until_at for above in tree.path(root) for one in self._journal.of(above.id, now)),
                default=None,
            )
            for root in roots
        ]
        known = [end for end in ends if end is not None]
        return min(known) if known and len(known) == len(ends) else None


@dataclass(frozen=True, slots=True)
class _Board:
    """What people of the same roles see alike."""

    day: Today
    submitted: tuple[Submitted, ...]


class _Read:
    """The questions of one read."""

    def __init__(
        self, session: Session, who: Person, tree: Tree, nodes: Collection[NodeId], now: datetime
    ) -> None:
        self.session = session
        self.who = who
        self.tree = tree
        self.nodes = nodes
        self.now = now
        self._log_areas = granted(who, Act.READ_LOG)
        self._bulletin_areas = tree.below(granted(who, Act.READ_BULLETIN))
        areas = self._bulletin_areas
        self.submitted = store.submitted(session, areas, limit=MOST_WAITING) if areas else []

    def lines(self, window: Window, sounding: Collection[str]) -> list[Counted]:
        """Of the log: what was planned in the window, and what sounds though it was planned before."""
        if not self._log_areas:
            return []
        found = store.count_planned(
            self.session, self._log_areas, self.nodes, window.from_at, window.until_at
        )
        others = set(sounding) - {line.occurrence for line in found}
        if not others:
            return found
        return store.count_of(self.session, self._log_areas, self.nodes, others) + found

    def about(self, broadcasts: Collection[str]) -> dict[str, About]:
        """Bulletin and audience; the bulletin's id only for those who may read it."""
        found = store.bulletins_of(self.session, broadcasts) if broadcasts else {}
        return {
            name: About(
                bulletin if issuer in self._bulletin_areas else "",
                Broadcast.from_bytes(document).audience,
            )
            for name, (bulletin, issuer, document) in found.items()
        }

    def waiting(self, window: Window) -> list[Occurrence]:
        """What would sound today if it was approved in time."""
        return [one for bulletin in self.submitted for one in _starts(self.tree, bulletin, window, self.now)]

    def inbox(self) -> int:
        """Of the areas that the person chooses for."""
        areas = self.tree.below(granted(self.who, Act.CHOOSE_INBOX))
        return count_waiting(self.session, areas, self.now) if areas else 0


def _quiet(tree: Tree, nodes: Collection[NodeId], window: Window) -> tuple[tuple[datetime, datetime], ...]:
    """When nothing but emergencies may sound on any of the nodes."""
    if not nodes:
        return ()
    found = quiet_stretches(hours_of(tree, nodes), _ORDINARY, window)
    return tuple((one.from_at, one.to_at) for one in found)


def _heard(known: Known) -> LastWord:
    state = known.state
    if state is None:
        return LastWord(known.presence, None, known.heard_at)
    there = known.presence in _THERE
    return LastWord(known.presence, (state.siren_for or state.sounding) if there else None, known.heard_at)


def _said(heard: Mapping[NodeId, LastWord], conditions: Mapping[NodeId, Condition]) -> dict[str, Said]:
    sounding = Counter(one.sounding for one in heard.values() if one.sounding)
    unheard = Counter(
        one.sounding
        for node, one in heard.items()
        if one.sounding and conditions[node].state is not NodeState.SOUNDING
    )
    return {name: Said(count, unheard[name]) for name, count in sounding.items()}


def _starts(tree: Tree, bulletin: Submitted, window: Window, now: datetime) -> list[Occurrence]:
    """Those of today that a waiting bulletin asks for; "as soon as approved" has no time to be shown at."""
    plan, duration_ms = bulletin.plan, bulletin.duration_ms
    if not isinstance(plan.when, When) or duration_ms is None:
        return []
    try:
        found = find_starts(plan.when, now, limit=plan.max_plays, expires_at=plan.expires_at)
    except RecurrenceError:
        return []
    nodes = tree.nodes_within(tuple(area for area in plan.audience if area in tree))
    return [
        Occurrence(
            id=f"{bulletin.id}@{at.isoformat()}",
            bulletin=bulletin.id,
            title=bulletin.title,
            class_=bulletin.class_,
            from_at=at,
            to_at=at + timedelta(milliseconds=duration_ms),
            duration_ms=duration_ms,
            audience=plan.audience,
            nodes=len(nodes),
            fates={Fate.TO_COME: len(nodes)},
            sounding=0,
            standing=Standing.WAITING,
        )
        for at in found.near
        if window.from_at <= at < window.until_at
    ]
