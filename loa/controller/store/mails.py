"""What people were told by e-mail."""

from collections.abc import Collection

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from loa.controller.core.people import User
from loa.controller.store.admin_tables import MailRow
from loa.controller.store.areas import below
from loa.controller.store.people import as_user, grants_of
from loa.controller.store.tables import RoleRow, UserRow


def wanting(session: Session) -> list[User]:
    """Who asked for mails and can sign in, by id."""
    return _people(session, col(UserRow.mail_notices).is_(True))


def reachable(session: Session) -> list[User]:
    """Who has an address and can sign in, by id."""
    return _people(session)


def _people(session: Session, *conditions: ColumnElement[bool]) -> list[User]:
    wanted = select(UserRow).where(col(UserRow.active), col(UserRow.email).is_not(None), *conditions)
    rows = session.exec(wanted.order_by(col(UserRow.id)))
    return [as_user(row, grants_of(session, row.id)) for row in rows]


def mail_of(session: Session, user_id: str) -> MailRow:
    """What is kept of the person's mails, detached; fresh where there is nothing."""
    row = session.get(MailRow, user_id)
    return MailRow(user_id=user_id, told="[]") if row is None else MailRow(**row.model_dump())


def store_mail(session: Session, user_id: str, row: MailRow) -> None:
    """Keep it."""
    kept = session.get(MailRow, user_id) or MailRow(user_id=user_id, told="[]")
    kept.sqlmodel_update(row.model_dump())
    session.add(kept)


def failing(session: Session, areas: Collection[str]) -> list[tuple[MailRow, str]]:
    """Those whose last mail failed, among people with a role in these areas or below; with their names."""
    reached = select(RoleRow.user_id).where(col(RoleRow.area_id).in_(select(below(areas).c.id)))
    wanted = (
        select(MailRow, UserRow.name)
        .join(UserRow)
        .where(col(MailRow.failures) > 0, col(MailRow.user_id).in_(reached), col(UserRow.mail_notices))
        .order_by(col(MailRow.user_id))
    )
    return list(session.exec(wanted))
