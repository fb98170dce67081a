"""The programme of an area, what is urgent in it, and the configuration of a node."""

from typing import Annotated

from pydantic import Field

from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, BroadcastId, NodeId, OccurrenceId, SilenceId, WithdrawalId
from loa.protocol.policy import Policy, WallTime
from loa.protocol.units import DurationMs, Instant, SizeBytes
from loa.protocol.when import DEFAULT_TZ, TzName
from loa.protocol.wire import Wire

_TWO_DAYS_MS = 2 * 86_400_000

Version = Annotated[int, Field(ge=0, lt=2**53)]
"""Grows with every issue: max(last + 1, issue time in ms, highest in any hello + 1)."""


class Withdrawal(Wire):
    """Takes one broadcast, or one occurrence of it, off the air; needs no approver's signature."""

    id: WithdrawalId
    target: BroadcastId | OccurrenceId
    issued_at: Instant
    by: Annotated[str, Field(max_length=64)]


class Silence(Wire):
    """Lệnh dừng phát: ends for good what sounds, waits or is interrupted in the area."""

    id: SilenceId
    counter: Annotated[int, Field(ge=0)]
    """Numbers the silences of a controller, from a journal of their own."""
    from_at: Instant
    until_at: Instant
    issued_at: Instant
    authority: Annotated[int, Field(ge=0, le=100)]
    """Rank of the area for which it was given; silences emergencies of at most this rank."""
    by: Annotated[str, Field(max_length=64)]


class Pointer(Wire):
    """Names a body that is fetched over HTTP, as a recording is."""

    version: Version
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the bytes as they are fetched."""
    size_bytes: Annotated[SizeBytes, Field(gt=0)]
    issued_at: Instant


class ProgrammePointer(Pointer):
    """The current programme of an area."""

    area: AreaId


class ConfigPointer(Pointer):
    """The current configuration of a node."""

    node: NodeId


class Programme(Wire):
    """What an area is to play. Absence means nothing: a node keeps the union of what it has verified."""

    area: AreaId
    version: Version
    issued_at: Instant
    entries: tuple[Entry, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    silences: tuple[Silence, ...] = ()
    order: dict[BroadcastId, int] = Field(default_factory=dict)
    """Rank of priority broadcasts by the commune's choice, lowest first; absent is 0.

    A node takes the rank from the narrowest of its areas that gives one."""


class Urgent(Wire):
    """What cannot wait for a fetch: emergencies, withdrawals and silences of now."""

    area: AreaId
    version: Version
    issued_at: Instant
    entries: tuple[Entry, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    silences: tuple[Silence, ...] = ()


class NodeSettings(Wire):
    """Settings of a node that the controller may change."""

    state_every_ms: Annotated[DurationMs, Field(ge=1_000)] = DurationMs(300_000)
    reconnect_jitter_ms: DurationMs = DurationMs(30_000)
    """A hello follows a reconnect after a random wait of at most this; the first of a boot goes at once."""
    fetch_jitter_ms: DurationMs = DurationMs(2_000)
    fetch_ahead_ms: Annotated[DurationMs, Field(ge=_TWO_DAYS_MS)] = DurationMs(7 * 86_400_000)
    """How far the node looks ahead. It does so once a day, so less than two days would leave it silent."""
    self_test_at: WallTime | None = None
    """Local time of the daily self-test; none without it. Never sounds outside the allowed hours."""
    self_test_asked_at: Instant | None = None
    """When a technician last asked for a self-test: void 10 minutes later."""


class Config(Wire):
    """What a node is: its areas, the policy that binds it, its settings."""

    node: NodeId
    version: Version
    issued_at: Instant
    areas: Annotated[tuple[AreaId, ...], Field(min_length=1, max_length=64)]
    """From the widest to the narrowest; the last is the node itself."""
    tz: TzName = DEFAULT_TZ
    policy: Policy
    settings: NodeSettings = NodeSettings()
