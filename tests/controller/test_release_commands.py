"""The commands of who makes releases, and of who brings them to the controller."""

import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from loa.controller import commands, release_commands
from loa.controller.settings import Settings
from loa.protocol.bundle import read_bundle
from loa.protocol.keys import KeyRing, SigningKey

Command = Callable[..., Result]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"LOA_{name.upper()}", raising=False)
    monkeypatch.setenv("LOA_DATA_DIR", str(tmp_path / "data"))
    app = typer.Typer()
    commands.add_to(app)
    release_commands.add_to(app)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def make_wheels(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        with zipfile.ZipFile(folder / name, "w", compression=zipfile.ZIP_DEFLATED) as wheel:
            wheel.writestr("content.py", "x = 1\n" * 1_000)
    return folder


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    names = ("loa-0.2.0-py3-none-any.whl", "pydantic_core-2.33-cp311-cp311-manylinux_2_17_aarch64.whl")
    return make_wheels(tmp_path / "wheels", *names)


def build(command: Command, wheels: Path, key: Path, *more: str) -> Result:
    out = wheels.parent / "out"
    return command("release", "build", "--wheels", wheels, "--key", key, "--out", out, *more)


def test_a_release_is_made_signed_and_brought_to_the_controller(
    command: Command, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file = tmp_path / "release.key"
    made = command("release", "key", key_file)
    key = SigningKey.from_pem(key_file.read_text())
    assert key.public.x in made.output
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    built = build(command, wheels, key_file, "--urgent-minutes", "5", "--min-agent", "0.1.0")
    assert built.exit_code == 0, built.output
    with (tmp_path / "out").open("rb") as file:
        manifest = read_bundle(file, KeyRing([key.public]))
    assert (manifest.version, manifest.pythons, manifest.machines) == ("0.2.0", ("3.11",), ("aarch64",))
    assert (manifest.urgent_after_ms, manifest.min_agent) == (300_000, "0.1.0")
    assert manifest.installed_bytes == 12_000

    assert command("init", "--area", "Tỉnh Vĩnh Phúc").exit_code == 0
    stranger = command("release", "add", tmp_path / "out")
    assert (stranger.exit_code, "LOA_RELEASE_KEYS" in stranger.output) == (1, True)
    monkeypatch.setenv("LOA_RELEASE_KEYS", json.dumps([key.public.x]))
    added = command("release", "add", tmp_path / "out")
    assert added.exit_code == 0, added.output
    assert len(list((tmp_path / "data" / "releases").glob("*.bundle"))) == 1
    assert "Added version 0.2.0" in added.output


def test_a_key_that_nodes_believe_is_not_written_over(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "release.key"
    command("release", "key", file)
    before = file.read_text()
    again = command("release", "key", file)
    assert (again.exit_code, file.read_text()) == (1, before)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "one version of loa, not 0"),
        (("loa-0.2.0-py3-none-any.whl", "loa-0.3.0-py3-none-any.whl"), "one version of loa, not 2"),
        (("loa-0.2.0-py3-none-any.whl", "nonsense.whl"), "not the name of a wheel"),
    ],
)
def test_a_folder_that_makes_no_release_is_told(
    command: Command, tmp_path: Path, names: tuple[str, ...], said: str
) -> None:
    key_file = tmp_path / "release.key"
    command("release", "key", key_file)
    answer = build(command, make_wheels(tmp_path / "some", *names), key_file)
    assert answer.exit_code == 1
    assert said in answer.output.replace("\n", " ")


def test_what_is_no_wheel_and_no_key_is_told(command: Command, wheels: Path, tmp_path: Path) -> None:
    missing = build(command, wheels, tmp_path / "nowhere.key")
    assert (missing.exit_code, "loa-controller release key" in missing.output) == (1, True)
    command("release", "key", tmp_path / "release.key")
    (wheels / "other-1-py3-none-any.whl").write_bytes(b"no zip")
    broken = build(command, wheels, tmp_path / "release.key")
    assert (broken.exit_code, "is no wheel" in broken.output) == (1, True)
    absent = command("release", "add", tmp_path / "nowhere")
    assert absent.exit_code == 1
