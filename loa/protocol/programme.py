"""The programme of an area, what is urgent in it, and the configuration of a node."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, field_validator

from loa.protocol.broadcast import Entry, RecordingSource
from loa.protocol.charter import Papers
from loa.protocol.ids import AreaId, BroadcastId, NodeId, OccurrenceId, SilenceId, StopId, WithdrawalId
from loa.protocol.kinds import StandingMessage
from loa.protocol.policy import Policy, WallTime
from loa.protocol.units import DurationMs, GainDb, Instant, SizeBytes
from loa.protocol.when import DEFAULT_TZ, TzName
from loa.protocol.wire import Wire

_TWO_DAYS_MS = 2 * 86_400_000

RELEASE_VERSION = r"^[0-9]{1,5}(\.[0-9]{1,5}){2}$"
"""Three numbers, which order releases."""

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
    fetch_rate_bytes_s: Annotated[SizeBytes, Field(ge=1_000)] = SizeBytes(256_000)
    """How fast it fetches what is not due within minutes; what is due is fetched as fast as it comes."""
    recordings_quota_bytes: Annotated[SizeBytes, Field(ge=1_000_000)] = SizeBytes(2_000_000_000)
    """What recordings may take of the disk together."""
    recordings_reserve_bytes: SizeBytes = SizeBytes(200_000_000)
    """What recordings leave free on the disk, for the journal; only emergencies go into it."""
    released: StopId | None = None
    """The press of the STOP button that the console released; a later press silences again."""
    billing_day: Annotated[int, Field(ge=1, le=31)] = 1
    """Day of the month on which the SIM's volume begins anew; in a shorter month its last day."""
    month_budget_bytes: Annotated[SizeBytes, Field(gt=0)] | None = None
    """What the SIM may use a month; without it there is no forecast."""
    self_test_at: WallTime | None = None
    """Local time of the daily self-test; none without it. Never sounds outside the allowed hours."""
    self_test_asked_at: Instant | None = None
    """When a technician last asked for a self-test: void 10 minutes later."""
    volume_db: Annotated[GainDb, Field(ge=-40, le=0)] = GainDb(0.0)
    """How loud this node is at most, beside what the policy allows; emergencies take no notice of it."""


class ReleasePointer(Wire):
    """The bundle that a node is to run; it takes none without a signature by a release key that it knows.

    It is fetched as a recording is, from `/api/v1/releases/{sha256}/content`.
    """

    rollout: Annotated[int, Field(ge=1, lt=2**53)]
    """A node tries a bundle once in a rollout."""
    version: Annotated[str, Field(pattern=RELEASE_VERSION)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the bundle."""
    size_bytes: Annotated[SizeBytes, Field(gt=0)]
    spread_ms: DurationMs = DurationMs(1_800_000)
    """The fetch follows after a random wait of at most this, so that many nodes don't come at once."""


class Address(Wire):
    """Where a node finds the controller and its broker; it moves there once both proved who they are."""

    base_url: Annotated[str, Field(pattern=r"^https://[^/\s]\S*$", max_length=512)]
    mqtt_host: Annotated[str, Field(min_length=1, max_length=255)]
    mqtt_port: Annotated[int, Field(gt=0, lt=65_536)]


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
    standing: dict[StandingMessage, RecordingSource] = Field(default_factory=dict)
    """Recordings that the node fetches first and keeps for ever, by what they say."""
    release: ReleasePointer | None = None
    """What it is to run; None leaves it as it is."""
    papers: Papers | None = None
    """Who may widen what sounds, signed by root and keepers; None leaves them as they are."""
    address: Address | None = None
    """Where we are found from now on; None leaves it as it is."""

    @field_validator("standing", mode="before")
    @classmethod
    def _leave_out_unknown(cls, given: object) -> object:
        """A message that a newer controller knows is nothing to an older node."""
        if not isinstance(given, Mapping):
            return given
        return {name: source for name, source in given.items() if name in set(StandingMessage)}
