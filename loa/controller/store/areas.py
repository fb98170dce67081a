"""Single areas and what stands above and below them; for questions about many, see `tree`."""

from collections.abc import Collection

from sqlalchemy import CTE
from sqlmodel import Session, col, select

from loa.controller.core.areas import Area
from loa.controller.core.tree import AreaKind
from loa.controller.errors import NotFound
from loa.controller.store.tables import AreaRow
from loa.controller.store.tree import is_changing, read_tree
from loa.protocol.ids import AreaId
from loa.protocol.policy import Policy


def row_of(session: Session, area: str) -> AreaRow:
    """The row; raises `NotFound`."""
    row = session.get(AreaRow, area)
    if row is None:
        raise NotFound("no_such_area", f"there is no area {area!r}", area=area)
    return row


def area_of(session: Session, area: str) -> Area:
    """The area; raises `NotFound`."""
    return as_area(row_of(session, area))


def exists(session: Session, area: str) -> bool:
    """Whether the id is taken, by a closed area, too."""
    return session.get(AreaRow, area) is not None


def add_area(session: Session, area: Area) -> Area:
    """Insert it, at once, so that others can refer to it."""
    policy = area.policy.model_dump_json() if area.policy else None
    session.add(
        AreaRow(
            id=area.id,
            name=area.name,
            kind=area.kind,
            parent_id=area.parent_id,
            authority=area.authority,
            tz=area.tz,
            policy=policy,
            created_at=area.created_at,
        )
    )
    session.flush()
    return area


def open_children(session: Session, area: str) -> list[AreaId]:
    """What stands directly below it and is not closed, by id."""
    wanted = select(AreaRow.id).where(AreaRow.parent_id == area, col(AreaRow.closed_at).is_(None))
    return [AreaId(child) for child in session.exec(wanted.order_by(col(AreaRow.id)))]


def find_areas(
    session: Session,
    *,
    areas: Collection[str],
    parent: str | None,
    kind: str | None,
    after: str,
    limit: int,
) -> list[Area]:
    """The open ones among these areas and all below them, by id."""
    wanted = select(AreaRow).where(
        col(AreaRow.id).in_(select(below(areas).c.id)),
        col(AreaRow.closed_at).is_(None),
        col(AreaRow.id) > after,
    )
    if parent is not None:
        wanted = wanted.where(AreaRow.parent_id == parent)
    if kind is not None:
        wanted = wanted.where(AreaRow.kind == kind)
    return [as_area(row) for row in session.exec(wanted.order_by(col(AreaRow.id)).limit(limit))]


def path_of(session: Session, area: str) -> tuple[AreaId, ...]:
    """From the root of its tree down to the area itself; raises `NotFound`."""
    if not is_changing(session) and AreaId(area) in (tree := read_tree(session)):
        return tuple(place.id for place in tree.path(AreaId(area)))
    rows = [row_of(session, area)]
    while (parent := rows[-1].parent_id) is not None:
        rows.append(row_of(session, parent))
    return tuple(AreaId(row.id) for row in reversed(rows))


def areas_below(session: Session, areas: Collection[str]) -> frozenset[AreaId]:
    """The areas and everything below them in the tree, nodes and zones included."""
    found = session.connection().execute(select(below(areas).c.id)).scalars()
    return frozenset(AreaId(area) for area in found)


def below(areas: Collection[str]) -> CTE:
    """A subquery with one column, `id`: the areas and everything below them."""
    tree = select(AreaRow.id).where(col(AreaRow.id).in_(areas)).cte("below", recursive=True)
    return tree.union(select(AreaRow.id).join(tree, col(AreaRow.parent_id) == tree.c.id))


def as_area(row: AreaRow) -> Area:
    """The row as the rest of the controller knows it."""
    return Area(
        id=AreaId(row.id),
        name=row.name,
        kind=AreaKind(row.kind),
        parent_id=AreaId(row.parent_id) if row.parent_id else None,
        authority=row.authority,
        tz=row.tz,
        policy=Policy.model_validate_json(row.policy) if row.policy else None,
        created_at=row.created_at,
        closed_at=row.closed_at,
    )
