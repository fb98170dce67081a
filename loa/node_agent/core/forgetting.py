"""What a node may forget: only what can no longer sound, and only at the turn of a broadcast day."""

from datetime import datetime, timedelta

from loa.node_agent.core.plan import Plan, to_silence, to_withdrawal
from loa.node_agent.core.shelf import Seen, Shelf
from loa.protocol.broadcast import Entry
from loa.protocol.ids import RecordingId
from loa.schedules.errors import RecurrenceError
from loa.schedules.model import Window
from loa.schedules.recurrence import starts
from loa.schedules.retention import keep

_LONGEST_GAP = timedelta(days=5 * 366)
"""No recurrence of the contract pauses for longer, but for 29 February at the turn of some centuries."""


def still_needed(shelf: Shelf, plan: Plan) -> Shelf:
    """The shelf without what could bear on nothing that sounds from the beginning of the plan's window on.

    A withdrawn broadcast stays together with its withdrawal as long as it could sound.
    """
    before = plan.window.from_at
    alive = {item.id.partition("@")[0] for item in plan.items.values()}
    ended = {name for name, seen in shelf.entries.items() if name not in alive and _is_over(seen, before)}
    kept = keep(
        [],
        [to_withdrawal(seen) for seen in shelf.withdrawals.values()],
        [to_silence(seen) for seen in shelf.silences.values()],
        before=before,
        ended=ended,
        tz=plan.tz,
    )
    withdrawals, silences = {one.id for one in kept.withdrawals}, {one.id for one in kept.silences}
    return Shelf(
        entries={name: seen for name, seen in shelf.entries.items() if name not in ended},
        withdrawals={name: seen for name, seen in shelf.withdrawals.items() if name in withdrawals},
        silences={name: seen for name, seen in shelf.silences.items() if name in silences},
        orders={name: seen for name, seen in shelf.orders.items() if name[1] not in ended},
    )


def recordings_of(shelf: Shelf) -> set[RecordingId]:
    """The recordings that something on the shelf may still need."""
    return {seen.said.broadcast.source.recording for seen in shelf.entries.values()}


def _is_over(seen: Seen[Entry], before: datetime) -> bool:
    broadcast = seen.said.broadcast
    if broadcast.expires_at is not None and broadcast.expires_at <= before:
        return True
    ahead = Window(from_at=before, until_at=before + _LONGEST_GAP)
    try:
        return not starts(broadcast.when, ahead, limit=broadcast.max_plays)
    except RecurrenceError:
        return True
