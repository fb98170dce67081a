"""The tree of areas, kept for a few seconds: what every message of a node needs to know."""

import time
from collections.abc import Callable

from loa.controller.core.ingest import Row, place_row
from loa.controller.core.tree import Tree
from loa.controller.store.database import Database
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId, NodeId

KEPT_S = 2.0


class Places:
    """A recent tree; for one thread."""

    def __init__(
        self, *, db: Database, kept_s: float = KEPT_S, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._db = db
        self._kept_s = kept_s
        self._ticks = ticks
        self._tree: Tree | None = None
        self._read_at = 0.0

    def tree(self) -> Tree:
        """The tree as it was at most `kept_s` ago; raises Unavailable."""
        now = self._ticks()
        if self._tree is None or now - self._read_at > self._kept_s:
            with self._db.look() as session:
                self._tree = read_tree(session)
            self._read_at = now
        return self._tree


def place_of(tree: Tree, node: NodeId) -> Row:
    """A node's place for a line of the log."""
    if AreaId(node) not in tree:
        return {"area_id": node, "path": "/", "place": node}
    path = tree.path(AreaId(node))
    above = [(place.id, place.name) for place in path[:-1]]
    return place_row(above, above[-1][0] if above else node)
