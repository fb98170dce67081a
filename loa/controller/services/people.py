"""People: who they are, what they may do, how they sign in."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from loa.controller.core.access import Person
from loa.controller.store.database import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A person by a session of a browser, or by a program's token."""

    person: Person
    secret: str
    """What the cookie or the Authorization header carries; only its hash is kept."""
    csrf: str | None
    """None for a token, which no browser sends by itself."""
    expires_at: datetime

    def csrf_fits(self, given: str | None) -> bool:
        """Whether a browser's write is the person's own; always so for a token."""
        return self.csrf is None or secrets.compare_digest(self.csrf.encode(), (given or "").encode())


class People:
    """Users, roles, sessions and tokens."""

    def whose(self, session: Session, secret: str) -> SignedIn:
        """Who a session or token belongs to; raises `Unauthenticated`."""
        raise NotImplementedError
