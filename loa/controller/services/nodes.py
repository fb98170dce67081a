"""Nodes: adding, enrolling, moving, retiring."""

from loa.controller.store.database import Session
from loa.protocol.ids import NodeId


class Nodes:
    """What the controller knows of its loudspeakers."""

    def authenticate(self, session: Session, node: str, token: str) -> NodeId:
        """Return if the node's own key made the bearer token; raises `Unauthenticated`."""
        raise NotImplementedError
