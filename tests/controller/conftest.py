"""Databases for the tests of the controller: an empty one for each test, on SQLite and on PostgreSQL."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from loa.controller import audit_commands, commands, doctor_command, report_commands
from loa.controller.core.access import Person, Role
from loa.controller.core.sample import COMMUNE
from loa.controller.logs import configure
from loa.controller.settings import LogFormat, Settings
from loa.controller.store.database import Database
from tests.controller.factories import Town
from tests.controller.postgresql import TEMPLATE, Cluster, cluster
from tests.controller.site import Site, open_site


@pytest.fixture(autouse=True, scope="session")
def plain_logs() -> None:
    """As the controller logs; structlog's own default spends seconds on a traceback."""
    configure(LogFormat.CONSOLE, "INFO")


BACKENDS = ("sqlite", "postgresql")
Command = Callable[..., Result]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A cluster of this worker, with a template database that has all tables."""
    # Not tmp_path: the path of a socket may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="loa-pg-"))
    try:
        with cluster(folder) as running:
            _migrate(running.create(TEMPLATE))
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables."""
    path = tmp_path_factory.mktemp("template") / "loa.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=BACKENDS)
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with all tables, on each of the two."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "loa.db")
        yield from _opened(f"sqlite:///{tmp_path / 'loa.db'}")
        return
    running: Cluster = request.getfixturevalue("postgresql")
    name = f"test_{uuid.uuid4().hex}"
    yield from _opened(running.create(name, TEMPLATE))
    running.drop(name)


@pytest.fixture
def sqlite_db(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite database, where the other one would add nothing."""
    shutil.copy(sqlite_template, tmp_path / "loa.db")
    yield from _opened(f"sqlite:///{tmp_path / 'loa.db'}")


def _opened(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()


@pytest.fixture
def town(db: Database) -> Town:
    """The sample's areas with their services, on each of the two."""
    return Town(db).build()


@pytest.fixture
def hoa(town: Town) -> Person:
    """An approver of the commune."""
    return town.user("hoa", (COMMUNE, Role.APPROVER))


@pytest.fixture
def site(sqlite_template: Path, tmp_path: Path) -> Iterator[Site]:
    """A whole controller, asked over HTTP."""
    folder = tmp_path / "controller"
    folder.mkdir(mode=0o700)
    shutil.copy(sqlite_template, folder / "loa.db")
    made = open_site(folder)
    yield made
    for part in reversed(made.controller.parts):
        if part.name in {"journal of silences", "database"}:
            part.stop()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory that the commands are told by the environment."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"LOA_{name.upper()}", raising=False)
    monkeypatch.setenv("LOA_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def command() -> Iterator[Command]:
    app = typer.Typer()
    commands.add_to(app)
    audit_commands.add_to(app)
    report_commands.add_to(app)
    doctor_command.add_to(app)
    before = os.umask(0o022)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, words)

    yield invoke
    os.umask(before)
