"""The broadcast log: lines that are expected, missed, found."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, update
from sqlmodel import Session, col, select

from loa.controller.core.expected import EXPECTED, MISSED
from loa.controller.core.slugs import plain
from loa.controller.store.broadcasts import as_entry
from loa.controller.store.log_scope import scope_of
from loa.controller.store.log_walks import FEW, Filters, find
from loa.controller.store.tables import BroadcastRow, LogRow, MetaRow, NodeRow, PlacementRow
from loa.controller.store.upsert import Row, insert_new
from loa.protocol.broadcast import Entry
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
    drill: bool | None = None
    """Only drills, or only what was in earnest."""
    title: str = ""
    """Words of the title, with or without marks."""
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines in order; how many there are altogether, where that was cheap to know."""

    lines: list[LogRow]
    total: int | None


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
        (AreaId(area), as_entry(document, approvals, at))
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
    session: Session,
    wanted: LogFilter,
    *,
    after: tuple[datetime, int] | None,
    limit: int,
    few: int = FEW,
) -> Lines:
    """The lines by planned time, the newest first if not asked otherwise; `after` is the last one seen.

    Ways with at most `few` lines are gathered, longer ones walked: the outcome is the same.
    """
    scope = scope_of(session, wanted.within)
    found = find(session, scope, filters_of(wanted), after=after, limit=limit, few=few)
    rows = session.exec(select(LogRow).where(col(LogRow.id).in_(found.ids)))
    by_id = {row.id: row for row in rows}
    return Lines([by_id[id_] for id_ in found.ids if id_ in by_id], found.total)


def line_of(session: Session, id_: int) -> LogRow | None:
    """One line."""
    return session.get(LogRow, id_)


def line_by_occurrence(
    session: Session, occurrence: str, node: str, within: Collection[AreaId]
) -> LogRow | None:
    """The line of an occurrence on a node, if it lies within one of these areas."""
    named = (LogRow.occurrence == occurrence, LogRow.node_id == node)
    return session.exec(select(LogRow).where(*named, *scope_of(session, within).conditions())).first()


def expected_until(session: Session) -> datetime | None:
    """Up to when lines were made at last."""
    row = session.get(MetaRow, _EXPECTED_AT)
    return None if row is None else datetime.fromisoformat(row.value)


def store_expected_until(session: Session, at: datetime) -> None:
    """Note that all lines up to there are made."""
    session.merge(MetaRow(key=_EXPECTED_AT, value=at.isoformat()))


def filters_of(wanted: LogFilter) -> Filters:
    """The filters as a search takes them."""
    named: dict[str, str | bool | None] = {
        "node": wanted.node,
        "broadcast": wanted.broadcast,
        "outcome": wanted.outcome,
        "class": wanted.class_,
        "field": wanted.field,
        "rendered": wanted.rendered,
        "heard": wanted.heard,
        "drill": wanted.drill,
    }
    return Filters(
        equal=tuple((name, value) for name, value in named.items() if value is not None),
        from_at=wanted.from_at,
        until_at=wanted.until_at,
        folded_title=plain(wanted.title) or None,
        oldest_first=wanted.oldest_first,
    )
