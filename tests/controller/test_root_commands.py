"""The root key on its stick: made, used and shown far from the controller, which never sees it."""

import json
import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from loa.controller import commands, root_commands
from loa.controller.core.passkeys import PersonalKey, fingerprint
from loa.controller.core.sample import COMMUNE
from loa.controller.settings import Settings
from loa.controller.store.database import Database
from loa.controller.store.folder import DataFolder
from loa.controller.store.papers import appointment_row
from loa.controller.store.passkeys import add_passkey
from loa.protocol.charter import verify_appointment
from loa.protocol.ids import AreaId
from loa.protocol.keys import SigningKey
from loa.protocol.succession import follow
from tests.passkeys import SoftPasskey

Command = Callable[..., Result]
PASSWORD = "mat-khau-thu-nghiem"


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"LOA_{name.upper()}", raising=False)
    monkeypatch.setenv("LOA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LOA_PUBLIC_URL", "https://loa.langcong.vn")
    app = typer.Typer()
    commands.add_to(app)
    root_commands.add_to(app)

    def run(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], input="y\n")

    return run


@pytest.fixture
def keepers(command: Command, tmp_path: Path) -> dict[str, SoftPasskey]:
    """Kim and Lam, with a passkey each, on a controller that was set up."""
    assert command("init", "--sample", "--password", PASSWORD).exit_code == 0
    found = {"kim": SoftPasskey(), "lam": SoftPasskey()}
    for user in found:
        assert command("user", "add", user, "--password", PASSWORD).exit_code == 0
    db = Database(f"sqlite:///{tmp_path / 'data' / 'loa.db'}")
    with db.work() as work:
        for number, (user, soft) in enumerate(found.items()):
            key = PersonalKey(
                id=f"{number:032x}",
                user_id=user,
                passkey=soft.public,
                name="Máy",
                created_at=datetime.now(UTC),
            )
            add_passkey(work.session, key)
    db.close()
    return found


def request(command: Command, out: Path, *users: str) -> Result:
    named = [word for user in users for word in ("--keeper", user)]
    return command("root", "request", out, "--area", COMMUNE, *named)


def test_keepers_are_named_by_files_that_go_to_the_stick_and_back(
    command: Command, keepers: dict[str, SoftPasskey], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file, wanted, sealed = (tmp_path / name for name in ("root.key", "wanted.json", "sealed.jws"))
    made = command("root", "new", key_file)
    key = SigningKey.from_pem(key_file.read_text())
    assert key.public.x in made.output
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    asked = request(command, wanted, "kim", "lam")
    assert asked.exit_code == 0, asked.output
    assert fingerprint(keepers["kim"].public) in asked.output
    appointed = command("root", "appoint", wanted, sealed, "--key", key_file)
    assert appointed.exit_code == 0, appointed.output
    assert [one.user for one in verify_appointment(sealed.read_text().strip(), key.public).keepers] == [
        "kim",
        "lam",
    ]
    early = command("root", "import", sealed)
    assert (early.exit_code, "LOA_ROOT_KEY" in early.output) == (1, True)
    monkeypatch.setenv("LOA_ROOT_KEY", key.public.x)
    taken = command("root", "import", sealed)
    assert (taken.exit_code, "/admin/trust" in taken.output) == (0, True)
    assert command("root", "import", sealed).exit_code == 1  # it is here already
    shown = command("root", "show", sealed)
    assert (shown.exit_code, "lam" in shown.output) == (0, True)
    assert key.public.x in command("root", "show", key_file).output
    db = Database(f"sqlite:///{tmp_path / 'data' / 'loa.db'}")
    with db.look() as session:
        row = appointment_row(session, AreaId(COMMUNE))
        assert row is not None
        assert len(verify_appointment(row.sealed, key.public).keepers) == 2, "as nodes get it"
    db.close()
    assert key_file.read_bytes() not in b"".join(
        path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()
    )


def test_a_root_names_the_next_one_and_the_papers_stay_in_force(
    command: Command, keepers: dict[str, SoftPasskey], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keepers
    names = ("one.key", "two.key", "wanted.json", "sealed.jws", "held.json", "next.json")
    one, two, wanted, sealed, held, handed = (tmp_path / name for name in names)
    command("root", "new", one)
    command("root", "new", two)
    old, new = (SigningKey.from_pem(file.read_text()).public for file in (one, two))
    request(command, wanted, "kim", "lam")
    command("root", "appoint", wanted, sealed, "--key", one, "--yes")
    monkeypatch.setenv("LOA_ROOT_KEY", old.x)
    assert command("root", "import", sealed).exit_code == 0
    assert command("root", "papers", held).exit_code == 0
    keys = ("--key", one, "--next", two, "--yes")
    assert (
        command("root", "succeed", held, tmp_path / "x", "--key", two, "--next", one, "--yes").exit_code == 1
    )
    assert (
        command("root", "succeed", held, tmp_path / "x", "--key", one, "--next", one, "--yes").exit_code == 1
    )
    made = command("root", "succeed", held, handed, *keys)
    assert (made.exit_code, "lam" in made.output) == (0, True), made.output
    with DataFolder(tmp_path / "data").held():
        assert command("root", "import", handed).exit_code == 1  # a controller runs
    taken = command("root", "import", handed)
    assert taken.exit_code == 0, taken.output
    assert f"LOA_ROOT_KEY={new.x}\n" in taken.output
    (steps,) = re.findall(r"^LOA_ROOT_SUCCESSIONS='(.*)'$", taken.output, re.MULTILINE)
    assert follow(old, json.loads(steps)).root == new
    db = Database(f"sqlite:///{tmp_path / 'data' / 'loa.db'}")
    with db.look() as session:
        row = appointment_row(session, AreaId(COMMUNE))
        assert row is not None
        assert verify_appointment(row.sealed, new) == verify_appointment(sealed.read_text().strip(), old)
    db.close()
    assert command("root", "import", handed).exit_code == 1  # LOA_ROOT_KEY is the former one still


def test_an_appointment_that_came_in_between_is_not_lost(
    command: Command, keepers: dict[str, SoftPasskey], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keepers
    one, two, held, handed = (tmp_path / name for name in ("one.key", "two.key", "held.json", "next.json"))
    command("root", "new", one)
    command("root", "new", two)
    monkeypatch.setenv("LOA_ROOT_KEY", SigningKey.from_pem(one.read_text()).public.x)
    command("root", "papers", held)
    command("root", "succeed", held, handed, "--key", one, "--next", two, "--yes")
    request(command, tmp_path / "wanted.json", "kim", "lam")
    command("root", "appoint", tmp_path / "wanted.json", tmp_path / "sealed.jws", "--key", one, "--yes")
    assert command("root", "import", tmp_path / "sealed.jws").exit_code == 0
    taken = command("root", "import", handed)
    assert (taken.exit_code, "root papers" in taken.output) == (1, True), taken.output


def test_what_another_root_sealed_is_not_taken(
    command: Command, keepers: dict[str, SoftPasskey], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keepers
    monkeypatch.setenv("LOA_ROOT_KEY", SigningKey.generate().public.x)
    key_file, wanted, sealed = (tmp_path / name for name in ("root.key", "wanted.json", "sealed.jws"))
    command("root", "new", key_file)
    request(command, wanted, "kim", "lam")
    command("root", "appoint", wanted, sealed, "--key", key_file, "--yes")
    taken = command("root", "import", sealed)
    assert (taken.exit_code, "LOA_ROOT_KEY" in taken.output) == (1, True)


def test_nothing_is_written_over_and_keepers_are_at_least_two(
    command: Command, keepers: dict[str, SoftPasskey], tmp_path: Path
) -> None:
    assert keepers
    key_file = tmp_path / "root.key"
    command("root", "new", key_file)
    before = key_file.read_bytes()
    assert command("root", "new", key_file).exit_code == 1
    assert request(command, key_file, "kim", "lam").exit_code == 1
    assert key_file.read_bytes() == before
    for users in (("kim",), ("kim", "admin")):  # admin has no passkey
        assert request(command, tmp_path / "wanted.json", *users).exit_code == 1
    assert not (tmp_path / "wanted.json").exists()
