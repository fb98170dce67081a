"""Users as they are kept."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from loa.controller.core.access import Grant


class Address(StrEnum):
    """How a person is addressed."""

    ONG = "ong"
    BA = "ba"
    ANH = "anh"
    CHI = "chi"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person, or a program that a person answers for."""

    id: str
    """What one signs in with; a slug."""
    name: str
    phone: str | None
    active: bool
    created_at: datetime
    grants: frozenset[Grant]
    address: Address | None = None
    email: str | None = None
    mail_notices: bool = False
    must_change: bool = False
    has_own_password: bool = False
    """One that nobody else knows: nobody alone may give another one."""
    invited_until: datetime | None = None
    """Until when the person may choose a first password by a link; None where no link is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A program's token without its secret."""

    id: str
    """The first characters of the secret's hash."""
    name: str
    created_at: datetime
    expires_at: datetime
