"""Evidence in the lines of the log; self-tests of nodes."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    for table, column in _columns():
        op.add_column(table, column)


def _columns() -> list[tuple[str, sa.Column[object]]]:
    return [
        ("log", sa.Column("rendered", sa.Boolean(), nullable=True)),
        ("log", sa.Column("heard", sa.Boolean(), nullable=True)),
        ("log", sa.Column("evidence", sa.Text(), nullable=True)),
        ("nodes", sa.Column("self_test_at", sa.String(5), nullable=True)),
        ("nodes", sa.Column("self_test_asked_at", sa.DateTime(timezone=True), nullable=True)),
        ("nodes", sa.Column("self_test", sa.Text(), nullable=True)),
    ]
