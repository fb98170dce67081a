"""Tables of administration: merged and split areas, and what mails told."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from loa.controller.store.columns import Moment


def moment(*, nullable: bool = False) -> Any:  # noqa: ANN401 -- SQLModel's Field is untyped, too
    """A column of an instant."""
    return Field(sa_column=Column(Moment, nullable=nullable), default=None)


def text() -> Any:  # noqa: ANN401 -- as above
    """A column of text without a limit."""
    return Field(sa_column=Column(Text, nullable=False), default=None)


class ReshapeRow(SQLModel, table=True):
    """A merging or splitting of areas, with what undoes it."""

    __tablename__ = "reshapes"
    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=16)
    area_id: str = Field(foreign_key="areas.id", index=True)
    """The area that remains: what was merged into, or what was split."""
    other_id: str = Field(foreign_key="areas.id", index=True)
    """The area that was merged into it, or that was split off."""
    at: datetime = moment()
    by: str = Field(max_length=64)
    before: str = text()
    """JSON of `loa.controller.core.reshapes.Before`."""
    undone_at: datetime | None = moment(nullable=True)


class MailRow(SQLModel, table=True):
    """What a person was told last by e-mail, and how the sending goes."""

    __tablename__ = "mails"
    user_id: str = Field(primary_key=True, foreign_key="users.id")
    sent_at: datetime | None = moment(nullable=True)
    told: str = text()
    """JSON list of the keys of what the last mail told."""
    tried_at: datetime | None = moment(nullable=True)
    failures: int = 0
    """In a row; 0: the last attempt went well."""
    failure: str = Field(default="", max_length=500)
