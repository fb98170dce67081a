"""Who may do what where: the one place that decides."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from loa.protocol.ids import AreaId


class Role(StrEnum):
    """What a person is in an area and in all areas below it."""

    ADMIN = "admin"
    """Keeps people, areas and nodes; adds no sound."""
    OFFICIAL = "official"
    """Writes bulletins."""
    APPROVER = "approver"
    """Writes, too, and answers for what sounds: the chairman of the commune or a deputy."""
    SUPERVISOR = "supervisor"
    """Reads the log."""
    TECHNICIAN = "technician"
    """Keeps nodes."""


class Act(StrEnum):
    """What can be permitted."""

    READ_AREA = "read_area"
    """See the area, its nodes, programme and silences, and listen to its recordings."""
    READ_BULLETIN = "read_bulletin"
    READ_LOG = "read_log"
    READ_AUDIT = "read_audit"
    WRITE_BULLETIN = "write_bulletin"
    SUBMIT = "submit"
    APPROVE = "approve"
    BROADCAST_EMERGENCY = "broadcast_emergency"
    CHOOSE_INBOX = "choose_inbox"
    ORDER = "order"
    WITHDRAW = "withdraw"
    STOP = "stop"
    RELEASE = "release"
    """Let a node sound again whose STOP button was pressed."""
    MANAGE_NODES = "manage_nodes"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_AREAS = "manage_areas"
    UPDATE_NODES = "update_nodes"
    """Add releases of the agent and have them installed."""


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A role in an area and all below it."""

    area_id: AreaId
    role: Role


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: a person, or a program that a person answers for."""

    user_id: str
    name: str
    grants: frozenset[Grant]
    curbed: frozenset[Grant] = frozenset()
    """Of them, those that give no more than everybody has until the person signs in with a second factor."""


def permits(role: Role, act: Act) -> bool:
    """Whether a role, wherever it is held, permits the act."""
    return act in PERMITTED[role]


def may(person: Person, act: Act, path: Iterable[AreaId]) -> bool:
    """Whether the person may do that in an area; `path` is the area and all above it, in any order."""
    areas = frozenset(path)
    return any(grant.area_id in areas and _gives(person, grant, act) for grant in person.grants)


def granted(person: Person, act: Act) -> frozenset[AreaId]:
    """The areas in which, with all below them, the person may do that; for lists."""
    return frozenset(grant.area_id for grant in person.grants if _gives(person, grant, act))


def _gives(person: Person, grant: Grant, act: Act) -> bool:
    return act in (_EVERYBODY if grant in person.curbed else PERMITTED[grant.role])


_EVERYBODY = frozenset({Act.READ_AREA, Act.READ_LOG, Act.STOP})
"""Taking sound away needs only an accountable person, whatever the role."""
_OFFICIAL = _EVERYBODY | {
    Act.READ_BULLETIN,
    Act.WRITE_BULLETIN,
    Act.SUBMIT,
    Act.CHOOSE_INBOX,
    Act.ORDER,
    Act.WITHDRAW,
}
PERMITTED: Mapping[Role, frozenset[Act]] = {
    Role.ADMIN: _EVERYBODY
    | {
        Act.READ_BULLETIN,
        Act.READ_AUDIT,
        Act.WITHDRAW,
        Act.MANAGE_NODES,
        Act.MANAGE_PEOPLE,
        Act.MANAGE_AREAS,
        Act.UPDATE_NODES,
    },
    Role.OFFICIAL: _OFFICIAL,
    Role.APPROVER: _OFFICIAL | {Act.APPROVE, Act.BROADCAST_EMERGENCY, Act.RELEASE},
    Role.SUPERVISOR: _EVERYBODY | {Act.READ_BULLETIN, Act.READ_AUDIT},
    Role.TECHNICIAN: _EVERYBODY | {Act.MANAGE_NODES, Act.RELEASE},
}
