import socket
import threading
import time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import SQLModel, select

from loa.controller.errors import ControllerError, DiskFull, Unavailable
from loa.controller.store.database import Database
from loa.controller.store.tables import MetaRow


class BoomError(Exception):
    pass


def meta(db: Database) -> dict[str, str]:
    with db.look() as session:
        return {row.key: row.value for row in session.exec(select(MetaRow))}


def test_the_migrated_tables_are_the_tables_of_the_code(db: Database) -> None:
    with db.look() as session:
        context = MigrationContext.configure(
            session.connection(), opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrating_again_changes_nothing(db: Database) -> None:
    with db.work() as work:
        work.session.add(MetaRow(key="installation", value="one"))
    db.migrate()
    assert meta(db) == {"installation": "one"}


def test_work_is_committed_at_the_end_and_then_the_acts_are_called_in_order(db: Database) -> None:
    seen: list[object] = []
    with db.work() as work:
        work.session.add(MetaRow(key="a", value="1"))
        work.after_commit(lambda: seen.append(meta(db)))
        work.after_commit(lambda: seen.append("second"))
        work.after_commit(lambda: seen.append("in haste"), first=True)
        assert seen == []
    assert seen == ["in haste", {"a": "1"}, "second"]


def test_an_error_rolls_back_and_calls_no_act(db: Database) -> None:
    seen: list[str] = []

    def fail() -> None:
        with db.work() as work:
            work.session.add(MetaRow(key="a", value="1"))
            work.session.flush()
            work.after_commit(lambda: seen.append("called"))
            raise BoomError

    with pytest.raises(BoomError):
        fail()
    assert (meta(db), seen) == ({}, [])


def test_an_act_may_write_in_a_transaction_of_its_own(db: Database) -> None:
    def write() -> None:
        with db.work() as work:
            work.session.add(MetaRow(key="later", value="1"))

    with db.work() as work:
        work.after_commit(write)
    assert meta(db) == {"later": "1"}


def test_what_is_written_while_looking_is_thrown_away(db: Database) -> None:
    with db.look() as session:
        session.add(MetaRow(key="a", value="1"))
        session.flush()
    assert meta(db) == {}


def test_writers_of_two_processes_take_turns(db: Database) -> None:
    other = Database(db.url.render_as_string(hide_password=False))
    with db.work() as work:
        work.session.add(MetaRow(key="count", value="0"))

    def count(database: Database) -> None:
        for _ in range(20):
            with database.work() as work:
                row = work.session.get_one(MetaRow, "count")
                row.value = str(int(row.value) + 1)

    threads = [threading.Thread(target=count, args=(one,)) for one in (db, db, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert meta(db) == {"count": "60"}


def test_a_writer_that_waits_too_long_is_told_to_come_again(sqlite_db: Database) -> None:
    impatient = Database(str(sqlite_db.url), busy_timeout_s=0.05)
    with sqlite_db.work(), pytest.raises(Unavailable) as refused, impatient.work():
        pass
    impatient.close()
    assert refused.value.code == "database_unavailable"


def test_a_full_disk_loses_nothing_and_says_what_to_do(sqlite_db: Database) -> None:
    def fill() -> None:
        with sqlite_db.work() as work:
            pages = work.session.connection().execute(text("PRAGMA page_count")).scalar_one()
            work.session.connection().execute(text(f"PRAGMA max_page_count={pages}"))
            work.session.add(MetaRow(key="big", value="x" * 1_000_000))

    with sqlite_db.work() as work:
        work.session.add(MetaRow(key="before", value="1"))
    with pytest.raises(DiskFull) as refused:
        fill()
    assert (refused.value.status, "free space" in refused.value.detail) == (507, True)
    assert meta(sqlite_db) == {"before": "1"}


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all/loa.db", "postgresql+psycopg://loa@/loa?host=/nowhere"]
)
def test_a_database_that_is_not_there_is_unavailable(url: str) -> None:
    database = Database(url, busy_timeout_s=0.1)
    for act in (database.check, database.migrate):
        with pytest.raises(ControllerError) as refused:
            act()
        assert (refused.value.status, refused.value.code) == (503, "database_unavailable")
    database.close()


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        database = Database(f"postgresql+psycopg://loa@127.0.0.1:{mute.getsockname()[1]}/loa")
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            database.check()
        assert time.monotonic() - begun < 60
        database.close()
