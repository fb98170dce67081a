"""Bulletins (bản tin): writing, submitting, returning."""

from collections.abc import Callable
from dataclasses import dataclass

from loa.controller.core.access import Person
from loa.controller.core.bulletins import Bulletin, BulletinState, Draft
from loa.controller.ports import Clock, Events
from loa.controller.store.database import Session, Work
from loa.protocol.ids import AreaId


@dataclass(frozen=True, slots=True, kw_only=True)
class BulletinFilter:
    """Which bulletins to list; None is any."""

    area: AreaId | None = None
    state: BulletinState | None = None
    created_by: str | None = None


@dataclass(frozen=True, slots=True)
class BulletinPage:
    """Some bulletins, the last changed first, and where to go on."""

    bulletins: tuple[Bulletin, ...]
    next_cursor: str | None


class Bulletins:
    """What officials write. Every method but `get` and `find` changes the revision."""

    def __init__(self, *, clock: Clock, ids: Callable[[], str], events: Events) -> None:
        self._clock = clock
        self._ids = ids
        self._events = events

    def create(self, work: Work, who: Person, draft: Draft) -> Bulletin:
        """A new draft."""
        raise NotImplementedError

    def save(self, work: Work, who: Person, bulletin_id: str, draft: Draft, revision: int) -> Bulletin:
        """Replace what it says; it is a draft again. Raises `Stale`, which says who saved it and when."""
        raise NotImplementedError

    def submit(self, work: Work, who: Person, bulletin_id: str, revision: int) -> Bulletin:
        """Hand it to the approvers; raises `Invalid` with what is lacking."""
        raise NotImplementedError

    def give_back(self, work: Work, who: Person, bulletin_id: str, revision: int, comment: str) -> Bulletin:
        """Return it to its author with a word why."""
        raise NotImplementedError

    def delete(self, work: Work, who: Person, bulletin_id: str, revision: int) -> None:
        """Throw a bulletin away that was never approved."""
        raise NotImplementedError

    def get(self, session: Session, who: Person, bulletin_id: str) -> Bulletin:
        """Raises `NotFound` also where the person has no right to know of it."""
        raise NotImplementedError

    def find(
        self, session: Session, who: Person, wanted: BulletinFilter, *, cursor: str | None, limit: int
    ) -> BulletinPage:
        """Those that the person may read."""
        raise NotImplementedError
