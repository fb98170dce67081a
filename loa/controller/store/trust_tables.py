"""Tables of trust: people's passkeys, the papers that root and keepers sign, and what nodes signed."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from loa.controller.store.columns import moment, off, text_column


class PasskeyRow(SQLModel, table=True):
    """The public half of a person's passkey; kept when it is put away, since lost ones must be named."""

    __tablename__ = "passkeys"
    id: str = Field(primary_key=True, max_length=32)
    user_id: str = Field(foreign_key="users.id", max_length=64, index=True)
    credential: str = Field(max_length=1364, unique=True)
    """Base64url, as the authenticator chose it."""
    key: str = text_column()
    """SubjectPublicKeyInfo (DER) in base64url."""
    name: str = Field(max_length=80)
    created_at: datetime = moment()
    used_at: datetime | None = moment(nullable=True)
    removed_at: datetime | None = moment(nullable=True)
    lost: bool = off()
    """What it has signed is to count no more."""


class AppointmentRow(SQLModel, table=True):
    """The keepers of an area, as the root key sealed it; every version is kept."""

    __tablename__ = "appointments"
    area_id: str = Field(primary_key=True, foreign_key="areas.id", max_length=64)
    version: int = Field(primary_key=True, sa_type=BigInteger)
    sealed: str = text_column()
    imported_at: datetime = moment()


class PaperRow(SQLModel, table=True):
    """A roster or a charter: the very bytes that keepers sign, and their signatures so far."""

    __tablename__ = "papers"
    id: str = Field(primary_key=True, max_length=32)
    area_id: str = Field(foreign_key="areas.id", max_length=64, index=True)
    kind: str = Field(max_length=16)
    appointment: int = Field(sa_type=BigInteger)
    """The version of the appointment whose keepers sign it."""
    document: str = text_column()
    signatures: str = text_column()
    """JSON: an assertion (`loa.protocol.passkey`) by keeper."""
    composed_at: datetime = moment()
    composed_by: str = Field(max_length=64)
    signed_at: datetime | None = moment(nullable=True)
    """Since when enough keepers have signed it; None while it waits for them."""


class HalfApprovedRow(SQLModel, table=True):
    """A broadcast that one person has signed and that waits for a second one, on another device."""

    __tablename__ = "half_approved"
    bulletin_id: str = Field(primary_key=True, foreign_key="bulletins.id", max_length=32)
    revision: int
    document: str = text_column()
    approvals: str = text_column()
    """JSON list (`loa.protocol.broadcast.PasskeyApproval`)."""
    composed_at: datetime = moment()


class EnvelopeRow(SQLModel, table=True):
    """A batch of reports in the very envelope in which it came: what proves lines of the log."""

    __tablename__ = "envelopes"
    node_id: str = Field(primary_key=True, max_length=64)
    journal_id: str = Field(primary_key=True, max_length=32)
    first_number: int = Field(primary_key=True, sa_type=BigInteger)
    last_number: int = Field(primary_key=True, sa_type=BigInteger)
    key_x: str = Field(max_length=64)
    """The node's public key at that time, with which it was verified."""
    sealed: str = text_column()
    received_at: datetime = moment(index=True)


class ChainRow(SQLModel, table=True):
    """How far the chain of a node's journal was followed."""

    __tablename__ = "chains"
    node_id: str = Field(primary_key=True, max_length=64)
    journal_id: str = Field(primary_key=True, max_length=32)
    number: int = Field(sa_type=BigInteger)
    chain: str | None = Field(default=None, max_length=43)
    """After the report of that number; None from nodes that do not chain."""
    broken_at: datetime | None = moment(nullable=True)
    """When it was said at last that it is broken."""
