"""Who keeps the whole installation: its settings and its backups, which hold the key of all."""

from loa.controller.core.access import Act, Person, may
from loa.controller.errors import NotFound
from loa.controller.store.database import Session
from loa.controller.store.tree import read_tree


def keeps_house(session: Session, who: Person) -> bool:
    """Whether the person manages the widest areas, all of them."""
    widest = read_tree(session).widest()
    return bool(widest) and all(may(who, Act.MANAGE_AREAS, [area]) for area in widest)


def permit_house(session: Session, who: Person) -> None:
    """Return if the person keeps the house; else `NotFound`: nobody else is to know of it."""
    if not keeps_house(session, who):
        raise NotFound("no_such_page", "this belongs to those who keep the whole installation")
