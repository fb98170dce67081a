"""Insert or update many rows in one statement: SQLite and PostgreSQL speak the same here."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

import sqlalchemy
from sqlalchemy import Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

Row = dict[str, Any]
"""Column to value; all rows of one call have the same columns."""


def insert(session: Session, model: type[SQLModel], row: Row) -> None:
    """Insert one row at once, without the detour over an object; raises IntegrityError where it is there."""
    session.connection().execute(_plain(model), row)


def insert_new(session: Session, model: type[SQLModel], rows: Sequence[Row]) -> None:
    """Insert the rows that are not there yet, by any unique key."""
    if rows:
        statement = _insert(session.get_bind().dialect.name, model).on_conflict_do_nothing()
        session.connection().execute(statement, list(rows))


def upsert(
    session: Session,
    model: type[SQLModel],
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    update: Collection[str],
    where: str | None = None,
) -> None:
    """Insert the rows; where one with that `key` is there, set its columns `update` to the new values.

    `where` is SQL of our own that says which ones are set; `excluded` is the new row.
    """
    if not rows:
        return
    dialect = session.get_bind().dialect.name
    statement = _upserting(dialect, model, tuple(key), tuple(sorted(update)), where)
    session.connection().execute(statement, list(rows))


# Statements are made once: making one takes as long as running it.


@cache
def _plain(model: type[SQLModel]) -> Insert:
    return sqlalchemy.insert(model)


@cache
def _upserting(
    dialect: str, model: type[SQLModel], key: tuple[str, ...], update: tuple[str, ...], where: str | None
) -> Insert:
    # spelt out: `insert.excluded` is made anew for each statement, and takes longer than all the rest
    new: Row = {name: sqlalchemy.literal_column(f'excluded."{name}"') for name in update}
    made: Insert = _insert(dialect, model).on_conflict_do_update(
        index_elements=list(key), set_=new, where=None if where is None else sqlalchemy.text(where)
    )
    return made


def _insert(dialect: str, model: type[SQLModel]) -> Any:  # noqa: ANN401 -- the two dialects share no type
    return postgresql.insert(_table(model)) if dialect == "postgresql" else sqlite.insert(_table(model))


def _table(model: type[SQLModel]) -> Table:
    table: Table = model.__table__  # type: ignore[attr-defined]  # SQLModel gives it to every table class
    return table
