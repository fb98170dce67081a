"""Watches for nodes that hold other orders than they were given."""

import threading
from collections.abc import Mapping
from datetime import datetime

import structlog

from loa.controller.core.divergence import Divergence, Orders, diverges
from loa.controller.ports import Clock, EventKind, Events
from loa.controller.services.metrics import Metrics
from loa.controller.store.configs import config_versions
from loa.controller.store.database import Database, Session
from loa.controller.store.heard import Known, known_nodes
from loa.controller.store.programmes import versions_of
from loa.controller.store.tree import Tree, read_tree
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.reports import Held

_log = structlog.get_logger(__name__)


class Divergences:
    """As a job over all nodes, and at any moment for one; thread-safe."""

    def __init__(self, *, db: Database, clock: Clock, events: Events, metrics: Metrics) -> None:
        self._db = db
        self._clock = clock
        self._events = events
        self._metrics = metrics
        self._lock = threading.Lock()
        self._found: dict[NodeId, Divergence] = {}
        self._since: dict[NodeId, datetime] = {}

    def watch(self) -> None:
        """The job: log and tell pages where a node begins or ends to differ."""
        with self._db.look() as session:
            found = self._of(session, known_nodes(session), read_tree(session))
        now = self._clock.now()
        with self._lock:
            before, self._found = self._found, found
            self._since = {node: self._since.get(node, now) for node in found}
        for kind in Divergence:
            self._metrics.diverging.labels(kind).set(sum(one is kind for one in found.values()))
        for node in sorted(before.keys() | found.keys()):
            if before.get(node) is not found.get(node):
                _log.warning("node.diverges", node=node, was=before.get(node), now=found.get(node))
                self._events.announce(EventKind.NODE, AreaId(node), node)

    def since(self) -> Mapping[NodeId, datetime]:
        """The nodes that differed when the job last looked, and since when it has seen it."""
        with self._lock:
            return dict(self._since)

    def of(self, session: Session, node: NodeId) -> Divergence | None:
        """Whether this one differs now."""
        return self._of(session, known_nodes(session, [node]), read_tree(session)).get(node)

    def _of(self, session: Session, known: list[Known], tree: Tree) -> dict[NodeId, Divergence]:
        areas = {one.node: tree.areas_of(one.node) for one in known if AreaId(one.node) in tree}
        versions = versions_of(session, {area for some in areas.values() for area in some})
        configs = config_versions(session, set(areas))
        found: dict[NodeId, Divergence] = {}
        for one in known:
            held = {area: versions.get(area, Held()) for area in areas.get(one.node, ())}
            kind = self._judge(one, Orders(configs.get(one.node, 0), held))
            if kind is not None:
                found[one.node] = kind
        return found

    def _judge(self, known: Known, given: Orders) -> Divergence | None:
        state, heard_at = known.state, known.heard_at
        if state is None or heard_at is None:
            return None
        return diverges(
            Orders(state.config, state.held),
            given,
            heard_at=heard_at,
            there_since=known.presence_at or heard_at,
            now=self._clock.now(),
        )
