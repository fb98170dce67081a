"""What a broadcast would do to the timelines of the nodes that it reaches."""

from dataclasses import dataclass
from datetime import datetime

from loa.controller.core.notices import Notice
from loa.protocol.ids import AreaId, NodeId, OccurrenceId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A stretch in which one item sounds, with what a screen shows of it."""

    from_at: datetime
    to_at: datetime
    item: OccurrenceId
    offset_ms: int
    title: str
    class_: BroadcastClass
    mine: bool
    """Whether it belongs to the previewed broadcast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """How one item ends."""

    item: OccurrenceId
    title: str
    class_: BroadcastClass
    mine: bool
    planned_at: datetime
    duration_ms: int
    reason: Reason
    at: datetime
    sounded_ms: int
    by: str | None
    legal_source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Bytes over the SIM of each node, payloads as they are measured; transport overhead comes on top."""

    recording_bytes: int
    """Once, however often it repeats; 0 if what stands already carries it."""
    recording_estimated: bool
    """Whether the recording is yet to be made and its size was reckoned from its length."""
    message_bytes: int
    """Pointers, the programmes fetched anew, and the urgent message of an emergency."""
    report_bytes: int
    """What the node reports of the occurrences in the preview's window."""

    @property
    def total_bytes(self) -> int:
        """All together."""
        return self.recording_bytes + self.message_bytes + self.report_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The preview for nodes that all hear the same."""

    nodes: tuple[NodeId, ...]
    areas: tuple[AreaId, ...]
    """The areas asked for that these nodes belong to."""
    from_at: datetime
    until_at: datetime
    segments: tuple[Shown, ...]
    fates: tuple[Fate, ...]
    notices: tuple[Notice, ...]
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One view a distinct set of audiences, and what holds for all."""

    nodes: int
    first_start_at: datetime | None
    views: tuple[View, ...]
    notices: tuple[Notice, ...]
    """Of the plan as such; those of weight `refused` keep it from being approved."""
