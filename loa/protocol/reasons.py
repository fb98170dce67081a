"""Closed sets of reasons that travel upwards: refusals of messages, faults of a node."""

from enum import StrEnum


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


class ClockState(StrEnum):
    """How far a node may rely on its clock."""

    UNTRUSTED = "untrusted"
    HOLDING = "holding"
    TRUSTED = "trusted"
