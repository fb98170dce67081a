"""Who may sign in at the broker, from the database."""

from loa.controller.core.broker_rules import BrokerUser, node_user
from loa.controller.store.certificates import certified_nodes
from loa.controller.store.database import Database
from loa.controller.store.tree import read_tree


def broker_users(db: Database) -> list[BrokerUser]:
    """A user for each enrolled node in service, with exactly its own topics; raises Unavailable."""
    with db.look() as session:
        tree = read_tree(session)
        enrolled = certified_nodes(session)
    return [node_user(node, tree.areas_of(node)) for node in enrolled]
