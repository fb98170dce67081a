"""What needs a person: the kinds of it, and which outcomes and concerns call for somebody."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from loa.controller.core.access import Role
from loa.controller.core.people import Address
from loa.protocol.health import Concern
from loa.protocol.ids import AreaId
from loa.protocol.reasons import Reason


class AlertKind(StrEnum):
    """In the order in which a person is to look at them."""

    HORN_SILENT = "horn_silent"
    """The node plays, and an ear says that nothing comes out."""
    NOT_SOUNDED = "not_sounded"
    """An occurrence that did not sound on some nodes, for a reason that nobody chose."""
    NODE_DIVERGES = "node_diverges"
    """A node holds other orders than it was given."""
    NODE_LOST = "node_lost"
    """A node has been silent to us since `since`."""
    NODE_STOPPED = "node_stopped"
    """Somebody pressed the STOP button of the node, and nobody released it."""
    TO_APPROVE = "to_approve"
    """A bulletin of somebody else waits for this person's decision."""
    MACHINE = "machine"
    """What the node says of its machine: disk, SIM, heat, supply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to call about it."""

    name: str
    address: Address | None
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing that needs a person."""

    kind: AlertKind
    area: AreaId
    """The node, or the area of the bulletin or occurrence."""
    subject: str
    """Id of the node, bulletin or occurrence."""
    name: str
    """Of the node, or the title."""
    place: str
    """Name of the area above the node, or of `area`."""
    since: datetime
    """When it began; of an occurrence its planned start."""
    nodes: int = 1
    """How many nodes it concerns."""
    concerns: tuple[Concern, ...] = ()
    reason: str = ""
    """Outcome of the occurrence (`Reason`), if they all had the same."""
    call: Contact | None = None


LOOK_BACK = timedelta(hours=24)
"""Occurrences before that are history, which the log and the reports tell."""
FAILED = (
    Reason.SOUND_MISSING,
    Reason.POWER_LOST,
    Reason.PLAYER_FAILED,
    Reason.CLOCK_UNTRUSTED,
    Reason.LEARNT_TOO_LATE,
    Reason.EXPIRED,
)
"""Outcomes that nobody chose. What was displaced, silenced or refused was told before; what nobody reported
is doubt, not failure, and stands with the node that is lost."""
CALLED = (Role.TECHNICIAN, Role.OFFICIAL, Role.APPROVER, Role.ADMIN)
"""Who is called about a node, the first that the nearest area has."""


def in_order(alerts: list[Alert]) -> list[Alert]:
    """The most urgent kind first, of a kind the last first."""
    kinds = list(AlertKind)
    newest_first = sorted(alerts, key=lambda one: one.since, reverse=True)
    return sorted(newest_first, key=lambda one: kinds.index(one.kind))
