"""Identifiers as types. What is hashed is named by its SHA-256, what is named by people is a slug."""

import hashlib
import re
from datetime import datetime
from typing import Annotated, NewType

from pydantic import StringConstraints

from loa.protocol.units import from_ms, to_ms

SLUG = r"^[a-z0-9_-]{1,64}$"
"""A segment of a topic: lower case, digits, `_` and `-`."""
DIGEST = r"^[0-9a-f]{64}$"
OCCURRENCE = r"^[0-9a-f]{64}@[0-9]{1,14}$"
"""With fourteen digits an instant, up to the year 5138, is always one that a datetime can hold."""

_Slug = Annotated[str, StringConstraints(pattern=SLUG)]
_Digest = Annotated[str, StringConstraints(pattern=DIGEST)]
_Occurrence = Annotated[str, StringConstraints(pattern=OCCURRENCE)]
_Token = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
_Thumbprint = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]

AreaId = NewType("AreaId", _Slug)
"""Slug of an area (địa bàn). A node is also an area, under its own id."""
NodeId = NewType("NodeId", _Slug)
"""Slug of a node (cụm loa)."""
RecordingId = NewType("RecordingId", _Digest)
"""SHA-256 of a recording's bytes, hex."""
BroadcastId = NewType("BroadcastId", _Digest)
"""SHA-256 of a broadcast's canonical bytes, hex."""
OccurrenceId = NewType("OccurrenceId", _Occurrence)
"""`<broadcast>@<planned start in ms since the epoch>`."""
SilenceId = NewType("SilenceId", _Token)
WithdrawalId = NewType("WithdrawalId", _Token)
JournalId = NewType("JournalId", _Token)
"""Names one journal file of one node; a new disk has a new one."""
StopId = NewType("StopId", _Token)
"""One press of a node's STOP button."""
BootId = NewType("BootId", _Token)
Nonce = NewType("Nonce", _Token)
HardwareId = NewType("HardwareId", _Digest)
"""SHA-256 over what a piece of hardware calls itself: tells two of them apart, and says nothing else."""
KeyId = NewType("KeyId", _Thumbprint)
"""RFC 7638 thumbprint of a public key, base64url."""


def sha256_hex(content: bytes) -> str:
    """Lower-case hex SHA-256 of `content`."""
    return hashlib.sha256(content).hexdigest()


def is_slug(text: str) -> bool:
    """Whether `text` can be the id of an area or a node."""
    return re.fullmatch(SLUG, text) is not None


def occurrence_id(broadcast: BroadcastId, start_at: datetime) -> OccurrenceId:
    """The name of the occurrence of `broadcast` planned for `start_at`."""
    return OccurrenceId(f"{broadcast}@{to_ms(start_at)}")


def broadcast_of(occurrence: OccurrenceId) -> BroadcastId:
    """The broadcast that an occurrence belongs to."""
    return BroadcastId(occurrence.partition("@")[0])


def start_of(occurrence: OccurrenceId) -> datetime:
    """The planned start of an occurrence, aware UTC."""
    return from_ms(int(occurrence.partition("@")[2]))
