"""The rule of versions, by which a restored backup does not mute its nodes."""

from datetime import datetime, timedelta

from loa.protocol.units import to_ms

CREDIBLE_AHEAD = timedelta(days=3650)
"""A node that claims a version further ahead than this must not be able to use up all versions."""


def next_version(*, last: int, now: datetime, heard: int = 0) -> int:
    """max(last + 1, now in ms, highest version that a hello has named + 1)."""
    return max(last + 1, to_ms(now), heard + 1)


def is_credible(version: int, now: datetime) -> bool:
    """Whether a version that a node says it holds may raise ours."""
    return version <= to_ms(now + CREDIBLE_AHEAD)
