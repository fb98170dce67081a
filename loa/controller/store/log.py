"""The broadcast log: lines that are expected, missed, found."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, update
from sqlmodel import Session, col, select

from loa.controller.core.expected import EXPECTED, MISSED
from loa.controller.store.tables import BroadcastRow, LogRow, MetaRow, NodeRow, PlacementRow
from loa.controller.store.upsert import Row, insert_new
from loa.protocol.broadcast import ControllerApproval, Entry
from loa.protocol.ids import AreaId, NodeId

_EXPECTED_AT = "log_expected_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Which lines; None does not restrict."""

    within: Collection[AreaId]
    """Areas, of which one must hold the node, or be it."""
    node: NodeId | None = None
    from_at: datetime | None = None
    until_at: datetime | None = None
    field: str | None = None
    class_: str | None = None
    outcome: str | None = None
    broadcast: str | None = None
    rendered: bool | None = None
    heard: bool | None = None


def placements(
    session: Session, areas: Collection[AreaId] | None, since: datetime
) -> list[tuple[AreaId, Entry]]:
    """What stands in the programmes of these areas, or of all, and may sound after `since`."""
    found = (
        select(PlacementRow.area_id, BroadcastRow.document, BroadcastRow.approvals, PlacementRow.issued_at)
        .join(BroadcastRow)
        .where(or_(col(BroadcastRow.over_at).is_(None), col(BroadcastRow.over_at) > since))
    )
    if areas is not None:
        found = found.where(col(PlacementRow.area_id).in_(areas))
    return [
        (AreaId(area), _entry(document, approvals, at))
        for area, document, approvals, at in session.exec(found)
    ]


def enrolments(session: Session) -> dict[NodeId, datetime]:
    """Since when each node in service can be expected to sound anything."""
    found = select(NodeRow.id, NodeRow.enrolled_at).where(
        col(NodeRow.enrolled_at).is_not(None), col(NodeRow.retired_at).is_(None)
    )
    return {NodeId(node): at for node, at in session.exec(found) if at is not None}


def insert_expected(session: Session, rows: Sequence[Row]) -> None:
    """Lines that are there already stay as they are."""
    insert_new(session, LogRow, rows)


def overdue(session: Session, planned_before: datetime) -> list[LogRow]:
    """Lines without a report that were planned before that instant."""
    found = select(LogRow).where(LogRow.outcome == EXPECTED, LogRow.planned_at < planned_before)
    return list(session.exec(found))


def mark_missed(session: Session, lines: Sequence[int]) -> None:
    """Say of these lines that nobody reported in time."""
    still = and_(col(LogRow.id).in_(lines), col(LogRow.outcome) == EXPECTED)
    session.connection().execute(update(LogRow).where(still).values(outcome=MISSED))


def find_lines(
    session: Session, wanted: LogFilter, *, after: tuple[datetime, int] | None, limit: int
) -> list[LogRow]:
    """The lines, by planned time, the newest first; `after` is time and id of the last one seen."""
    found = select(LogRow).where(*_conditions(wanted))
    if after is not None:
        at, id_ = after
        older = and_(col(LogRow.planned_at) == at, col(LogRow.id) < id_)
        found = found.where(or_(col(LogRow.planned_at) < at, older))
    newest_first = found.order_by(col(LogRow.planned_at).desc(), col(LogRow.id).desc())
    return list(session.exec(newest_first.limit(limit)))


def line_of(session: Session, id_: int) -> LogRow | None:
    """One line."""
    return session.get(LogRow, id_)


def expected_until(session: Session) -> datetime | None:
    """Up to when lines were made at last."""
    row = session.get(MetaRow, _EXPECTED_AT)
    return None if row is None else datetime.fromisoformat(row.value)


def store_expected_until(session: Session, at: datetime) -> None:
    """Note that all lines up to there are made."""
    session.merge(MetaRow(key=_EXPECTED_AT, value=at.isoformat()))


def within(areas: Collection[AreaId]) -> ColumnElement[bool]:
    """Lines of nodes that were in one of these areas, or are one."""
    inside = [col(LogRow.path).contains(f"/{area}/", autoescape=True) for area in sorted(areas)]
    return or_(col(LogRow.node_id).in_(areas), *inside)


def _conditions(wanted: LogFilter) -> list[ColumnElement[bool]]:
    equal = {
        LogRow.node_id: wanted.node,
        LogRow.field: wanted.field,
        LogRow.class_: wanted.class_,
        LogRow.outcome: wanted.outcome,
        LogRow.broadcast_id: wanted.broadcast,
        LogRow.rendered: wanted.rendered,
        LogRow.heard: wanted.heard,
    }
    conditions = [within(wanted.within)]
    conditions += [col(column) == value for column, value in equal.items() if value is not None]
    if wanted.from_at is not None:
        conditions.append(col(LogRow.planned_at) >= wanted.from_at)
    if wanted.until_at is not None:
        conditions.append(col(LogRow.planned_at) < wanted.until_at)
    return conditions


def _entry(document: str, approvals: str, issued_at: datetime) -> Entry:
    given = tuple(ControllerApproval.model_validate(one) for one in json.loads(approvals))
    return Entry(document=document, approvals=given, issued_at=issued_at)
