"""What a day at a glance is read from: a number of queries that does not grow with the nodes."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlmodel import Session, col

from loa.controller.core.bulletins import BulletinState, Plan
from loa.controller.core.programme import Contents
from loa.controller.core.today import Counted
from loa.controller.store.log import placements
from loa.controller.store.log_scope import scope_of
from loa.controller.store.tables import (
    BroadcastRow,
    BulletinRow,
    LogRow,
    OrderRow,
    PlacementRow,
    RecordingRow,
    WithdrawalRow,
)
from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, BroadcastId, NodeId, WithdrawalId
from loa.protocol.programme import Silence, Withdrawal

_GROUPED = (
    "occurrence",
    "broadcast_id",
    "title",
    "class_",
    "planned_at",
    "duration_ms",
    "outcome",
    "rendered",
    "heard",
)

_OF_WITHDRAWAL = ("id", "broadcast_id", "target", "issued_at", "area_id", "by")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the programmes of some areas are made from, cheap to read and to compare."""

    placed: tuple[tuple[str, str, datetime], ...]
    """Area, broadcast, and when it was placed there."""
    withdrawn: tuple[tuple[str, str, str, datetime, str | None, str], ...]
    ranks: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A bulletin that waits for an approver."""

    id: str
    area: AreaId
    title: str
    class_: str
    plan: Plan
    duration_ms: int | None
    by: frozenset[str]
    """Who wrote and who submitted it."""


def count_planned(
    session: Session,
    areas: Collection[AreaId],
    nodes: Collection[NodeId],
    from_at: datetime,
    until_at: datetime,
) -> list[Counted]:
    """Lines of these nodes that these areas may read, alike ones counted, by planned time."""
    at = col(LogRow.planned_at)
    return _count(session, areas, nodes, and_(at >= from_at, at < until_at))


def count_of(
    session: Session, areas: Collection[AreaId], nodes: Collection[NodeId], occurrences: Collection[str]
) -> list[Counted]:
    """The same of some occurrences, whenever they were planned."""
    return _count(session, areas, nodes, col(LogRow.occurrence).in_(occurrences))


def fingerprint(session: Session, areas: Collection[AreaId], since: datetime) -> Fingerprint:
    """Of what stands in the programmes of these areas and may sound after `since`."""
    run = session.connection().execute
    placed = tuple(
        (row[0], row[1], row[2]) for row in run(_standing(areas, since, PlacementRow, "issued_at"))
    )
    ranks = tuple((row[0], row[1], row[2]) for row in run(_standing(areas, since, OrderRow, "rank")))
    names = {broadcast for _, broadcast, _ in placed}
    columns = (col(getattr(WithdrawalRow, name)) for name in _OF_WITHDRAWAL)
    gone = select(*columns).where(col(WithdrawalRow.broadcast_id).in_(names)).order_by(col(WithdrawalRow.id))
    withdrawn = tuple((row[0], row[1], row[2], row[3], row[4], row[5]) for row in run(gone))
    return Fingerprint(placed, withdrawn, ranks)


def programmes(
    session: Session, found: Fingerprint, silences: dict[AreaId, tuple[Silence, ...]], since: datetime
) -> dict[AreaId, Contents]:
    """The programmes of a fingerprint, with what the journal holds; areas without anything are left out."""
    entries: defaultdict[AreaId, list[Entry]] = defaultdict(list)
    areas = {AreaId(area) for area, _, _ in found.placed}
    for area, entry in placements(session, areas, since):
        entries[area].append(entry)
    return {
        area: Contents(
            entries=tuple(entries[area]),
            withdrawals=_withdrawals(found, area),
            silences=silences.get(area, ()),
            order={BroadcastId(name): rank for its, name, rank in found.ranks if its == area},
        )
        for area in areas | silences.keys()
    }


def submitted(session: Session, areas: Collection[AreaId], *, limit: int) -> list[Submitted]:
    """What waits for an approver, the longest waiting first."""
    found = (
        select(
            *(col(getattr(BulletinRow, name)) for name in ("id", "area_id", "title", "class_", "plan")),
            col(RecordingRow.duration_ms),
            col(BulletinRow.created_by),
            col(BulletinRow.submitted_by),
        )
        .outerjoin(RecordingRow, col(RecordingRow.sha256) == col(BulletinRow.recording))
        .where(col(BulletinRow.area_id).in_(areas), col(BulletinRow.state) == BulletinState.SUBMITTED)
        .order_by(col(BulletinRow.submitted_at))
        .limit(limit)
    )
    return [
        Submitted(
            id=row[0],
            area=AreaId(row[1]),
            title=row[2],
            class_=row[3],
            plan=Plan.model_validate_json(row[4]),
            duration_ms=row[5],
            by=frozenset({row[6], row[7] or row[6]}),
        )
        for row in session.connection().execute(found)
    ]


def count_returned(session: Session, areas: Collection[AreaId], user_id: str) -> int:
    """How many of the person's own bulletins an approver gave back."""
    found = select(func.count()).where(
        col(BulletinRow.area_id).in_(areas),
        col(BulletinRow.state) == BulletinState.RETURNED,
        col(BulletinRow.created_by) == user_id,
    )
    return session.connection().execute(found).scalar_one()


def bulletins_of(session: Session, broadcasts: Collection[str]) -> dict[str, tuple[str, AreaId, str]]:
    """Of each broadcast its bulletin, the issuing area and the document."""
    found = select(
        col(BroadcastRow.id),
        col(BroadcastRow.bulletin_id),
        col(BroadcastRow.issuer),
        col(BroadcastRow.document),
    ).where(col(BroadcastRow.id).in_(broadcasts))
    return {row[0]: (row[1], AreaId(row[2]), row[3]) for row in session.connection().execute(found)}


def _standing(
    areas: Collection[AreaId], since: datetime, row: type[PlacementRow | OrderRow], third: str
) -> Select[*tuple[Any, ...]]:
    area, broadcast = col(row.area_id), col(row.broadcast_id)
    return (
        select(area, broadcast, col(getattr(row, third)))
        .join(BroadcastRow, col(BroadcastRow.id) == broadcast)
        .where(area.in_(areas))
        .where(or_(col(BroadcastRow.over_at).is_(None), col(BroadcastRow.over_at) > since))
        .order_by(area, broadcast)
    )


def _count(
    session: Session, areas: Collection[AreaId], nodes: Collection[NodeId], which: ColumnElement[bool]
) -> list[Counted]:
    keys = [getattr(LogRow, name) for name in _GROUPED]
    found = (
        select(*keys, func.count(), func.min(LogRow.started_at), func.max(LogRow.ended_at))
        .where(col(LogRow.node_id).in_(nodes), which, *scope_of(session, areas).conditions())
        .group_by(*keys)
        .order_by(col(LogRow.planned_at), col(LogRow.occurrence))
    )
    return [_counted(row) for row in session.connection().execute(found)]


def _counted(row: Row[*tuple[object, ...]]) -> Counted:
    names = ("occurrence", "broadcast", *_GROUPED[2:], "lines", "started_at", "ended_at")
    return Counted(**dict(zip(names, row, strict=True)))  # type: ignore[arg-type]  # in the order of the fields


def _withdrawals(found: Fingerprint, area: AreaId) -> tuple[Withdrawal, ...]:
    here = {broadcast for its, broadcast, _ in found.placed if its == area}
    return tuple(
        Withdrawal(id=WithdrawalId(id_), target=BroadcastId(target), issued_at=at, by=by)
        for id_, broadcast, target, at, only, by in found.withdrawn
        if broadcast in here and only in {None, area}
    )
