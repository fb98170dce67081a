"""The audit trail as a chain: nothing is changed, taken out, put in or cut off unseen."""

import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import DateTime, bindparam, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import create_engine

from loa.controller.core.trail import (
    EMPTY,
    GENESIS,
    Broken,
    Fault,
    Head,
    Line,
    Sealed,
    digest_of,
    exported,
    verify,
)
from loa.controller.services.audit import Audit
from loa.controller.store import audits
from loa.controller.store.database import Database
from loa.controller.store.migrate import FOLDER
from tests.controller.conftest import BACKENDS
from tests.controller.postgresql import Cluster
from tests.fakes.controller import START, FakeClock

ROOT = Path(__file__).parents[2]
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
contents = st.builds(
    Line,
    id=st.just(0),
    at=st.datetimes(timezones=st.just(UTC)),
    user=words,
    act=words,
    area=st.none() | words,
    subject=words,
    detail=words,
    previous=st.just(""),
)
chains = st.lists(contents, min_size=1, max_size=8)


def chained(lines: list[Line]) -> list[Sealed]:
    made: list[Sealed] = []
    for number, line in enumerate(lines, 1):
        placed = replace(line, id=number, previous=made[-1].digest if made else GENESIS)
        made.append(Sealed(placed, digest_of(placed)))
    return made


@given(chains)
def test_a_chain_holds_with_each_of_its_heads(lines: list[Line]) -> None:
    chain = chained(lines)
    for one in (EMPTY, *(Head(sealed.line.id, sealed.digest) for sealed in chain)):
        assert verify(chain, one) == Head(len(chain), chain[-1].digest)


@given(chains, st.data())
def test_every_change_of_a_line_is_named_by_that_line(lines: list[Line], data: st.DataObject) -> None:
    chain = chained(lines)
    at = data.draw(st.integers(0, len(chain) - 1))
    other = data.draw(contents.map(lambda one: replace(one, id=at + 1, previous=chain[at].line.previous)))
    broken = [*chain[:at], Sealed(other, chain[at].digest), *chain[at + 1 :]]
    expected = (
        Head(len(chain), chain[-1].digest) if other == chain[at].line else Broken(at + 1, Fault.ALTERED)
    )
    assert verify(broken) == expected


@given(chains, st.data())
def test_a_line_taken_out_put_in_or_cut_off_is_named(lines: list[Line], data: st.DataObject) -> None:
    chain = chained(lines)
    at = data.draw(st.integers(0, len(chain) - 1))
    head = Head(len(chain), chain[-1].digest)
    without = chain[:at] + chain[at + 1 :]
    assert verify(without, head) == (
        Broken(at + 1, Fault.CUT) if at == len(chain) - 1 else Broken(at + 2, Fault.DETACHED)
    )
    assert verify(chain[:at], head) == Broken(at + 1, Fault.CUT)
    twice = [*chain[: at + 1], *chain[at:]]
    assert verify(twice, head) == Broken(at + 1, Fault.DETACHED)


@given(chains, st.data())
def test_a_chain_written_anew_does_not_hold_the_old_head(lines: list[Line], data: st.DataObject) -> None:
    chain = chained(lines)
    at = data.draw(st.integers(0, len(chain) - 1))
    anew = chained([*lines[:at], replace(lines[at], subject=lines[at].subject + "x"), *lines[at + 1 :]])
    assert isinstance(verify(anew), Head)
    assert verify(anew, Head(len(chain), chain[-1].digest)) == Broken(len(chain), Fault.REPLACED)


@given(chains)
def test_a_line_is_one_line_of_canonical_json_whatever_people_write(lines: list[Line]) -> None:
    for sealed in chained(lines):
        assert "\n" not in exported(sealed)


def note(db: Database, *subjects: str) -> None:
    audit = Audit(clock=FakeClock())
    for subject in subjects:
        with db.work() as work:
            audit.note(work, "mai", "area.changed", subject=subject, name="Xóm Mới — “thử”")


def chain_of(db: Database) -> list[Sealed]:
    with db.look() as session:
        return list(audits.all_lines(session))


@contextmanager
def owner(db: Database) -> Iterator[Callable[[str], object]]:
    """Somebody with the database's own password."""
    engine = create_engine(db.url)
    try:
        with engine.begin() as connection:
            yield lambda words: connection.execute(text(words))
    finally:
        engine.dispose()


def test_lines_of_one_transaction_and_of_two_processes_follow_each_other(db: Database) -> None:
    other = Database(db.url.render_as_string(hide_password=False))
    note(db, "a")
    note(other, "b")
    with db.work() as work:
        for subject in ("c", "d"):
            Audit(clock=FakeClock()).note(work, "mai", "area.changed", subject=subject)
    other.close()
    chain = chain_of(db)
    assert [sealed.line.subject for sealed in chain] == ["a", "b", "c", "d"]
    assert verify(chain) == Head(4, chain[-1].digest)


def test_a_long_chain_is_read_some_lines_at_a_time(sqlite_db: Database) -> None:
    length = 2 * audits.LINES_AT_ONCE + 1
    with sqlite_db.work() as work:
        for number in range(length):
            Audit(clock=FakeClock()).note(work, "mai", "area.changed", subject=str(number))
    chain = chain_of(sqlite_db)
    assert [sealed.line.subject for sealed in chain] == [str(number) for number in range(length)]
    assert verify(chain) == Head(length, chain[-1].digest)


FORBIDDEN = {
    "update": "UPDATE audit SET subject = 'x' WHERE id = 1",
    "delete": "DELETE FROM audit WHERE id = 2",
    "insert behind": "INSERT INTO audit (id, at, user_id, act, subject, detail, previous, digest)"
    " VALUES (3, '2026-01-01', 'x', 'x', '', '', '0', '')",
    "insert between": "INSERT INTO audit (id, at, user_id, act, subject, detail, previous, digest)"
    " SELECT -1, '2026-01-01', 'x', 'x', '', '', digest, '' FROM audit WHERE id = 2",
}


@pytest.mark.parametrize("how", FORBIDDEN)
def test_the_database_only_lengthens_the_trail(db: Database, how: str) -> None:
    note(db, "a", "b")
    before = chain_of(db)
    with pytest.raises(DatabaseError, match="audit trail"), owner(db) as run:
        run(FORBIDDEN[how])
    assert chain_of(db) == before


def test_sqlite_does_not_replace_a_line(sqlite_db: Database) -> None:
    note(sqlite_db, "a")
    with pytest.raises(DatabaseError, match="audit trail"), owner(sqlite_db) as run:
        run(
            "INSERT OR REPLACE INTO audit"
            " SELECT id, at, user_id, 'x', area_id, subject, detail, previous, digest FROM audit"
        )


def test_postgresql_does_not_empty_the_trail(db: Database) -> None:
    if db.sqlite:
        pytest.skip("SQLite has no TRUNCATE")
    note(db, "a")
    with pytest.raises(DatabaseError, match="audit trail"), owner(db) as run:
        run("TRUNCATE audit")


@pytest.fixture(params=BACKENDS)
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'old.db'}"
        return
    cluster: Cluster = request.getfixturevalue("postgresql")
    name = f"old_{uuid.uuid4().hex}"
    yield cluster.create(name)
    cluster.drop(name)


def migrate_to(url: str, revision: str) -> None:
    script = ScriptDirectory(str(FOLDER))
    engine = create_engine(url)
    steps = lambda rev, _context: script._upgrade_revs(revision, rev)  # noqa: E731 -- as store.migrate
    with engine.begin() as connection, EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()
    engine.dispose()


def test_lines_from_before_the_chain_are_chained_as_they_stand(old_url: str) -> None:
    migrate_to(old_url, "0019")
    ids = [number for number in range(1, 2_100) if number % 7]
    rows = [{"n": number, "at": START + timedelta(microseconds=number)} for number in ids]
    engine = create_engine(old_url)
    words = (
        "INSERT INTO audit (id, at, user_id, act, subject, detail) VALUES (:n, :at, 'mai', 'a', 'b', '{}')"
    )
    with engine.begin() as connection:
        connection.execute(text(words).bindparams(bindparam("at", type_=DateTime(timezone=True))), rows)
    engine.dispose()
    db = Database(old_url)
    db.migrate()
    note(db, "c")
    chain = chain_of(db)
    db.close()
    assert [sealed.line.id for sealed in chain] == [*ids, ids[-1] + 1]
    assert chain[0].line.at == START + timedelta(microseconds=1)
    assert verify(chain) == Head(ids[-1] + 1, chain[-1].digest)


def recipe() -> str:
    found = re.search(r"```text\n(.*?)```", (ROOT / "docs/audit.md").read_text(), re.DOTALL)
    assert found
    return found[1]


def test_a_third_party_checks_an_export_by_the_recipe_of_the_documentation(
    sqlite_db: Database, tmp_path: Path
) -> None:
    note(sqlite_db, *"abc")
    lines = [exported(sealed) for sealed in chain_of(sqlite_db)]
    assert len(recipe().splitlines()) == 5
    without_one = [lines[0], lines[2]]
    altered = [lines[0].replace("mai", "lan"), *lines[1:]]
    for export, holds in ((lines, True), (without_one, False), (altered, False)):
        file = tmp_path / "trail.jsonl"
        file.write_text("\n".join(export) + "\n")
        checked = subprocess.run(
            [sys.executable, "-c", recipe(), file], check=False, capture_output=True, timeout=60
        )
        assert (checked.returncode == 0) is holds
