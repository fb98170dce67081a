"""The log for millions of lines: where nodes were, titles to search, an index a filter; saved filters."""

import sqlalchemy as sa
from alembic import op

from loa.controller.core.slugs import plain

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_OLD = ("ix_log_broadcast_id", "ix_log_outcome", "log_by_area_time", "log_by_node_time", "log_by_time")
_NEW = {
    "log_by_time": ("planned_at", "id", "area_id"),
    "log_by_area_time": ("area_id", "planned_at", "id"),
    "log_by_node_time": ("node_id", "planned_at", "id"),
    "log_by_broadcast_time": ("broadcast_id", "planned_at", "id"),
    "log_by_outcome_time": ("outcome", "planned_at", "id", "area_id"),
    "log_by_class_time": ("class", "planned_at", "id", "area_id"),
    "log_by_field_time": ("field", "planned_at", "id", "area_id"),
}
_PARTIAL = {"log_not_rendered": "rendered", "log_not_heard": "heard"}


def upgrade() -> None:
    """Make the tables, fill them from what is there, and let the database keep them."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    _places(sqlite=sqlite)
    _titles()
    for name in _OLD:
        op.drop_index(name, table_name="log")
    for name, columns in _NEW.items():
        op.create_index(name, "log", list(columns), unique=False)
    for name, column in _PARTIAL.items():
        op.create_index(
            name,
            "log",
            ["planned_at", "id", "area_id"],
            unique=False,
            sqlite_where=sa.text(f"{column} = 0"),
            postgresql_where=sa.text(f"{column} = false"),
        )
    _filters()


def _places(*, sqlite: bool) -> None:
    op.create_table(
        "log_places",
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("area_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("path", "area_id"),
    )
    op.execute("INSERT INTO log_places (path, area_id) SELECT DISTINCT path, area_id FROM log")
    for statement in _SQLITE_TRIGGER if sqlite else _POSTGRESQL_TRIGGER:
        op.execute(statement)


def _titles() -> None:
    op.add_column("broadcasts", sa.Column("folded_title", sa.Text(), nullable=True))
    broadcasts = sa.table("broadcasts", sa.column("title"), sa.column("folded_title"))
    connection = op.get_bind()
    for title in list(connection.execute(sa.select(broadcasts.c.title).distinct()).scalars()):
        change = broadcasts.update().where(broadcasts.c.title == title).values(folded_title=plain(title))
        connection.execute(change)


def _filters() -> None:
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "name"),
    )


_SQLITE_TRIGGER = (
    """CREATE TRIGGER log_places_kept AFTER INSERT ON log
    WHEN NOT EXISTS (SELECT 1 FROM log_places WHERE path = NEW.path AND area_id = NEW.area_id)
    BEGIN INSERT INTO log_places (path, area_id) VALUES (NEW.path, NEW.area_id); END""",
)
_POSTGRESQL_TRIGGER = (
    """CREATE FUNCTION log_places_keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO log_places (path, area_id) SELECT DISTINCT path, area_id FROM fresh
        ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER log_places_kept AFTER INSERT ON log REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION log_places_keep()""",
)
