"""Instants of the tests, and how people write them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from loa.protocol.when import DEFAULT_TZ


def now() -> datetime:
    """The machine's own time."""
    return datetime.now(UTC)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def soon(number: float) -> datetime:
    """The first whole second that is at least so many seconds ahead: plans have no fractions."""
    return (now() + seconds(number + 1)).replace(microsecond=0)


def local(at: datetime) -> str:
    """A whole second as the wall time of the commune."""
    return at.astimezone(ZoneInfo(DEFAULT_TZ)).strftime("%Y-%m-%dT%H:%M:%S")
