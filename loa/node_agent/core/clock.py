"""How far a node may rely on its clock, by whose word, and what may set it.

The node's time is the machine's boot time, which nobody can set, plus an offset. NTP and a battery clock
give the offset of the system's clock, and are followed as long as they vouch for it. The controller's signed
answer sets it only where neither does. Without any of them it goes on as it was: *holding* while its
uncertainty, which grows by the drift of a cheap crystal, is at most two seconds, *untrusted* afterwards.
Instants are seconds since the epoch, boot times seconds since the machine was switched on.
"""

from dataclasses import dataclass, replace
from math import inf

from loa.protocol.reasons import ClockSource, ClockState

LIMIT_S = 2.0
"""Scheduled items wait for a clock that is right to this."""
DRIFT = 75e-6
"""A small computer's crystal is off by 50 ppm at most, over the temperatures of a pole; and half as much."""
FRESH_S = 7200.0
"""An answer counts as vouching for so long; it then is some 0.5 s less certain."""
ASK_AFTER_S = 0.9 * FRESH_S
LONGEST_ASLEEP_S = 5 * 366 * 86_400.0
"""A battery clock further ahead of all that the node knows shows nonsense."""
AHEAD_S = 120.0
"""So far may a message have been ahead of us, and thus the newest instant known ahead of the time."""
BATTERY_ERROR_S = 1.0
"""Its registers hold whole seconds."""
_STEADY_S = 0.0005
"""Two readings of the same clock differ by less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the machine says at one moment."""

    boot_s: float
    system_s: float
    """The system's clock."""
    ntp_error_s: float | None = None
    """The most by which the system's clock is wrong, if NTP keeps it."""
    battery_s: float | None = None
    """What a battery clock shows, if there is one that does not say itself that it lost the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How the clock is set: it shows the boot time plus `offset_s`."""

    offset_s: float
    source: ClockSource | None = None
    """Who vouched for it last; None: nobody since the machine was switched on."""
    error_s: float = inf
    """The most by which it was wrong at `as_of_s`, a boot time."""
    as_of_s: float = 0.0
    is_live: bool = False
    """Whether NTP or a battery clock vouches for it now."""

    def error_at(self, boot_s: float) -> float:
        """The most by which it is wrong by then."""
        return self.error_s + DRIFT * max(0.0, boot_s - self.as_of_s)

    def state_at(self, boot_s: float) -> ClockState:
        """How far it may be relied on."""
        if self.error_at(boot_s) > LIMIT_S:
            return ClockState.UNTRUSTED
        is_fresh = self.source is ClockSource.ANSWER and boot_s - self.as_of_s < FRESH_S
        return ClockState.TRUSTED if self.is_live or is_fresh else ClockState.HOLDING

    def wants_answer(self, boot_s: float) -> bool:
        """Whether the controller's time would help."""
        return not self.is_live and (
            self.state_at(boot_s) is not ClockState.TRUSTED or boot_s - self.as_of_s >= ASK_AFTER_S
        )


def follow(before: Setting, facts: Facts, *, known_s: float) -> Setting:
    """The setting by what the machine says; `known_s` is the newest instant that has certainly been."""
    system_s = facts.system_s - facts.boot_s
    if facts.ntp_error_s is not None and facts.ntp_error_s <= LIMIT_S:
        return _by_ntp(before, system_s, facts.ntp_error_s, facts.boot_s)
    if facts.battery_s is not None and _is_plausible(facts.battery_s, known_s):
        offset_s = _by_battery(before, system_s, facts.battery_s - facts.boot_s)
        return _live(ClockSource.BATTERY, offset_s, BATTERY_ERROR_S, facts.boot_s)
    if before.source is not None:
        return replace(before, is_live=False)
    return replace(before, offset_s=max(before.offset_s, system_s))


def take_answer(before: Setting, *, at_s: float, round_trip_s: float, boot_s: float) -> Setting:
    """The setting after a genuine answer to a nonce of ours, which came at `boot_s`.

    `round_trip_s` is what question and answer took on the way.

    It never sets what NTP or a battery clock keeps. One that is held is confirmed by an answer that fits; an
    answer that contradicts an older one shows that this can't be relied on, and sets the clock in its stead.
    A slow answer says roughly how late it is, and leaves the clock untrusted.
    """
    error_s = round_trip_s / 2
    offset_s = at_s + error_s - boot_s
    offered = Setting(offset_s=offset_s, source=ClockSource.ANSWER, error_s=error_s, as_of_s=boot_s)
    held_error_s = before.error_at(boot_s)
    if before.is_live:
        return before
    if before.source is None:
        return offered
    apart_s = abs(offset_s - before.offset_s)
    fits = apart_s <= error_s + held_error_s
    if fits or before.state_at(boot_s) is ClockState.UNTRUSTED:
        return _refined(before, offered, apart_s) if error_s < held_error_s else before
    contradicts = before.source is ClockSource.ANSWER and error_s <= LIMIT_S
    return offered if contradicts else before


def raise_to(before: Setting, at_s: float, boot_s: float) -> Setting:
    """The setting of a clock that nobody can rely on, now that it is known to be `at_s` at least."""
    if before.state_at(boot_s) is not ClockState.UNTRUSTED:
        return before
    return replace(before, offset_s=max(before.offset_s, at_s - boot_s))


def _refined(before: Setting, offered: Setting, apart_s: float) -> Setting:
    """What an answer can't tell apart stays, so that its own jitter never moves a sound.

    One that is twice as certain as the one before was is taken over: neighbours are to sound together.
    """
    if apart_s > offered.error_s or 2 * offered.error_s <= before.error_s:
        return offered
    return replace(offered, offset_s=before.offset_s, error_s=apart_s + offered.error_s)


def _is_plausible(battery_s: float, known_s: float) -> bool:
    return known_s - AHEAD_S <= battery_s <= known_s + LONGEST_ASLEEP_S


def _by_ntp(before: Setting, system_s: float, error_s: float, boot_s: float) -> Setting:
    """The kernel assumes ten times our drift; what it said before still holds by ours."""
    if before.source is ClockSource.NTP and abs(system_s - before.offset_s) < _STEADY_S:
        if before.error_at(boot_s) <= error_s:
            return replace(before, is_live=True)
        system_s = before.offset_s
    return _live(ClockSource.NTP, system_s, error_s, boot_s)


def _by_battery(before: Setting, system_s: float, battery_s: float) -> float:
    """The system's clock while it agrees, else the battery's own; neither is left for half of that."""
    near_s = LIMIT_S / 2
    is_own = before.source is ClockSource.BATTERY and abs(before.offset_s - system_s) > near_s
    if abs(system_s - battery_s) <= (near_s if is_own else LIMIT_S):
        return before.offset_s if abs(before.offset_s - system_s) < _STEADY_S else system_s
    return before.offset_s if is_own and abs(before.offset_s - battery_s) <= near_s else battery_s


def _live(source: ClockSource, offset_s: float, error_s: float, boot_s: float) -> Setting:
    return Setting(offset_s=offset_s, source=source, error_s=error_s, as_of_s=boot_s, is_live=True)
