"""All that the page of one node shows, read at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.access import Act, may
from loa.controller.core.expected import EXPECTED
from loa.controller.core.health import Point
from loa.controller.core.node_states import Judged, judged_line
from loa.controller.core.nodes import Node
from loa.controller.core.people import User
from loa.controller.core.situations import GONE, Found, Seen, situations
from loa.controller.errors import NotFound
from loa.controller.services.standing_messages import Standing
from loa.controller.store.areas import path_of
from loa.controller.store.database import Session
from loa.controller.store.log import LogFilter
from loa.controller.store.rollouts import NodeUpdate
from loa.controller.store.tables import LogRow
from loa.controller.web.console import Console, Visit
from loa.controller.web.node_charts import SHOWN
from loa.protocol.ids import AreaId, NodeId, is_slug
from loa.protocol.policy import Policy
from loa.protocol.reports import SelfTestReport, State
from loa.protocol.when import DEFAULT_TZ
from loa.schedules.policy import default_policy

MOST_JUDGED = 60
"""Lines of the log that are looked through for a silent horn."""
MOST_AHEAD = 500
MOST_POINTS = 1_000


@dataclass(frozen=True, slots=True)
class Rights:
    """What the person at the page may do with this node."""

    manages: bool
    releases: bool
    stops: bool
    updates: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A node as it is known now."""

    node: Node
    state: State | None
    self_test: SelfTestReport | None
    found: tuple[Found, ...]
    points: tuple[Point, ...]
    past: tuple[LogRow, ...]
    """Of the log, the newest first."""
    next: LogRow | None
    keepers: tuple[User, ...]
    lacks: bool | None
    standing: tuple[Standing, ...]
    update: NodeUpdate | None
    silenced_until: datetime | None
    policy: Policy
    tz: str
    place: str
    rights: Rights
    now: datetime

    @property
    def is_gone(self) -> bool:
        """Whether nothing that it once said counts."""
        return self.found[0].what in GONE


def node_id(text: str) -> NodeId:
    """The node that an address names; what cannot be a node's id is none."""
    if not is_slug(text):
        raise NotFound("no_such_node", "there is no such node")
    return NodeId(text)


def gather(console: Console, visit: Visit, node: NodeId) -> Facts:
    """Everything of one node; raises `NotFound` also where the person has no right to know of it."""
    parts = console.controller
    with parts.db.look() as session:
        kept = parts.nodes.get(session, visit.person, node)
    in_service = kept.retired_at is None
    silenced = parts.silences.silent_until(visit.person, node, kept.zones) if in_service else None
    with parts.db.look() as session:
        return _Reader(console, visit, session, kept).facts(silenced)


class _Reader:
    """Reads within one session."""

    def __init__(self, console: Console, visit: Visit, session: Session, node: Node) -> None:
        self._parts = console.controller
        self._visit = visit
        self._session = session
        self._node = node
        self._now = self._parts.clock.now()

    def facts(self, silenced_until: datetime | None) -> Facts:
        node, who, session = self._node, self._visit.person, self._session
        tree, area = self._visit.places.tree, AreaId(node.id)
        state = State.from_bytes(node.state) if node.state else None
        self_test = SelfTestReport.from_bytes(node.self_test) if node.self_test else None
        past, points = self._past(), (*self._points(), *self._now_measured(state))
        found = situations(
            Seen(
                node=node,
                state=state,
                self_test=self_test,
                heard=[one for line in past if (one := heard_of(line)) is not None],
                points=points,
                silenced_until=silenced_until,
                divergence=self._parts.divergences.of(session, node.id),
            )
        )
        return Facts(
            node=node,
            state=state,
            self_test=self_test,
            found=found,
            points=points,
            past=past,
            next=self._next(),
            keepers=tuple(self._parts.nodes.keepers(session, who, node.id)),
            lacks=self._parts.nodes.lacks(session, who, node.id),
            standing=tuple(self._parts.standing.all(session)),
            update=self._parts.rollouts.of_node(session, who, node.id),
            silenced_until=silenced_until,
            policy=(tree.policy_of(area) if area in tree else None) or default_policy(),
            tz=tree.tz_of(area) if area in tree else DEFAULT_TZ,
            place=self._visit.places.title(node.parent_id),
            rights=self._rights(),
            now=self._now,
        )

    def _past(self) -> tuple[LogRow, ...]:
        wanted = LogFilter(within=(), node=self._node.id, until_at=self._now)
        return tuple(self._lines(wanted, MOST_JUDGED))

    def _next(self) -> LogRow | None:
        wanted = LogFilter(within=(), node=self._node.id, from_at=self._now, outcome=EXPECTED)
        lines = self._lines(wanted, MOST_AHEAD)
        return lines[-1] if lines else None

    def _lines(self, wanted: LogFilter, limit: int) -> list[LogRow]:
        page = self._parts.log.page(
            self._session, self._visit.person, wanted, area=None, cursor=None, limit=limit
        )
        return page.lines

    def _points(self) -> tuple[Point, ...]:
        until = self._now + timedelta(hours=1)
        found = self._parts.nodes.health(
            self._session,
            self._visit.person,
            self._node.id,
            since=self._now - SHOWN,
            until=until,
            limit=MOST_POINTS,
        )
        return tuple(found)

    def _now_measured(self, state: State | None) -> tuple[Point, ...]:
        """Its machine by the last state; the hour of the series has the worst of it."""
        if state is None or state.health is None or self._node.state_at is None:
            return ()
        return (Point(self._node.state_at, state.health, state.free_bytes),)

    def _rights(self) -> Rights:
        path = path_of(self._session, self._node.id)
        in_service = self._node.retired_at is None

        def can(act: Act) -> bool:
            return in_service and may(self._visit.person, act, path)

        return Rights(can(Act.MANAGE_NODES), can(Act.RELEASE), can(Act.STOP), can(Act.UPDATE_NODES))


def heard_of(line: LogRow) -> Judged | None:
    """What the node's ears found of a line that sounded; None where no ear judged it."""
    if not line.played_ms:
        return None
    return judged_line(line.planned_at, rendered=line.rendered, heard=line.heard, evidence=line.evidence)
