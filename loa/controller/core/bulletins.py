"""Bulletins (bản tin): what an official writes, with the audience and time that are asked for."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from loa.protocol.broadcast import DAY_MS
from loa.protocol.ids import AreaId, RecordingId
from loa.protocol.kinds import AfterInterruption, BroadcastClass, Late
from loa.protocol.units import DurationMs, Instant
from loa.protocol.when import When

TITLE_CHARACTERS = 200
TEXT_CHARACTERS = 200_000
"""What a draft keeps; a voice reads less, see the limits of speech."""
MOST_AUDIENCE = 256
NOW = "now"
WORDS_A_MINUTE = 125
"""How fast the voice reads Vietnamese, roughly: for a first idea of the length."""


def _check_members(given: object) -> object:
    unknown = sorted(map(str, given.keys() - When.model_fields.keys())) if isinstance(given, dict) else []
    if unknown:
        raise ValueError(f"a time has no member {', '.join(unknown)}; see the description")
    return given


AskedWhen = Annotated[When, BeforeValidator(_check_members)]
"""A time as people's programs send it: a misspelt rule must not make a recurrence sound once."""


class BulletinState(StrEnum):
    """Where a bulletin is on its way: draft, submitted, then approved or returned, which is a draft again."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    RETURNED = "returned"


class Plan(BaseModel):
    """Where and when a bulletin is to sound; what is None is decided by its class when it is approved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    audience: Annotated[tuple[AreaId, ...], Field(max_length=MOST_AUDIENCE)] = ()
    """Areas in any order; kept sorted, each once."""
    when: AskedWhen | Literal["now"] | None = None
    after_interruption: AfterInterruption = AfterInterruption.RESUME
    late: Late = Late.WHOLE
    not_after_ms: Annotated[DurationMs | None, Field(ge=0, le=DAY_MS)] = None
    last_end_ms: Annotated[DurationMs | None, Field(gt=0, le=DAY_MS)] = None
    max_plays: Annotated[int | None, Field(gt=0, le=10_000)] = None
    expires_at: Instant | None = None

    @field_validator("audience")
    @classmethod
    def _sort(cls, audience: tuple[AreaId, ...]) -> tuple[AreaId, ...]:
        return tuple(sorted(set(audience)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an official saves. Everything but the area may be missing until it is submitted."""

    area: AreaId
    """The issuing area."""
    title: str = ""
    field: str = "other"
    class_: BroadcastClass = BroadcastClass.NORMAL
    text: str | None = None
    voice: str | None = None
    recording: RecordingId | None = None
    plan: Plan = dataclasses.field(default_factory=Plan)
    drill: bool = False
    """A rehearsal, announced as one (`loa.controller.core.drills`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulletin:
    """A bulletin as it is kept."""

    id: str
    revision: int
    """Its ETag; every change adds one."""
    state: BulletinState
    draft: Draft
    comment: str | None
    """Why it was returned."""
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime
    submitted_by: str | None
    submitted_at: datetime | None
    broadcast: str | None
    """The broadcast that it became, if it was approved."""

    @property
    def sender(self) -> str:
        """Who submitted it, or else saved it last."""
        return self.submitted_by or self.updated_by

    def is_by(self, user_id: str) -> bool:
        """Whether that person wrote or submitted it."""
        return user_id in self.authors

    @property
    def authors(self) -> frozenset[str]:
        """Who wrote it and who submitted it."""
        return frozenset({self.created_by, self.submitted_by or self.created_by})


class Lack(StrEnum):
    """What a draft still lacks before it can be submitted."""

    TITLE = "title"
    RECORDING = "recording"
    """Text that no voice has read yet, or no sound at all."""
    AUDIENCE = "audience"
    WHEN = "when"


def spoken_ms(text: str) -> int:
    """About how long the voice takes to read the text."""
    return len(text.split()) * 60_000 // WORDS_A_MINUTE


def lacks(draft: Draft) -> list[Lack]:
    """What is missing, in the order of the form; an emergency needs no time."""
    found = {
        Lack.TITLE: not draft.title.strip(),
        Lack.RECORDING: draft.recording is None,
        Lack.AUDIENCE: not draft.plan.audience,
        Lack.WHEN: draft.plan.when is None and draft.class_ is not BroadcastClass.EMERGENCY,
    }
    return [lack for lack, missing in found.items() if missing]
