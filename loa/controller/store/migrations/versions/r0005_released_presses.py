"""Which press of a node's STOP button the console released."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no node has a press yet."""
    op.add_column("nodes", sa.Column("released", sa.String(length=32), nullable=True))
