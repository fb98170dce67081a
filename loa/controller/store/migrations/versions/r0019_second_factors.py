"""Second factors, known devices, sessions that were seen, and recoveries by two."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what was not there."""
    op.add_column("users", sa.Column("factor_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
    _table(
        "factors",
        _key("id", 32),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        _moment("made_at"),
        _moment("confirmed_at", nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
    )
    _table("recovery_codes", _key("code_hash", 64), _moment("made_at"), _moment("used_at", nullable=True))
    op.create_table(
        "devices",
        sa.Column("user_id", sa.String(), nullable=False),
        _key("device_hash", 64),
        _moment("seen_at"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("user_id", "device_hash"),
    )
    _table(
        "recoveries",
        _key("id", 32),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        _moment("opened_at"),
        sa.Column("first_hash", sa.String(length=64), nullable=False),
        sa.Column("confirmed_by", sa.String(length=64), nullable=True),
        _moment("confirmed_at", nullable=True),
        sa.Column("second_hash", sa.String(length=64), nullable=True),
        _moment("until"),
        _moment("ended_at", nullable=True),
        sa.Column("how", sa.String(length=16), nullable=True),
    )


def _table(name: str, key: sa.Column[str], *columns: sa.Column[object]) -> None:
    """Something that belongs to a user."""
    user = sa.Column("user_id", sa.String(), nullable=False)
    owner = sa.ForeignKeyConstraint(["user_id"], ["users.id"])
    op.create_table(name, key, user, *columns, owner, sa.PrimaryKeyConstraint(key.name))
    op.create_index(f"ix_{name}_user_id", name, ["user_id"], unique=False)


def _key(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
