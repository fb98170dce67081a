"""A link with which a person chooses a first password, or another one after it was forgotten."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.access import Person
from loa.controller.core.people import User
from loa.controller.errors import NotFound
from loa.controller.ports import Clock
from loa.controller.services.audit import Audit
from loa.controller.services.hashing import Hashed
from loa.controller.services.people import People, check_alone
from loa.controller.services.sessions import secret_hash
from loa.controller.store import people as store
from loa.controller.store.database import Session, Work
from loa.protocol.ids import AreaId

LASTING = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """The secret of the link; shown this once."""

    user: str
    secret: str
    until: datetime


class Invitations:
    """One open link a person; used once. The secret has 256 bits, so that nobody guesses it."""

    def __init__(self, *, clock: Clock, audit: Audit, people: People) -> None:
        self._clock = clock
        self._audit = audit
        self._people = people

    def open(self, work: Work, who: Person, user_id: str) -> Invitation:
        """A new link, in place of one before; needs the right over every area where the user has a role.

        Raises `Forbidden` for somebody who has a password: that needs two (`Recoveries`).
        """
        user = self._people.managed(work.session, who, user_id)
        check_alone(store.row_of(work.session, user_id))
        secret, until = secrets.token_urlsafe(32), self._clock.now() + LASTING
        store.set_invitation(work.session, user_id, secret_hash(secret), until)
        areas: list[AreaId | None] = [*{one.area_id for one in user.grants}]
        for area in areas or [None]:
            self._audit.note(work, who.user_id, "user.invited", area=area, subject=user_id)
        return Invitation(user=user_id, secret=secret, until=until)

    def look(self, session: Session, secret: str) -> User:
        """Who is invited by the link; raises `NotFound` when it is used, over or never was."""
        user = store.invited_by(session, secret_hash(secret))
        over = user is None or user.invited_until is None or user.invited_until <= self._clock.now()
        if user is None or over or not user.active:
            raise NotFound("no_such_invitation", "the link is used or over; ask for another one")
        return user

    def accept(self, work: Work, secret: str, password: Hashed) -> User:
        """Set the password; the link is used and all sessions are over. Raises `NotFound`."""
        user = self.look(work.session, secret)
        self._people.set_password(work, user.id, password, must_change=False)
        store.set_invitation(work.session, user.id, None, None)
        self._audit.note(work, user.id, "user.own_password", subject=user.id)
        return user
