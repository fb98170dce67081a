"""What stands in the programme of an area, and the versions that were sent."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Row, bindparam, func, or_
from sqlmodel import Session, col, select

from loa.controller.core.programme import WITHDRAWALS_OF_NOW, Contents
from loa.controller.store.broadcasts import as_entry
from loa.controller.store.tables import (
    BroadcastRow,
    NodeRow,
    OrderRow,
    PlacementRow,
    ProgrammeRow,
    WithdrawalRow,
)
from loa.controller.store.upsert import upsert
from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, BroadcastId, NodeId, WithdrawalId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import ConfigPointer, ProgrammePointer, Silence, Withdrawal
from loa.protocol.reports import Held

AFTERLIFE = timedelta(days=1)
"""How long what is over stays in a programme: a node that was away still learns of it, and reports."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was last sent to an area."""

    area: AreaId
    version: int
    urgent_version: int
    urgent: bytes | None


def contents_of(session: Session, area: AreaId, silences: tuple[Silence, ...], now: datetime) -> Contents:
    """All that the programme of the area is to hold."""
    since = now - AFTERLIFE
    return Contents(
        entries=_entries(session, area, since, only=None),
        withdrawals=_withdrawals(session, area, since),
        silences=silences,
        order=_order(session, area, since),
    )


def urgent_contents_of(
    session: Session, area: AreaId, silences: tuple[Silence, ...], now: datetime
) -> Contents:
    """What the urgent message of the area is chosen from."""
    connection = session.connection()
    entries = connection.execute(_EMERGENCIES, {"area": area, "since": now})
    withdrawals = connection.execute(_RECENT, {"area": area, "since": now - WITHDRAWALS_OF_NOW})
    return Contents(
        entries=tuple(as_entry(row.document, row.approvals, row.issued_at) for row in entries),
        withdrawals=tuple(_withdrawal(row) for row in withdrawals),
        silences=silences,
    )


def sent_to_areas(session: Session) -> list[Sent]:
    """The versions of every area that was ever sent anything."""
    found = sqlalchemy.select(
        col(ProgrammeRow.area_id),
        col(ProgrammeRow.version),
        col(ProgrammeRow.urgent_version),
        col(ProgrammeRow.urgent),
    )
    return [Sent(AreaId(row[0]), row[1], row[2], row[3]) for row in session.connection().execute(found)]


def versions_of(session: Session, areas: Collection[AreaId]) -> dict[AreaId, Held]:
    """The versions that these areas were sent last; one that was never sent anything is absent."""
    columns = sqlalchemy.select(
        col(ProgrammeRow.area_id), col(ProgrammeRow.version), col(ProgrammeRow.urgent_version)
    )
    found = session.connection().execute(columns)
    return {AreaId(row[0]): Held(programme=row[1], urgent=row[2]) for row in found if row[0] in areas}


def placed_areas(session: Session, now: datetime) -> frozenset[AreaId]:
    """The areas in whose programmes something may still stand."""
    found = select(PlacementRow.area_id).join(BroadcastRow).where(_alive(now - AFTERLIFE)).distinct()
    return frozenset(AreaId(area) for area in session.exec(found))


def pointers(session: Session, area: AreaId | None = None) -> list[ProgrammePointer]:
    """To the current programme of the area, or of every area that has one."""
    found = sqlalchemy.select(
        col(ProgrammeRow.area_id),
        col(ProgrammeRow.version),
        col(ProgrammeRow.sha256),
        func.length(ProgrammeRow.body),
        col(ProgrammeRow.issued_at),
    ).where(col(ProgrammeRow.body).is_not(None))
    if area is not None:
        found = found.where(col(ProgrammeRow.area_id) == area)
    return [
        ProgrammePointer(area=area, version=version, sha256=sha256, size_bytes=size, issued_at=at)
        for area, version, sha256, size, at in session.connection().execute(found)
    ]


def body_of(session: Session, area: AreaId) -> bytes | None:
    """The programme's body as it was last packed."""
    return session.exec(select(ProgrammeRow.body).where(ProgrammeRow.area_id == area)).first()


def store_programme(session: Session, pointer: ProgrammePointer, packed: bytes) -> None:
    """Keep the body that the pointer names."""
    row = {
        "area_id": pointer.area,
        "version": pointer.version,
        "sha256": pointer.sha256,
        "body": packed,
        "issued_at": pointer.issued_at,
        "urgent_version": 0,
        "stale": False,
    }
    update = ("version", "sha256", "body", "issued_at", "stale")
    upsert(session, ProgrammeRow, [row], key=["area_id"], update=update)


def store_urgent(session: Session, area: AreaId, version: int, payload: bytes) -> None:
    """Keep the payload, unless a newer one is there."""
    row = {
        "area_id": area,
        "version": 0,
        "urgent_version": version,
        "urgent": payload,
        "stale": False,
    }
    upsert(session, ProgrammeRow, [row], key=["area_id"], update=("urgent_version", "urgent"))


def pointer_of(session: Session, area: AreaId) -> ProgrammePointer | None:
    """To the current programme of the area."""
    return next(iter(pointers(session, area)), None)


def config_pointers(session: Session, nodes: set[NodeId] | None = None) -> list[ConfigPointer]:
    """To the current configurations of these nodes, or of all that are in service."""
    found = sqlalchemy.select(
        col(NodeRow.id),
        col(NodeRow.config_version),
        col(NodeRow.config_sha256),
        func.length(NodeRow.config_body),
        col(NodeRow.config_issued_at),
    ).where(col(NodeRow.config_body).is_not(None), col(NodeRow.retired_at).is_(None))
    if nodes is not None:
        found = found.where(col(NodeRow.id).in_(nodes))
    return [
        ConfigPointer(node=node, version=version, sha256=sha256, size_bytes=size, issued_at=at)
        for node, version, sha256, size, at in session.connection().execute(found)
    ]


def _alive(since: datetime) -> ColumnElement[bool]:
    return or_(col(BroadcastRow.over_at).is_(None), col(BroadcastRow.over_at) > since)


def _entries(
    session: Session, area: AreaId, since: datetime, *, only: BroadcastClass | None
) -> tuple[Entry, ...]:
    columns = (BroadcastRow.document, BroadcastRow.approvals, PlacementRow.issued_at)
    found = select(*columns).join(BroadcastRow).where(PlacementRow.area_id == area, _alive(since))
    if only is not None:
        found = found.where(BroadcastRow.class_ == only)
    return tuple(
        as_entry(document, approvals, issued_at) for document, approvals, issued_at in session.exec(found)
    )


def _withdrawals(session: Session, area: AreaId, since: datetime) -> tuple[Withdrawal, ...]:
    found = (
        select(WithdrawalRow)
        .join(BroadcastRow)
        .join(PlacementRow, col(PlacementRow.broadcast_id) == BroadcastRow.id)
        .where(PlacementRow.area_id == area, _alive(since))
        .where(or_(col(WithdrawalRow.area_id).is_(None), col(WithdrawalRow.area_id) == area))
    )
    return tuple(_withdrawal(row) for row in session.exec(found))


def _withdrawal(row: Row[*tuple[Any, ...]] | WithdrawalRow) -> Withdrawal:
    return Withdrawal(
        id=WithdrawalId(row.id), target=BroadcastId(row.target), issued_at=row.issued_at, by=row.by
    )


def _order(session: Session, area: AreaId, since: datetime) -> dict[BroadcastId, int]:
    found = (
        select(OrderRow.broadcast_id, OrderRow.rank)
        .join(BroadcastRow)
        .where(OrderRow.area_id == area, _alive(since))
    )
    return {BroadcastId(broadcast): rank for broadcast, rank in session.exec(found)}


# Made once: an emergency must not wait for statements to be put together.
_EMERGENCIES = (
    sqlalchemy.select(col(BroadcastRow.document), col(BroadcastRow.approvals), col(PlacementRow.issued_at))
    .join(PlacementRow, col(PlacementRow.broadcast_id) == col(BroadcastRow.id))
    .where(col(PlacementRow.area_id) == bindparam("area"))
    .where(col(BroadcastRow.class_) == BroadcastClass.EMERGENCY.value)
    .where(or_(col(BroadcastRow.over_at).is_(None), col(BroadcastRow.over_at) > bindparam("since")))
    .where(
        ~sqlalchemy.exists().where(
            col(WithdrawalRow.target) == col(BroadcastRow.id),
            or_(col(WithdrawalRow.area_id).is_(None), col(WithdrawalRow.area_id) == bindparam("area")),
        )
    )
)
_RECENT = (
    sqlalchemy.select(
        col(WithdrawalRow.id), col(WithdrawalRow.target), col(WithdrawalRow.issued_at), col(WithdrawalRow.by)
    )
    .join(PlacementRow, col(PlacementRow.broadcast_id) == col(WithdrawalRow.broadcast_id))
    .where(col(PlacementRow.area_id) == bindparam("area"))
    .where(or_(col(WithdrawalRow.area_id).is_(None), col(WithdrawalRow.area_id) == bindparam("area")))
    .where(col(WithdrawalRow.issued_at) >= bindparam("since"))
)
