"""Merged and split areas in the database."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, or_, select

from loa.controller.core.reshapes import Before, Done, Reshape, ReshapeKind
from loa.controller.store.admin_tables import ReshapeRow
from loa.controller.store.areas import below
from loa.controller.store.tables import BroadcastRow, PlacementRow, RoleRow, UserRow
from loa.protocol.ids import AreaId


def add_reshape(session: Session, done: Done, *, at: datetime, by: str) -> Reshape:
    """Note one."""
    row = ReshapeRow(
        kind=done.kind.value,
        area_id=done.area,
        other_id=done.other,
        at=at,
        by=by,
        before=done.before.model_dump_json(),
    )
    session.add(row)
    session.flush()
    return _reshape(row)


def reshape_of(session: Session, id_: int) -> Reshape | None:
    """One, if it is there."""
    row = session.get(ReshapeRow, id_)
    return None if row is None else _reshape(row)


def reshapes_within(session: Session, areas: Collection[str], limit: int) -> list[Reshape]:
    """Those of areas at or below these, the last first."""
    inside = select(below(areas).c.id)
    wanted = select(ReshapeRow).where(
        or_(col(ReshapeRow.area_id).in_(inside), col(ReshapeRow.other_id).in_(inside))
    )
    rows = session.exec(wanted.order_by(col(ReshapeRow.id).desc()).limit(limit))
    return [_reshape(row) for row in rows]


def note_undone(session: Session, id_: int, at: datetime) -> None:
    """It is undone."""
    session.get_one(ReshapeRow, id_).undone_at = at


def titles_placed(session: Session, area: AreaId, now: datetime) -> tuple[str, ...]:
    """Of the broadcasts in the area's own programme that can sound after `now`, in order of the alphabet."""
    wanted = (
        select(BroadcastRow.title)
        .join(PlacementRow)
        .where(PlacementRow.area_id == area)
        .where(or_(col(BroadcastRow.over_at).is_(None), col(BroadcastRow.over_at) > now))
        .distinct()
        .order_by(col(BroadcastRow.title))
    )
    return tuple(session.exec(wanted))


def roles_at(session: Session, area: AreaId) -> list[tuple[str, str, str]]:
    """User, name and role of everybody with a role in just this area."""
    wanted = (
        select(RoleRow.user_id, UserRow.name, RoleRow.role)
        .join(UserRow)
        .where(RoleRow.area_id == area)
        .order_by(col(UserRow.name), col(RoleRow.role))
    )
    return list(session.exec(wanted))


def add_role(session: Session, user: str, area: AreaId, role: str) -> bool:
    """Whether the person had not that role there before."""
    if session.get(RoleRow, (user, area, role)) is not None:
        return False
    session.add(RoleRow(user_id=user, area_id=area, role=role))
    return True


def remove_role(session: Session, user: str, area: AreaId, role: str) -> None:
    """Take it, if it is there."""
    row = session.get(RoleRow, (user, area, role))
    if row is not None:
        session.delete(row)


def _reshape(row: ReshapeRow) -> Reshape:
    return Reshape(
        id=row.id or 0,
        kind=ReshapeKind(row.kind),
        area=AreaId(row.area_id),
        other=AreaId(row.other_id),
        at=row.at,
        by=row.by,
        before=Before.model_validate_json(row.before),
        undone_at=row.undone_at,
    )
