"""Users as they are kept."""

from dataclasses import dataclass
from datetime import datetime

from loa.controller.core.access import Grant


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A program's token without its secret."""

    id: str
    """The first characters of the secret's hash."""
    name: str
    created_at: datetime
    expires_at: datetime
