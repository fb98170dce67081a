"""Other keys for a controller: what the old ones opened is shut."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from loa.controller import commands, key_commands
from loa.controller.core.sample import VILLAGES
from loa.controller.settings import Settings
from loa.controller.store.database import Database
from loa.controller.store.factors import factors_of
from loa.controller.store.folder import DataFolder
from loa.controller.store.nodes import node_row
from loa.controller.store.people_tables import FactorRow
from loa.controller.store.sealing import Sealer
from loa.protocol.ids import NodeId
from loa.protocol.keys import SigningKey

NODE = NodeId("cum-1")
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def run(*words: object) -> Result:
    app = typer.Typer()
    commands.add_to(app)
    key_commands.add_to(app)
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def data(folder: Path) -> DataFolder:
    """A controller with a node that has a key and a program that has a token."""
    assert run("init", "--sample").exit_code == 0
    settings = Settings()
    with commands.opened(settings) as desk, desk.db.work() as work:
        code = desk.nodes.insert(work, "test", name="Cụm", parent=VILLAGES[0], node=NODE)
        desk.nodes.enrol(work, code.code, SigningKey.generate().public.x, source="test")
    return DataFolder(folder)


def test_old_keys_open_nothing_any_more(data: DataFolder) -> None:
    key, authority = data.read_key(), data.read_authority()
    done = run("keys", "renew", "--yes")
    assert done.exit_code == 0, done.output
    assert "1 nodes" in done.output
    assert data.read_key().public != key.public
    assert data.read_authority().pem != authority.pem
    kept = sorted(path.name.split(".")[0] for path in data.path.glob("*.pem.*"))
    assert kept == ["authority", "controller"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in data.path.glob("*.pem*"))
    db = Database(Settings().database)
    with db.look() as session:
        assert node_row(session, NODE).key_x is None
    db.close()


def test_nothing_is_renewed_under_a_running_controller(data: DataFolder) -> None:
    key = data.read_key()
    with data.held():
        assert run("keys", "renew", "--yes").exit_code == 1
    assert data.read_key().public == key.public


@pytest.mark.parametrize("said", [False, True])
def test_second_factors_go_only_when_it_is_said(data: DataFolder, *, said: bool) -> None:
    Sealer.at(data.factors_key)
    db = Database(Settings().database)
    with db.work() as work:
        row = FactorRow(id="f" * 32, user_id="admin", kind="totp", secret="s", made_at=NOW)
        work.session.add(row)
    assert run("keys", "renew", "--yes", *(["--factors"] if said else [])).exit_code == 0
    with db.look() as session:
        assert bool(factors_of(session, "admin")) is not said
    db.close()
    assert data.factors_key.exists() is not said
