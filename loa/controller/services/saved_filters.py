"""Choices of the log's lines that a person gave names; nobody else sees them."""

from collections.abc import Callable
from dataclasses import dataclass

from loa.controller.core.access import Person
from loa.controller.errors import Conflict, Invalid, NotFound
from loa.controller.ports import Clock
from loa.controller.store import saved_filters as store
from loa.controller.store.database import Session, Work

MOST = 20
"""Filters of one person: more would not be found again."""
LONGEST_NAME = 80
LONGEST_QUERY = 2_000


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A name, and the filters as the address of the page has them."""

    id: str
    name: str
    query: str


class SavedFilters:
    """Kept for each person."""

    def __init__(self, *, clock: Clock, ids: Callable[[], str]) -> None:
        self._clock = clock
        self._ids = ids

    def of(self, session: Session, who: Person) -> list[SavedFilter]:
        """The person's own, by name."""
        return [SavedFilter(row.id, row.name, row.query) for row in store.filters_of(session, who.user_id)]

    def save(self, work: Work, who: Person, name: str, query: str) -> None:
        """Keep it; one of that name is replaced. Raises `Invalid`, `Conflict`."""
        name = " ".join(name.split())
        if not 0 < len(name) <= LONGEST_NAME:
            raise Invalid("bad_filter_name", f"give it a name of at most {LONGEST_NAME} letters")
        if len(query) > LONGEST_QUERY:
            raise Invalid("bad_filter", f"the filters have more than {LONGEST_QUERY} letters")
        mine = store.filters_of(work.session, who.user_id)
        same = [row for row in mine if row.name == name]
        if same:
            same[0].query = query
        elif len(mine) >= MOST:
            raise Conflict("too_many_filters", f"you have {MOST} filters; delete one first", most=MOST)
        else:
            now = self._clock.now()
            store.add_filter(work.session, self._ids(), user=who.user_id, name=name, query=query, at=now)

    def delete(self, work: Work, who: Person, id_: str) -> None:
        """Forget one of one's own; raises `NotFound`."""
        if not store.delete_filter(work.session, who.user_id, id_):
            raise NotFound("no_such_filter", "you have no such filter")
