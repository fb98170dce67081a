"""Nodes (cụm loa) as they are kept, and the codes with which they enrol."""

from dataclasses import dataclass
from datetime import datetime

from loa.controller.core.identities import Identities
from loa.protocol.health import Concern
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.programme import NodeSettings

CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, O, 1 and I, which people mix up: 32 letters, 5 bits each."""
CODE_LENGTH = 12
_GROUP = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node as it is kept."""

    id: NodeId
    name: str
    parent_id: AreaId
    zones: tuple[AreaId, ...]
    enrolled_at: datetime | None
    retired_at: datetime | None
    has_key: bool
    """Whether the controller believes what it says."""
    code_expires_at: datetime | None
    presence: str
    """`loa.controller.core.presence.Presence`."""
    presence_at: datetime | None
    state: str | None
    """JSON of the last `loa.protocol.reports.State`."""
    state_at: datetime | None
    settings: NodeSettings
    concerns: tuple[Concern, ...]
    identities: Identities
    self_test_at: str | None = None
    """Local time of the daily self-test."""
    self_test_asked_at: datetime | None = None
    self_test: str | None = None
    """JSON of the last `loa.protocol.reports.SelfTestReport`."""


def spaced(code: str) -> str:
    """As people read it: `7KQ2-MMX9-HJ4T`."""
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def normal(typed: str) -> str:
    """The code that was meant by what somebody typed."""
    return "".join(letter for letter in typed.upper() if letter.isalnum())
