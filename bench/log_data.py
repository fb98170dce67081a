"""Ten million lines of a province's log, made by the database itself; kept between runs if asked."""

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from loa.controller.core.slugs import plain
from loa.controller.store.database import Database
from tests.controller.postgresql import cluster

KEPT = "LOA_BENCH_LOG"
"""Names a folder in which the databases stay, for the next run."""
DISTRICTS, COMMUNES, VILLAGES = 10, 20, 15
NODES = DISTRICTS * COMMUNES * VILLAGES
BROADCASTS = 20_000
DAYS = 1_095
CLOSED = 9
"""A district that was dissolved after the first year."""
FIRST = 1_700_000_000
"""Unix time of the first line."""
FIELDS = ("news", "agriculture", "health", "environment", "security", "culture", "other", "disaster", "land")
CLASSES = ("normal",) * 18 + ("priority",)
WORDS = ("Lịch tiêm phòng", "Thu phí vệ sinh", "Họp thôn", "Bản tin sáng", "Phòng dịch tả lợn", "Cắt điện")
SETTINGS = {
    "shared_buffers": "512MB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "8GB",
    "work_mem": "16MB",
}


@contextmanager
def databases(lines: int) -> Iterator[dict[str, Database]]:
    """The log of so many lines on both databases."""
    with _folder() as folder:
        sqlite = folder / f"log-{lines}.db"
        if not sqlite.exists():
            _make_sqlite(sqlite, lines)
        with cluster(folder / "pg", **SETTINGS) as running:
            name = f"log_{lines}"
            if not running.has(name):
                _make_postgresql(running.create(f"{name}_part"), lines)
                running.rename(f"{name}_part", name)
            found = {"SQLite": Database(f"sqlite:///{sqlite}"), "PostgreSQL": Database(running.url(name))}
            yield found
            for one in found.values():
                one.close()


@contextmanager
def _folder() -> Iterator[Path]:
    kept = os.environ.get(KEPT)
    if kept:
        (Path(kept) / "pg").mkdir(parents=True, exist_ok=True)
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory(prefix="loa-log-") as made:
        Path(made).chmod(0o755)
        (Path(made) / "pg").mkdir()
        yield Path(made)


def _make_sqlite(path: Path, lines: int) -> None:
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    database = Database(f"sqlite:///{part}")
    database.migrate()
    database.close()
    link = sqlite3.connect(part, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-3000000", "foreign_keys=OFF"):
        link.execute(f"PRAGMA {pragma}")
    later = link.execute(
        "SELECT name, sql, type FROM sqlite_master"
        " WHERE tbl_name = 'log' AND sql IS NOT NULL AND type <> 'table'"
    ).fetchall()
    link.execute("BEGIN")
    for name, _, kind in later:
        link.execute(f"DROP {kind} {name}")
    for statement in _HELPERS:
        link.execute(statement)
    for sql, rows in _rows():
        link.executemany(sql.replace("%s", "?"), rows)
    counted = f"SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {_numbers(lines) - 1}"  # noqa: S608 -- a number
    numbers = f"WITH RECURSIVE numbers(n) AS ({counted})"
    link.execute(_insertion("strftime('%Y-%m-%d %H:%M:%S.000000', {at}, 'unixepoch')", numbers, lines))
    for _, sql, _ in later:
        link.execute(sql)
    link.execute("COMMIT")
    link.execute("PRAGMA journal_mode=WAL")
    link.close()
    part.rename(path)


def _make_postgresql(url: str, lines: int) -> None:
    database = Database(url)
    database.migrate()
    database.close()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as link:
        link.execute("SET session_replication_role = replica")
        later = link.execute(
            "SELECT indexname, indexdef FROM pg_indexes"
            " WHERE tablename = 'log' AND indexname LIKE 'log\\_%\\_%'"
            " AND indexname NOT LIKE '%key' AND indexname NOT LIKE '%pkey'"
        ).fetchall()
        for name, _ in later:
            link.execute(f"DROP INDEX {name}".encode())
        link.execute("ALTER TABLE log DROP CONSTRAINT log_occurrence_node_id_key")
        for statement in _HELPERS:
            link.execute(statement.encode())
        with link.cursor() as cursor:
            for sql, rows in _rows():
                cursor.executemany(sql.encode(), rows)
        counted = f"SELECT n::bigint FROM generate_series(0, {_numbers(lines) - 1}) AS n"  # noqa: S608 -- a number
        numbers = f"WITH numbers AS ({counted})"
        link.execute(_insertion("to_timestamp({at})", numbers, lines).encode())
        link.execute("ALTER TABLE log ADD UNIQUE (occurrence, node_id)")
        for _, definition in later:
            link.execute(str(definition).encode())
        link.execute("VACUUM ANALYZE")


def _rows() -> Iterator[tuple[str, Sequence[tuple[object, ...]]]]:
    """The tree, and the broadcasts from which lines take what they say."""
    yield (
        "INSERT INTO areas (id, name, kind, parent_id, authority, created_at) VALUES (%s,%s,%s,%s,20,%s)",
        _areas(),
    )
    nodes, broadcasts = list(_nodes()), [_broadcast(number) for number in range(BROADCASTS)]
    yield "INSERT INTO bench_nodes VALUES (%s,%s,%s,%s,%s)", nodes
    yield "INSERT INTO bench_broadcasts VALUES (%s,%s,%s,%s,%s)", broadcasts
    yield "INSERT INTO log_places (path, area_id) VALUES (%s,%s)", [(one[3], one[2]) for one in nodes]
    yield "INSERT INTO meta (key, value) VALUES (%s,%s)", [("tree", "made")]
    names = (
        "id, bulletin_id, document, approvals, issuer, class, authority, title, folded_title, field,"
        " recording, approved_by, approved_at, first_start_at"
    )
    rows = [
        (id_, "b", "{}", "[]", "tinh", class_, 20, title, plain(title), field, "r" * 64, "lan", _AT, _AT)
        for _, id_, title, field, class_ in broadcasts
    ]
    yield f"INSERT INTO broadcasts ({names}) VALUES ({','.join(['%s'] * 14)})", rows  # noqa: S608 -- literals


def _numbers(lines: int) -> int:
    """How many to count for so many lines: the closed district gives none for two thirds of the time."""
    return round(lines / (1 - 2 / 3 / DISTRICTS))


def village(district: int, commune: int, number: int) -> str:
    return f"thon-{district}-{commune}-{number}"


def broadcast_id(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()


def _areas() -> Sequence[tuple[str, str, str, str | None, str]]:
    rows: list[tuple[str, str, str, str | None, str]] = [("tinh", "Phú Thọ", "province", None, _AT)]
    for district in range(DISTRICTS):
        rows.append((f"huyen-{district}", f"Huyện {district}", "district", "tinh", _AT))
        for commune in range(COMMUNES):
            here = f"xa-{district}-{commune}"
            rows.append((here, f"Xã {district}.{commune}", "commune", f"huyen-{district}", _AT))
            rows += [
                (village(district, commune, number), f"Thôn {number}", "village", here, _AT)
                for number in range(VILLAGES)
            ]
    return rows


def _nodes() -> Iterator[tuple[int, str, str, str, str]]:
    for number in range(NODES):
        district, rest = divmod(number, COMMUNES * VILLAGES)
        commune, one = divmod(rest, VILLAGES)
        area = village(district, commune, one)
        path = f"/tinh/huyen-{district}/xa-{district}-{commune}/{area}/"
        yield (
            number,
            f"cum-{number:05d}",
            area,
            path,
            f"Phú Thọ / Huyện {district} / Xã {commune} / Thôn {one}",
        )


def _broadcast(number: int) -> tuple[int, str, str, str, str]:
    id_ = broadcast_id(number)
    field = FIELDS[number % len(FIELDS)]
    return number, id_, f"{WORDS[number % len(WORDS)]} {number // 7}", field, CLASSES[number % len(CLASSES)]


def _insertion(at: str, numbers: str, lines: int) -> str:
    """One statement: a line is what its number says. Nodes take turns, so that lines stand by time."""
    step = DAYS * 86_400 // (_numbers(lines) // NODES)
    when = f"{FIRST} + (n / {NODES}) * {step} + (n % {NODES}) / 15 * 60 % 3600"
    district = COMMUNES * VILLAGES
    counted = (
        f"SELECT n, n % {NODES} AS node_n, (n * 7919 + n / {NODES} * 104729) % 1000 AS h,"  # noqa: S608 -- constants
        f" {at.format(at=when)} AS at,"
        f" ((n % {NODES}) / {VILLAGES} * 100 + (n / {NODES}) % 100) % {BROADCASTS} AS b_n FROM numbers"
        f" WHERE NOT ((n % {NODES}) / {district} = {CLOSED} AND n > {_numbers(lines) // 3})"
    )
    return f"{numbers} {_LINE} FROM ({counted}) s {_ORIGINS}"


_LINE = """
INSERT INTO log (occurrence, broadcast_id, node_id, area_id, path, place, title, field, class, planned_at,
    duration_ms, outcome, delivered_at, started_at, ended_at, late_ms, played_ms, pieces, rendered, heard,
    reported_at)
SELECT b.id || '@' || s.n, b.id, p.node, p.area, p.path, p.place, b.title, b.field,
    CASE WHEN h = 7 THEN 'emergency' ELSE b.class END, at, 300000,
    CASE WHEN h < 930 THEN 'complete' WHEN h < 960 THEN 'missed' WHEN h < 970 THEN 'partly'
        WHEN h < 980 THEN 'quiet_hours' WHEN h < 990 THEN 'silenced' WHEN h < 999 THEN 'sound_missing'
        ELSE 'power_lost' END,
    at, at, at, h % 900, 300000,
    '[{"from_at":"2026-01-01T00:00:00Z","to_at":"2026-01-01T00:05:00Z","offset_ms":0}]',
    CASE WHEN h % 3 = 0 THEN NULL ELSE h % 100 <> 1 END,
    CASE WHEN h % 2 = 0 THEN NULL ELSE h % 200 <> 3 END, at"""
_ORIGINS = "JOIN bench_nodes p ON p.n = s.node_n JOIN bench_broadcasts b ON b.n = s.b_n ORDER BY s.n"
_AT = "2023-11-14 00:00:00.000000"
_HELPERS = (
    "CREATE TABLE bench_nodes (n INTEGER PRIMARY KEY, node TEXT, area TEXT, path TEXT, place TEXT)",
    "CREATE TABLE bench_broadcasts (n INTEGER PRIMARY KEY, id TEXT, title TEXT, field TEXT, class TEXT)",
)
