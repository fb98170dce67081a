"""Which lines of the log lie within areas: areas as they were when a line was planned.

A zone is above nobody, so no line names it: its lines are those of the nodes that are its members now, as far
as they were then in the area that keeps the zone; and of an area that became a zone, those that name it.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, or_
from sqlmodel import Session, col, select

from loa.controller.store.tables import AreaRow, LogPlaceRow, LogRow, NodeRow, ZoneMemberRow


@dataclass(frozen=True, slots=True)
class Members:
    """Nodes of zones that the same area keeps."""

    keeper: str
    """The area in which a node must have been; what it sounded elsewhere is another area's."""
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """The parent areas of nodes, and single nodes, whose lines are meant."""

    areas: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    """Those of `areas` that have lines outside, too: of them the line's own path decides."""
    above: tuple[str, ...] = ()
    """What that path must name one of."""
    zones: tuple[Members, ...] = ()
    everything: bool = False
    """There are no lines outside, so that nothing need be asked of a line."""

    @property
    def nothing(self) -> bool:
        """No line can lie within."""
        return not (self.everything or self.areas or self.by_node)

    @property
    def by_node(self) -> tuple[str, ...]:
        """The nodes that are meant by name, and those that a zone names."""
        return tuple(sorted({*self.nodes, *(node for zone in self.zones for node in zone.nodes)}))

    @property
    def by_path(self) -> bool:
        """Whether of some lines their own path decides."""
        return bool(self.moved or self.zones)

    def conditions(self) -> list[ColumnElement[bool]]:
        """What a line must meet."""
        return [] if self.everything else [or_(false(), *self._ways())]

    def _ways(self) -> list[ColumnElement[bool]]:
        ways = [and_(col(LogRow.node_id).in_(zone.nodes), _names(zone.keeper)) for zone in self.zones]
        if self.nodes:
            ways.append(col(LogRow.node_id).in_(self.nodes))
        if self.areas:
            ways.append(and_(col(LogRow.area_id).in_(self.areas), *self._paths()))
        return ways

    def _paths(self) -> list[ColumnElement[bool]]:
        if not self.moved:
            return []
        return [or_(col(LogRow.area_id).not_in(self.moved), *map(_names, self.above))]


def scope_of(session: Session, within: Collection[str]) -> Scope:
    """The lines of nodes that were in one of these areas, are one, or belong to one that is a zone."""
    wanted = frozenset(within)
    inside, outside = set[str](), set[str]()
    for path, area in session.exec(select(LogPlaceRow.path, LogPlaceRow.area_id)):
        (inside if not wanted.isdisjoint(path.split("/")) else outside).add(area)
    nodes = session.exec(select(NodeRow.id).where(col(NodeRow.id).in_(wanted)))
    everything = bool(inside) and not outside
    return Scope(
        areas=tuple(sorted(inside)),
        nodes=tuple(sorted(nodes)),
        moved=tuple(sorted(inside & outside)),
        above=tuple(sorted(wanted)),
        zones=() if everything else _members(session, wanted),
        everything=everything,
    )


def _members(session: Session, wanted: Collection[str]) -> tuple[Members, ...]:
    asked = (
        select(AreaRow.parent_id, ZoneMemberRow.node_id)
        .join(ZoneMemberRow, col(ZoneMemberRow.zone_id) == col(AreaRow.id))
        .where(col(AreaRow.id).in_(wanted))
    )
    kept: defaultdict[str, set[str]] = defaultdict(set)
    for keeper, node in session.exec(asked):
        kept[keeper or ""].add(node)
    return tuple(Members(keeper, tuple(sorted(nodes))) for keeper, nodes in sorted(kept.items()))


def _names(area: str) -> ColumnElement[bool]:
    """Whether the area is on the line's path."""
    return col(LogRow.path).contains(f"/{area}/", autoescape=True)
