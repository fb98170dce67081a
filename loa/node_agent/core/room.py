"""Which recordings are fetched, and which go for them, when there is not room for all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from loa.protocol.ids import RecordingId


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A recording on the disk."""

    size_bytes: int
    is_needed: bool
    """The coming days or the standing messages need it: it stays."""
    last_needed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A recording that is to be fetched."""

    recording: RecordingId
    size_bytes: int
    is_exempt: bool = False
    """Quota and reserve don't hold for it: an emergency's, or a standing message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What recordings may take of a disk."""

    quota_bytes: int
    reserve_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done about it."""

    fetch: tuple[RecordingId, ...]
    """In the order in which they were wanted."""
    evict: tuple[RecordingId, ...]
    """The least recently needed first."""
    left_out: tuple[RecordingId, ...]
    """What does not fit, although all that nobody needs may go for it."""


def make_room(stored: Mapping[RecordingId, Stored], wanted: Sequence[Wanted], room: Room) -> Verdict:
    """Fetch what fits in the order of `wanted`, and evict no more than that takes.

    What is needed is never evicted; of the rest the least recently needed goes first. Also without anything
    wanted the quota and the reserve are kept as far as evicting can. What is left out leaves its place to
    smaller ones after it.
    """
    used = sum(one.size_bytes for one in stored.values())
    needed = sum(one.size_bytes for one in stored.values() if one.is_needed)
    disk = used + room.free_bytes
    allowance = min(room.quota_bytes, disk - room.reserve_bytes)
    taken, fetch, left_out = needed, [], []
    for one in wanted:
        limit = disk if one.is_exempt else allowance
        if taken + one.size_bytes <= limit:
            taken += one.size_bytes
            fetch.append(one)
        else:
            left_out.append(one.recording)
    excess = used + sum(one.size_bytes for one in fetch) - allowance
    return Verdict(tuple(one.recording for one in fetch), _evict(stored, excess), tuple(left_out))


def _evict(stored: Mapping[RecordingId, Stored], excess_bytes: int) -> tuple[RecordingId, ...]:
    gone: list[RecordingId] = []
    for name in _idle(stored):
        if excess_bytes <= 0:
            break
        gone.append(name)
        excess_bytes -= stored[name].size_bytes
    return tuple(gone)


def _idle(stored: Mapping[RecordingId, Stored]) -> Iterable[RecordingId]:
    idle = [name for name, one in stored.items() if not one.is_needed]
    return sorted(idle, key=lambda name: (stored[name].last_needed_at, name))
