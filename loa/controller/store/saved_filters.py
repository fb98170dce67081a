"""People's saved filters."""

from datetime import datetime

from sqlmodel import Session, col, select

from loa.controller.store.page_tables import SavedFilterRow


def filters_of(session: Session, user: str) -> list[SavedFilterRow]:
    """The person's filters, by name."""
    wanted = select(SavedFilterRow).where(SavedFilterRow.user_id == user)
    return list(session.exec(wanted.order_by(col(SavedFilterRow.name))))


def add_filter(session: Session, id_: str, *, user: str, name: str, query: str, at: datetime) -> None:
    """Insert it."""
    session.add(SavedFilterRow(id=id_, user_id=user, name=name, query=query, created_at=at))


def delete_filter(session: Session, user: str, id_: str) -> bool:
    """Whether there was one of this person."""
    row = session.get(SavedFilterRow, id_)
    if row is None or row.user_id != user:
        return False
    session.delete(row)
    return True
