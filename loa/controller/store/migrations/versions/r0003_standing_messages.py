"""Which recording stands for which standing message; how long a siren sounded in place of an emergency."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table and a column."""
    op.create_table(
        "standing_messages",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("recording", sa.String(length=64), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["recording"], ["recordings.sha256"]),
        sa.PrimaryKeyConstraint("name"),
    )
    op.add_column("log", sa.Column("siren_ms", sa.Integer(), nullable=True))
