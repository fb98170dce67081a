"""Lines of the log added up by the database: what is alike is one row."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, and_, case, cast, extract, false, func, literal, or_
from sqlalchemy import select as pick
from sqlmodel import Session, col

from loa.controller.core.expected import EXPECTED, MISSED
from loa.controller.core.report import KEPT, LATE_FROM_MS, NodeSum, Sum
from loa.controller.store.log_scope import Scope, scope_of
from loa.controller.store.tables import LogRow
from loa.protocol.reasons import Reason
from loa.protocol.units import to_ms

_DAY_S = 86_400
_PLAYED = func.coalesce(col(LogRow.played_ms), 0) > 0
_LIKE = (col(LogRow.outcome), _PLAYED, col(LogRow.rendered), col(LogRow.heard))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Whole days of a zone that does not change its clock between them, as Việt Nam's has not since 1975."""

    within: Collection[str]
    from_at: datetime
    until_at: datetime


def sums(session: Session, span: Span) -> list[Sum]:
    """What lines that are alike come to."""
    like = (_day(session, span), col(LogRow.field), col(LogRow.class_), *_LIKE, _late())
    counted = (func.count(), func.sum(func.coalesce(col(LogRow.played_ms), 0)))
    return [
        Sum(
            day=int(row[0]) + 1,
            field=row[1],
            class_=row[2],
            outcome=row[3],
            played=bool(row[4]),
            rendered=row[5],
            heard=row[6],
            late=row[7],
            lines=row[8],
            played_ms=int(row[9]),
        )
        for row in _grouped(session, span, like, counted)
    ]


def node_sums(session: Session, span: Span, *, most: int) -> list[NodeSum]:
    """All lines of the nodes with the most failures."""
    scope = scope_of(session, span.within)
    failed = or_(
        col(LogRow.rendered) == false(),
        col(LogRow.heard) == false(),
        col(LogRow.outcome).not_in([Reason.COMPLETE, EXPECTED, MISSED, *KEPT]),
    )
    worst = _within(pick(col(LogRow.node_id)), scope, span).where(failed).group_by(col(LogRow.node_id))
    ranked = worst.order_by(func.count().desc(), col(LogRow.node_id)).limit(most)
    nodes = list(session.connection().execute(ranked).scalars())
    like = (col(LogRow.node_id), _day(session, span), *_LIKE)
    asked = pick(*like, func.count()).with_hint(LogRow, "INDEXED BY log_by_node_time", "sqlite")
    asked = asked.where(*_times(span), *scope.conditions(), col(LogRow.node_id).in_(nodes))
    return [
        NodeSum(
            node=row[0],
            day=int(row[1]) + 1,
            outcome=row[2],
            played=bool(row[3]),
            rendered=row[4],
            heard=row[5],
            lines=row[6],
        )
        for row in session.connection().execute(asked.group_by(*like))
    ]


def _grouped(session: Session, span: Span, like: Sequence[Any], counted: Sequence[Any]) -> list[Any]:
    scope = scope_of(session, span.within)
    if scope.nothing:
        return []
    asked = _within(pick(*like, *counted), scope, span).group_by(*like)
    return list(session.connection().execute(asked))


def _within(asked: Any, scope: Scope, span: Span) -> Any:  # noqa: ANN401 -- SQLAlchemy's Select of whatever columns
    by_area = scope.areas and not scope.everything and not scope.by_node
    index = "log_by_area_time" if by_area else "log_by_time"
    hinted = asked.with_hint(LogRow, f"INDEXED BY {index}", "sqlite")
    return hinted.where(*_times(span), *scope.conditions())


def _times(span: Span) -> tuple[Any, Any]:
    return col(LogRow.planned_at) >= span.from_at, col(LogRow.planned_at) < span.until_at


def _day(session: Session, span: Span) -> Any:  # noqa: ANN401 -- as above
    """Whole days since the beginning."""
    since = extract("epoch", col(LogRow.planned_at)) - to_ms(span.from_at) // 1_000
    if session.get_bind().dialect.name == "sqlite":
        return since // _DAY_S
    return cast(func.floor(since / _DAY_S), Integer)


def _late() -> Any:  # noqa: ANN401 -- as above
    late = func.coalesce(col(LogRow.late_ms), 0)
    begins = [(number, begin) for number, begin in enumerate(LATE_FROM_MS) if begin is not None]
    classes = [(and_(_PLAYED, late >= begin), literal(number)) for number, begin in reversed(begins)]
    return case(*classes, (_PLAYED, literal(0)), else_=literal(-1))
