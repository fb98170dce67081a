"""What an area allows to sound at which hours: data, each line with its legal source."""

import re
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)

from loa.protocol.kinds import BroadcastClass
from loa.protocol.units import GainDb, Instant


def _check_wall(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", text):
        raise ValueError(f"{text!r} is not a time of day; write HH:MM, 00:00 to 24:00")
    return text


WallTime = Annotated[str, AfterValidator(_check_wall)]
"""Local time of day `HH:MM`; 24:00 is the end of the day."""
Weekday = Literal["mo", "tu", "we", "th", "fr", "sa", "su"]
LegalSource = Annotated[str, StringConstraints(min_length=1, max_length=500)]
"""The rule that a line comes from, as text for people."""
Classes = Annotated[frozenset[BroadcastClass], Field(min_length=1), PlainSerializer(sorted)]
"""On the wire in order of the alphabet, so that equal policies have equal bytes."""
Weekdays = Annotated[frozenset[Weekday], PlainSerializer(sorted)]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True)

    classes: Classes
    legal_source: LegalSource


class _Hours(_Line):
    from_local: WallTime
    to_local: WallTime
    """Not included. At or before `from_local` it is a time of the next day."""
    days: Weekdays | None = None
    """The local days on which the window begins; None is every day."""

    @model_validator(mode="after")
    def _check_length(self) -> "_Hours":
        if self.from_local in {self.to_local, "24:00"}:
            raise ValueError("a window needs a length; write 00:00 to 24:00 for the whole day")
        return self


class AllowedHours(_Hours):
    """Hours in which the classes may sound; outside of all of its windows a class may not.

    Adjacent and overlapping windows are one. Emergencies pass at any hour.
    """


class VolumeCap(_Hours):
    """Hours in which the classes are attenuated; of several caps the lowest holds."""

    cap_db: Annotated[GainDb, Field(le=0, ge=-120)]


class DailyMinutes(_Line):
    """The minutes of a broadcast day that the classes may have together; emergencies are exempt."""

    minutes: Annotated[int, Field(ge=0, le=24 * 60)]


class OwnApproval(BaseModel):
    """Whether who wrote a bulletin may approve it, too; asked by the controller alone.

    Emergencies are broadcast by one person with that right in any case.
    """

    model_config = ConfigDict(frozen=True)

    allowed: bool
    legal_source: LegalSource


class PolicyVersion(BaseModel):
    """The rules that hold from `effective_from` until the next version."""

    model_config = ConfigDict(frozen=True)

    effective_from: Instant
    """Never before the version is issued: a policy does not change the past."""
    quiet_source: LegalSource
    """Why nothing but emergencies sounds outside of the allowed hours."""
    hours: tuple[AllowedHours, ...]
    caps: tuple[VolumeCap, ...] = ()
    minutes: tuple[DailyMinutes, ...] = ()
    own_approval: OwnApproval | None = None
    """None: somebody else approves."""


class Policy(BaseModel):
    """Versions of what an area allows. Before the first one only emergencies sound."""

    model_config = ConfigDict(frozen=True)

    versions: tuple[PolicyVersion, ...]
    """Each with an `effective_from` of its own, in order of time."""

    @model_validator(mode="after")
    def _check_order(self) -> "Policy":
        starts = [version.effective_from for version in self.versions]
        if starts != sorted(set(starts)):
            raise ValueError("versions must be in order of time, one an instant")
        return self
