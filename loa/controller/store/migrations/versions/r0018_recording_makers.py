"""Whose recordings are, and indexes to find where one stands."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each recording is of who made it first, until somebody makes the same one."""
    op.create_table(
        "recording_makers",
        sa.Column("recording", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["recording"], ["recordings.sha256"]),
        sa.PrimaryKeyConstraint("recording", "user_id"),
    )
    op.execute("INSERT INTO recording_makers (recording, user_id) SELECT sha256, created_by FROM recordings")
    op.create_index("ix_bulletins_recording", "bulletins", ["recording"], unique=False)
    op.create_index("ix_inbox_broadcast_id", "inbox", ["broadcast_id"], unique=False)
