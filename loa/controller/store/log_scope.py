"""Which lines of the log lie within areas: areas as they were when a line was planned."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, select

from loa.controller.store.tables import LogPlaceRow, LogRow, NodeRow


@dataclass(frozen=True, slots=True)
class Scope:
    """The parent areas of nodes, and single nodes, whose lines are meant."""

    areas: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    """Those of `areas` that have lines outside, too: of them the line's own path decides."""
    above: tuple[str, ...] = ()
    """What that path must name one of."""
    everything: bool = False
    """There are no lines outside, so that nothing need be asked of a line."""

    @property
    def nothing(self) -> bool:
        """No line can lie within."""
        return not (self.everything or self.areas or self.nodes)

    def conditions(self) -> list[ColumnElement[bool]]:
        """What a line must meet."""
        if self.everything:
            return []
        if not self.nodes:
            return [col(LogRow.area_id).in_(self.areas), *self._paths()]
        if not self.areas:
            return [col(LogRow.node_id).in_(self.nodes)]
        inside = and_(col(LogRow.area_id).in_(self.areas), *self._paths())
        return [or_(inside, col(LogRow.node_id).in_(self.nodes))]

    def _paths(self) -> list[ColumnElement[bool]]:
        if not self.moved:
            return []
        named = [col(LogRow.path).contains(f"/{area}/", autoescape=True) for area in self.above]
        return [or_(col(LogRow.area_id).not_in(self.moved), *named)]


def scope_of(session: Session, within: Collection[str]) -> Scope:
    """The lines of nodes that were in one of these areas, or are one."""
    wanted = frozenset(within)
    inside, outside = set[str](), set[str]()
    for path, area in session.exec(select(LogPlaceRow.path, LogPlaceRow.area_id)):
        (inside if not wanted.isdisjoint(path.split("/")) else outside).add(area)
    nodes = session.exec(select(NodeRow.id).where(col(NodeRow.id).in_(wanted)))
    return Scope(
        areas=tuple(sorted(inside)),
        nodes=tuple(sorted(nodes)),
        moved=tuple(sorted(inside & outside)),
        above=tuple(sorted(wanted)),
        everything=bool(inside) and not outside,
    )
