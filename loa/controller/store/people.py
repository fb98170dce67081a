"""Users, roles, sessions and tokens in the database."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy
from sqlalchemy import bindparam, delete
from sqlmodel import Session, col, or_, select

from loa.controller.core.access import Grant, Role
from loa.controller.core.people import Address, User
from loa.controller.store.areas import below
from loa.controller.store.columns import Moment
from loa.controller.store.people_tables import FactorRow
from loa.controller.store.tables import RoleRow, SessionRow, UserRow
from loa.protocol.ids import AreaId

SESSION = "session"
HALF = "half"
"""A browser whose person has yet to show a second factor."""
TOKEN = "token"  # noqa: S105 -- a kind of session, not a secret
TOKEN_ID_CHARACTERS = 16


def user_row(session: Session, user_id: str) -> UserRow | None:
    """The row, if there is one."""
    return session.get(UserRow, user_id)


def row_of(session: Session, user_id: str) -> UserRow:
    """The row of a user who is there."""
    return session.get_one(UserRow, user_id)


def user_of(session: Session, user_id: str) -> User | None:
    """The user with all roles, if there is one."""
    row = user_row(session, user_id)
    return None if row is None else as_user(row, grants_of(session, user_id))


def names_of(session: Session, user_ids: Collection[str]) -> dict[str, str]:
    """How people call these persons; without those who are not known any more."""
    found = select(UserRow.id, UserRow.name).where(col(UserRow.id).in_(user_ids))
    return dict(session.exec(found).all()) if user_ids else {}


def add_user(
    session: Session, *, user_id: str, name: str, phone: str | None, password_hash: str | None, at: datetime
) -> None:
    """Insert a user, at once, so that roles can refer to it."""
    row = UserRow(id=user_id, name=name, phone=phone, password_hash=password_hash, created_at=at)
    session.add(row)
    session.flush()


def grants_of(session: Session, user_id: str) -> frozenset[Grant]:
    """The user's roles."""
    rows = session.exec(select(RoleRow).where(RoleRow.user_id == user_id))
    return frozenset(Grant(AreaId(row.area_id), Role(row.role)) for row in rows)


def replace_grants(session: Session, user_id: str, grants: Iterable[Grant]) -> None:
    """Give the user these roles and no others."""
    session.connection().execute(delete(RoleRow).where(col(RoleRow.user_id) == user_id))
    session.add_all(RoleRow(user_id=user_id, area_id=one.area_id, role=one.role) for one in grants)
    session.flush()


def users_within(session: Session, areas: Collection[str], *, after: str, limit: int) -> list[User]:
    """Users with a role in these areas or below, and those without any role, by id."""
    reached = select(RoleRow.user_id).where(col(RoleRow.area_id).in_(select(below(areas).c.id)))
    with_role = select(RoleRow.user_id)
    wanted = (
        select(UserRow)
        .where(or_(col(UserRow.id).in_(reached), col(UserRow.id).not_in(with_role)), col(UserRow.id) > after)
        .order_by(col(UserRow.id))
        .limit(limit)
    )
    return [as_user(row, grants_of(session, row.id)) for row in session.exec(wanted)]


def technicians_of(session: Session, path: Sequence[AreaId]) -> list[User]:
    """Those who can sign in and keep nodes in one of these areas, those of the last area first."""
    found = session.exec(
        select(UserRow, RoleRow.area_id)
        .join(RoleRow, col(RoleRow.user_id) == UserRow.id)
        .where(col(RoleRow.area_id).in_(path), RoleRow.role == Role.TECHNICIAN, col(UserRow.active))
        .order_by(col(UserRow.name))
    ).all()
    nearest = sorted(found, key=lambda one: -path.index(AreaId(one[1])))
    return list({row.id: as_user(row, frozenset()) for row, _ in nearest}.values())


def any_user(session: Session) -> bool:
    """Whether anybody can sign in at all."""
    return session.exec(select(UserRow.id).limit(1)).first() is not None


def session_row(session: Session, token_hash: str) -> SessionRow | None:
    """The session or token with that hash, if there is one."""
    return session.get(SessionRow, token_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A session or token, and whose it is."""

    kind: str
    csrf: str
    expires_at: datetime
    user_id: str
    name: str
    active: bool
    must_change: bool
    grants: frozenset[Grant]
    created_at: datetime
    seen_at: datetime | None
    factor_due_at: datetime | None
    has_factor: bool


def known_by(session: Session, token_hash: str) -> Known | None:
    """The session or token with that hash, with the person's roles of now: one question for each request."""
    rows = session.connection().execute(_KNOWN, {"hash": token_hash}).all()
    if not rows:
        return None
    grants = frozenset(Grant(AreaId(row.area_id), Role(row.role)) for row in rows if row.area_id is not None)
    first = rows[0]
    return Known(
        kind=first.kind,
        csrf=first.csrf,
        expires_at=first.expires_at,
        user_id=first.id,
        name=first.name,
        active=first.active,
        must_change=first.must_change,
        grants=grants,
        created_at=first.created_at,
        seen_at=first.seen_at,
        factor_due_at=first.factor_due_at,
        has_factor=first.has_factor,
    )


def add_session(
    session: Session,
    *,
    token_hash: str,
    user_id: str,
    kind: str,
    name: str,
    csrf: str,
    at: datetime,
    until: datetime,
) -> None:
    """Insert a session or token."""
    session.add(
        SessionRow(
            token_hash=token_hash,
            user_id=user_id,
            kind=kind,
            name=name,
            csrf=csrf,
            created_at=at,
            expires_at=until,
        )
    )


def sessions_of(session: Session, user_id: str, kind: str) -> list[SessionRow]:
    """The user's sessions or tokens, the last made first."""
    wanted = select(SessionRow).where(SessionRow.user_id == user_id, SessionRow.kind == kind)
    return list(session.exec(wanted.order_by(col(SessionRow.created_at).desc())))


def session_row_of(session: Session, user_id: str, id_: str, kind: str) -> SessionRow | None:
    """The user's session or token that begins so, if there is one."""
    wanted = select(SessionRow).where(
        SessionRow.user_id == user_id,
        SessionRow.kind == kind,
        col(SessionRow.token_hash).startswith(id_, autoescape=True),
    )
    return session.exec(wanted).first()


def end_sessions(
    session: Session,
    user_id: str,
    *,
    but: str | None = None,
    kind: str | None = None,
    only: str | None = None,
) -> None:
    """End all sessions and tokens of the user, or those of a kind, but or `only` the one with that hash."""
    ended = delete(SessionRow).where(col(SessionRow.user_id) == user_id)
    ended = ended if only is None else ended.where(col(SessionRow.token_hash) == only)
    ended = ended if kind is None else ended.where(col(SessionRow.kind) == kind)
    session.connection().execute(ended if but is None else ended.where(col(SessionRow.token_hash) != but))


def keep_seen(session: Session, seen: Mapping[str, datetime]) -> None:
    """When these sessions were last used; those that are over are left out."""
    change = (
        sqlalchemy.update(SessionRow)
        .where(col(SessionRow.token_hash) == bindparam("hash"))
        .values(seen_at=bindparam("at", type_=Moment))
    )
    if seen:
        session.connection().execute(change, [{"hash": hash_, "at": at} for hash_, at in seen.items()])


def set_invitation(session: Session, user_id: str, hash_: str | None, until: datetime | None) -> None:
    """The one open link of the user, or none."""
    row = session.get_one(UserRow, user_id)
    row.invite_hash, row.invite_until = hash_, until


def invited_by(session: Session, hash_: str) -> User | None:
    """Whose link that is, however old."""
    row = session.exec(select(UserRow).where(UserRow.invite_hash == hash_)).first()
    return None if row is None else as_user(row, grants_of(session, row.id))


def all_within(session: Session, areas: Collection[str]) -> list[User]:
    """All users with a role in these areas or below, and those without any role, by id; in two questions."""
    reached = select(RoleRow.user_id).where(col(RoleRow.area_id).in_(select(below(areas).c.id)))
    with_role = select(RoleRow.user_id)
    wanted = or_(col(UserRow.id).in_(reached), col(UserRow.id).not_in(with_role))
    rows = session.exec(select(UserRow).where(wanted).order_by(col(UserRow.id))).all()
    grants: defaultdict[str, set[Grant]] = defaultdict(set)
    for role in session.exec(select(RoleRow).join(UserRow).where(wanted)):
        grants[role.user_id].add(Grant(AreaId(role.area_id), Role(role.role)))
    return [as_user(row, frozenset(grants[row.id])) for row in rows]


def has_own_password(row: UserRow) -> bool:
    """Whether the person chose the password."""
    return row.password_hash is not None and not row.must_change


def as_user(row: UserRow, grants: frozenset[Grant]) -> User:
    """The row as the rest of the controller knows it."""
    return User(
        id=row.id,
        name=row.name,
        phone=row.phone,
        active=row.active,
        created_at=row.created_at,
        grants=grants,
        address=Address(row.address) if row.address else None,
        email=row.email,
        mail_notices=row.mail_notices,
        must_change=row.must_change,
        has_own_password=has_own_password(row),
        invited_until=row.invite_until if row.invite_hash else None,
    )


_KNOWN = (
    sqlalchemy.select(
        col(SessionRow.kind),
        col(SessionRow.csrf),
        col(SessionRow.expires_at),
        col(UserRow.id),
        col(UserRow.name),
        col(UserRow.active),
        col(UserRow.must_change),
        col(SessionRow.created_at),
        col(SessionRow.seen_at),
        col(UserRow.factor_due_at),
        sqlalchemy.exists()
        .where(col(FactorRow.user_id) == col(UserRow.id), col(FactorRow.confirmed_at).is_not(None))
        .label("has_factor"),
        col(RoleRow.area_id),
        col(RoleRow.role),
    )
    .join(UserRow, col(UserRow.id) == col(SessionRow.user_id))
    .outerjoin(RoleRow, col(RoleRow.user_id) == col(UserRow.id))
    .where(col(SessionRow.token_hash) == bindparam("hash"))
)
