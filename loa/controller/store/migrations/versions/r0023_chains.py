"""The envelopes in which reports came, and how far each journal's chain was followed."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what was not there."""
    op.create_table(
        "envelopes",
        sa.Column("node_id", sa.String(length=64), nullable=False),
        sa.Column("journal_id", sa.String(length=32), nullable=False),
        sa.Column("first_number", sa.BigInteger(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("key_x", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("node_id", "journal_id", "first_number", "last_number"),
    )
    op.create_index("ix_envelopes_received_at", "envelopes", ["received_at"], unique=False)
    op.create_table(
        "chains",
        sa.Column("node_id", sa.String(length=64), nullable=False),
        sa.Column("journal_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.String(length=43), nullable=True),
        sa.Column("broken_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("node_id", "journal_id"),
    )
