import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter

from loa.node_agent.core.plays import Play
from loa.node_agent.core.shelf import Ordered, Said, Seen, Shelf
from loa.node_agent.errors import StorageFullError
from loa.node_agent.ports import Change, Recalled
from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId, JournalId, OccurrenceId, RecordingId
from loa.protocol.programme import Config, Silence, Withdrawal
from loa.protocol.reports import Held, PlayReport, Report
from loa.protocol.units import from_ms, to_ms

_SCHEMA = """
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
"""
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}
_UNREADABLE = {sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_CORRUPTFS}
_REPORT: TypeAdapter[Report] = TypeAdapter(Report)
_KINDS = ("entries", "withdrawals", "silences", "orders")


class SqliteDisk:
    """A `Disk` in one SQLite file, in WAL mode with a sync at every commit.

    A file that SQLite finds damaged is set aside as `<name>.corrupt` and begun anew, under a new journal id.
    One that it may not open, or that somebody holds, is left alone: sqlite3.OperationalError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._base, self.was_corrupt = _open(path)
        self.journal_id = JournalId(self._fact("journal_id") or "")

    def recall(self) -> Recalled:
        """See `Disk.recall`."""
        config, accounted = self._fact("config"), self._fact("accounted_ms")
        self_tested = self._fact("self_tested_ms")
        return Recalled(
            config=Config.from_bytes(config) if config else None,
            held={AreaId(area): Held.model_validate_json(text) for area, text in self._rows("held")},
            shelf=self._shelf(),
            sounds={RecordingId(name): from_ms(ms) for name, ms in self._rows("sounds")},
            plays={OccurrenceId(name): Play.from_bytes(text) for name, text in self._rows("plays")},
            reported=frozenset(OccurrenceId(name) for (name,) in self._rows("reported")),
            accounted_at=from_ms(int(accounted)) if accounted else None,
            self_tested_at=from_ms(int(self_tested)) if self_tested else None,
        )

    def write(self, change: Change) -> None:
        """See `Disk.write`."""
        with self._transaction() as base:
            _write_state(base, change)
            _write_shelf(base, change.shelf)
            _forget_shelf(base, change.forget)
            _write_plays(base, change)
            for draft in change.reports:
                _number(base, draft)

    def unsent(self, limit: int) -> list[Report]:
        """See `Disk.unsent`."""
        rows = self._base.execute("SELECT content FROM reports ORDER BY number LIMIT ?", (limit,))
        return [_REPORT.validate_json(text) for (text,) in rows]

    def count_unsent(self) -> int:
        """See `Disk.count_unsent`."""
        return int(self._base.execute("SELECT count(*) FROM reports").fetchone()[0])

    def forget(self, up_to: int) -> None:
        """See `Disk.forget`. A receipt for more than this file ever numbered means that it lost writes."""
        journal_id = self.journal_id
        with self._transaction() as base:
            if up_to <= int(self._fact("last_number") or 0):
                base.execute("DELETE FROM reports WHERE number <= ?", (up_to,))
            else:
                journal_id = _begin_anew(base)
        self.journal_id = journal_id

    def close(self) -> None:
        """See `Disk.close`."""
        self._base.close()

    def _fact(self, name: str) -> str | None:
        row = self._base.execute("SELECT content FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def _rows(self, table: str) -> sqlite3.Cursor:
        return self._base.execute(f"SELECT * FROM {table}")  # noqa: S608 -- our own names of tables

    def _shelf(self) -> Shelf:
        orders = self._seen("orders", Ordered)
        return Shelf(
            entries={seen.said.id: seen for seen in self._seen("entries", Entry)},
            withdrawals={seen.said.id: seen for seen in self._seen("withdrawals", Withdrawal)},
            silences={seen.said.id: seen for seen in self._seen("silences", Silence)},
            orders={(seen.said.area, seen.said.broadcast, seen.said.issued_at): seen for seen in orders},
        )

    def _seen(self, kind: str, model: type[Said]) -> list[Seen[Said]]:
        rows = self._base.execute("SELECT known_ms, content FROM shelf WHERE kind = ?", (kind,))
        return [Seen(model.from_bytes(text), from_ms(known_ms)) for known_ms, text in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._base:
                self._base.execute("BEGIN IMMEDIATE")
                yield self._base
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode in _FULL:
                raise StorageFullError(str(self._path)) from error
            raise


def _open(path: Path) -> tuple[sqlite3.Connection, bool]:
    try:
        return _connect(path), False
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            if error.sqlite_errorcode in _FULL:
                raise StorageFullError(str(path)) from error
            if error.sqlite_errorcode not in _UNREADABLE:
                raise
        for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            if name.exists():
                name.replace(name.with_name(name.name + ".corrupt"))
        return _connect(path), True


def _connect(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, isolation_level=None, cached_statements=32)
    try:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = FULL")
        base.execute("PRAGMA cache_size = -512")
        if base.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("quick_check found damage")
        if base.execute("PRAGMA user_version").fetchone()[0] == 0:
            _found(base)
    except sqlite3.Error:
        base.close()
        raise
    return base


def _found(base: sqlite3.Connection) -> None:
    with base:
        base.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";")[:-1]:
            base.execute(statement)
        base.execute("INSERT INTO facts VALUES ('journal_id', ?)", (secrets.token_hex(16),))
        base.execute("INSERT INTO facts VALUES ('last_number', '0')")
        base.execute("PRAGMA user_version = 1")


def _write_state(base: sqlite3.Connection, change: Change) -> None:
    if change.config is not None:
        _set_fact(base, "config", change.config.to_bytes().decode())
    if change.accounted_at is not None:
        _set_fact(base, "accounted_ms", str(to_ms(change.accounted_at)))
    if change.self_tested_at is not None:
        _set_fact(base, "self_tested_ms", str(to_ms(change.self_tested_at)))
    for area, held in change.held.items():
        base.execute("INSERT OR REPLACE INTO held VALUES (?, ?)", (area, held.to_bytes().decode()))
    for recording, at in change.sounds.items():
        base.execute("INSERT OR IGNORE INTO sounds VALUES (?, ?)", (recording, to_ms(at)))
    for recording in change.forget_sounds:
        base.execute("DELETE FROM sounds WHERE recording = ?", (recording,))


def _set_fact(base: sqlite3.Connection, name: str, content: str) -> None:
    base.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, content))


def _write_shelf(base: sqlite3.Connection, shelf: Shelf) -> None:
    for kind, part in _parts(shelf):
        rows = [
            (kind, _key_of(name), to_ms(seen.known_at), seen.said.to_bytes().decode())
            for name, seen in part.items()
        ]
        base.executemany("INSERT OR REPLACE INTO shelf VALUES (?, ?, ?, ?)", rows)


def _forget_shelf(base: sqlite3.Connection, shelf: Shelf) -> None:
    for kind, part in _parts(shelf):
        rows = [(kind, _key_of(name)) for name in part]
        base.executemany("DELETE FROM shelf WHERE kind = ? AND name = ?", rows)


def _write_plays(base: sqlite3.Connection, change: Change) -> None:
    for play in change.plays:
        row = (play.occurrence, play.to_bytes().decode())
        base.execute("INSERT OR REPLACE INTO plays VALUES (?, ?)", row)
    for name in change.forget_reported:
        base.execute("DELETE FROM reported WHERE occurrence = ?", (name,))


def _number(base: sqlite3.Connection, draft: Report) -> None:
    """Give the next number; an occurrence that is reported already is not reported again."""
    if isinstance(draft, PlayReport):
        base.execute("DELETE FROM plays WHERE occurrence = ?", (draft.occurrence,))
        if not base.execute("INSERT OR IGNORE INTO reported VALUES (?)", (draft.occurrence,)).rowcount:
            return
    last = base.execute("SELECT content FROM facts WHERE name = 'last_number'").fetchone()
    number = int(last[0]) + 1
    _set_fact(base, "last_number", str(number))
    report = draft.model_copy(update={"number": number})
    base.execute("INSERT INTO reports VALUES (?, ?)", (number, report.to_bytes().decode()))


def _begin_anew(base: sqlite3.Connection) -> JournalId:
    """Give what is unsent numbers of a new journal; the old ones stand for other reports elsewhere."""
    rows = base.execute("SELECT content FROM reports ORDER BY number").fetchall()
    base.execute("DELETE FROM reports")
    for number, (text,) in enumerate(rows, 1):
        report = _REPORT.validate_json(text).model_copy(update={"number": number})
        base.execute("INSERT INTO reports VALUES (?, ?)", (number, report.to_bytes().decode()))
    journal_id = JournalId(secrets.token_hex(16))
    _set_fact(base, "journal_id", journal_id)
    _set_fact(base, "last_number", str(len(rows)))
    return journal_id


def _parts(shelf: Shelf) -> Iterator[tuple[str, Mapping[object, Seen[Said]]]]:
    for kind in _KINDS:
        yield kind, getattr(shelf, kind)


def _key_of(name: object) -> str:
    if isinstance(name, tuple):
        area, broadcast, issued_at = name
        return json.dumps([area, broadcast, to_ms(issued_at)])
    return str(name)
