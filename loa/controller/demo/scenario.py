"""What the demo plays and what must be heard: plain arithmetic, on purpose not the timeline's own code."""

import math
from dataclasses import dataclass
from enum import StrEnum

GAP_S = 3.0
"""Silence between two items."""
STOP_AFTER_S = 4.0
"""How long the last item sounds before STOP, if it is long enough."""
LISTEN_AFTER_STOP_S = 5.0
STOP_WITHIN_S = 1.0
"""From the STOP request to silence."""


class Sound(StrEnum):
    """The recordings of the scenario."""

    FILE = "file"
    TEXT = "text"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True)
class Lengths:
    """Seconds that each recording lasts."""

    file_s: float
    text_s: float
    emergency_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Planned starts, in whole seconds since the epoch; the emergency is asked for, not planned."""

    file_at: int
    text_at: int
    emergency_asked_at: float
    again_at: int
    stop_asked_at: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch that must be heard: which sound, from when to when, beginning where in the sound."""

    sound: Sound
    from_s: float
    to_s: float
    offset_s: float


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the recorded sound of every node must hold; times in seconds since the epoch."""

    heard: tuple[Passage, ...]
    silent: tuple[tuple[float, float], ...]
    ends_at: float


def plan(first_at: float, lengths: Lengths, lead_s: float) -> Plan:
    """The file at `first_at`, then the text with the emergency in its middle, then the file again and STOP.

    `lead_s` is how long after its request an emergency begins.
    """
    file_at = math.ceil(first_at)
    text_at = math.ceil(file_at + lengths.file_s + GAP_S)
    again_at = math.ceil(text_at + lengths.text_s + lengths.emergency_s + GAP_S)
    return Plan(
        file_at=file_at,
        text_at=text_at,
        emergency_asked_at=text_at + lengths.text_s / 2 - lead_s,
        again_at=again_at,
        stop_asked_at=again_at + min(STOP_AFTER_S, lengths.file_s / 2),
    )


def expectation(made: Plan, lengths: Lengths, *, emergency_at: float, stopped_at: float) -> Expectation:
    """What must be heard, given when the emergency was to begin and when STOP was answered."""
    before_s = emergency_at - made.text_at
    emergency_end = emergency_at + lengths.emergency_s
    text_end = emergency_end + lengths.text_s - before_s
    ends_at = stopped_at + STOP_WITHIN_S + LISTEN_AFTER_STOP_S
    return Expectation(
        heard=(
            Passage(Sound.FILE, made.file_at, made.file_at + lengths.file_s, 0.0),
            Passage(Sound.TEXT, made.text_at, emergency_at, 0.0),
            Passage(Sound.EMERGENCY, emergency_at, emergency_end, 0.0),
            Passage(Sound.TEXT, emergency_end, text_end, before_s),
            Passage(Sound.FILE, made.again_at, stopped_at, 0.0),
        ),
        silent=(
            (made.file_at + lengths.file_s, made.text_at),
            (text_end, made.again_at),
            (stopped_at + STOP_WITHIN_S, ends_at),
        ),
        ends_at=ends_at,
    )
