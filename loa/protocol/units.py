"""Units and instants as types: a number without its unit does not pass the type check."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NewType

from pydantic import AfterValidator, AwareDatetime, PlainSerializer

DurationMs = NewType("DurationMs", int)
"""A length of time in milliseconds, never negative."""
EpochMs = NewType("EpochMs", int)
"""Milliseconds since 1970-01-01T00:00:00Z."""
SizeBytes = NewType("SizeBytes", int)
GainDb = NewType("GainDb", float)
"""Decibels; 0 leaves the level as it is, negative attenuates."""
Lufs = NewType("Lufs", float)
"""Integrated loudness by EBU R128 / ITU-R BS.1770."""
DecibelTp = NewType("DecibelTp", float)
"""True peak in dBTP by ITU-R BS.1770."""
SampleHz = NewType("SampleHz", int)


def to_ms(at: datetime) -> EpochMs:
    """The instant as whole milliseconds since the epoch, exact for instants of `from_ms`."""
    return EpochMs((at - _EPOCH) // _MS)


def from_ms(at_ms: int) -> datetime:
    """The aware UTC instant of `at_ms` milliseconds since the epoch."""
    return _EPOCH + timedelta(0, 0, 0, at_ms)


def format_instant(at: datetime) -> str:
    """`2026-11-23T05:30:00.000Z`: RFC 3339, UTC, always three decimals."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def to_whole_ms(at: datetime) -> datetime:
    """The same instant in UTC, cut to whole milliseconds; ValueError outside of the years 1 to 9999."""
    try:
        at = at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{at.isoformat()} is out of range in UTC; use a year from 1 to 9999") from error
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _serialize(at: Any) -> str:  # noqa: ANN401 -- pydantic hands the field's value over untyped
    return format_instant(at)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)

Instant = Annotated[
    AwareDatetime,
    AfterValidator(to_whole_ms),
    PlainSerializer(_serialize, return_type=str, when_used="json"),
]
"""An aware instant, kept in UTC and whole milliseconds; `2026-11-23T05:30:00.000Z` on the wire."""
