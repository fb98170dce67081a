"""Policies to test with."""

from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import AllowedHours, DailyMinutes, Policy, PolicyVersion
from loa.schedules.policy import BEGINNING

ORDINARY = frozenset({BroadcastClass.PRIORITY, BroadcastClass.NORMAL})


def hours(begin: str, end: str, source: str = "Quy chế", *, minutes: int | None = None) -> Policy:
    """Everything but emergencies from `begin` to `end`, and at most so many minutes a day."""
    line = AllowedHours(classes=ORDINARY, from_local=begin, to_local=end, legal_source=source)
    daily = () if minutes is None else (DailyMinutes(classes=ORDINARY, minutes=minutes, legal_source=source),)
    version = PolicyVersion(effective_from=BEGINNING, quiet_source=source, hours=(line,), minutes=daily)
    return Policy(versions=(version,))
