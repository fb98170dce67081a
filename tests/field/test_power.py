"""The lost power loses what was not synced, and nothing else: programs that do either are the control."""

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from _typeshed import SupportsLenAndGetItem

from tests.field.power import PowerSupply, torn
from tests.field.preload import Disk, Shims, disk_environment

BLOCK = 4096
Drawn = TypeVar("Drawn")


class Nothing(random.Random):
    """Lets nothing that was not synced reach the disk."""

    def random(self) -> float:
        return 1.0

    def choice(self, seq: "SupportsLenAndGetItem[Drawn]") -> Drawn:
        return seq[0]


@pytest.fixture(scope="module")
def shims(tmp_path_factory: pytest.TempPathFactory) -> Shims:
    return Shims.compiled(tmp_path_factory.mktemp("shims"))


@pytest.fixture
def supply(tmp_path: Path) -> PowerSupply:
    (tmp_path / "data").mkdir()
    return PowerSupply(tmp_path / "data", tmp_path / "shadow")


@pytest.fixture
def act(shims: Shims, tmp_path: Path, supply: PowerSupply) -> Callable[[str], str]:
    """Run a program in the data directory until it kills itself; what it said."""

    def run(program: str) -> str:
        environment = os.environ | disk_environment(shims, tmp_path / "data", supply.shadow)
        done = subprocess.run(
            [sys.executable, "-c", f"import os, sqlite3\n{program}\nos.kill(os.getpid(), 9)"],
            cwd=tmp_path / "data",
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == -9, done.stderr
        return done.stdout

    return run


WRITE = "file = open('note', 'w'); file.write('kept'); file.flush()"
SYNC = "os.fsync(file.fileno())"
SYNC_NAMES = "os.fsync(os.open('.', os.O_RDONLY))"


@pytest.mark.parametrize(
    ("program", "remains"),
    [
        (WRITE, None),
        (f"{WRITE}; {SYNC}", None),
        (f"{WRITE}; {SYNC_NAMES}", ""),
        (f"{WRITE}; {SYNC}; {SYNC_NAMES}", "kept"),
        (f"{WRITE}; {SYNC}; {SYNC_NAMES}; file.write(' not'); file.flush()", "kept"),
        (f"{WRITE}; {SYNC}; {SYNC_NAMES}; os.rename('note', 'other')", "kept"),
    ],
)
def test_what_was_not_synced_is_lost(
    program: str, remains: str | None, act: Callable[[str], str], supply: PowerSupply, tmp_path: Path
) -> None:
    act(program)
    supply.fail(Nothing())
    note = tmp_path / "data" / "note"
    assert (note.read_text() if note.exists() else None) == remains


FILL = """
base = sqlite3.connect('b.db', isolation_level=None)
base.execute('PRAGMA journal_mode = WAL')
base.execute('PRAGMA synchronous = FULL')
base.execute('CREATE TABLE t (n INTEGER)')
base.execute('PRAGMA synchronous = {mode}')
for n in range(200): base.execute('INSERT INTO t VALUES (?)', (n,))
"""


@pytest.mark.parametrize("seed", range(5))
def test_sqlite_keeps_what_it_committed_with_a_sync(
    seed: int, act: Callable[[str], str], supply: PowerSupply, tmp_path: Path
) -> None:
    act(FILL.format(mode="FULL"))
    supply.fail(random.Random(seed))
    assert _count(tmp_path) == 200


def test_sqlite_loses_what_it_committed_without_one(
    act: Callable[[str], str], supply: PowerSupply, tmp_path: Path
) -> None:
    act(FILL.format(mode="OFF"))
    supply.fail(Nothing())
    assert _count(tmp_path) == 0


def _count(folder: Path) -> int:
    base = sqlite3.connect(folder / "data" / "b.db")
    try:
        return int(base.execute("SELECT count(*) FROM t").fetchone()[0])
    finally:
        base.close()


TRY = """
def write(name, flags, content): os.write(os.open(name, flags | os.O_WRONLY), content)
for attempt in (('new', os.O_CREAT, b'new'), ('old', 0, b'new'), ('old', os.O_APPEND, b'longer')):
    try: write(*attempt); print('written', flush=True)
    except OSError as error: print(error.strerror, flush=True)
"""


@pytest.mark.parametrize(
    ("disk", "said"),
    [
        (Disk.SOUND, ["written"] * 3),
        (Disk.FULL, ["No space left on device", "written", "No space left on device"]),
        (Disk.READ_ONLY, ["Read-only file system"] * 3),
    ],
)
def test_the_disk_refuses_as_a_full_or_a_read_only_one(
    disk: Disk, said: list[str], act: Callable[[str], str], supply: PowerSupply, tmp_path: Path
) -> None:
    (tmp_path / "data" / "old").write_text("old")
    supply.behave(disk)
    assert act(TRY).splitlines() == said


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_torn_file_is_made_of_old_and_new_blocks(share: float) -> None:
    old, new = b"o" * 10 * BLOCK, b"n" * 12 * BLOCK
    left = torn(old, new, random.Random(1), share)
    blocks = {left[at : at + BLOCK] for at in range(0, len(left), BLOCK)}
    assert blocks <= {b"o" * BLOCK, b"n" * BLOCK, bytes(BLOCK)}
    assert (len(left), share) != (12 * BLOCK, 0.0)
    assert left == {0.0: old, 1.0: new}.get(share, left)
