"""Alarms as they sound: which there are now in a person's areas, and how one goes node by node."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.broadcasts import Scheduled
from loa.controller.core.emergencies import Deaf, NodeState, Told, is_on, judge_ears, judge_node
from loa.controller.core.tree import Tree
from loa.controller.errors import NotFound
from loa.controller.ports import Clock
from loa.controller.services.broadcasts import Broadcasts
from loa.controller.store.database import Session
from loa.controller.store.emergencies import alarms_of_now, reports_of, silent_nodes
from loa.controller.store.heard import known_nodes
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId, BroadcastId, NodeId
from loa.protocol.kinds import BroadcastClass

MEASURED_WITHIN = timedelta(days=7)
"""An older measurement says nothing of a horn today."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A broadcast that went out at once, as it goes on the nodes that the person may see."""

    scheduled: Scheduled
    nodes: Mapping[NodeId, NodeState]
    reasons: Mapping[NodeId, str]
    """The outcome that a node reported, where it did not sound it."""
    ends_at: datetime
    """By its plan."""
    is_on: bool

    @property
    def sounding(self) -> list[NodeId]:
        """The nodes that say that they sound it, or the siren in its place."""
        return [node for node, state in self.nodes.items() if state in {NodeState.SOUNDING, NodeState.SIREN}]


class Emergencies:
    """Reads only."""

    def __init__(self, *, clock: Clock, broadcasts: Broadcasts) -> None:
        self._clock = clock
        self._broadcasts = broadcasts

    def now(self, session: Session, who: Person) -> list[Followed]:
        """The emergencies that sound now on nodes of the person's areas, whoever issued them."""
        now = self._clock.now()
        alarms = alarms_of_now(session, now)
        if not alarms:
            return []
        tree = read_tree(session)
        mine = tree.below(granted(who, Act.READ_AREA))
        found = [self._followed(session, tree, mine, one, now) for one in alarms]
        return [one for one in found if one.nodes and one.is_on]

    def follow(self, session: Session, who: Person, broadcast: BroadcastId, *, drill: bool) -> Followed:
        """How an emergency goes, or a drill; raises `NotFound` for what is neither, or not to be known of."""
        found = self._broadcasts.get(session, who, broadcast)
        document = found.broadcast
        is_one = document.drill if drill else document.class_ is BroadcastClass.EMERGENCY
        if not is_one:
            raise NotFound("no_such_broadcast", f"there is no broadcast {broadcast}")
        tree = read_tree(session)
        mine = tree.below(granted(who, Act.READ_AREA))
        return self._followed(session, tree, mine, found, self._clock.now())

    def deaf(self, session: Session, who: Person, nodes: Collection[NodeId]) -> dict[NodeId, Deaf]:
        """At which of these nodes of the person's areas nobody would hear it now, and why."""
        mine = read_tree(session).below(granted(who, Act.READ_AREA))
        asked = sorted(node for node in nodes if AreaId(node) in mine)
        silent = silent_nodes(session, asked, self._clock.now() - MEASURED_WITHIN)
        found = {
            known.node: judge_ears(known.state, known.presence, was_silent=known.node in silent)
            for known in known_nodes(session, asked)
        }
        return {node: why for node, why in found.items() if why is not None}

    @staticmethod
    def _followed(
        session: Session, tree: Tree, mine: frozenset[AreaId], scheduled: Scheduled, now: datetime
    ) -> Followed:
        document = scheduled.broadcast
        audience = tuple(area for area in document.audience if area in tree)
        nodes = sorted(node for node in tree.nodes_within(audience) if AreaId(node) in mine)
        lines = reports_of(session, scheduled.id, nodes)
        silent = silent_nodes(session, nodes, now - MEASURED_WITHIN)
        states, reasons = {}, {}
        for known in known_nodes(session, nodes):
            line = lines.get(known.node)
            told = Told(known.state, known.presence, was_silent=known.node in silent)
            if line is not None:
                told = replace(told, outcome=line.outcome, played_ms=line.played_ms or 0)
            states[known.node] = judge_node(told, scheduled.id)
            if states[known.node] is NodeState.NOT_SOUNDED:
                reasons[known.node] = told.outcome
        ends_at = scheduled.first_start_at + timedelta(milliseconds=document.source.duration_ms)
        on = scheduled.withdrawn_at is None and is_on(states.values(), ends_at, now)
        return Followed(scheduled, states, reasons, ends_at, on)
