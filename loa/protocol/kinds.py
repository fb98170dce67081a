"""Closed sets of words that a broadcast uses."""

from enum import StrEnum


class BroadcastClass(StrEnum):
    """The three classes of Circular 39/2020/TT-BTTTT."""

    EMERGENCY = "emergency"
    """Khẩn cấp: at once, passes quiet hours."""
    PRIORITY = "priority"
    """Ưu tiên: before normal ones, in the order set by the commune."""
    NORMAL = "normal"
    """Thông thường: chosen by the commune."""


class StandingMessage(StrEnum):
    """What every node keeps a recording of, to be had when the network is not."""

    SIREN = "siren"
    """Còi báo động; also stands in for an emergency whose own sound has not come."""
    EVACUATION = "evacuation"
    """Sơ tán."""
    STORM = "storm"
    """Bão."""
    FLOOD = "flood"
    """Lũ, ngập."""
    FIRE = "fire"
    """Cháy."""
    ALL_CLEAR = "all_clear"
    """Hết nguy hiểm."""
    TEST = "test"
    """Thử loa."""


class AfterInterruption(StrEnum):
    """What an item does once the emergency that cut it off is over."""

    RESUME = "resume"
    """Go on where it stopped."""
    REJOIN = "rejoin"
    """Go on where it would be by the clock, as a relay does."""
    DROP = "drop"
    """Not come back."""


class Late(StrEnum):
    """What a node does with an item that it learnt after its start."""

    WHOLE = "whole"
    """Begin at its beginning."""
    JOIN = "join"
    """Begin where its neighbours are by the clock."""
    SKIP = "skip"
    """Leave it out."""
