"""Tables of signing in: second factors, codes on paper, known devices, recoveries by two people."""

from datetime import datetime

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, SQLModel

from loa.controller.store.columns import moment as _moment
from loa.controller.store.columns import text_column as _text


class FactorRow(SQLModel, table=True):
    """Something that a person has, beside the password that a person knows."""

    __tablename__ = "factors"
    id: str = Field(primary_key=True, max_length=32)
    user_id: str = Field(foreign_key="users.id", index=True)
    kind: str = Field(max_length=16)
    """`loa.controller.core.factors.FactorKind`."""
    secret: str = _text()
    """Sealed with a key that is not in the database."""
    made_at: datetime = _moment()
    confirmed_at: datetime | None = _moment(nullable=True)
    """None: the person has yet to show that it works."""
    last_step: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    """The time step of the last code that was taken: neither it nor one before is taken again."""


class RecoveryCodeRow(SQLModel, table=True):
    """A code on paper that stands in for the factor once."""

    __tablename__ = "recovery_codes"
    code_hash: str = Field(primary_key=True, max_length=64)
    user_id: str = Field(foreign_key="users.id", index=True)
    made_at: datetime = _moment()
    used_at: datetime | None = _moment(nullable=True)


class DeviceRow(SQLModel, table=True):
    """A browser in which a person has signed in before; strangers who guess do not slow it down."""

    __tablename__ = "devices"
    user_id: str = Field(primary_key=True, foreign_key="users.id")
    device_hash: str = Field(primary_key=True, max_length=64)
    seen_at: datetime = _moment()


class RecoveryRow(SQLModel, table=True):
    """Two administrators bring a person back who lost password or factor; each gives one half of the code."""

    __tablename__ = "recoveries"
    id: str = Field(primary_key=True, max_length=32)
    user_id: str = Field(foreign_key="users.id", index=True)
    reason: str = Field(max_length=200)
    opened_by: str = Field(max_length=64)
    opened_at: datetime = _moment()
    first_hash: str = Field(max_length=64)
    confirmed_by: str | None = Field(default=None, max_length=64)
    confirmed_at: datetime | None = _moment(nullable=True)
    second_hash: str | None = Field(default=None, max_length=64)
    until: datetime = _moment()
    ended_at: datetime | None = _moment(nullable=True)
    how: str | None = Field(default=None, max_length=16)
    """`loa.controller.core.factors.RecoveryEnd`."""
