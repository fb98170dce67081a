"""The states of the nodes that a person may see."""

from collections.abc import Collection
from datetime import datetime

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.node_states import LATELY, Condition, condition_of, fault_in
from loa.controller.store.database import Session
from loa.controller.store.ears import judged_lately
from loa.controller.store.heard import Known, known_nodes
from loa.controller.store.tree import read_tree
from loa.protocol.ids import NodeId


def node_conditions(session: Session, who: Person, *, now: datetime) -> dict[NodeId, Condition]:
    """Of each node in service in the person's areas, its state now."""
    tree = read_tree(session)
    nodes = tree.nodes_within(tuple(sorted(granted(who, Act.READ_AREA))))
    return conditions_of(session, known_nodes(session, nodes), now=now)


def conditions_of(session: Session, nodes: Collection[Known], *, now: datetime) -> dict[NodeId, Condition]:
    """Of these nodes, the state of each now."""
    ears = judged_lately(session, [one.node for one in nodes], now - LATELY)
    return {
        one.node: condition_of(one.presence, one.state, one.heard_at, fault_in(ears.get(one.node, ())))
        for one in nodes
    }
