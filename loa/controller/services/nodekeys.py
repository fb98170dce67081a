"""The public keys of nodes, kept in memory: each message of a node is verified with its own."""

import time
from collections.abc import Callable

from loa.controller.store.database import Database
from loa.controller.store.reports import keys_of
from loa.protocol.errors import MalformedError
from loa.protocol.ids import NodeId
from loa.protocol.keys import KeyRing, PublicKey

RENEW_EVERY_S = 5.0
"""A stranger's messages must not make us ask the database for each of them."""
KEPT_S = 60.0
"""So long a retired node may still be believed; the broker has ended its connection long before."""


class NodeKeys:
    """For one thread."""

    def __init__(self, *, db: Database, ticks: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._ticks = ticks
        self._rings: dict[NodeId, tuple[float, str | None, KeyRing]] = {}

    def ring(self, node: NodeId) -> KeyRing:
        """The node's key, or an empty ring; raises Unavailable."""
        kept = self._rings.get(node)
        if kept is None or self._ticks() - kept[0] > KEPT_S:
            kept = self._read(node)
        return kept[2]

    def key_x(self, node: NodeId) -> str:
        """The key of the ring that was given out last, in base64url."""
        return self._rings[node][1] or ""

    def renew(self, node: NodeId) -> bool:
        """Look whether the node has another key by now, as after a new enrolment."""
        kept = self._rings.get(node)
        if kept is not None and self._ticks() - kept[0] < RENEW_EVERY_S:
            return False
        return self._read(node)[1] != (kept[1] if kept else None)

    def _read(self, node: NodeId) -> tuple[float, str | None, KeyRing]:
        with self._db.look() as session:
            key_x = keys_of(session, [node]).get(node)
        kept = (self._ticks(), key_x, KeyRing(_keys(key_x)))
        self._rings[node] = kept
        return kept


def _keys(key_x: str | None) -> list[PublicKey]:
    try:
        return [PublicKey.from_x(key_x)] if key_x else []
    except MalformedError:
        return []
