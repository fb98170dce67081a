"""Which machine and which card speak under a node's name."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is known of those that spoke before."""
    op.add_column("nodes", sa.Column("identities", sa.Text(), nullable=True))
