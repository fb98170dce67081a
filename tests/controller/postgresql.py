"""A private PostgreSQL cluster for the tests: made anew in a temporary folder, ended with the tests."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from tests.waiting import wait_for

TEMPLATE = "loa_template"
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "16MB",
    "max_connections": "80",
    "autovacuum": "off",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster that listens on a socket in its own folder only."""

    socket: Path

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://loa@/{database}?host={self.socket}"

    def create(self, database: str, template: str = "template0") -> str:
        """Make a database; its URL."""
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(database), sql.Identifier(template)
        )
        self._run(command)
        return self.url(database)

    def has(self, database: str) -> bool:
        with psycopg.connect(host=str(self.socket), user="loa", dbname="postgres") as link:
            asked = link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
            return asked.fetchone() is not None

    def rename(self, database: str, name: str) -> None:
        self._run(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(database), sql.Identifier(name))
        )

    def drop(self, database: str) -> None:
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    def _run(self, command: sql.Composed) -> None:
        with psycopg.connect(host=str(self.socket), user="loa", dbname="postgres", autocommit=True) as link:
            link.execute(command)


@contextmanager
def cluster(folder: Path, **settings: str) -> Iterator[Cluster]:
    """Make a cluster in an empty folder with a short path, or take the one that is there, and run it."""
    data = folder / "data"
    folder.chmod(0o755)
    is_new = not data.exists()
    data.mkdir(exist_ok=True)
    user = _owner(folder, data)
    binaries = _binaries()
    if is_new:
        _init(binaries, data, user)
    options = [f"-c{name}={value}" for name, value in (SETTINGS | settings).items()]
    command: list[str | Path] = [*_as(user), binaries / "postgres", "-D", data, "-k", folder, *options]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            wait_for(lambda: _is_ready(binaries, folder), what="PostgreSQL is ready")
            yield Cluster(folder)
        finally:
            server.terminate()
            server.wait(timeout=60)


def _init(binaries: Path, data: Path, user: str | None) -> None:
    init: list[str | Path] = [
        *_as(user),
        binaries / "initdb",
        "-D",
        data,
        "-U",
        "loa",
        "-A",
        "trust",
        "-N",
        "-E",
        "UTF8",
        "--locale=C",
    ]
    subprocess.run(init, check=True, capture_output=True, timeout=100)


def _is_ready(binaries: Path, folder: Path) -> bool:
    asked: list[str | Path] = [binaries / "pg_isready", "-h", folder, "-U", "loa", "-d", "postgres"]
    return subprocess.run(asked, check=False, capture_output=True, timeout=30).returncode == 0


def _owner(*folders: Path) -> str | None:
    """PostgreSQL refuses to run as root: then the folders become another user's."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    for folder in folders:
        shutil.chown(folder, user)
    return user


def _as(user: str | None) -> list[str]:
    if user is None:
        return []
    entry = pwd.getpwnam(user)
    return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", "--"]


def _binaries() -> Path:
    """Debian keeps the server's programs off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    assert found, "install the Debian package postgresql: see tools/debian-packages.txt"
    return found[-1].parent
