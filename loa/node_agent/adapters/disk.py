import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from loa.node_agent.adapters.disk_file import (
    connect,
    open_file,
    open_in_memory,
    open_to_read,
    set_aside,
    telling_trouble,
)
from loa.node_agent.adapters.disk_read import (
    Stored,
    count_unsent,
    read_damaged,
    read_facts,
    read_state,
    read_unsent,
)
from loa.node_agent.adapters.disk_rows import RowReader, set_fact
from loa.node_agent.adapters.disk_write import begin_anew, forget_reports, last_number, write_change
from loa.node_agent.errors import StorageDamagedError, StorageError
from loa.node_agent.ports import Change, Covered, Recalled, Unsent
from loa.protocol.ids import JournalId


class SqliteDisk:
    """A `Disk` in one SQLite file, in WAL mode with a sync at every commit.

    A file that SQLite finds damaged is set aside as `<name>.corrupt` and begun anew, under a new journal id,
    with what could still be read of it. One that takes no writes is read; one that somebody holds is left
    alone: sqlite3.OperationalError. With `looks_only` it changes nothing, also beside an agent that runs.
    """

    def __init__(self, path: Path, *, looks_only: bool = False) -> None:
        self._path = path
        self._looks_only = looks_only
        self.was_corrupt = False
        self.trouble: StorageError | None = None
        self._is_damaged = False
        self._saved: Stored | None = None
        """Read from a damaged file, and not yet written to the new one."""
        self._base = open_to_read(path) if looks_only else self._open()
        self.journal_id = self._begin()

    def recall(self) -> Recalled:
        """See `Disk.recall`."""
        reader = RowReader(self._base)
        try:
            with self._minding():
                recalled = read_state(reader, read_facts(reader))
        except StorageError:
            return read_damaged(self._base).recalled
        self._mend(reader, {})
        return recalled

    def write(self, change: Change) -> None:
        """See `Disk.write`."""
        with self._minding(), _transaction(self._writable()) as base:
            write_change(base, self.journal_id, change)

    def unsent(self, limit: int, covered: Covered) -> Unsent:
        """See `Disk.unsent`."""
        with self._minding():
            return read_unsent(self._base, self.journal_id, covered, limit)

    def count_unsent(self, covered: Covered) -> int:
        """See `Disk.count_unsent`."""
        with self._minding():
            return count_unsent(self._base, covered)

    def forget(self, journal_id: JournalId, up_to: int) -> None:
        """See `Disk.forget`. A receipt for more than this file ever numbered means that it lost writes."""
        own = self.journal_id
        with self._minding(), _transaction(self._writable()) as base:
            if journal_id == own and up_to > last_number(base):
                own = begin_anew(base, own)
            else:
                forget_reports(base, own, journal_id, up_to)
        self.journal_id = own

    def close(self) -> None:
        """See `Disk.close`."""
        self._base.close()

    def _open(self) -> sqlite3.Connection:
        try:
            opened = open_file(self._path)
        except StorageDamagedError as error:
            self.trouble, self._is_damaged = error, True
            self._base = open_in_memory()
            return self._open_anew()
        self.trouble = opened.trouble
        return opened.base

    def _open_anew(self) -> sqlite3.Connection:
        try:
            with self._minding():
                return self._writable()
        except StorageError:
            return self._base

    def _begin(self) -> JournalId:
        """The name of the journal; mends the facts, and begins a new journal where they can't be mended."""
        reader = RowReader(self._base, is_damaged=True)
        facts = read_facts(reader)
        if not facts.keys() >= {"journal_id", "last_number"}:
            facts |= {"journal_id": secrets.token_hex(16), "last_number": "0"}
        self._mend(reader, facts)
        return JournalId(facts["journal_id"])

    def _mend(self, reader: RowReader, facts: Mapping[str, str]) -> None:
        """Take out what is broken, if the disk takes writes; else the next start does."""
        if not reader.broken or self.trouble is not None or self._looks_only:
            return
        with suppress(StorageError), self._minding(), _transaction(self._base) as base:
            reader.take_out_broken()
            for name, content in facts.items():
                set_fact(base, name, content)

    def _writable(self) -> sqlite3.Connection:
        """The file, opened anew if it was in trouble, and begun anew if it was damaged."""
        if self.trouble is None:
            return self._base
        if self._is_damaged:
            self._put_aside()
        self._base.close()  # what is open read-only would stay so for the next to open it in this process
        try:
            self._base = connect(self._path)
        except (sqlite3.DatabaseError, StorageError):
            self._base = open_to_read(self._path) if self._saved is None else _remembered(self._saved)
            raise
        self.trouble = None
        self.journal_id = self._begin()
        if self._saved is not None:
            with _transaction(self._base) as base:
                write_change(base, self.journal_id, self._saved.as_change())
            self._saved = None
        return self._base

    def _put_aside(self) -> None:
        """Whatever goes wrong on the way: what could be read is in memory, and is written later."""
        self.was_corrupt = True
        self._base.close()
        damaged = open_to_read(self._path)
        self._saved = read_damaged(damaged)
        damaged.close()
        self._base = _remembered(self._saved)
        set_aside(self._path)
        self._is_damaged = False

    @contextmanager
    def _minding(self) -> Iterator[None]:
        try:
            with telling_trouble(self._path):
                yield
        except StorageError as error:
            self.trouble = error
            self._is_damaged |= isinstance(error, StorageDamagedError)
            raise


def _remembered(saved: Stored) -> sqlite3.Connection:
    base = open_in_memory()
    with _transaction(base):
        write_change(base, JournalId(""), saved.as_change())
    return base


@contextmanager
def _transaction(base: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    with base:
        base.execute("BEGIN IMMEDIATE")
        yield base
