"""Reads the copy of rights that STOP falls back on."""

from collections import defaultdict
from datetime import datetime

from sqlmodel import Session, col, select

from loa.controller.core.access import Role
from loa.controller.core.spare_rights import SpareArea, SpareRights, SpareSession, SpareUser
from loa.controller.store.people import HALF, SESSION
from loa.controller.store.tables import AreaRow, RoleRow, SessionRow, UserRow
from loa.protocol.ids import AreaId


def read_spare_rights(session: Session, now: datetime) -> SpareRights:
    """Of active users and of sessions that are not over."""
    grants: defaultdict[str, list[tuple[AreaId, Role]]] = defaultdict(list)
    for role in session.exec(select(RoleRow).order_by(col(RoleRow.area_id), col(RoleRow.role))):
        grants[role.user_id].append((AreaId(role.area_id), Role(role.role)))
    users = session.exec(select(UserRow.id, UserRow.name).where(col(UserRow.active)))
    areas = session.exec(select(AreaRow.id, AreaRow.parent_id, AreaRow.authority))
    current = session.exec(select(SessionRow).where(SessionRow.expires_at > now, SessionRow.kind != HALF))
    return SpareRights.of(
        sessions={row.token_hash: _session(row) for row in current},
        users={id_: SpareUser(name=name, grants=tuple(grants[id_])) for id_, name in users},
        areas={AreaId(id_): SpareArea(parent_id=_area(above), authority=rank) for id_, above, rank in areas},
    )


def _session(row: SessionRow) -> SpareSession:
    csrf = row.csrf if row.kind == SESSION else None
    return SpareSession(user_id=row.user_id, csrf=csrf, expires_at=row.expires_at)


def _area(above: str | None) -> AreaId | None:
    return AreaId(above) if above else None
