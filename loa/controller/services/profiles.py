"""What a person says of oneself."""

import re
from dataclasses import dataclass

from loa.controller.core.access import Person
from loa.controller.core.people import Address, User
from loa.controller.errors import Invalid, NotFound
from loa.controller.services.audit import Audit
from loa.controller.store import people as store
from loa.controller.store.database import Work

LONGEST_EMAIL = 254
"""RFC 5321, 4.5.3.1.3."""
_EMAIL = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+\.[^\s@<>,;\".]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All of it, as it is to be; empty is none."""

    name: str
    address: Address | None
    phone: str
    email: str
    mail_notices: bool


class Profiles:
    """For the page of the person."""

    def __init__(self, *, audit: Audit) -> None:
        self._audit = audit

    def save(self, work: Work, who: Person, profile: Profile) -> User:
        """Raises `Invalid` for an e-mail address that cannot be one, or notices without one."""
        if not profile.name:
            raise Invalid("name_missing", "a person has a name")
        if profile.email and not is_email(profile.email):
            raise Invalid("bad_email", "write an address such as hoa@example.vn", email=profile.email)
        if profile.mail_notices and not profile.email:
            raise Invalid("email_missing", "notices by e-mail need an address")
        row = store.user_row(work.session, who.user_id)
        if row is None:
            raise NotFound("no_such_user", "there is no such user")
        row.name, row.phone = profile.name, profile.phone or None
        row.address = profile.address.value if profile.address else None
        row.email, row.mail_notices = profile.email or None, profile.mail_notices
        self._audit.note(
            work, who.user_id, "user.own_profile", subject=who.user_id, mail_notices=profile.mail_notices
        )
        return store.as_user(row, who.grants)


def is_email(text: str) -> bool:
    """Whether a mail can be addressed so; no header can be smuggled in by it."""
    return len(text) <= LONGEST_EMAIL and text.isascii() and _EMAIL.fullmatch(text) is not None
