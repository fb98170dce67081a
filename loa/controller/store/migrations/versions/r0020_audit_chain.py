"""The audit trail becomes a chain that the database only lengthens; what is there is chained as it stands."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from loa.controller.core.trail import GENESIS, Line, digest_of

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_AT_ONCE = 1_000
_AUDIT = sa.table(
    "audit",
    sa.column("id", sa.Integer()),
    sa.column("at", sa.DateTime(timezone=True)),
    *(sa.column(name) for name in ("user_id", "act", "area_id", "subject", "detail", "previous", "digest")),
)


def upgrade() -> None:
    """Chain the lines, and have the database refuse every change but a line that follows the last."""
    for name in ("previous", "digest"):
        column = sa.Column(name, sa.String(length=64), nullable=False, server_default=sa.text("''"))
        op.add_column("audit", column)
    connection = op.get_bind()
    _chain(connection)
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def _chain(connection: sa.Connection) -> None:
    change = (
        _AUDIT.update()
        .where(_AUDIT.c.id == sa.bindparam("line"))
        .values(previous=sa.bindparam("before"), digest=sa.bindparam("own"))
    )
    before = GENESIS
    for rows in _batches(connection):
        changes: list[dict[str, Any]] = []
        for row in rows:
            own = digest_of(_line(row, before))
            changes.append({"line": row.id, "before": before, "own": own})
            before = own
        connection.execute(change, changes)


def _batches(connection: sa.Connection) -> Iterator[list[Any]]:
    last = 0
    while True:
        some = sa.select(_AUDIT).where(_AUDIT.c.id > last).order_by(_AUDIT.c.id).limit(_AT_ONCE)
        rows = list(connection.execute(some))
        if not rows:
            return
        yield rows
        last = rows[-1].id


def _line(row: Any, before: str) -> Line:  # noqa: ANN401 -- a row of any database
    at: datetime = row.at
    return Line(
        id=row.id,
        at=at.replace(tzinfo=UTC) if at.tzinfo is None else at,
        user=row.user_id,
        act=row.act,
        area=row.area_id,
        subject=row.subject,
        detail=row.detail,
        previous=before,
    )


_LAST = "(SELECT digest FROM audit ORDER BY id DESC LIMIT 1)"
_FOLLOWS = f"NEW.previous = COALESCE({_LAST}, '{GENESIS}')"
_IS_LAST = "NOT EXISTS (SELECT 1 FROM audit WHERE id >= NEW.id)"
_STAYS = "'the audit trail is append only'"
_LAST_ONE = "'a line of the audit trail follows the last one'"
_SQLITE = (
    f"CREATE TRIGGER audit_kept BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, {_STAYS}); END",
    f"CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, {_STAYS}); END",
    # REPLACE deletes without a word to the trigger above
    f"""CREATE TRIGGER audit_follows BEFORE INSERT ON audit WHEN NOT ({_IS_LAST} AND {_FOLLOWS})
    BEGIN SELECT RAISE(ABORT, {_LAST_ONE}); END""",
)
_POSTGRESQL = (
    f"""CREATE FUNCTION loa_audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION {_STAYS}; END $$""",
    """CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION loa_audit_stays()""",
    """CREATE TRIGGER audit_stays BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION loa_audit_stays()""",
    f"""CREATE FUNCTION loa_audit_follows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NOT ({_IS_LAST} AND {_FOLLOWS}) THEN RAISE EXCEPTION {_LAST_ONE}; END IF; RETURN NEW; END $$""",
    """CREATE TRIGGER audit_follows BEFORE INSERT ON audit
    FOR EACH ROW EXECUTE FUNCTION loa_audit_follows()""",
)
