"""Rows of a node's disk, each sealed by a checksum: SQLite's own check looks at the tree, not at contents."""

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from loa.protocol.errors import ProtocolError

Row = tuple[object, ...]
Read = TypeVar("Read")

COPY = "copy of "
"""Before the name of a fact's second row."""
_KEYS = {
    "facts": ("name",),
    "held": ("area",),
    "shelf": ("kind", "name"),
    "sounds": ("recording",),
    "plays": ("occurrence",),
    "reported": ("occurrence",),
    "reports": ("journal", "number"),
}
_MOST_SET_ASIDE = 1_000


def seal_of(row: Iterable[object]) -> int:
    """CRC-32 over a row's values."""
    return zlib.crc32("\x1f".join(map(str, row)).encode(errors="surrogateescape"))


def is_sealed(row: Row) -> bool:
    """Whether the seal, the last value, is that of the others."""
    return seal_of(row[:-1]) == row[-1]


def insert_sealed(base: sqlite3.Connection, table: str, rows: Iterable[Row], *, or_: str = "REPLACE") -> int:
    """Insert rows with their seals; how many went in. `or_` says what to do where one with that key is."""
    sealed = [(*row, seal_of(row)) for row in rows]
    if not sealed:
        return 0
    marks = ", ".join("?" * len(sealed[0]))
    statement = f"INSERT OR {or_} INTO {table} VALUES ({marks})"  # noqa: S608 -- our own names of tables
    return base.executemany(statement, sealed).rowcount


def set_fact(base: sqlite3.Connection, name: str, content: str) -> None:
    """Write a fact, twice: there is one of each, and without some of them a node is nothing."""
    insert_sealed(base, "facts", [(name, content), (COPY + name, content)])


def read_fact(base: sqlite3.Connection, name: str) -> str | None:
    """A fact, from whichever of its two rows is sound; None if neither is there."""
    rows = base.execute("SELECT * FROM facts WHERE name IN (?, ?)", (name, COPY + name))
    return next((str(row[1]) for row in rows if is_sealed(row)), None)


def drop_fact(base: sqlite3.Connection, name: str) -> None:
    """Forget a fact, if it is there."""
    base.execute("DELETE FROM facts WHERE name IN (?, ?)", (name, COPY + name))


def decode_text(text: bytes) -> str:
    """For `Connection.text_factory`: damaged text is read, too, and told by its seal."""
    return text.decode(errors="surrogateescape")


class RowReader:
    """Reads rows, leaves out those whose seal or content is broken, and remembers these."""

    def __init__(self, base: sqlite3.Connection, *, is_damaged: bool = False) -> None:
        self._base = base
        self.is_damaged = is_damaged
        """Whether to read on from the other end where the file can't be read."""
        self.broken: list[tuple[str, Row]] = []

    def read(
        self, table: str, parse: Callable[[Row], Read], where: str = "1", values: Sequence[object] = ()
    ) -> list[Read]:
        """What `parse` makes of each row, in order of the key."""
        found = []
        for row in self._rows(table, where, values):
            try:
                found.append(parse(_unsealed(row)))
            except (ProtocolError, ValueError, OverflowError):
                self.broken.append((table, row))
        return found

    def count_broken(self, *tables: str) -> int:
        """How many rows of these tables were left out."""
        return sum(table in tables for table, _ in self.broken)

    def take_out_broken(self) -> None:
        """Put them where nobody reads them, but for a person who wonders; in the caller's transaction."""
        for table, row in self.broken:
            keys = _KEYS[table]
            here = " AND ".join(f"CAST({key} AS BLOB) IS CAST(? AS BLOB)" for key in keys)
            values = [_as_bytes(value) for value in row[: len(keys)]]
            self._base.execute(f"DELETE FROM {table} WHERE {here}", values)  # noqa: S608 -- as above
            self._base.execute("INSERT INTO set_aside VALUES (?, ?)", (table, ascii(row)))
        self._base.execute(
            "DELETE FROM set_aside WHERE rowid <= (SELECT max(rowid) FROM set_aside) - ?", (_MOST_SET_ASIDE,)
        )

    def _rows(self, table: str, where: str, values: Sequence[object]) -> Iterable[Row]:
        if not self.is_damaged:
            return self._select(table, where, values, "ASC")
        rows: dict[Row, Row] = {}
        for direction in ("ASC", "DESC"):
            with suppress(sqlite3.DatabaseError):
                for row in self._select(table, where, values, direction):
                    rows.setdefault(row[: len(_KEYS[table])], row)
        return rows.values()

    def _select(self, table: str, where: str, values: Sequence[object], direction: str) -> Iterator[Row]:
        order = ", ".join(f"{key} {direction}" for key in _KEYS[table])
        statement = f"SELECT * FROM {table} WHERE {where} ORDER BY {order}"  # noqa: S608 -- as above
        yield from self._base.execute(statement, values)


def _unsealed(row: Row) -> Row:
    if not is_sealed(row):
        raise ValueError("the seal is broken")
    return row[:-1]


def _as_bytes(value: object) -> object:
    return value.encode(errors="surrogateescape") if isinstance(value, str) else value
