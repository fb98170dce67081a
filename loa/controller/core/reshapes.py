"""Areas that are merged and split: what is known before, and what undoes it."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from loa.controller.core.access import Role
from loa.controller.core.tree import AreaKind
from loa.protocol.ids import AreaId


class ReshapeKind(StrEnum):
    """What was done."""

    MERGED = "merged"
    SPLIT = "split"


class Given(BaseModel):
    """A role that came with it."""

    model_config = ConfigDict(frozen=True)

    user: str
    role: Role


class Before(BaseModel):
    """How it was: enough to undo it."""

    model_config = ConfigDict(frozen=True)

    kind: AreaKind
    """Of the area that was merged into the other, or was made by the split."""
    parent: AreaId | None
    """Of that area."""
    moved: tuple[AreaId, ...]
    """What stood directly below one and stands below the other now."""
    given: tuple[Given, ...] = ()
    """Roles that people got in the other area."""


class Done(BaseModel):
    """What was done."""

    model_config = ConfigDict(frozen=True)

    kind: ReshapeKind
    area: AreaId
    """That remains: what was merged into, or what was split."""
    other: AreaId
    """What was merged into it, or was split off."""
    before: Before


class Reshape(Done):
    """One of them, as it is kept."""

    id: int
    at: datetime
    by: str
    undone_at: datetime | None


class Outlook(BaseModel):
    """What it will mean."""

    model_config = ConfigDict(frozen=True)

    moved: tuple[str, ...]
    """Names of what moves."""
    nodes: int
    """How many loudspeakers stand there."""
    goes_on: tuple[str, ...] = ()
    """Titles of broadcasts that go on where they did."""
    spreads: tuple[str, ...] = ()
    """Titles of broadcasts that will sound on the loudspeakers that join, too."""
    ends: tuple[str, ...] = ()
    """Titles of broadcasts that will no longer sound on the loudspeakers that leave."""
    people: tuple[str, ...] = ()
    """Names of those with a role in the area that is merged or split."""
    policy_changes: bool = False
    """Whether other hours and limits hold for these loudspeakers from then on."""
