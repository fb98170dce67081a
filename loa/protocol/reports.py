"""What a node tells: hello, state and the numbered reports of its journal; and the controller's replies."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from loa.protocol.chain import Chain
from loa.protocol.health import Health
from loa.protocol.ids import AreaId, BootId, HardwareId, JournalId, NodeId, Nonce, OccurrenceId, StopId
from loa.protocol.programme import Version
from loa.protocol.reasons import (
    ClockSource,
    ClockState,
    ProblemCode,
    Reason,
    RefusalReason,
    SelfTestOutcome,
    UpdateOutcome,
)
from loa.protocol.units import DurationMs, Instant, SizeBytes
from loa.protocol.wire import Wire

Number = Annotated[int, Field(ge=1, lt=2**53)]
"""Numbers the reports of one journal from 1, without a gap."""


class Held(Wire):
    """Versions that a node holds of one area; 0 is none."""

    programme: Version = 0
    urgent: Version = 0


class Hello(Wire):
    """I am here, and this is what I hold."""

    node: NodeId
    boot_id: BootId
    journal_id: JournalId
    nonce: Nonce
    sent_at: Instant
    clock: ClockState
    config: Version = 0
    held: dict[AreaId, Held] = Field(default_factory=dict)
    agent: Annotated[str, Field(max_length=32)]
    """Version of the node agent."""
    machine: HardwareId | None = None
    """The machine's serial number, hashed; absent where it tells none."""
    card: HardwareId | None = None
    """The serial number of the card or disk that holds the journal, hashed; absent where it tells none."""


class Answer(Wire):
    """The controller's clock and the current versions, in answer to one hello."""

    node: NodeId
    nonce: Nonce
    at: Instant
    beyond_us: Annotated[int, Field(ge=0, le=999)] = 0
    """Microseconds by which it was later than `at`, which has none."""
    waited_us: Annotated[int, Field(ge=0, lt=2**53)] = 0
    """How long the hello had been here by then: so much of the round trip is no way."""
    config: Version
    current: dict[AreaId, Held]

    @property
    def exact_at(self) -> datetime:
        """To the microsecond."""
        return self.at + timedelta(microseconds=self.beyond_us)


class Detail(StrEnum):
    """How much a state message tells."""

    COMPACT = "compact"
    FULL = "full"
    WILL = "will"
    """Left with the broker, sent by it when the connection is lost."""


class Output(Wire):
    """How the sound card is doing."""

    is_open: bool
    """False while it is missing or broken; the node tries again every few seconds."""
    sync_degraded: bool = False
    """The time of the samples is estimated, not measured."""
    underflows: Annotated[int, Field(ge=0)] = 0
    """How often the card ran dry since the agent began."""


class Stopped(Wire):
    """Somebody pressed the STOP button; the node is silent until its settings name this press as released."""

    id: StopId
    at: Instant


class State(Wire):
    """How a node is. Its age, not the will, decides presence. What is at its default is left out."""

    is_brief: ClassVar[bool] = True

    node: NodeId
    boot_id: BootId
    at: Instant
    detail: Detail
    sounding: OccurrenceId | None = None
    siren_for: OccurrenceId | None = None
    """The emergency in whose place the standing siren sounds."""
    clock: ClockState
    clock_source: ClockSource | None = None
    """Who last vouched for the clock; None if nobody has since the machine was switched on."""
    config: Version = 0
    held: dict[AreaId, Held] = Field(default_factory=dict)
    unsent: Annotated[int, Field(ge=0)] = 0
    """Reports that no receipt covers yet."""
    missing: Annotated[int, Field(ge=0)] = 0
    """Recordings that the programme or the standing messages need and the node has not yet."""
    without_room: Annotated[int, Field(ge=0)] = 0
    """Those of them that do not fit into its quota, or on its disk."""
    free_bytes: SizeBytes | None = None
    agent: Annotated[str | None, Field(max_length=32)] = None
    output: Output | None = None
    """In every full state; in others, if it is absent all is well with it."""
    stopped: Stopped | None = None
    health: Health | None = None
    """Of the machine; only in full."""


class Piece(Wire):
    """A stretch of sound: from when to when, beginning where in the recording."""

    from_at: Instant
    to_at: Instant
    offset_ms: DurationMs


class Sensed(Wire):
    """What an ear made of a sound, in windows of a second; pauses of the recording are not judged."""

    judged: Annotated[int, Field(ge=1)]
    """Windows."""
    passed: Annotated[int, Field(ge=0)]
    """Windows in which the recording was there, loud enough."""
    correlation: Annotated[float, Field(ge=-1.001, le=1.001)]
    """Of the envelopes of 12 bands with those of the recording: about 0 for anything else."""
    level_db: Annotated[float, Field(ge=-120, le=120)]
    """Captured against recorded, the player's gain counted; -120 is digital silence."""
    delay_ms: int | None = None
    """From the player's time to the ear; absent where nothing was recognized."""


Decibels = Annotated[int, Field(ge=-120, le=120)]
LevelRow = Annotated[tuple[Decibels | None, ...], Field(max_length=60)]


class Levels(Wire):
    """How loud it was from the beginning of the sound to its end: enough for a picture, not for a word.

    Rows of whole dB of full scale, the mean power of one stretch each; -120 is digital silence.
    """

    every_s: Annotated[int, Field(ge=1)]
    """How long a stretch is; the last may be shorter."""
    recorded: LevelRow
    """What ought to have sounded, the player's gain counted."""
    rendered: LevelRow | None = None
    """What the loopback captured; null in the row where it captured nothing."""
    heard: LevelRow | None = None
    """What the microphone captured, likewise."""


class Evidence(Wire):
    """How far an occurrence came on its way to the ear; absent is not measured, never good or bad."""

    delivered_at: Instant | None = None
    """When the node had both the broadcast and its recording."""
    verified: bool
    """The signature of the broadcast and the digest of the recording."""
    decoded: bool | None = None
    rendered: bool | None = None
    """Whether the output gave the recording, by its loopback: a cut cable goes unnoticed."""
    rendered_by: Sensed | None = None
    heard: bool | None = None
    """Whether a microphone heard it, or the amplifier drew it as current."""
    heard_by: Sensed | None = None
    levels: Levels | None = None
    """Absent where no ear captured anything."""


class PlayReport(Wire):
    """Nhật ký phát: what became of one occurrence on one node. One for each occurrence."""

    kind: Literal["play"] = "play"
    number: Number
    occurrence: OccurrenceId
    planned_at: Instant
    known_at: Instant | None = None
    """When the node learnt of it, if that was too late to join by the clock."""
    outcome: Reason
    reason_at: Instant | None = None
    by: Annotated[str | None, Field(max_length=140)] = None
    """Occurrence, silence, withdrawal or source of law that decided, where one did."""
    late_ms: int = 0
    """First sample against the instant at which the timeline wanted it; 0 if nothing sounded."""
    played_ms: DurationMs = DurationMs(0)
    """Of its own sound; never of the siren's."""
    siren_ms: DurationMs = DurationMs(0)
    """How long the standing siren sounded in its place, since its own sound had not come."""
    pieces: tuple[Piece, ...] = ()
    evidence: Evidence | None = None


class RefusalReport(Wire):
    """A message or document that the node did not accept."""

    kind: Literal["refusal"] = "refusal"
    number: Number
    at: Instant
    topic: Annotated[str, Field(max_length=256)]
    reason: RefusalReason
    detail: Annotated[str, Field(max_length=500)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the refused bytes."""


class ProblemReport(Wire):
    """Something on the node went wrong."""

    kind: Literal["problem"] = "problem"
    number: Number
    at: Instant
    code: ProblemCode
    detail: Annotated[str, Field(max_length=500)]
    occurrence: OccurrenceId | None = None


class UpdateReport(Wire):
    """What an update came to. Only nodes whose configuration named a release report it."""

    kind: Literal["update"] = "update"
    number: Number
    at: Instant
    rollout: Annotated[int, Field(ge=1, lt=2**53)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the bundle."""
    version: Annotated[str, Field(max_length=32)]
    """Of the bundle."""
    runs: Annotated[str, Field(max_length=32)]
    """The version that runs from now on."""
    outcome: UpdateOutcome
    detail: Annotated[str, Field(max_length=500)] = ""


class SelfTestReport(Wire):
    """What became of a self-test: a soft sound that the agent makes itself, and what its ears made of it."""

    kind: Literal["self_test"] = "self_test"
    number: Number
    at: Instant
    due_at: Instant
    """When it was asked for, or the hour of the node's settings."""
    on_demand: bool
    outcome: SelfTestOutcome
    detail: Annotated[str, Field(max_length=500)] = ""
    evidence: Evidence | None = None


Report = Annotated[
    PlayReport | RefusalReport | ProblemReport | UpdateReport | SelfTestReport, Field(discriminator="kind")
]


class Reports(Wire):
    """A batch of a journal's reports, in ascending order; sent again until a receipt covers them."""

    node: NodeId
    journal_id: JournalId
    chain: Chain | None = None
    """Of the journal before the first of these (`loa.protocol.chain`); absent if the node does not chain."""
    reports: Annotated[tuple[Report, ...], Field(min_length=1, max_length=500)]


class Receipt(Wire):
    """Reports of this journal up to the number are on the controller's disk; the node may forget them."""

    node: NodeId
    journal_id: JournalId
    up_to: Annotated[int, Field(ge=0)]
    at: Instant
