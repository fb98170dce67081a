"""Kinds of columns that tables share, and what the database makes of them by itself."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, Index, Text, false, text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field

from loa.controller.core.slugs import plain


class Moment(TypeDecorator[datetime]):
    """An aware UTC instant; SQLite forgets the zone, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the column, in UTC."""
        del dialect
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the column, aware."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def moment(*, nullable: bool = False, index: bool = False) -> Any:  # noqa: ANN401 -- SQLModel's Field is untyped, too
    """A column of instants."""
    return Field(sa_column=Column(Moment, nullable=nullable, index=index), default=None)


def text_column(*, nullable: bool = False) -> Any:  # noqa: ANN401 -- as above
    """A column of texts of any length."""
    return Field(sa_column=Column(Text, nullable=nullable), default=None)


def digest() -> Any:  # noqa: ANN401 -- as above
    """A column of SHA-256 in hex; empty in lines from before there was one."""
    return Field(default="", max_length=64, sa_column_kwargs={"server_default": text("''")})


def off() -> Any:  # noqa: ANN401 -- as above
    """A column of yes and no that starts as no."""
    return Field(default=False, sa_column_kwargs={"server_default": false()})


def folded(context: Any) -> str:  # noqa: ANN401 -- SQLAlchemy's context of an insertion is untyped
    """The default of a column that holds the title as it is searched for."""
    return plain(context.get_current_parameters()["title"])


def lacking(name: str, ear: str) -> Index:
    """Of the lines that an ear missed alone: they are few."""
    return Index(
        name,
        "planned_at",
        "id",
        "area_id",
        sqlite_where=text(f"{ear} = 0"),
        postgresql_where=text(f"{ear} = false"),
    )
