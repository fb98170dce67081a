"""What only the SQLite file does."""

import sqlite3
from pathlib import Path

import pytest

from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.core.reports import problem
from loa.node_agent.core.shelf import Seen, Shelf
from loa.node_agent.errors import StorageFailingError, StorageFullError
from loa.node_agent.ports import Change
from loa.protocol.broadcast import Entry
from loa.protocol.reasons import ProblemCode
from loa.protocol.reports import Held
from tests.node_agent.makers import AREA, NOON, make_broadcast, make_config, make_entry


def make_change(detail: str) -> Change:
    return Change(reports=(problem(at=NOON, code=ProblemCode.FETCH_FAILED, detail=detail),))


def test_a_damaged_file_is_set_aside_and_a_new_journal_begins(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    disk = SqliteDisk(path)
    journal = disk.journal_id
    disk.close()
    path.write_bytes(b"no database" * 1_000)

    disk = SqliteDisk(path)
    assert disk.was_corrupt
    assert disk.journal_id != journal
    assert not disk.unsent(1, {}).reports
    assert (tmp_path / "node.db.corrupt").exists()
    disk.close()


def test_a_file_that_cannot_be_opened_just_now_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    disk = SqliteDisk(path)
    disk.write(make_change("unsent"))
    disk.close()
    in_the_way = tmp_path / "node.db-wal"
    in_the_way.mkdir()
    disk = SqliteDisk(path)
    assert isinstance(disk.trouble, StorageFailingError)
    assert disk.count_unsent({}) == 1
    with pytest.raises(StorageFailingError):
        disk.write(make_change("in the way"))
    in_the_way.rmdir()
    disk.write(make_change("again"))
    assert disk.trouble is None
    assert not disk.was_corrupt
    assert [one.number for one in disk.unsent(9, {}).reports] == [1, 2]
    disk.close()


def test_a_full_disk_is_told_and_keeps_nothing_of_the_change(tmp_path: Path) -> None:
    disk = SqliteDisk(tmp_path / "node.db")
    disk.write(make_change("before"))
    pages = disk._base.execute("PRAGMA page_count").fetchone()[0]
    disk._base.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageFullError):
        disk.write(Change(reports=[*make_change("long " * 90).reports] * 1_000))
    disk._base.execute("PRAGMA max_page_count = 1000000")
    disk.write(make_change("after"))
    numbers = [report.number for report in disk.unsent(2_000, {}).reports]
    assert numbers == list(range(1, len(numbers) + 1))
    disk.close()


def test_a_file_that_went_back_in_time_loses_no_report_to_numbers_given_before(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    disk = SqliteDisk(path)
    disk.write(make_change("before"))
    disk.close()
    older = path.read_bytes()
    disk = SqliteDisk(path)
    disk.write(make_change("receipted"))
    disk.write(make_change("receipted too"))
    journal = disk.journal_id
    disk.close()
    path.write_bytes(older)  # as a card does that lied about its writes

    disk = SqliteDisk(path)
    disk.write(make_change("new"))
    disk.forget(disk.journal_id, 3)
    assert [(one.number, one.detail) for one in disk.unsent(9, {}).reports if one.kind == "problem"] == [
        (1, "before"),
        (2, "new"),
    ]
    assert disk.journal_id != journal
    disk.close()
    disk = SqliteDisk(path)
    disk.write(make_change("later"))
    disk.forget(disk.journal_id, 2)
    assert [one.number for one in disk.unsent(9, {}).reports] == [3]
    disk.close()


def test_it_syncs_at_every_commit(tmp_path: Path) -> None:
    disk = SqliteDisk(tmp_path / "node.db")
    assert disk._base.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert disk._base.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
    disk.close()
    with pytest.raises(sqlite3.ProgrammingError):
        disk.count_unsent({})


def make_stored(path: Path) -> tuple[Entry, Entry]:
    """Two broadcasts, a configuration, versions held, and three reports."""
    one, two = make_entry(make_broadcast(NOON)), make_entry(make_broadcast(NOON, title="two"))
    disk = SqliteDisk(path)
    shelf = Shelf(entries={entry.id: Seen(entry, NOON) for entry in (one, two)})
    disk.write(Change(config=make_config(version=4), held={AREA: Held(programme=7)}, shelf=shelf))
    for detail in "abc":
        disk.write(make_change(detail))
    disk.close()
    return one, two


def spoil(path: Path, statement: str, *values: object) -> None:
    """As a cell of a card does that has lost its charge: nothing SQLite notices."""
    base = sqlite3.connect(path)
    assert base.execute(statement, values).rowcount > 0
    base.commit()
    base.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE shelf SET content = replace(content, '2026', '2027') WHERE name = ?",
        "UPDATE shelf SET content = CAST(x'7bff22' AS TEXT) WHERE name = ?",
        "UPDATE shelf SET content = 'no JSON' WHERE name = ?",
        "UPDATE shelf SET known_ms = known_ms + 1 WHERE name = ?",
    ],
)
def test_a_damaged_row_is_set_aside_and_told_and_all_that_is_sound_stays(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "node.db"
    bad, good = make_stored(path)
    spoil(path, damage, bad.id)

    disk = SqliteDisk(path)
    recalled = disk.recall()
    assert set(recalled.shelf.entries) == {good.id}
    assert recalled.config == make_config(version=4)
    assert not recalled.held, "so that the programmes come anew"
    assert "1 of the programmes" in recalled.damage[0]
    disk.close()
    again = SqliteDisk(path).recall()
    assert (set(again.shelf.entries), again.damage) == ({good.id}, ())


@pytest.mark.parametrize("name", ["config", "journal_id", "last_number", "accounted_ms"])
def test_a_fact_is_kept_twice_and_one_damaged_copy_costs_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / "node.db"
    disk = SqliteDisk(path)
    disk.write(Change(accounted_at=NOON))
    journal = disk.journal_id
    disk.close()
    make_stored(path)
    spoil(path, "UPDATE facts SET content = 'x' || content WHERE name = ?", name)

    disk = SqliteDisk(path)
    assert (disk.journal_id, disk.recall().config) == (journal, make_config(version=4))
    disk.write(make_change("d"))
    assert [one.number for one in disk.unsent(9, {}).reports] == [1, 2, 3, 4]
    disk.close()
    spoil(path, "UPDATE facts SET content = 'x' || content WHERE name = ?", f"copy of {name}")
    assert SqliteDisk(path).journal_id == journal, "the first copy was mended"


def test_without_its_last_number_a_journal_begins_anew_and_keeps_the_names_of_its_reports(
    tmp_path: Path,
) -> None:
    path = tmp_path / "node.db"
    make_stored(path)
    spoil(path, "UPDATE facts SET content = 'x' WHERE name LIKE '%last_number'")
    disk = SqliteDisk(path)
    disk.write(make_change("new"))
    old = disk.unsent(9, {})
    assert old.journal_id != disk.journal_id
    assert [one.number for one in old.reports] == [1, 2, 3]
    disk.forget(old.journal_id, 3)
    assert [one.number for one in disk.unsent(9, {}).reports] == [1]
    disk.close()


def test_a_damaged_report_leaves_its_number_to_a_word_about_it(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    make_stored(path)
    spoil(path, "UPDATE reports SET content = '{' WHERE number = 2")
    disk = SqliteDisk(path)
    reports = [one for one in disk.unsent(9, {}).reports if one.kind == "problem"]
    assert [(one.number, one.detail) for one in reports] == [
        (1, "a"),
        (2, "report 2 could not be read"),
        (3, "c"),
    ]
    disk.close()


def test_a_file_of_the_version_before_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    base = sqlite3.connect(path)
    base.executescript(VERSION_1)
    base.close()
    disk = SqliteDisk(path)
    assert disk.journal_id == "f" * 32
    disk.write(make_change("new"))
    assert [(one.number, one.kind) for one in disk.unsent(9, {}).reports] == [(7, "problem"), (8, "problem")]
    recalled = disk.recall()
    assert (recalled.held, recalled.damage) == ({AREA: Held(programme=7)}, ())
    disk.close()


VERSION_1 = """
PRAGMA journal_mode = WAL;
CREATE TABLE facts (name TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE held (area TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE shelf (
    kind TEXT NOT NULL, name TEXT NOT NULL, known_ms INTEGER NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE TABLE sounds (recording TEXT PRIMARY KEY, known_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE plays (occurrence TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE reported (occurrence TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE reports (number INTEGER PRIMARY KEY, content TEXT NOT NULL);
INSERT INTO facts VALUES ('journal_id', 'ffffffffffffffffffffffffffffffff'), ('last_number', '7');
INSERT INTO held VALUES ('lang-cong', '{"programme":7,"urgent":0}');
INSERT INTO reports VALUES (
    7, '{"kind":"problem","number":7,"at":"2026-06-11T05:00:00.000Z","code":"disk_full","detail":"x"}'
);
PRAGMA user_version = 1;
"""
