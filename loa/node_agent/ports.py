"""What the agent needs from the world outside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from loa.audio.player import Player
from loa.node_agent.core.data_budget import Usage
from loa.node_agent.core.plays import Play
from loa.node_agent.core.presses import Press
from loa.node_agent.core.readings import Readings
from loa.node_agent.core.shelf import Shelf
from loa.node_agent.core.stand_ins import Siren
from loa.node_agent.core.wish import UpdateMemory
from loa.node_agent.errors import StorageError
from loa.protocol.chain import GENESIS
from loa.protocol.ids import AreaId, JournalId, OccurrenceId, RecordingId
from loa.protocol.programme import Address, Config
from loa.protocol.reasons import ClockSource, ClockState, ProblemCode
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
class Step:
    """The clock was set."""

    was: datetime
    now: datetime

    @property
    def by(self) -> timedelta:
        """Positive if it was set forward."""
        return self.now - self.was


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the clock is."""

    state: ClockState
    source: ClockSource | None
    error_s: float | None
    """The most by which it is wrong; None if nobody knows."""
    apart_s: float | None
    """By how much the controller's clock was ahead of it after the last answer; None before the first."""
    apart_error_s: float
    """The most by which `apart_s` is wrong, since an answer takes its time."""


class NodeClock(Timekeeper, Protocol):
    """The clock of an agent, which its main loop keeps.

    It is set by these methods alone, so that nothing jumps behind their back; all but those of a `Timekeeper`
    belong to the main loop.
    """

    @property
    def is_set(self) -> bool:
        """Whether anybody has told the time since the machine was switched on, be it roughly."""
        ...

    @property
    def wants_answer(self) -> bool:
        """Whether the controller's time would help."""
        ...

    def look(self) -> Step | None:
        """Follow what the machine says now; quick enough for every turn."""
        ...

    def take_answer(self, at: datetime, round_trip_s: float, came_s: float) -> Step | None:
        """Take in the time of a genuine answer to a nonce of ours.

        `round_trip_s` is what both took on the way, `came_s` the boot time at which the answer came.
        """
        ...

    def not_before(self, at: datetime) -> Step | None:
        """It is `at` at least: somebody genuine said so. A bound, no reason to trust."""
        ...

    def reading(self) -> Reading:
        """How the clock is."""
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
    presses: Sequence[Press] = ()
    accounted_at: datetime | None = None
    siren: Siren | None = None
    update: UpdateMemory = field(default_factory=UpdateMemory)
    self_tested_at: datetime | None = None
    damage: tuple[str, ...] = ()
    """What could not be read and is missing here, in words; where it may have been sound, nothing is held."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """Reports of one journal that no receipt covers, in ascending order."""

    journal_id: JournalId
    reports: tuple[Report, ...]
    chain: str = GENESIS
    """Of the journal, before the first of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be written, all of it or nothing; forgetting comes before adding."""

    config: Config | None = None
    held: Mapping[AreaId, Held] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=Shelf)
    """To be added, or to replace what has the same name."""
    forget: Shelf = field(default_factory=Shelf)
    """To be taken off the shelf."""
    sounds: Mapping[RecordingId, datetime] = field(default_factory=dict)
    forget_sounds: Iterable[RecordingId] = ()
    """Their bytes are to be deleted: should one be needed again, it has to come again."""
    plays: Sequence[Play] = ()
    presses: Sequence[Press] | None = None
    """Of the STOP button; they replace those that were kept."""
    reports: Sequence[Report] = ()
    """Drafts, numbered as they are written; a play report also closes its play and marks it as reported."""
    accounted_at: datetime | None = None
    """Everything whose outcome lies before it is reported; older marks of what was reported may go."""
    forget_reported: Iterable[OccurrenceId] = ()
    siren: Siren | None = None
    update: UpdateMemory | None = None
    self_tested_at: datetime | None = None
    """Self-tests that were due until then are done."""
    closed: Iterable[OccurrenceId] = ()
    """Occurrences that were reported in another journal: their plays go, and they are marked as reported."""
    carried: Sequence[Unsent] = ()
    """Reports that were numbered in other journals; they keep journal and number."""


Covered = Mapping[JournalId, int]
"""The highest number of each journal that a receipt covers."""


class Disk(Protocol):
    """Journal and store of a node: what survives the loss of power. For one thread.

    `write`, `unsent`, `count_unsent` and `forget` raise `StorageError`.
    """

    @property
    def journal_id(self) -> JournalId:
        """Of the reports that it numbers itself; made together with the file."""
        ...

    @property
    def was_corrupt(self) -> bool:
        """Whether the file found could not be read and was set aside; this one is new."""
        ...

    @property
    def trouble(self) -> StorageError | None:
        """Why it takes no writes as it is now open; None if it does."""
        ...

    def recall(self) -> Recalled:
        """All that is kept, but for the reports. What is damaged is left out, told, and set aside."""
        ...

    def write(self, change: Change) -> None:
        """Keep a change for good, in one transaction; after a `StorageError` nothing of it is kept.

        While there is `trouble`, it first tries to open the file for writing again; after a
        `StorageDamagedError` it begins a new one, with the reports that could still be read.
        """
        ...

    def unsent(self, limit: int, covered: Covered) -> Unsent:
        """Of the oldest journal that has any: the first so many reports beyond what is covered."""
        ...

    def count_unsent(self, covered: Covered) -> int:
        """How many reports of all journals are not covered."""
        ...

    def forget(self, journal_id: JournalId, up_to: int) -> None:
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
    came_s: float
    """The same by the machine's boot time, which nobody sets."""


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


@dataclass(frozen=True, slots=True)
class Pressed:
    """Somebody pressed the STOP button."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a thread beside the loop has to report."""

    code: ProblemCode
    detail: str


Arrival = Message | Fetched | FetchTrouble | Crashed | Pressed | Trouble
"""What other threads hand to the main loop."""


class Upkeep(Protocol):
    """Keeps the node's certificate and its controller's address current, on a thread of its own."""

    def start(self) -> None:
        """Begin."""
        ...

    def close(self) -> None:
        """End; idempotent."""
        ...

    def follow(self, heard: Address | None) -> None:
        """Where the controller says that it is; None is nothing new."""
        ...


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
    rate_bytes_s: int | None = None
    """How fast it may come at most; None: as fast as it does."""
    longest_wait_s: float = 300.0
    """How long at most it waits after a failure."""


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

    def begun(self) -> dict[RecordingId, SizeBytes]:
        """How much of those that are still coming is on the disk."""
        ...

    def last_needed(self) -> dict[RecordingId, datetime]:
        """When each of those that are here was last said to be needed, else when it came."""
        ...

    def note_needed(self, needed: Iterable[RecordingId], at: datetime) -> None:
        """Say that these are needed, as far as they are here; outlasts a restart."""
        ...

    def drop(self, recordings: Iterable[RecordingId]) -> None:
        """Delete them; those that are not here are gone already."""
        ...

    def sweep(self, awaited: Iterable[RecordingId]) -> int:
        """Delete what is no recording, but for the beginnings of awaited ones; how much it was."""
        ...

    def free_bytes(self) -> SizeBytes:
        """Space left on the disk."""
        ...


class Watchdog(Protocol):
    """Whoever starts the agent again when its loop no longer turns. For the thread of the loop."""

    def ready(self) -> None:
        """The agent plays what its disk holds; it listens to the network from now on."""
        ...

    def alive(self, now_s: float) -> None:
        """The loop turned; `now_s` is the monotonic clock."""
        ...

    def stopping(self) -> None:
        """The agent ends in order."""
        ...


class OpenPlayer(Protocol):
    """Opens the output."""

    def __call__(self) -> Player:
        """Raises `PlayerUnavailableError`."""
        ...


class Relay(Protocol):
    """Switches the amplifier."""

    def switch(self, *, on: bool) -> None:
        """Raises `GpioError`; may be called again with the same."""
        ...

    def close(self) -> None:
        """Switch off and let go; idempotent."""
        ...


class Switch(Protocol):
    """A push button that is being watched; it tells the inbox that it was made with."""

    def close(self) -> None:
        """Watch no more; idempotent."""
        ...


class Sensors(Protocol):
    """Looks at the machine now and then, in a thread of its own."""

    def latest(self) -> Readings | None:
        """The last look; None before the first. A new look is a new object."""
        ...

    def close(self) -> None:
        """End; idempotent."""
        ...


class UsageKeeper(Protocol):
    """Keeps what the SIM has used over the loss of power."""

    def read(self) -> Usage | None:
        """What was kept last; None if there is nothing that can be read."""
        ...

    def write(self, usage: Usage) -> None:
        """Keep it; where the disk refuses, the log says so and the counting goes on."""
        ...
