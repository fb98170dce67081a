"""The machines of nodes as the controller sees them: what to mind, and a point an hour for charts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.protocol.health import Concern, Health
from loa.protocol.reports import State

CLOCK_OFF = timedelta(minutes=1)
"""A node's clock against ours as its state arrives; a stalled network takes part of it."""


@dataclass(frozen=True, slots=True)
class Point:
    """An hour of a machine; `at` is its beginning."""

    at: datetime
    health: Health
    free_bytes: int | None


def hour_of(at: datetime) -> datetime:
    """The beginning of its hour, in UTC."""
    return at.replace(minute=0, second=0, microsecond=0)


def fold(before: Point | None, new: Point) -> Point:
    """An hour after another state: the last values, but the hottest, and any dip of the voltage."""
    if before is None:
        return new
    old, now = before.health, new.health
    temperatures = [one for one in (old.temperature_c, now.temperature_c) if one is not None]
    worst = {
        "temperature_c": max(temperatures, default=None),
        "under_voltage": (old.under_voltage or now.under_voltage) if now.under_voltage is not None else None,
        "concerns": tuple(one for one in Concern if one in {*old.concerns, *now.concerns}),
    }
    return Point(new.at, now.model_copy(update=worst), new.free_bytes)


def concerns_of(
    state: State, arrived_at: datetime | None, before: tuple[Concern, ...] = ()
) -> tuple[Concern, ...]:
    """What the node minds, and its clock as we see it; `arrived_at` is None if nobody knows when it was said.

    In that case what we thought `before` of its clock stays.
    """
    minded = set(state.health.concerns if state.health else ())
    if arrived_at is None:
        minded |= {Concern.CLOCK_OFF} & set(before)
    elif abs(arrived_at - state.at) > CLOCK_OFF:
        minded.add(Concern.CLOCK_OFF)
    return tuple(concern for concern in Concern if concern in minded)
