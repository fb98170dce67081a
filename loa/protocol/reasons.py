"""Closed sets of reasons: why an item ended as it did, why a message was refused, what failed on a node."""

from enum import StrEnum


class Reason(StrEnum):
    """Why an item ended as it did."""

    COMPLETE = "complete"
    """It sounded whole."""
    PARTLY = "partly"
    """It ended at its end, but the part that it missed by the clock did not sound."""
    EXPIRED = "expired"
    """It was ready only after the last instant at which it might begin."""
    DISPLACED = "displaced"
    """`by` sounded until it was too late to begin or go on."""
    INTERRUPTED = "interrupted"
    """`by` cut it off, and it does not come back."""
    LAST_END = "last_end"
    """It could not end, or had not ended, by its last end."""
    QUIET_HOURS = "quiet_hours"
    """Its class may not sound at this hour; `legal_source` says by which rule."""
    INTO_QUIET_HOURS = "into_quiet_hours"
    """What was left of it would have run into hours in which its class may not sound."""
    MINUTES_USED_UP = "minutes_used_up"
    """It would have exceeded the minutes a day; `legal_source` says by which rule."""
    SILENCED = "silenced"
    """The silence `by` ended or refused it."""
    WITHDRAWN = "withdrawn"
    """The withdrawal `by` took it out."""
    LEARNT_TOO_LATE = "learnt_too_late"
    """The node learnt of it when nothing of it was left to join, or it was to be skipped."""
    CONFLICTING_BODY = "conflicting_body"
    """Another body had taken its id before; only among a timeline's refused."""
    SOUND_MISSING = "sound_missing"
    """Its recording had not arrived, or could not be decoded; only nodes report it."""
    POWER_LOST = "power_lost"
    """The node was not running when it was due, or went off and came back too late; only nodes report it."""
    PLAYER_FAILED = "player_failed"
    """The sound device failed; only nodes report it."""
    CLOCK_UNTRUSTED = "clock_untrusted"
    """The clock could not be relied on when it was due, or was set over that time; only nodes report it."""


class RefusalReason(StrEnum):
    """Why a node did not accept a message."""

    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    MISADDRESSED = "misaddressed"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    UNAPPROVED = "unapproved"
    STALE = "stale"
    """An older version than the node holds."""
    FROM_THE_FUTURE = "from_the_future"
    """Issued more than two minutes ahead of the node's trusted clock."""
    WRONG_DIGEST = "wrong_digest"
    """What was fetched is not what the pointer named."""
    NOT_ADDRESSED_HERE = "not_addressed_here"
    """A broadcast whose audience holds none of the node's areas."""
    NOT_CURRENT = "not_current"
    """An answer in this boot named a newer version: somebody plays this one again, or it came too late."""
    UNSUITABLE = "unsuitable"
    """A release that this machine, or the version that runs on it, cannot take."""


class ProblemCode(StrEnum):
    """What went wrong on a node, apart from refusals."""

    RECORDING_MISSING = "recording_missing"
    """Due, and its sound had not arrived."""
    RECORDING_CORRUPT = "recording_corrupt"
    """The bytes on disk were no longer those of the name; set aside and fetched anew."""
    DECODE_FAILED = "decode_failed"
    PLAYER_FAILED = "player_failed"
    FETCH_FAILED = "fetch_failed"
    DISK_FULL = "disk_full"
    DISK_READ_ONLY = "disk_read_only"
    """What the node learns is kept in memory and lost with the power."""
    DISK_FAILING = "disk_failing"
    """Reading or writing failed, as on a dying card; otherwise as on a read-only disk."""
    NO_ROOM = "no_room"
    """A recording that the coming days need does not fit into the quota, or on the disk."""
    QUEUE_OVERFLOW = "queue_overflow"
    JOURNAL_CORRUPT = "journal_corrupt"
    """The journal, or a part of it, was damaged; set aside, and what it held is fetched anew."""
    CLOCK_JUMPED = "clock_jumped"
    """The node's clock was set by more than two seconds; `detail` says by how much and by what."""
    CLOCK_DISAGREES = "clock_disagrees"
    """The controller's clock differs from the node's, which an answer may not set."""
    SYNC_DEGRADED = "sync_degraded"
    """The sound card does not say when samples sound: its latency is taken, and neighbours may be apart."""
    STOP_PRESSED = "stop_pressed"
    """Somebody pressed the STOP button at the loudspeaker; it is silent until the console releases it."""
    GPIO_FAILED = "gpio_failed"
    """The amplifier's relay or the STOP button cannot be reached."""


class UpdateOutcome(StrEnum):
    """How far an update came."""

    INSTALLED = "installed"
    """The new version runs, on trial."""
    KEPT = "kept"
    """It reported in time and stays."""
    ROLLED_BACK = "rolled_back"
    """It did not report in time; the version before runs again."""
    FAILED = "failed"
    """It could not be installed or failed its check; it never ran."""
    REFUSED = "refused"
    """Its signature, contents or version are not in order; it was not installed."""


class ClockState(StrEnum):
    """How far a node may rely on its clock."""

    UNTRUSTED = "untrusted"
    HOLDING = "holding"
    TRUSTED = "trusted"


class ClockSource(StrEnum):
    """Who last vouched for a node's clock."""

    NTP = "ntp"
    BATTERY = "battery"
    """A clock with a battery, as the system reads it."""
    ANSWER = "answer"
    """The controller's signed answer to the node's own nonce."""
