"""Insert or update many rows in one statement: SQLite and PostgreSQL speak the same here."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

Row = dict[str, Any]
"""Column to value; all rows of one call have the same columns."""


def insert(session: Session, model: type[SQLModel], row: Row) -> None:
    """Insert one row at once, without the detour over an object; raises IntegrityError where it is there."""
    session.connection().execute(sqlalchemy.insert(model), row)


def insert_new(session: Session, model: type[SQLModel], rows: Sequence[Row]) -> None:
    """Insert the rows that are not there yet, by any unique key."""
    if rows:
        session.connection().execute(_insert(session, model).on_conflict_do_nothing(), list(rows))


def upsert(
    session: Session,
    model: type[SQLModel],
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    update: Collection[str],
    where: sqlalchemy.ColumnElement[bool] | None = None,
) -> None:
    """Insert the rows; where one with that `key` is there, set its columns `update` to the new values.

    With `where` only those that are there and fit it; the others stay as they are.
    """
    if not rows:
        return
    # spelt out: `insert.excluded` is made anew for each statement, and takes longer than all the rest
    new: Row = {name: sqlalchemy.literal_column(f'excluded."{name}"') for name in sorted(update)}
    statement = _insert(session, model).on_conflict_do_update(index_elements=list(key), set_=new, where=where)
    session.connection().execute(statement, list(rows))


def _insert(session: Session, model: type[SQLModel]) -> Any:  # noqa: ANN401 -- the two dialects share no type
    table: Table = model.__table__  # type: ignore[attr-defined]  # SQLModel gives it to every table class
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
