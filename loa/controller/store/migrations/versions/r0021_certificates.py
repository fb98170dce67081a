"""Certificates of nodes in place of their passwords at the broker; nodes enrolled before enrol anew."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and forget the passwords."""
    op.create_table(
        "certificates",
        sa.Column("serial", sa.String(length=40), primary_key=True),
        sa.Column("node_id", sa.String(length=64), sa.ForeignKey("nodes.id"), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index("ix_certificates_node_id", "certificates", ["node_id"])
    op.drop_column("nodes", "mqtt_hash")
