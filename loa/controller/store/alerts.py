"""What the tables say of nodes and occurrences that need somebody."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlmodel import Session, col

from loa.controller.core.access import Role
from loa.controller.core.people import Address
from loa.controller.core.presence import Presence
from loa.controller.store.heard import concerns_in
from loa.controller.store.log_scope import scope_of
from loa.controller.store.tables import LogRow, NodeRow, RoleRow, UserRow
from loa.protocol.health import Concern
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.reports import State

_AT_ONCE = 500
"""Ids in one question: SQLite takes 32,766 parameters, PostgreSQL 65,535."""


@dataclass(frozen=True, slots=True)
class Ailing:
    """A node that does not answer, is stopped by its button, or minds its machine."""

    node: NodeId
    presence: Presence
    heard_at: datetime | None
    enrolled_at: datetime
    concerns: tuple[Concern, ...]
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class Failure:
    """One occurrence on the nodes where it did not sound."""

    occurrence: str
    title: str
    areas: frozenset[AreaId]
    """Above those nodes."""
    planned_at: datetime
    nodes: int
    outcomes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reachable:
    """A person with a phone and a role."""

    area: AreaId
    role: Role
    name: str
    address: Address | None
    phone: str


def ailing_nodes(session: Session, nodes: Collection[NodeId]) -> list[Ailing]:
    """Of these nodes in service, those of which something is to be told."""
    return [one for some in _parts(sorted(nodes)) for one in _ailing(session, some)]


def failures(
    session: Session, areas: Collection[AreaId], outcomes: Collection[str], since: datetime, until: datetime
) -> list[Failure]:
    """Occurrences planned in that time that ended so on nodes of these areas."""
    conditions = (
        *scope_of(session, areas).conditions(),
        col(LogRow.planned_at) >= since,
        col(LogRow.planned_at) < until,
    )
    columns = (
        col(LogRow.occurrence),
        col(LogRow.title),
        col(LogRow.outcome),
        col(LogRow.area_id),
        col(LogRow.planned_at),
    )
    found = (
        select(*columns, func.count())
        .where(*conditions, col(LogRow.outcome).in_(outcomes))
        .group_by(*columns)
    )
    together: dict[str, Failure] = {}
    for occurrence, title, outcome, area, planned_at, nodes in session.connection().execute(found):
        one = Failure(
            occurrence, title, frozenset({AreaId(area)}), planned_at, nodes, frozenset({str(outcome)})
        )
        before = together.get(occurrence)
        together[occurrence] = one if before is None else _both(before, one)
    return list(together.values())


def reachable(session: Session, areas: Collection[AreaId], roles: Collection[Role]) -> list[Reachable]:
    """Who has a phone and one of these roles in just these areas."""
    found = (
        select(
            col(RoleRow.area_id),
            col(RoleRow.role),
            col(UserRow.name),
            col(UserRow.address),
            col(UserRow.phone),
        )
        .join(UserRow, col(UserRow.id) == col(RoleRow.user_id))
        .where(col(UserRow.active), col(UserRow.phone) != "", col(RoleRow.role).in_(roles))
        .order_by(col(UserRow.id))
    )
    return [
        Reachable(AreaId(area), Role(role), name, Address(address) if address else None, phone)
        for some in _parts(sorted(areas))
        for area, role, name, address, phone in session.connection().execute(
            found.where(col(RoleRow.area_id).in_(some))
        )
        if phone
    ]


def _both(one: Failure, other: Failure) -> Failure:
    return replace(
        one,
        areas=one.areas | other.areas,
        nodes=one.nodes + other.nodes,
        outcomes=one.outcomes | other.outcomes,
    )


def _ailing(session: Session, nodes: Collection[str]) -> list[Ailing]:
    found = select(
        col(NodeRow.id),
        col(NodeRow.presence),
        col(NodeRow.state_at),
        col(NodeRow.enrolled_at),
        col(NodeRow.concerns),
        col(NodeRow.state),
    ).where(
        col(NodeRow.id).in_(nodes),
        col(NodeRow.retired_at).is_(None),
        col(NodeRow.enrolled_at).is_not(None),
        _ails(),
    )
    return [
        Ailing(NodeId(id_), Presence(presence), at, enrolled_at, concerns_in(concerns), _stopped_at(state))
        for id_, presence, at, enrolled_at, concerns, state in session.connection().execute(found)
        if enrolled_at is not None
    ]


def _ails() -> ColumnElement[bool]:
    never = and_(col(NodeRow.presence) == Presence.UNKNOWN, col(NodeRow.state_at).is_(None))
    pressed = col(NodeRow.state).contains('"stopped":{', autoescape=True)
    minded = col(NodeRow.concerns).is_not(None)
    return or_(col(NodeRow.presence) == Presence.LOST, never, pressed, minded)


def _stopped_at(state: str | None) -> datetime | None:
    stopped = State.from_bytes(state).stopped if state and '"stopped":{' in state else None
    return stopped.at if stopped else None


def _parts(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
