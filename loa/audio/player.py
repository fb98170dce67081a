from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from queue import Queue
from typing import Protocol

RATE_HZ = 48_000
"""Every player works at 48 kHz, mono, 16 bits."""
FADE_MS = 10
"""Length of the fade wherever a sound is cut."""


class Late(StrEnum):
    """What a cue does when its start has already passed (an emergency, a node that comes back)."""

    REJOIN = "rejoin"  # leave out what was missed: stay on the clock
    SHIFT = "shift"  # lose nothing: sound as soon as possible, and end later by as much if the cue may


@dataclass(frozen=True, slots=True)
class Cue:
    """One stretch of one sound: at `start_at` the sound's `offset_ms` is heard, at `stop_at` nothing of it.

    `occurrence`, `path`, `start_at` and `offset_ms` together name a cue. Instants are aware UTC. Where the
    sound ends by itself, `may_last_until` says until when one that is begun late may go on past `stop_at`;
    a cue that begins at `stop_at` or later waits for that.
    """

    occurrence: str
    path: Path
    start_at: datetime
    stop_at: datetime
    offset_ms: int = 0
    gain_db: float = 0.0
    late: Late = Late.REJOIN
    may_last_until: datetime | None = None


class Ending(StrEnum):
    """Why a cue that sounded sounds no more."""

    FINISHED = "finished"  # the sound itself ended
    STOP_AT = "stop_at"  # its `stop_at` came
    REMOVED = "removed"  # a new plan no longer holds it
    DISPLACED = "displaced"  # a cue with a later start began
    FAILED = "failed"  # the decoder died; a `Failed` came before
    CLOSED = "closed"  # the player was closed


@dataclass(frozen=True, slots=True)
class Began:
    """The first sample of `cue` sounds at `at`; it is the sound's sample at `offset_ms`."""

    cue: Cue
    at: datetime
    offset_ms: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The last sample of `cue` sounded at `at`; `played_ms` counts what really sounded, without gaps."""

    cue: Cue
    at: datetime
    played_ms: int
    reason: Ending


@dataclass(frozen=True, slots=True)
class Failed:
    """`cue` cannot be played: its file is missing or broken. Not tried again until it left the plan."""

    cue: Cue
    at: datetime
    detail: str


PlayerEvent = Began | Ended | Failed


@dataclass(frozen=True, slots=True)
class PlayerStatus:
    """How the output is doing.

    `sync_degraded`: the time of the samples is estimated, not measured. `underflows` and `missed_events` (the
    queue was full) count since the player was opened. `sounding` is the cue that is heard now.
    """

    sounding: Cue | None
    sync_degraded: bool
    underflows: int
    missed_events: int
    broken: str | None
    """Why the output no longer runs; the owner has to open a new player."""


class Player(Protocol):
    """An output that is always open and sounds, at every instant, what the plan says for that instant."""

    @property
    def events(self) -> Queue[PlayerEvent]:
        """What happened, in order; bounded, an overflow is counted in the status."""
        ...

    def set_plan(self, cues: Sequence[Cue]) -> None:
        """Replace the plan of the near future, at once and as a whole; the same plan again changes nothing.

        A cue that sounds and is still in the plan goes on without a click (a new `stop_at` or gain is taken
        over), one that is absent stops at once with a fade. Of cues that overlap the one with the latest
        start sounds. Order does not matter. Returns before anything sounds; safe from any thread.
        """
        ...

    def status(self) -> PlayerStatus:
        """How the output is doing at this moment."""
        ...

    def close(self) -> None:
        """Stop with a fade and release everything; idempotent. Events already given stay in the queue."""
        ...
