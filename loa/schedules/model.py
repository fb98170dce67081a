"""What the timeline is made from and made of; every `*_at` is an aware UTC datetime of whole milliseconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from loa.protocol.ids import BroadcastId, OccurrenceId, SilenceId, WithdrawalId
from loa.protocol.kinds import AfterInterruption, BroadcastClass, Late
from loa.protocol.reasons import Reason
from loa.protocol.units import DurationMs
from loa.protocol.when import When

KNOWN_GRACE_MS = DurationMs(5_000)
"""What arrives within this time of its issue counts as known at its issue, or neighbours would echo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of time, `from_at` included, `until_at` not."""

    from_at: datetime
    until_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A broadcast as `expand` takes it: what sounds, and all that decides when."""

    broadcast_id: BroadcastId
    when: When
    duration_ms: int
    class_: BroadcastClass
    authority: int
    not_after_ms: int
    """How long after its start an occurrence may still begin."""
    last_end_ms: int
    """By when, counted from its start, an occurrence must have ended."""
    approved_at: datetime
    issued_at: datetime
    known_at: datetime | None = None
    """When this node learnt of it; None: in time."""
    after_interruption: AfterInterruption = AfterInterruption.RESUME
    late: Late = Late.WHOLE
    whole: bool = True
    """False for relay and live: these are trimmed where others have to fit."""
    order: int = 0
    max_plays: int | None = None
    expires_at: datetime | None = None
    """No occurrence starts at or after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An occurrence as `lay_out` takes it. Raises BadItemError for a duration that is not positive."""

    id: OccurrenceId
    class_: BroadcastClass
    start_at: datetime
    duration_ms: int
    not_after_at: datetime
    """The last instant at which it may begin, included."""
    last_end_at: datetime
    """The instant by which it must have ended, included."""
    approved_at: datetime
    """What a silence compares with."""
    issued_at: datetime
    """What it cannot precede."""
    known_at: datetime | None = None
    authority: int = 0
    """Rank of the issuing area; the greater goes before the smaller."""
    order: int = 0
    """The commune's own order; the smaller goes first."""
    after_interruption: AfterInterruption = AfterInterruption.RESUME
    late: Late = Late.WHOLE
    """Ignored for an emergency, which always begins at its beginning."""
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """Takes one occurrence, or all of a broadcast, out of the programme for good."""

    id: WithdrawalId
    target: BroadcastId | OccurrenceId
    issued_at: datetime
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Stop everything approved up to its issue, from `from_at` until before `until_at`."""

    id: SilenceId
    from_at: datetime
    until_at: datetime
    issued_at: datetime
    authority: int
    """An emergency is silenced only by an equal or higher authority."""
    known_at: datetime | None = None
    is_total: bool = False
    """Also for what is approved after its issue: somebody at the loudspeaker wants quiet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorder:
    """From its issue on, `target` has the place `order`; a change of order never alters the past."""

    target: BroadcastId | OccurrenceId
    order: int
    issued_at: datetime
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch in which one item sounds, `from_at` included, `to_at` not."""

    from_at: datetime
    to_at: datetime
    item_id: OccurrenceId
    offset_ms: int
    """Where in the item's sound the segment begins."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an item ended: the reason, the instant, and the facts that a screen needs to say why."""

    reason: Reason
    at: datetime
    sounded_ms: int = 0
    by: OccurrenceId | SilenceId | WithdrawalId | None = None
    legal_source: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that is not in the timeline because another body with its id was there before."""

    item: Item
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Timeline:
    """What ought to sound when: segments in order of time, without overlap; one outcome an item."""

    segments: tuple[Segment, ...]
    outcomes: Mapping[OccurrenceId, Outcome]
    refused: tuple[Refusal, ...] = ()
