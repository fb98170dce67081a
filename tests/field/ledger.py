"""What the campaign knows for itself: what had to sound, what was done to whom, and when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loa.protocol.ids import OccurrenceId, RecordingId
from tests.flow.ears import Sound
from tests.flow.times import seconds

NEVER = timedelta(0)


@dataclass(frozen=True, slots=True)
class Stretch:
    """From an instant to another."""

    from_at: datetime
    to_at: datetime

    def meets(self, other: "Stretch") -> bool:
        return self.from_at < other.to_at and other.from_at < self.to_at

    def wider(self, by: timedelta) -> "Stretch":
        return Stretch(self.from_at - by, self.to_at + by)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a sound, from `offset` on, that has to be heard."""

    when: Stretch
    offset: timedelta

    @property
    def length(self) -> timedelta:
        return self.when.to_at - self.when.from_at


@dataclass(slots=True, kw_only=True)
class Due:
    """One occurrence, by the plain arithmetic of its scene. The same for every node."""

    scene: str
    occurrence: OccurrenceId
    recording: RecordingId
    sound: Sound
    planned_at: datetime
    said_at: datetime
    """When it was approved."""
    turns: list[datetime] = field(default_factory=list)
    """When something was said later that bears on it: an emergency, a withdrawal, a STOP."""
    pieces: list[Piece] = field(default_factory=list)
    """What has to be heard where everything was known in time."""
    may: Stretch
    """When it may be heard at all, on whatever node."""
    informed: list[Stretch] = field(default_factory=list)
    """When it may be heard where everything was known in time; a little more than the pieces."""
    keeps_time: bool = True
    """Nothing comes before or between: at any instant it is where the clock says, or silent."""
    beside: list["Due"] = field(default_factory=list)
    """The others on which it depends when it begins: where one is missing, it does not wait for it."""
    holders: frozenset[str] = frozenset()
    """The nodes that had its sound on their disks some seconds before."""

    @property
    def length(self) -> timedelta:
        return self.sound.length


@dataclass(frozen=True, slots=True)
class Span:
    """When a node (all of them, if none is named) can't be relied on."""

    node: str | None
    when: Stretch
    kind: str
    """Of the fault to which it is owed."""
    deaf: bool = False
    """It need not hear messages."""
    starved: bool = False
    """It need not get at programmes and recordings."""
    mute: bool = False
    """It need not sound; what it sounds has to be right, though."""
    unwritten: bool = False
    """Its disk takes nothing; what it knows is gone if it is killed as well."""
    astray: timedelta = NEVER
    """So far its clock was off; what is scheduled may come by either clock."""
    recording: RecordingId | None = None
    """The span is about this recording alone, whose bytes on the disk are damaged."""

    def is_of(self, node: str) -> bool:
        return self.node is None or self.node == node


@dataclass(slots=True)
class Fault:
    """One thing that was done to them."""

    number: int
    kind: str
    node: str | None
    at: datetime
    what: str = ""
    healed_at: datetime | None = None
    deaths: int = 0
    """How often an agent ended by itself meanwhile."""


@dataclass(slots=True)
class Ledger:
    """Of one campaign. Threads only ever append."""

    dues: list[Due] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    excused: set[tuple[OccurrenceId, str]] = field(default_factory=set)
    """Occurrences whose reports were in a journal that was damaged, and nowhere else."""
    unhealed: list[Fault] = field(default_factory=list)
    """After which something did not come back."""
    skipped: list[str] = field(default_factory=list)
    """Scenes that could not be set up, as while the controller was down."""

    def met(self, node: str, when: Stretch, recording: RecordingId | None = None) -> list[Span]:
        """The spans of a node that meet a stretch, those about other recordings left out."""
        return [
            span
            for span in self.spans
            if span.is_of(node) and span.when.meets(when) and span.recording in {None, recording}
        ]


def in_turn(wishes: Sequence[tuple[datetime, timedelta, bool]]) -> list[datetime]:
    """When each of (wished start, length, whether it goes first) begins, one after the other and whole."""
    starts: dict[int, datetime] = {}
    free_at = min(wish[0] for wish in wishes)
    while len(starts) < len(wishes):
        left = [number for number in range(len(wishes)) if number not in starts]
        free_at = max(free_at, min(wishes[number][0] for number in left))
        waiting = [number for number in left if wishes[number][0] <= free_at]
        first = min(waiting, key=lambda number: (not wishes[number][2], wishes[number][0]))
        starts[first] = free_at
        free_at += wishes[first][1]
    return [starts[number] for number in range(len(wishes))]


def whole(from_at: datetime, length: timedelta) -> list[Piece]:
    """All of it at once."""
    return [Piece(Stretch(from_at, from_at + length), timedelta(0))]


def around(from_at: datetime, length: timedelta, gap_from: datetime, gap: timedelta) -> list[Piece]:
    """All of it, but for a gap in which something else sounds; the rest follows."""
    to_at = from_at + length
    if gap_from >= to_at:
        return whole(from_at, length)
    if gap_from <= from_at:
        return whole(max(from_at, gap_from + gap), length)
    before = Piece(Stretch(from_at, gap_from), timedelta(0))
    after = Piece(Stretch(gap_from + gap, to_at + gap), gap_from - from_at)
    return [before, after]


def until(from_at: datetime, length: timedelta, end_at: datetime) -> list[Piece]:
    """All of it, but for what would come after an end."""
    to_at = min(from_at + length, end_at)
    return [Piece(Stretch(from_at, to_at), timedelta(0))] if to_at > from_at else []


def hull(pieces: Iterable[Piece]) -> Stretch:
    """From the first to the last."""
    found = list(pieces)
    return Stretch(found[0].when.from_at, found[-1].when.to_at)


ON_TIME = seconds(0.35)
"""How late or early a sound may be: the machine is busy with everything else."""
