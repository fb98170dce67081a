"""A backup in one file, and the way back: database, recordings, keys and silences.

The file is a tar archive: `manifest.json` first, then `database` (an SQLite file, or what pg_dump wrote),
`controller.pem`, `authority.pem`, `factors.key`, `audit.head`, `silences.journal` and `recordings/…`. Nodes
go on listening after a restore, since the next version of a programme is above all that a node says it has
seen.
"""

import errno
import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from loa.controller.errors import Conflict, ControllerError, DiskFull, Invalid
from loa.controller.progress import Report
from loa.controller.settings import Settings
from loa.controller.store import dumps
from loa.controller.store.folder import DataFolder
from loa.protocol.ids import sha256_hex
from loa.protocol.units import format_instant

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database"
RECORDINGS = "recordings"
_CHUNK_BYTES = 1 << 20
_DATABASE_SHARE = 0.3


class Archive:
    """Of the installation that the settings describe."""

    def __init__(self, settings: Settings) -> None:
        self._folder = DataFolder(settings.data_dir)
        self._url = settings.database

    def write(self, file: Path, now: datetime, report: Report) -> None:
        """Write a whole backup or none; the controller may run. Raises a `ControllerError`."""
        self._folder.read_key()
        self._folder.read_authority()
        part = file.with_name(file.name + ".part")
        with _cleared(part), tempfile.TemporaryDirectory(dir=self._folder.path, prefix="backup-") as private:
            # The head of the audit trail before the database, which then holds it for certain.
            head = _text_of(self._folder.audit_head)
            # The database before the rest: every recording that it knows is on the disk by then.
            dump = Path(private) / DATABASE
            dumps.dump(self._url, dump, lambda share: report(share * _DATABASE_SHARE))
            part.touch(mode=0o600)
            with tarfile.open(part, "w") as tar:
                _add_text(tar, MANIFEST, json.dumps(self._manifest(now)))
                tar.add(dump, DATABASE)
                for secret in (self._folder.key, self._folder.authority):
                    tar.add(secret, secret.name)
                if self._folder.factors_key.exists():
                    tar.add(self._folder.factors_key, self._folder.factors_key.name)
                if head is not None:
                    _add_text(tar, self._folder.audit_head.name, head)
                if self._folder.silences.exists():
                    _add_text(tar, self._folder.silences.name, _whole_lines(self._folder.silences))
                self._add_recordings(tar, report)
            part.replace(file)
        report(1.0)

    def read(self, file: Path, report: Report, *, force: bool) -> None:
        """Bring a backup back, whole or not at all; raises `Conflict` for a folder in use, and `Invalid`."""
        with self._folder.held():
            if self._is_used() and not force:
                raise Conflict(
                    "folder_in_use", f"{self._folder.path} is not empty; say --force to replace it"
                )
            with tempfile.TemporaryDirectory(dir=self._folder.path, prefix="restore-") as private:
                new = DataFolder(Path(private))
                with _as_invalid(file), tarfile.open(file) as tar:
                    self._check_manifest(tar)
                    _extract(tar, new.path, report)
                    _check_whole(new)
                self._take_over(new)
        report(1.0)

    def _manifest(self, now: datetime) -> dict[str, object]:
        return {
            "format": FORMAT,
            "loa": version("loa"),
            "created_at": format_instant(now),
            "database": dumps.kind(self._url),
        }

    def _check_manifest(self, tar: tarfile.TarFile) -> None:
        first = tar.next()
        content = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
        found = json.load(content) if content else {}
        if found.get("format") != FORMAT:
            raise Invalid("no_backup", "the file is no backup of ours, or of a newer release")
        if found.get("database") != dumps.kind(self._url):
            raise Invalid(
                "other_database",
                f"the backup is of {found.get('database')}, the settings say {dumps.kind(self._url)}: "
                "set LOA_DATABASE_URL accordingly",
            )

    def _add_recordings(self, tar: tarfile.TarFile, report: Report) -> None:
        files = sorted(_recordings_in(self._folder.recordings))
        for number, path in enumerate(files, 1):
            tar.add(path, f"{RECORDINGS}/{path.relative_to(self._folder.recordings)}")
            report(_DATABASE_SHARE + (1 - _DATABASE_SHARE) * number / len(files))

    def _is_used(self) -> bool:
        return self._folder.key.exists() or dumps.is_used(self._url)

    def _take_over(self, new: DataFolder) -> None:
        dumps.load(self._url, new.path / DATABASE)
        self._folder.rights.unlink(missing_ok=True)
        shutil.rmtree(self._folder.recordings)
        new.recordings.mkdir(exist_ok=True)
        new.recordings.replace(self._folder.recordings)
        for fresh in (new.silences, new.audit_head, new.factors_key):
            old = self._folder.path / fresh.name
            old.unlink(missing_ok=True)
            if fresh.exists():
                fresh.replace(old)
        for secret, place in ((new.authority, self._folder.authority), (new.key, self._folder.key)):
            secret.replace(place)


def _extract(tar: tarfile.TarFile, into: Path, report: Report) -> None:
    members = tar.getmembers()
    for number, member in enumerate(members, 1):
        tar.extract(member, into, filter="data")
        path = into / member.name
        if member.name.startswith(RECORDINGS + "/") and path.is_file() and _digest(path) != path.stem:
            raise Invalid("damaged_backup", f"{member.name} is damaged; take another backup")
        report(number / len(members))


def _check_whole(new: DataFolder) -> None:
    try:
        new.read_key()
        new.read_authority()
    except ControllerError as error:
        raise Invalid("damaged_backup", "the backup holds no readable keys; take another one") from error
    if not (new.path / DATABASE).is_file():
        raise Invalid("damaged_backup", "the backup holds no database; take another one")


def _recordings_in(folder: Path) -> Iterator[Path]:
    """Those that are kept, not those that are being prepared."""
    return (path for path in folder.rglob("*") if path.is_file() and len(path.stem) == len(sha256_hex(b"")))


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while content := file.read(_CHUNK_BYTES):
            digest.update(content)
    return digest.hexdigest()


def _text_of(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _whole_lines(path: Path) -> str:
    text = path.read_text()
    return text[: text.rfind("\n") + 1]


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode()
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    tar.addfile(entry, io.BytesIO(content))


@contextmanager
def _cleared(part: Path) -> Iterator[None]:
    """No half backup stays behind."""
    try:
        yield
    except OSError as error:
        raise (
            DiskFull
            if error.errno == errno.ENOSPC
            else Invalid("not_written", f"{error}; name a file in a folder where you may write")
        ) from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _as_invalid(file: Path) -> Iterator[None]:
    try:
        yield
    except ControllerError:
        raise
    except (OSError, tarfile.TarError, ValueError, EOFError) as error:
        raise Invalid("no_backup", f"{file} cannot be read as a backup: {error}") from error
