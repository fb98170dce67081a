"""Where things were before the last change, so that it can be taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("whereabouts", sa.Column("before", sa.Text(), nullable=True))
