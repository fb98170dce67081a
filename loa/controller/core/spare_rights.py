"""What STOP needs to know of people and areas when the database is down."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import Field

from loa.controller.core.access import Grant, Person, Role
from loa.protocol.ids import AreaId
from loa.protocol.units import Instant
from loa.protocol.wire import Wire


class SpareSession(Wire):
    """A browser's session or a program's token."""

    user_id: str
    csrf: str | None = None
    """None for a program's token, which no browser sends by itself."""
    expires_at: Instant


class SpareUser(Wire):
    """An active user."""

    name: str
    grants: tuple[tuple[AreaId, Role], ...]


class SpareArea(Wire):
    """An area's place in the tree."""

    parent_id: AreaId | None = None
    authority: int


class SpareRights(Wire):
    """A copy of who is signed in, who may do what where, and what lies where."""

    sessions: dict[str, SpareSession] = Field(default_factory=dict)
    """By the SHA-256 of the secret."""
    users: dict[str, SpareUser] = Field(default_factory=dict)
    areas: dict[AreaId, SpareArea] = Field(default_factory=dict)

    @classmethod
    def of(
        cls,
        sessions: Mapping[str, SpareSession],
        users: Mapping[str, SpareUser],
        areas: Mapping[AreaId, SpareArea],
    ) -> Self:
        """The copy of these."""
        return cls(sessions=dict(sessions), users=dict(users), areas=dict(areas))

    def whose(self, secret_sha256: str, now: datetime) -> tuple[Person, str | None] | None:
        """The person of a session and its CSRF token (None for a program); None if it is nobody's."""
        found = self.sessions.get(secret_sha256)
        user = self.users.get(found.user_id) if found else None
        if found is None or user is None or found.expires_at <= now:
            return None
        grants = frozenset(Grant(area, role) for area, role in user.grants)
        return Person(found.user_id, user.name, grants), found.csrf

    def path(self, area: AreaId) -> list[AreaId]:
        """From the area up to the widest; empty if it is not known."""
        path: list[AreaId] = []
        at: AreaId | None = area
        while at is not None and at in self.areas and at not in path:
            path.append(at)
            at = self.areas[at].parent_id
        return path
