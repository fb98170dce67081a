"""Drills: bulletins that are one, and their lines in the log; NULL is no drill."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("bulletins", sa.Column("drill", sa.Boolean(), nullable=True))
    op.add_column("log", sa.Column("drill", sa.Boolean(), nullable=True))
