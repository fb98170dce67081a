"""Nodes (cụm loa) as they are kept."""

from dataclasses import dataclass
from datetime import datetime

from loa.controller.core.identities import Identities
from loa.protocol.health import Concern
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.programme import NodeSettings


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
