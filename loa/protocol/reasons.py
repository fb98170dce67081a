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
    QUEUE_OVERFLOW = "queue_overflow"
    JOURNAL_CORRUPT = "journal_corrupt"
    NOT_RENDERED = "not_rendered"
    """It was played, and an ear of the node did not find it: the loudspeaker may be silent."""
    EAR_FAILED = "ear_failed"
    """What the machine's owner named for listening captures nothing."""
    SELF_TEST_FAILED = "self_test_failed"


class SelfTestOutcome(StrEnum):
    """What became of a self-test."""

    PASSED = "passed"
    """Every ear of the node found its sound."""
    SILENT = "silent"
    """It was played, and an ear did not find it."""
    UNPROVEN = "unproven"
    """It was played, and no ear could judge it."""
    INTERRUPTED = "interrupted"
    """Something had to sound, or the node was silenced, before it was over."""
    BUSY = "busy"
    """Something sounded, or was due, as long as it was valid."""
    QUIET_HOURS = "quiet_hours"
    """Nothing ordinary may sound at this hour."""
    SILENCED = "silenced"
    """A silence was in force."""
    PLAYER_FAILED = "player_failed"
    """The sound device failed."""


class ClockState(StrEnum):
    """How far a node may rely on its clock."""

    UNTRUSTED = "untrusted"
    HOLDING = "holding"
    TRUSTED = "trusted"
