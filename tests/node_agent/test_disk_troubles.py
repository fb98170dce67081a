"""A node's disk on real file systems that are full, turn read-only or lose their power."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.adapters.folders import passing_folder
from loa.node_agent.adapters.recordings import RecordingFolder
from loa.node_agent.core.reports import problem
from loa.node_agent.errors import StorageError, StorageFailingError, StorageFullError, StorageReadOnlyError
from loa.node_agent.ports import Change
from loa.protocol.ids import AreaId, RecordingId, sha256_hex
from loa.protocol.reasons import ProblemCode
from loa.protocol.reports import Held
from tests.node_agent.makers import AREA, NOON
from tests.node_agent.mounts import Card, card, fill, skip_without_cards, skip_without_mounts, tmpfs

HELD = {AREA: Held(programme=7)}


def make_change(detail: str) -> Change:
    return Change(reports=(problem(at=NOON, code=ProblemCode.FETCH_FAILED, detail=detail),))


def details(disk: SqliteDisk) -> list[tuple[int, str]]:
    reports = disk.unsent(10_000, {}).reports
    return [(one.number, one.detail) for one in reports if one.kind == "problem"]


def write_many(disk: SqliteDisk, most: int) -> None:
    for number in range(most):
        disk.write(make_change(f"{number} {'long ' * 80}"))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    skip_without_mounts(tmp_path)
    at = tmp_path / "small"
    at.mkdir()
    with tmpfs(at, "256k"):
        yield at


@pytest.fixture
def plugged(tmp_path: Path) -> Iterator[Card]:
    skip_without_cards(tmp_path)
    with card(tmp_path) as plugged:
        yield plugged


def test_a_disk_that_fills_up_keeps_what_it_took_and_goes_on_when_there_is_room(small: Path) -> None:
    disk = SqliteDisk(small / "node.db")
    disk.write(make_change("before"))
    filler = fill(small)
    with pytest.raises(StorageFullError):
        write_many(disk, 2_000)
    kept = details(disk)
    assert kept[0] == (1, "before")
    filler.unlink()
    disk.write(make_change("after"))
    assert details(disk) == [*kept, (len(kept) + 1, "after")]
    disk.close()


def test_a_full_disk_is_read_at_the_start_and_takes_writes_when_there_is_room(small: Path) -> None:
    path = small / "node.db"
    disk = SqliteDisk(path)
    disk.write(Change(held=HELD))
    disk.write(make_change("before"))
    journal = disk.journal_id
    disk.close()
    filler = fill(small)
    disk = SqliteDisk(path)
    assert disk.recall().held == HELD
    assert isinstance(disk.trouble, StorageFullError)
    assert details(disk) == [(1, "before")]
    with pytest.raises(StorageFullError):
        disk.write(make_change("no room"))
    filler.unlink()
    disk.write(make_change("room"))
    assert disk.journal_id == journal
    assert details(disk) == [(1, "before"), (2, "room")]
    disk.close()


def test_a_new_node_starts_on_a_full_disk(small: Path) -> None:
    filler = fill(small)
    disk = SqliteDisk(small / "node.db")
    assert isinstance(disk.trouble, StorageFullError)
    assert disk.recall().config is None
    filler.unlink()
    disk.write(make_change("room"))
    journal = disk.journal_id
    disk.close()
    disk = SqliteDisk(small / "node.db")
    assert (disk.journal_id, details(disk)) == (journal, [(1, "room")])
    disk.close()


@pytest.mark.parametrize("end", ["closed", "killed", "killed without index"])
def test_a_read_only_disk_is_read_whole_however_the_agent_ended(plugged: Card, end: str) -> None:
    path = plugged.at / "node.db"
    disk = SqliteDisk(path)
    disk.write(Change(held=HELD))
    disk.write(make_change("in the log"))
    copies = {one: one.read_bytes() for one in plugged.at.glob("node.db*")}
    disk.close()
    if end != "closed":
        for one, content in copies.items():
            one.write_bytes(content)
    if end == "killed without index":
        (plugged.at / "node.db-shm").unlink()
    plugged.lock()

    disk = SqliteDisk(path)
    assert isinstance(disk.trouble, StorageReadOnlyError)
    assert disk.recall().held == HELD
    assert details(disk) == [(1, "in the log")]
    with pytest.raises(StorageReadOnlyError, match="read-only"):
        disk.write(make_change("locked"))
    plugged.unlock()
    disk.write(make_change("unlocked"))
    assert details(disk) == [(1, "in the log"), (2, "unlocked")]
    disk.close()


def test_a_card_that_locks_itself_while_the_agent_runs_is_still_read(plugged: Card) -> None:
    disk = SqliteDisk(plugged.at / "node.db")
    disk.write(make_change("before"))
    disk.close()
    plugged.lock()
    disk = SqliteDisk(plugged.at / "node.db")
    with pytest.raises(StorageReadOnlyError):
        disk.forget(disk.journal_id, 1)
    assert details(disk) == [(1, "before")]
    disk.close()


def test_a_damaged_file_on_a_read_only_disk_gives_what_can_be_read_and_is_set_aside_later(
    plugged: Card,
) -> None:
    path = plugged.at / "node.db"
    disk = SqliteDisk(path)
    write_many(disk, 199)
    disk.write(Change(held={AreaId("x"): Held(programme=1)}))
    disk.close()
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    plugged.lock()

    disk = SqliteDisk(path)
    assert disk.was_corrupt
    numbers = [number for number, _ in details(disk)]
    assert numbers == list(range(1, 200)), "what is lost says so under its number"
    assert sum("could not be read" in detail for _, detail in details(disk)) < 100
    with pytest.raises(StorageError):
        disk.write(make_change("locked"))
    plugged.unlock()
    disk.write(make_change("unlocked"))
    assert (plugged.at / "node.db.corrupt").exists()
    assert [number for number, _ in details(disk)] == numbers, "first those of the journal that was saved"
    disk.close()


def test_a_dying_card_is_told_as_failing(plugged: Card) -> None:
    disk = SqliteDisk(plugged.at / "node.db")
    plugged.cut()
    with pytest.raises(StorageFailingError, match="replace the disk"):
        disk.write(make_change("not kept"))
    disk.close()


def test_what_was_written_survives_a_power_cut(plugged: Card) -> None:
    path = plugged.at / "node.db"
    disk = SqliteDisk(path)
    journal = disk.journal_id
    for number in range(50):
        disk.write(make_change(str(number)))
    (plugged.at / "never synced").write_text("x")
    plugged.lose_power()
    disk.close()
    plugged.plug_in()
    assert not (plugged.at / "never synced").exists(), "the power really was cut"
    disk = SqliteDisk(path)
    assert disk.journal_id == journal
    assert details(disk) == [(number + 1, str(number)) for number in range(50)]
    disk.close()


def test_a_new_journal_is_there_after_a_power_cut_right_after_its_making(plugged: Card) -> None:
    path = plugged.at / "node.db"
    disk = SqliteDisk(path)
    journal = disk.journal_id
    plugged.lose_power()
    disk.close()
    plugged.plug_in()
    disk = SqliteDisk(path)
    assert disk.journal_id == journal
    disk.close()


def test_recordings_on_a_locked_card_are_judged_and_none_is_deleted(plugged: Card) -> None:
    good, bad = RecordingId(sha256_hex(b"good")), RecordingId("d" * 64)
    folder = RecordingFolder(plugged.at / "recordings")
    folder.place(good).write_bytes(b"good")
    folder.place(bad).write_bytes(b"other bytes")
    plugged.lock()
    folder = RecordingFolder(plugged.at / "recordings")
    assert [folder.is_sound(one) for one in (good, bad, bad)] == [True, False, False]
    folder.drop([good])
    assert folder.sweep([]) == 0
    assert good in folder.here()
    assert folder.free_bytes() > 0
    missing = RecordingFolder(plugged.at / "never made")
    assert (missing.here(), missing.sweep([])) == ({}, 0)
    plugged.unlock()
    again = folder.place(bad).with_name("again")
    again.write_bytes(b"other bytes again")
    again.replace(folder.place(bad))
    assert not folder.is_sound(bad), "looked at anew, since it is another file"
    assert folder.place(bad).with_suffix(".corrupt").exists()


def test_what_is_read_once_goes_into_memory_into_a_folder_of_our_own(tmp_path: Path) -> None:
    data, memory = tmp_path / "data", tmp_path / "shm"
    memory.mkdir()
    folder = passing_folder(data, memory)
    assert folder.parent == memory
    assert passing_folder(data, memory) == folder
    assert passing_folder(tmp_path / "other", memory) != folder
    folder.chmod(0o777)
    assert passing_folder(data, memory) == data / "incoming", "somebody may have put something there"
    folder.rmdir()
    folder.symlink_to(tmp_path)
    assert passing_folder(data, memory) == data / "incoming"
    assert passing_folder(data, tmp_path / "none") == data / "incoming"
