"""What only the SQLite file does."""

import sqlite3
from pathlib import Path

import pytest

from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.core.reports import problem
from loa.node_agent.errors import StorageFailingError, StorageFullError
from loa.node_agent.ports import Change
from loa.protocol.reasons import ProblemCode
from tests.node_agent.makers import NOON


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
