"""How the machines of nodes are: concerns and settings of a node, and a series of its health."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what was not there."""
    op.add_column("nodes", sa.Column("settings", sa.Text(), nullable=True))
    op.add_column("nodes", sa.Column("concerns", sa.Text(), nullable=True))
    op.create_table(
        "health",
        sa.Column("node_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("free_bytes", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["areas.id"]),
        sa.PrimaryKeyConstraint("node_id", "at"),
    )
    op.create_index("ix_health_at", "health", ["at"], unique=False)
