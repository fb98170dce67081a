"""The file under a node's disk: opened for writing, else for reading, else stood in for by memory."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loa.node_agent.adapters.disk_rows import decode_text, insert_sealed, set_fact
from loa.node_agent.adapters.folders import sync_folder
from loa.node_agent.errors import (
    StorageDamagedError,
    StorageError,
    StorageFailingError,
    StorageFullError,
    StorageReadOnlyError,
)

_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, content TEXT NOT NULL, seal INTEGER) WITHOUT ROWID;
CREATE TABLE held (area TEXT PRIMARY KEY, content TEXT NOT NULL, seal INTEGER) WITHOUT ROWID;
CREATE TABLE shelf (
    kind TEXT NOT NULL, name TEXT NOT NULL, known_ms INTEGER NOT NULL, content TEXT NOT NULL, seal INTEGER,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE TABLE sounds (recording TEXT PRIMARY KEY, known_ms INTEGER NOT NULL, seal INTEGER) WITHOUT ROWID;
CREATE TABLE plays (occurrence TEXT PRIMARY KEY, content TEXT NOT NULL, seal INTEGER) WITHOUT ROWID;
CREATE TABLE reported (occurrence TEXT PRIMARY KEY, seal INTEGER) WITHOUT ROWID;
CREATE TABLE reports (
    journal TEXT NOT NULL, number INTEGER NOT NULL, content TEXT NOT NULL, seal INTEGER,
    PRIMARY KEY (journal, number)
) WITHOUT ROWID;
CREATE TABLE set_aside (origin TEXT NOT NULL, content TEXT NOT NULL);
"""
_VERSION = 2
_OF_VERSION_1 = ("facts", "held", "shelf", "sounds", "plays", "reported", "reports")
_ROOM_BYTES = 65_536
"""A file system with less is full, whatever error a write met."""
_BESIDE = ("-wal", "-shm")
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_MAYBE_READ_ONLY = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
_WAYS_TO_READ = (
    ("mode=ro", "NORMAL"),
    # Without locks, and with the log's index in memory: the log is read though nothing can be made beside it.
    ("mode=ro&vfs=unix-none", "EXCLUSIVE"),
    # Ignores a log, so only where there is none, or none that can be read.
    ("mode=ro&immutable=1", "NORMAL"),
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is open; `trouble` is why it takes no writes."""

    base: sqlite3.Connection
    trouble: StorageError | None = None


@contextmanager
def telling_trouble(path: Path) -> Iterator[None]:
    """Turn what SQLite says of the disk into a `StorageError`; what it says of us stays as it is."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        trouble = trouble_of(path, error)
        if trouble is None:
            raise
        raise trouble from error


def trouble_of(path: Path, error: sqlite3.DatabaseError) -> StorageError | None:
    """What is wrong with the disk, None if the error says nothing of it (as that somebody holds the file)."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    if code & 0xFF in _DAMAGE or code == sqlite3.SQLITE_IOERR_CORRUPTFS:
        return StorageDamagedError(str(path))
    if code & 0xFF == sqlite3.SQLITE_FULL:
        return StorageFullError(str(path))
    if code & 0xFF == sqlite3.SQLITE_IOERR or code & 0xFF in _MAYBE_READ_ONLY:
        return _by_file_system(path, StorageReadOnlyError if _is_denied(path) else StorageFailingError)
    return None


def open_file(path: Path) -> Opened:
    """Open for writing, making the file if there is none; if that can't be, for reading.

    Raises `StorageDamagedError`, and sqlite3.OperationalError if somebody holds the file.
    """
    try:
        with telling_trouble(path):
            return Opened(connect(path))
    except StorageDamagedError:
        raise
    except StorageError as trouble:
        base = open_to_read(path)
        with telling_trouble(path), _closing_on_error(base):
            _check(base, path)
        return Opened(base, trouble)


def connect(path: Path) -> sqlite3.Connection:
    """For writing, in WAL mode with a sync at every commit; a new file is there for good on return."""
    base = sqlite3.connect(path, isolation_level=None, cached_statements=32)
    base.text_factory = decode_text
    with _closing_on_error(base):
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = FULL")
        base.execute("PRAGMA cache_size = -512")
        _check(base, path)
        version = base.execute("PRAGMA user_version").fetchone()[0]
        if version < _VERSION:
            _found(base, since=version)
            sync_folder(path.parent)
        _try_to_write(base)
    return base


def open_to_read(path: Path) -> sqlite3.Connection:
    """For reading, also from a disk on which nothing can be made; an empty one if nothing can be read."""
    for parameters, locking in _WAYS_TO_READ:
        with suppress(sqlite3.DatabaseError):
            base = sqlite3.connect(f"{path.resolve().as_uri()}?{parameters}", uri=True, isolation_level=None)
            base.text_factory = decode_text
            with _closing_on_error(base):
                base.execute(f"PRAGMA locking_mode = {locking}")
                if base.execute("PRAGMA user_version").fetchone()[0] == _VERSION:
                    base.execute("SELECT count(*) FROM facts").fetchone()
                    return base
            base.close()
    return open_in_memory()


def open_in_memory() -> sqlite3.Connection:
    """In place of a file, and empty."""
    base = sqlite3.connect(":memory:", isolation_level=None)
    base.text_factory = decode_text
    _found(base, since=0)
    return base


def set_aside(path: Path) -> Path:
    """Rename a damaged file and its log to `<name>.corrupt`, in place of one set aside before."""
    aside = path.with_name(f"{path.name}.corrupt")
    try:
        for ending in (*_BESIDE, ""):
            aside.with_name(aside.name + ending).unlink(missing_ok=True)
        for ending in ("", *_BESIDE):
            here = path.with_name(path.name + ending)
            if here.exists():
                here.replace(aside.with_name(aside.name + ending))
        sync_folder(path.parent)
    except OSError as error:
        raise _by_file_system(path, StorageFailingError) from error
    return aside


def _by_file_system(path: Path, otherwise: type[StorageError]) -> StorageError:
    try:
        system = os.statvfs(path.parent)
    except OSError:
        return StorageFailingError(str(path))
    if system.f_flag & os.ST_RDONLY:
        return StorageReadOnlyError(str(path))
    if system.f_bavail * system.f_frsize < _ROOM_BYTES:
        return StorageFullError(str(path))
    return otherwise(str(path))


def _is_denied(path: Path) -> bool:
    """Whether the rights forbid to write; root may always."""
    return not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK))


def _check(base: sqlite3.Connection, path: Path) -> None:
    if base.execute("PRAGMA quick_check").fetchone()[0] != "ok":
        raise StorageDamagedError(str(path))


def _try_to_write(base: sqlite3.Connection) -> None:
    """Opened for writing is not yet writable: of a read-only disk SQLite speaks only now."""
    base.execute("BEGIN IMMEDIATE")
    base.execute(f"PRAGMA user_version = {_VERSION}")
    base.execute("ROLLBACK")


@contextmanager
def _closing_on_error(base: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        base.close()
        raise


def _found(base: sqlite3.Connection, *, since: int) -> None:
    """Make the tables, and take over what a file of version 1 holds."""
    with base:
        base.execute("BEGIN IMMEDIATE")
        before = {name: _take_out(base, name) for name in _OF_VERSION_1} if since else {}
        for statement in _SCHEMA.split(";")[:-1]:
            base.execute(statement)
        facts = dict(before.pop("facts", [("journal_id", secrets.token_hex(16)), ("last_number", "0")]))
        reports = [(facts["journal_id"], *row) for row in before.pop("reports", [])]
        for name, rows in {**before, "reports": reports}.items():
            insert_sealed(base, name, rows)
        for name, content in facts.items():
            set_fact(base, name, content)
        base.execute(f"PRAGMA user_version = {_VERSION}")


def _take_out(base: sqlite3.Connection, table: str) -> list[Any]:
    rows = base.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 -- our own names of tables
    base.execute(f"DROP TABLE {table}")
    return rows
