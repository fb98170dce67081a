"""Where a node is, as the log keeps it."""

from loa.controller.core.ingest import Row, place_row
from loa.controller.core.tree import Tree
from loa.protocol.ids import AreaId, NodeId


def place_of(tree: Tree, node: NodeId) -> Row:
    """A node's place for a line of the log."""
    if AreaId(node) not in tree:
        return {"area_id": node, "path": "/", "place": node}
    path = tree.path(AreaId(node))
    above = [(place.id, place.name) for place in path[:-1]]
    return place_row(above, above[-1][0] if above else node)
