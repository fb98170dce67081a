"""Where things are, whom to call there, and an index that finds silent horns quickly."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

_MISSED = sa.text("(rendered IS false OR heard IS false)")


def upgrade() -> None:
    """Add what was not there."""
    op.create_index(
        "log_missed_by_ears",
        "log",
        ["planned_at"],
        unique=False,
        sqlite_where=_MISSED,
        postgresql_where=_MISSED,
    )
    op.create_table(
        "whereabouts",
        sa.Column("area_id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("contact_name", sa.String(length=200), nullable=True),
        sa.Column("contact_phone", sa.String(length=32), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("outline", sa.Text(), nullable=True),
        sa.Column("updated_by", sa.String(length=64), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"]),
        sa.PrimaryKeyConstraint("area_id"),
    )
