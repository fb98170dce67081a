"""Proof: what a node reported, held against what its timeline demanded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from loa.protocol.reasons import Reason
from loa.protocol.units import DurationMs
from loa.schedules.model import Outcome, Segment

TOLERANCE_MS = 1_000
"""What start, end and the last checkpoint may be off together, and still be as demanded."""


class Verdict(StrEnum):
    """How a line of the log stands to the timeline."""

    PENDING = "pending"
    """Its time is not over, or nobody has reported yet and may still do so."""
    AS_DEMANDED = "as_demanded"
    """It sounded where it had to, or was silent where it had to be, for the same reason."""
    UNREPORTED = "unreported"
    """Nobody knows: the node did not report in time."""
    SILENT = "silent"
    """It had to sound, and nothing did, or an ear of the node did not find it."""
    UNDEMANDED = "undemanded"
    """It sounded, and nothing had to."""
    DIFFERENT = "different"
    """It sounded, but not when it had to, or ended for another reason."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sound from one instant to another."""

    from_at: datetime
    to_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a line of the log says: the node's own words, once it has reported."""

    outcome: str
    """A `Reason`, or `expected` or `missed`."""
    stretches: tuple[Stretch, ...] = ()
    rendered: bool | None = None
    """What a loopback of the output found, if there was one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict and what it rests on."""

    verdict: Verdict
    demanded: tuple[Stretch, ...]
    demanded_reason: Reason | None
    """How the timeline ends it; None where it is not in the timeline at all."""
    lacking_ms: DurationMs
    """Demanded, and not sounded."""
    beyond_ms: DurationMs
    """Sounded, and not demanded."""


def judge(segments: Sequence[Segment], outcome: Outcome | None, told: Told) -> Judgement:
    """Hold the line against the segments and the outcome that `lay_out` gives its occurrence."""
    demanded = tuple(Stretch(segment.from_at, segment.to_at) for segment in segments)
    common_ms = _common_ms(demanded, told.stretches)
    lacking_ms = _length_ms(demanded) - common_ms
    beyond_ms = _length_ms(told.stretches) - common_ms
    reason = None if outcome is None else outcome.reason
    return Judgement(
        verdict=_verdict(demanded, reason, told, off_ms=max(lacking_ms, beyond_ms)),
        demanded=demanded,
        demanded_reason=reason,
        lacking_ms=DurationMs(lacking_ms),
        beyond_ms=DurationMs(beyond_ms),
    )


def _verdict(demanded: Sequence[Stretch], reason: Reason | None, told: Told, *, off_ms: int) -> Verdict:
    if told.outcome == "expected":
        return Verdict.PENDING
    if told.outcome == "missed":
        return Verdict.UNREPORTED
    if demanded and (not told.stretches or told.rendered is False):
        return Verdict.SILENT
    if told.stretches and not demanded:
        return Verdict.UNDEMANDED
    same = off_ms <= TOLERANCE_MS and told.outcome == reason
    return Verdict.AS_DEMANDED if same else Verdict.DIFFERENT


def _common_ms(some: Iterable[Stretch], others: Sequence[Stretch]) -> int:
    """How long both sound; neither overlaps itself."""
    return sum(
        max(_ms(min(one.to_at, other.to_at) - max(one.from_at, other.from_at)), 0)
        for one in some
        for other in others
    )


def _length_ms(stretches: Iterable[Stretch]) -> int:
    return sum(_ms(one.to_at - one.from_at) for one in stretches)


def _ms(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)
