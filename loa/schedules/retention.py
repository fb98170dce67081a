"""What a node may forget without changing what is still to sound."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.protocol.ids import BroadcastId, OccurrenceId, start_of
from loa.protocol.kinds import BroadcastClass
from loa.protocol.when import DEFAULT_TZ
from loa.schedules.localtime import broadcast_day
from loa.schedules.model import KNOWN_GRACE_MS, Item, Silence, Withdrawal

_LONGEST_LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left after forgetting."""

    items: list[Item]
    withdrawals: list[Withdrawal]
    silences: list[Silence]


def droppable_before(items: Iterable[Item], at: datetime, tz: str = DEFAULT_TZ) -> datetime:
    """The last boundary of broadcast days by `at` that no item's life, start to last end, straddles.

    Items that start before it are over. What is still under way within the 5 s of an arrival in time
    keeps its boundary back by as much.
    """
    lives = sorted(((item.start_at, _life_end(item, tz)) for item in items), reverse=True)
    boundary = broadcast_day(at - timedelta(milliseconds=KNOWN_GRACE_MS), tz)[0]
    while straddling := [start for start, end in lives if start < boundary < end]:
        boundary = broadcast_day(min(straddling), tz)[0]
    return boundary


def keep(
    items: Iterable[Item],
    withdrawals: Iterable[Withdrawal],
    silences: Iterable[Silence],
    *,
    before: datetime,
    ended: Container[BroadcastId] = (),
    tz: str = DEFAULT_TZ,
) -> Kept:
    """What to keep once `before`, an instant of `droppable_before`, has passed.

    A withdrawal of an occurrence goes when no such occurrence could live any more, also one that is
    yet to arrive; that of a broadcast once it is among the `ended`, which have no occurrence that lives
    at or after `before`. A silence goes when it is over.
    """
    return Kept(
        [item for item in items if item.start_at >= before or _life_end(item, tz) > before],
        [one for one in withdrawals if not _is_over(one, before, ended)],
        [one for one in silences if one.until_at > before],
    )


def _life_end(item: Item, tz: str) -> datetime:
    if item.class_ is BroadcastClass.EMERGENCY:
        return item.last_end_at
    return min(item.last_end_at, broadcast_day(item.start_at, tz)[1])


def _is_over(withdrawal: Withdrawal, before: datetime, ended: Container[BroadcastId]) -> bool:
    if "@" in withdrawal.target:
        return start_of(OccurrenceId(withdrawal.target)) + _LONGEST_LIFE <= before
    return withdrawal.target in ended
