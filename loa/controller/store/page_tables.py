"""Tables that serve the pages alone: versions of bulletins, kept filters, calendars."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from loa.controller.store.columns import moment, text_column


class VersionRow(SQLModel, table=True):
    """What a bulletin said at one of its revisions."""

    __tablename__ = "versions"
    bulletin_id: str = Field(primary_key=True, foreign_key="bulletins.id", max_length=32)
    revision: int = Field(primary_key=True)
    act: str = Field(max_length=16)
    """saved, submitted, returned."""
    at: datetime = moment()
    by: str = Field(max_length=64)
    comment: str | None = text_column(nullable=True)
    draft: str = text_column()
    """JSON (`loa.controller.core.bulletins.Draft`)."""


class SavedFilterRow(SQLModel, table=True):
    """A choice of the log's lines that a person gave a name."""

    __tablename__ = "saved_filters"
    __table_args__ = (UniqueConstraint("user_id", "name"),)
    id: str = Field(primary_key=True, max_length=32)
    user_id: str = Field(foreign_key="users.id", max_length=64)
    name: str = Field(max_length=80)
    query: str = text_column()
    created_at: datetime = moment()


class FeedRow(SQLModel, table=True):
    """A person's subscription to the schedule of an area; only the hash of its secret is kept."""

    __tablename__ = "feeds"
    user_id: str = Field(primary_key=True, foreign_key="users.id", max_length=64)
    area_id: str = Field(primary_key=True, foreign_key="areas.id", max_length=64)
    token_hash: str = Field(max_length=64, unique=True)
    created_at: datetime = moment()
