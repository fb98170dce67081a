import io
import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlmodel import select

from loa.controller.adapters.silence_journal import FileSilenceJournal
from loa.controller.archive import Archive
from loa.controller.errors import Conflict, ControllerError, Invalid
from loa.controller.settings import Settings
from loa.controller.store.database import Database
from loa.controller.store.folder import DataFolder
from loa.controller.store.tables import LogRow, UserRow
from loa.protocol.ids import AreaId, SilenceId, sha256_hex
from loa.protocol.programme import Silence
from tests.controller.factories import Town
from tests.controller.log_factory import ears, keep, log_line
from tests.controller.postgresql import Cluster
from tests.fakes.controller import START

SOUND = b"a sound"
Makes = Callable[[str], Settings]


@pytest.fixture(params=["sqlite", "postgresql"])
def makes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Makes]:
    """Settings of an installation of that name, its database empty and without tables."""
    if request.param == "sqlite":
        yield lambda name: Settings(data_dir=tmp_path / name, database_url=None)
        return
    cluster: Cluster = request.getfixturevalue("postgresql")
    made: list[str] = []

    def make(name: str) -> Settings:
        made.append(f"archive_{name}_{len(made)}")
        url = cluster.create(made[-1])
        return Settings(data_dir=tmp_path / name, database_url=SecretStr(url))

    yield make
    for database in made:
        cluster.drop(database)


def furnish(settings: Settings, *people: str) -> DataFolder:
    """An installation with a key, people, a recording and a silence."""
    folder = DataFolder(settings.data_dir)
    folder.prepare()
    folder.make_key()
    folder.make_authority(START)
    db = Database(settings.database)
    db.migrate()
    town = Town(db).build()
    for one in people:
        town.user(one)
    keep(db, [log_line(START, **ears(heard=3))])
    db.close()
    (folder.recordings / sha256_hex(SOUND)).write_bytes(SOUND)
    journal = FileSilenceJournal(folder.silences)
    silence = Silence(
        id=SilenceId("0" * 32),
        counter=0,
        from_at=START,
        until_at=START,
        issued_at=START,
        authority=20,
        by="mai",
    )
    journal.append(AreaId("lang-cong"), silence)
    journal.close()
    return folder


def users(settings: Settings) -> set[str]:
    db = Database(settings.database)
    with db.look() as session:
        found = set(session.exec(select(UserRow.id)))
    db.close()
    return found


def evidence(settings: Settings) -> Sequence[str | None]:
    db = Database(settings.database)
    with db.look() as session:
        found = session.exec(select(LogRow.evidence)).all()
    db.close()
    return found


def write(settings: Settings, file: Path) -> list[float]:
    shares: list[float] = []
    Archive(settings).write(file, START, shares.append)
    return shares


def read(settings: Settings, file: Path, *, force: bool = False) -> list[float]:
    shares: list[float] = []
    Archive(settings).read(file, shares.append, force=force)
    return shares


def test_a_backup_brings_everything_back(makes: Makes, tmp_path: Path) -> None:
    old, new, file = makes("old"), makes("new"), tmp_path / "loa.tar"
    before = furnish(old, "mai", "lan")
    written, restored = write(old, file), read(new, file)
    after = DataFolder(new.data_dir)
    assert users(new) == {"mai", "lan"}
    assert evidence(new) == [ears(heard=3)["evidence"]]
    assert after.read_key().kid == before.read_key().kid
    assert after.read_authority().fingerprint == before.read_authority().fingerprint
    assert (after.recordings / sha256_hex(SOUND)).read_bytes() == SOUND
    assert after.silences.read_bytes() == before.silences.read_bytes()
    assert [path.stat().st_mode & 0o077 for path in (file, after.key, after.authority)] == [0, 0, 0]
    assert (written[-1], restored[-1]) == (1.0, 1.0)
    assert written == sorted(written)


def test_what_is_in_use_is_replaced_by_force_alone(makes: Makes, tmp_path: Path) -> None:
    old, new, file = makes("old"), makes("new"), tmp_path / "loa.tar"
    furnish(old, "mai")
    write(old, file)
    kid = furnish(new, "lan").read_key().kid
    with pytest.raises(Conflict):
        read(new, file)
    assert (users(new), DataFolder(new.data_dir).read_key().kid) == ({"lan"}, kid)
    read(new, file, force=True)
    assert (users(new), DataFolder(new.data_dir).read_key().kid == kid) == ({"mai"}, False)


def test_a_backup_is_of_one_moment_while_people_write(tmp_path: Path) -> None:
    settings, file = Settings(data_dir=tmp_path / "old"), tmp_path / "loa.tar"
    furnish(settings, "mai")
    db = Database(settings.database)
    with db.work() as work:
        work.session.add(UserRow(id="lan", name="Lan", created_at=START))
        work.session.flush()
        write(settings, file)
    db.close()
    new = Settings(data_dir=tmp_path / "new")
    read(new, file)
    assert (users(new), users(settings)) == ({"mai"}, {"mai", "lan"})


def test_nothing_is_restored_under_a_running_controller(tmp_path: Path) -> None:
    settings, file = Settings(data_dir=tmp_path / "old"), tmp_path / "loa.tar"
    folder = furnish(settings, "mai")
    write(settings, file)
    with folder.held(), pytest.raises(Conflict) as refused:
        read(settings, file, force=True)
    assert refused.value.code == "running"


def repack(file: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """Write the archive anew with other contents; None leaves a member out."""
    with tarfile.open(file) as old:
        members = [(one.name, handle.read()) for one in old if (handle := old.extractfile(one))]
    with tarfile.open(file, "w") as new:
        for name, content in members:
            changed = change(name, content)
            if changed is not None:
                entry = tarfile.TarInfo(name)
                entry.size = len(changed)
                new.addfile(entry, io.BytesIO(changed))


def flip_recording(name: str, content: bytes) -> bytes:
    return b"another" if name.startswith("recordings/") else content


def of_another_kind(name: str, content: bytes) -> bytes:
    return json.dumps({"format": 1, "database": "oracle"}).encode() if name == "manifest.json" else content


def of_the_future(name: str, content: bytes) -> bytes:
    return json.dumps({"format": 99}).encode() if name == "manifest.json" else content


def without_manifest(name: str, content: bytes) -> bytes | None:
    return None if name == "manifest.json" else content


def without_key(name: str, content: bytes) -> bytes | None:
    return None if name == "controller.pem" else content


def without_authority(name: str, content: bytes) -> bytes | None:
    return None if name == "authority.pem" else content


@pytest.mark.parametrize(
    "change",
    [flip_recording, of_another_kind, of_the_future, without_manifest, without_key, without_authority],
)
def test_a_backup_that_is_not_whole_changes_nothing(
    tmp_path: Path, change: Callable[[str, bytes], bytes | None]
) -> None:
    settings, file = Settings(data_dir=tmp_path / "old"), tmp_path / "loa.tar"
    folder = furnish(settings, "mai")
    write(settings, file)
    repack(file, change)
    kid = folder.read_key().kid
    with pytest.raises(Invalid):
        read(settings, file, force=True)
    assert (users(settings), folder.read_key().kid) == ({"mai"}, kid)
    assert (folder.recordings / sha256_hex(SOUND)).read_bytes() == SOUND


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\0" * 10_240])
def test_a_file_that_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "loa.tar"
    file.write_bytes(content)
    with pytest.raises(Invalid):
        read(Settings(data_dir=tmp_path / "new"), file)


def test_a_backup_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "old")
    furnish(settings, "mai")
    with pytest.raises(ControllerError):
        write(settings, tmp_path / "no folder" / "loa.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert not list(settings.data_dir.glob("backup-*"))
