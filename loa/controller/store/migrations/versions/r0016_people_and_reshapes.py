"""People's address, e-mail and invitation; merged and split areas; what mails told."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what was not there."""
    op.add_column("users", sa.Column("address", sa.String(length=8), nullable=True))
    op.add_column("users", sa.Column("email", sa.String(length=254), nullable=True))
    for name in ("mail_notices", "must_change"):
        op.add_column("users", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("users", sa.Column("invite_hash", sa.String(length=64), nullable=True))
    op.add_column("users", sa.Column("invite_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_users_invite_hash", "users", ["invite_hash"], unique=True)
    op.create_table(
        "reshapes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("area_id", sa.String(), nullable=False),
        sa.Column("other_id", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"]),
        sa.ForeignKeyConstraint(["other_id"], ["areas.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_reshapes_area_id", "reshapes", ["area_id"], unique=False)
    op.create_index("ix_reshapes_other_id", "reshapes", ["other_id"], unique=False)
    op.create_table(
        "mails",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("user_id"),
    )
