"""What the agent needs from the world outside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from loa.audio.player import Player
from loa.node_agent.core.plays import Play
from loa.node_agent.core.shelf import Shelf
from loa.protocol.ids import AreaId, JournalId, OccurrenceId, RecordingId
from loa.protocol.programme import Config
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Held, Report
from loa.protocol.units import SizeBytes


class Timekeeper(Protocol):
    """The time, and how far it may be relied on; safe from any thread."""

    def now(self) -> datetime:
        """The wall time, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, from an arbitrary origin."""
        ...

    def state(self) -> ClockState:
        """How far the wall time may be relied on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """All that a disk holds, as it is read once at the start."""

    config: Config | None = None
    held: Mapping[AreaId, Held] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=Shelf)
    sounds: Mapping[RecordingId, datetime] = field(default_factory=dict)
    """When each recording came first; not taken back when its bytes are lost, or the past would change."""
    plays: Mapping[OccurrenceId, Play] = field(default_factory=dict)
    """Of occurrences that are not reported yet."""
    reported: frozenset[OccurrenceId] = frozenset()
    accounted_at: datetime | None = None
    self_tested_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be written, all of it or nothing."""

    config: Config | None = None
    held: Mapping[AreaId, Held] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=Shelf)
    """To be added, or to replace what has the same name."""
    forget: Shelf = field(default_factory=Shelf)
    """To be taken off the shelf."""
    sounds: Mapping[RecordingId, datetime] = field(default_factory=dict)
    forget_sounds: Iterable[RecordingId] = ()
    """Nothing on the shelf needs them: should one be needed again, it has to come again."""
    plays: Sequence[Play] = ()
    reports: Sequence[Report] = ()
    """Drafts, numbered as they are written; a play report also closes its play and marks it as reported."""
    accounted_at: datetime | None = None
    """Everything whose outcome lies before it is reported; older marks of what was reported may go."""
    forget_reported: Iterable[OccurrenceId] = ()
    self_tested_at: datetime | None = None
    """Self-tests that were due until then are done."""


class Disk(Protocol):
    """Journal and store of a node: what survives the loss of power. For one thread."""

    @property
    def journal_id(self) -> JournalId:
        """Made together with the file."""
        ...

    @property
    def was_corrupt(self) -> bool:
        """Whether the file found could not be read and was set aside; this one is new."""
        ...

    def recall(self) -> Recalled:
        """All that is kept, but for the reports."""
        ...

    def write(self, change: Change) -> None:
        """Keep a change for good, in one transaction; raises `StorageFullError` and then keeps nothing."""
        ...

    def unsent(self, limit: int) -> list[Report]:
        """The first so many reports that no receipt covers, in ascending order without a gap."""
        ...

    def count_unsent(self) -> int:
        """How many reports no receipt covers."""
        ...

    def forget(self, up_to: int) -> None:
        """A receipt came; idempotent, and never touches a number that is not given out yet."""
        ...

    def close(self) -> None:
        """Release the file; idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """What came on a topic, and when."""

    topic: str
    payload: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Fetched:
    """Verified bytes are in `path`."""

    job: "Job"
    path: Path
    at: datetime


@dataclass(frozen=True, slots=True)
class FetchTrouble:
    """An attempt came to nothing; another follows by itself as long as the job is wanted."""

    job: "Job"
    error: Exception
    attempt: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Crashed:
    """A thread ended that must not end; the agent follows it."""

    what: str
    error: Exception


Arrival = Message | Fetched | FetchTrouble | Crashed
"""What other threads hand to the main loop."""


class Courier(Protocol):
    """The link to the broker. Hands messages to the inbox that it was made with."""

    @property
    def connections(self) -> int:
        """How often the link has come up since the start."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether the link is up at this moment."""
        ...

    @property
    def lost(self) -> int:
        """Messages dropped because the inbox was full."""
        ...

    def start(self) -> None:
        """Connect, and go on trying for ever."""
        ...

    def listen(self, topics: Sequence[str]) -> None:
        """Replace what is subscribed to, now and after every connect; retained messages come (again)."""
        ...

    def send(self, topic: str, payload: bytes, *, retain: bool) -> bool:
        """Hand a payload over with QoS 1; False if the link is down. No promise: only a receipt is one."""
        ...

    def close(self) -> None:
        """Say good-bye and end; takes at most a second. Idempotent."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Job:
    """Bytes to be fetched."""

    path: str
    """Below the base URL, with a slash in front."""
    sha256: str
    size_bytes: SizeBytes
    into: Path
    not_before: float = 0.0
    """On the monotonic clock."""


class Downloads(Protocol):
    """Fetches one thing after the other in a thread of its own; tells the inbox."""

    def want(self, jobs: Sequence[Job]) -> None:
        """Replace what is wanted, the most urgent first; a less urgent one that is under way gives way."""
        ...

    def close(self) -> None:
        """End within a second; what has come is kept. Idempotent."""
        ...


class Recordings(Protocol):
    """The folder of recordings, named by the SHA-256 of their bytes."""

    def place(self, recording: RecordingId) -> Path:
        """Where the recording is, or belongs."""
        ...

    def here(self) -> dict[RecordingId, SizeBytes]:
        """What is in the folder, with its size."""
        ...

    def is_sound(self, recording: RecordingId) -> bool:
        """Whether its bytes are on disk and have the digest of its name; looked at once a start.

        Bytes with another digest are set aside.
        """
        ...

    def keep_only(self, needed: Iterable[RecordingId]) -> int:
        """Delete the others; how many these were."""
        ...

    def free_bytes(self) -> SizeBytes:
        """Space left on the disk."""
        ...


class OpenPlayer(Protocol):
    """Opens the output."""

    def __call__(self) -> Player:
        """Raises `PlayerUnavailableError`."""
        ...
