"""How to find lines among millions: by the index that leads past the fewest others.

No planner can know that: SQLite has no statistics, PostgreSQL's do not say how filters go together. So each
filter with an index is asked how far back its 20,000 newest lines reach. One that has fewer is gathered and
sorted. Otherwise the one that reaches back farthest is rarest, and is walked in the order of time until the
page is full. With independent filters that passes about 20,000 entries at most, among ten million lines, too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, inspect, not_, true
from sqlalchemy import select as pick
from sqlalchemy.orm import aliased
from sqlalchemy.sql.util import ClauseAdapter
from sqlmodel import Session, col

from loa.controller.store.log_scope import Scope
from loa.controller.store.tables import BroadcastRow, LogPlaceRow, LogRow

FEW = 20_000
"""So many lines are gathered and sorted within tens of milliseconds."""
_AT: Any = col(LogRow.planned_at)
_ID: Any = col(LogRow.id)
Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Columns and their values, a span of time, words of a title."""

    equal: tuple[tuple[str, str | bool], ...] = ()
    from_at: datetime | None = None
    until_at: datetime | None = None
    folded_title: str | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """An index, and the conditions that it answers."""

    index: str
    answers: str = ""
    """The filter that it is for."""
    conditions: tuple[Condition, ...] = ()
    in_order: bool = True
    """Its entries come in the order of time, so that a walk may end early."""


@dataclass(frozen=True, slots=True)
class Found:
    """The ids of a page's lines, in order; how many lines there are altogether, if that was cheap to know."""

    ids: list[int]
    total: int | None


def find(
    session: Session,
    scope: Scope,
    filters: Filters,
    *,
    after: tuple[datetime, int] | None,
    limit: int,
    few: int = FEW,
) -> Found:
    """The page after that line, the newest first if nothing else is wanted; `few` are gathered at most."""
    if scope.nothing:
        return Found([], 0)
    search = _Search(session, scope, filters, few=few)
    way, has_few = search.best()
    if has_few:
        return search.gather(way, after, limit)
    return Found(list(search.walk(way, after, limit)), None)


class _Search:
    def __init__(self, session: Session, scope: Scope, filters: Filters, *, few: int) -> None:
        self._few = few
        self._session = session
        self._scope = scope
        self._filters = filters
        self._span = _span(filters)
        self._order = (_AT, _ID) if filters.oldest_first else (_AT.desc(), _ID.desc())

    def best(self) -> tuple[Way, bool]:
        """The way to go, and whether it has so few lines that all of them can be looked at."""
        depths: list[tuple[datetime, Way]] = []
        for way in self._ways():
            depth = self._depth(way)
            if depth is None:
                return way, True
            if way.in_order:
                depths.append((depth, way))
        pick_one = max if self._filters.oldest_first else min
        return pick_one(depths, key=lambda one: one[0])[1], False

    def gather(self, way: Way, after: tuple[datetime, int] | None, limit: int) -> Found:
        """All lines of a way with few, sorted."""
        rest = [*self._places_of(way), *(one.is_(true()) for one in self._filters_beside(way))]
        asked = self._by(way, pick(_ID.label("id"), _AT.label("at"))).where(*rest)
        hits = asked.cte("hits").prefix_with("MATERIALIZED")
        at, id_ = hits.c.at, hits.c.id
        found = pick(id_, pick(func.count()).select_from(hits).scalar_subquery())
        if after is not None:
            found = found.where(_beyond(at, id_, after, oldest_first=self._filters.oldest_first))
        order = (at, id_) if self._filters.oldest_first else (at.desc(), id_.desc())
        rows = self._session.connection().execute(found.order_by(*order).limit(limit)).all()
        return Found([row[0] for row in rows], rows[0][1] if rows else (0 if after is None else None))

    def walk(self, way: Way, after: tuple[datetime, int] | None, limit: int) -> Iterator[int]:
        """The first lines of a way that has many."""
        asked = self._by(way, pick(_ID)).where(*self._places_of(way), *self._newest())
        if filters := self._filters_beside(way):
            asked = asked.where(_of_its_row(filters).is_(true()))
        if after is not None:
            asked = asked.where(_beyond(_AT, _ID, after, oldest_first=self._filters.oldest_first))
        yield from self._session.connection().execute(asked.order_by(*self._order).limit(limit)).scalars()

    def _depth(self, way: Way) -> datetime | None:
        """Where the lines of a way that would be too many begin; None if they end before."""
        asked = self._by(way, pick(_AT))
        if way.in_order:
            asked = asked.order_by(*self._order)
        found: datetime | None = (
            self._session.connection().execute(asked.offset(self._few).limit(1)).scalar_one_or_none()
        )
        return found

    def _by(self, way: Way, asked: Select[Any]) -> Select[Any]:
        hinted = asked.with_hint(LogRow, f"INDEXED BY {way.index}", "sqlite")
        return hinted.where(*way.conditions, *self._span)

    def _ways(self) -> Iterator[Way]:
        """The likely rare ones first."""
        given = dict(self._filters.equal)
        for name in _EQUAL:
            if name in given:
                yield Way(
                    index=f"log_by_{name}_time", answers=name, conditions=(_column(name) == given[name],)
                )
        for ear in ("rendered", "heard"):
            if given.get(ear) is False:
                yield Way(index=f"log_not_{ear}", answers=ear, conditions=(_column(ear) == false(),))
        if self._filters.folded_title:
            yield Way(
                index="log_by_broadcast_time",
                answers=_TITLE,
                conditions=(_titled(self._filters.folded_title),),
                in_order=False,
            )
        yield from self._places()
        yield Way(index="log_by_time")

    def _places(self) -> Iterator[Way]:
        scope = self._scope
        if scope.everything or (scope.areas and scope.by_node):
            return
        index, ids = ("log_by_area_time", scope.areas) if scope.areas else ("log_by_node_time", scope.by_node)
        column = _column("area_id") if scope.areas else _column("node_id")
        answers = "" if scope.by_path else _PLACE
        yield Way(index=index, answers=answers, conditions=(column.in_(ids),), in_order=False)

    def _filters_beside(self, way: Way) -> list[Condition]:
        """The filters that the way does not answer."""
        filters = self._filters
        rest = [_meets(name, value) for name, value in filters.equal if name != way.answers]
        if filters.folded_title and way.answers != _TITLE:
            rest.append(_titled(filters.folded_title))
        return rest

    def _places_of(self, way: Way) -> list[Condition]:
        """Where a line must be, unless the way answers it; so written that no other index seems to."""
        return [] if way.answers == _PLACE else [one.is_(true()) for one in self._scope.conditions()]

    def _newest(self) -> Sequence[Condition]:
        """No line of these areas is newer: a walk through an area that was closed long ago starts there."""
        scope = self._scope
        if scope.everything or not scope.areas or scope.by_node or self._filters.oldest_first:
            return ()
        places = pick(col(LogPlaceRow.area_id)).where(col(LogPlaceRow.area_id).in_(scope.areas))
        place = places.distinct().subquery()
        last = pick(func.max(_AT)).where(col(LogRow.area_id) == place.c.area_id).scalar_subquery()
        newest = self._session.connection().execute(pick(func.max(last)).select_from(place)).scalar()
        return () if newest is None else (newest >= _AT,)


def _column(name: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = getattr(LogRow, _ATTRIBUTES.get(name, name))
    return found


def _meets(name: str, value: object) -> Condition:
    if name == "drill" and value is False:
        return _column(name).is_not(true())
    return _column(name) == value


def _of_its_row(filters: Sequence[Condition]) -> ColumnElement[bool]:
    """Whether the line itself meets them: asked of the few that an index alone did not rule out already.

    As a question of its own, limited to one row, it stays out of the way of the walk, which PostgreSQL then
    does without reading a line.
    """
    line = aliased(LogRow)
    adapted = [ClauseAdapter(inspect(line).selectable).traverse(one) for one in filters]
    asked = pick(true()).where(col(line.id) == col(LogRow.id), *adapted)
    return asked.limit(1).correlate(LogRow).scalar_subquery()


def _titled(folded: str) -> Condition:
    titles = pick(col(BroadcastRow.id)).where(
        col(BroadcastRow.folded_title).contains(folded, autoescape=True)
    )
    return col(LogRow.broadcast_id).in_(titles)


def _span(filters: Filters) -> list[Condition]:
    conditions: list[Condition] = []
    if filters.from_at is not None:
        conditions.append(filters.from_at <= _AT)
    if filters.until_at is not None:
        conditions.append(filters.until_at > _AT)
    return conditions


def _beyond(
    at: ColumnElement[datetime],
    id_: ColumnElement[int],
    after: tuple[datetime, int],
    *,
    oldest_first: bool,
) -> Condition:
    """Further than that line; the bound of time alone, which an index answers, stands first."""
    if oldest_first:
        return and_(at >= after[0], not_(and_(at == after[0], id_ <= after[1])))
    return and_(at <= after[0], not_(and_(at == after[0], id_ >= after[1])))


_TITLE, _PLACE = "title", "place"
_EQUAL = ("node", "broadcast", "outcome", "class", "field")
"""Filters with an index of their own, the likely rare ones first."""
_ATTRIBUTES = {"node": "node_id", "broadcast": "broadcast_id", "class": "class_"}
