"""Who is to hear at once that somebody is being let in by two administrators: the person, and the others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog

from loa.controller.core.access import Person
from loa.controller.core.factors import Recovery
from loa.controller.core.people import User
from loa.controller.errors import ControllerError, Unavailable
from loa.controller.ports import Clock, Post
from loa.controller.services.people import People
from loa.controller.store import mails, people, recoveries
from loa.controller.store.database import Database, Session

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What one of them is to read."""

    recovery: Recovery
    reader: User
    person: User
    """Whose account it is."""
    opened_by: str
    """Name of the administrator."""


Compose = Callable[[Letter], tuple[str, str]]
"""Subject and text."""


class RecoveryMails:
    """Also to those who asked for no notices; after a restart one may come twice, none gets lost."""

    def __init__(
        self, *, db: Database, clock: Clock, people: People, post: Post | None, compose: Compose
    ) -> None:
        self._db = db
        self._clock = clock
        self._people = people
        self._post = post
        self._compose = compose
        self._told: set[tuple[str, str]] = set()

    def send_due(self) -> int:
        """The job: tell of those that are open; how many mails went out."""
        if self._post is None:
            return 0
        with self._db.look() as session:
            found = recoveries.still_open(session, self._clock.now())
            letters = [letter for recovery in found for letter in self._letters(session, recovery)]
        self._told &= {_mark(one) for one in letters}
        return sum(self._send(self._post, one) for one in letters if _mark(one) not in self._told)

    def _letters(self, session: Session, recovery: Recovery) -> Iterator[Letter]:
        person = people.user_of(session, recovery.user)
        opener = people.user_of(session, recovery.opened_by)
        if person is None:
            return
        for reader in mails.reachable(session):
            if reader.id == recovery.opened_by or not self._concerns(session, reader, person):
                continue
            by = recovery.opened_by if opener is None else opener.name
            yield Letter(recovery=recovery, reader=reader, person=person, opened_by=by)

    def _concerns(self, session: Session, reader: User, person: User) -> bool:
        if reader.id == person.id:
            return True
        try:
            self._people.managed(session, Person(reader.id, reader.name, reader.grants), person.id)
        except ControllerError:
            return False
        return True

    def _send(self, post: Post, letter: Letter) -> bool:
        reader = letter.reader
        try:
            post.send(reader.email or "", *self._compose(letter))
        except Unavailable as error:
            _log.warning("mail.failed", user=reader.id, why=error.detail)
            return False
        self._told.add(_mark(letter))
        _log.info("mail.sent", user=reader.id, recovery=letter.recovery.id)
        return True


def _mark(letter: Letter) -> tuple[str, str]:
    return letter.recovery.id, letter.reader.id
