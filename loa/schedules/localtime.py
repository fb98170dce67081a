"""The one place for local time: wall times of an area, its calendar days and its broadcast days."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY_BEGINS = time(3)
"""A broadcast day begins at 03:00 local; midnight would break the night of Tết."""

_DAY = timedelta(days=1)


def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name; raises ZoneInfoNotFoundError."""
    return ZoneInfo(name)


def from_wall(wall: datetime, tz: str) -> datetime:
    """The aware UTC instant of a naive wall time.

    By RFC 5545, section 3.3.5: a wall time in a gap counts by the offset before the gap, and of one
    that comes twice the first is meant.
    """
    return wall.replace(tzinfo=zone(tz), fold=0).astimezone(UTC)


def to_wall(at: datetime, tz: str) -> datetime:
    """The naive wall time of an instant."""
    return at.astimezone(zone(tz)).replace(tzinfo=None, fold=0)


def local_date(at: datetime, tz: str) -> date:
    """The calendar day of an instant."""
    return at.astimezone(zone(tz)).date()


def at_wall(day: date, minutes: int, tz: str) -> datetime:
    """The instant at which the clocks of `day` show `minutes` after midnight; 1440 is the next midnight."""
    days, rest = divmod(minutes, 24 * 60)
    return from_wall(datetime.combine(day + days * _DAY, time(rest // 60, rest % 60)), tz)


def broadcast_day(at: datetime, tz: str) -> tuple[datetime, datetime]:
    """Beginning and end of the broadcast day of an instant, the end not included."""
    day = local_date(at, tz)
    begin = from_wall(datetime.combine(day, DAY_BEGINS), tz)
    if at < begin:
        day, begin = day - _DAY, from_wall(datetime.combine(day - _DAY, DAY_BEGINS), tz)
    return begin, from_wall(datetime.combine(day + _DAY, DAY_BEGINS), tz)
