"""A consistent copy of the database in a file, and the way back."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.engine import URL, make_url

from loa.controller.errors import ControllerError, Unavailable
from loa.controller.store.database import Database
from loa.controller.store.people import any_user
from loa.controller.store.tables import UserRow

PAGES_AT_ONCE = 1_000
SQLITE = "sqlite"


def kind(url: str) -> str:
    """`sqlite` or `postgresql`."""
    return make_url(url).get_backend_name()


def is_used(url: str) -> bool:
    """Whether there is a database with people in it."""
    database = Database(url)
    try:
        with database.look() as session:
            return inspect(session.connection()).has_table(UserRow.__tablename__) and any_user(session)
    except ControllerError:
        return False
    finally:
        database.close()


def dump(url: str, target: Path, report: Callable[[float], None]) -> None:
    """Write a copy of one moment; writers go on meanwhile. Raises `Unavailable` or OSError."""
    parsed = make_url(url)
    if kind(url) == SQLITE:
        _copy_sqlite(Path(parsed.database or ""), target, report)
    else:
        _run("pg_dump", parsed, "--format=custom", f"--file={target}")


def load(url: str, source: Path) -> None:
    """Replace the database by the copy. Raises `Unavailable`."""
    parsed = make_url(url)
    if kind(url) == SQLITE:
        path = Path(parsed.database or "")
        for end in ("", "-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        shutil.move(source, path)
    else:
        options = ("--clean", "--if-exists", "--no-owner", "--single-transaction")
        _run("pg_restore", parsed, *options, str(source))


def _copy_sqlite(source: Path, target: Path, report: Callable[[float], None]) -> None:
    def told(_status: int, remaining: int, total: int) -> None:
        report(1 - remaining / max(total, 1))

    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new, pages=PAGES_AT_ONCE, progress=told)
    except sqlite3.Error as error:
        raise Unavailable("no_database", f"{source}: {error}") from error


def _run(program: str, url: URL, *options: str) -> None:
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    command = [program, f"--dbname={bare.render_as_string()}", *options]
    # Not on the command line, which every user of the machine may see.
    secret = {"PGPASSWORD": str(url.password)} if url.password else {}
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | secret)
    except FileNotFoundError as error:
        raise Unavailable(
            "no_tool", f"{program} is missing; install the Debian package postgresql-client"
        ) from error
    except subprocess.CalledProcessError as error:
        raise Unavailable("tool_failed", f"{program}: {error.stderr.strip()}") from error
