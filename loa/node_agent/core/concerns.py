"""Which readings somebody must mind; what is minded stays so for a while, or it would flap."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from loa.protocol.health import Concern, Health
from loa.protocol.reasons import ClockState

HOLD_S = 900.0
"""A concern stays for this time after it was last justified."""
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Look:
    """What is judged."""

    health: Health
    free_bytes: int
    clock: ClockState


@dataclass(frozen=True, slots=True)
class Limit:
    """A concern begins beyond `on` and is justified until the reading is back at `off`."""

    concern: Concern
    read: Callable[[Look], float | None]
    on: float
    off: float

    def is_beyond(self, reading: float, *, is_on: bool) -> bool:
        """Whether it is justified; the side on which it is bad is the one on which `on` lies of `off`."""
        if self.on > self.off:
            return reading > self.off if is_on else reading >= self.on
        return reading < self.off if is_on else reading <= self.on


@dataclass(frozen=True, slots=True)
class Watch:
    """When each concern was last justified, in seconds of the monotonic clock."""

    seen_s: Mapping[Concern, float] = field(default_factory=dict)

    @property
    def concerns(self) -> tuple[Concern, ...]:
        """In the order of the words."""
        return tuple(concern for concern in Concern if concern in self.seen_s)


def watch(before: Watch, look: Look, now_s: float) -> Watch:
    """The concerns after another look."""
    seen_s = {concern: at_s for concern, at_s in before.seen_s.items() if now_s - at_s < HOLD_S}
    for limit in LIMITS:
        reading = limit.read(look)
        if reading is not None and limit.is_beyond(reading, is_on=limit.concern in before.seen_s):
            seen_s[limit.concern] = now_s
    return Watch(seen_s)


def _budget_share(look: Look) -> float | None:
    health = look.health
    if not health.budget_bytes or health.forecast_bytes is None:
        return None
    return health.forecast_bytes / health.budget_bytes


def _clock_off_ms(look: Look) -> float | None:
    if look.clock is ClockState.UNTRUSTED:
        return float("inf")
    offset_ms = look.health.clock_offset_ms
    return None if offset_ms is None else abs(offset_ms)


def _yes(value: bool | None) -> float | None:  # noqa: FBT001 -- a reading
    return None if value is None else float(value)


LIMITS = (
    Limit(Concern.HOT, lambda look: look.health.temperature_c, 80, 75),
    Limit(Concern.UNDER_VOLTAGE, lambda look: _yes(look.health.under_voltage), 1, 0),
    Limit(Concern.DISK_WORN, lambda look: look.health.disk_wear_pct, 90, 89),
    Limit(Concern.DISK_ERRORS, lambda look: look.health.disk_errors, 1, 0),
    Limit(Concern.DISK_SHORT, lambda look: look.free_bytes, 200 * _MB, 300 * _MB),
    Limit(Concern.MEMORY_SHORT, lambda look: look.health.memory_free_bytes, 40 * _MB, 60 * _MB),
    Limit(Concern.CLOCK_OFF, _clock_off_ms, 1_000, 500),
    Limit(Concern.SIGNAL_WEAK, lambda look: look.health.signal_pct, 19, 30),
    Limit(Concern.BUDGET_SHORT, _budget_share, 1.0, 0.95),
)
