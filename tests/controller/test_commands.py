"""The commands at the terminal, up to a controller that really serves."""

import json
import os
import re
import signal
import ssl
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.error import URLError

import pytest
from sqlmodel import select

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE, SAMPLE
from loa.controller.errors import ControllerError
from loa.controller.settings import Settings
from loa.controller.store.database import Database
from loa.controller.store.folder import DataFolder
from loa.controller.store.people import grants_of
from loa.controller.store.tables import AreaRow
from tests.controller.conftest import Command
from tests.waiting import wait_for

PASSWORD = "mat-khau-thu-nghiem"


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}


def test_init_makes_a_private_folder_with_key_tables_and_administrator(
    folder: Path, command: Command
) -> None:
    done = command("init", "--sample")
    assert done.exit_code == 0, done.output
    password = re.search(r"^Password: (\S+)$", done.output, re.MULTILINE)
    assert password
    assert all(mode & 0o077 == 0 for mode in modes(folder).values())
    db = Database(Settings().database)
    with db.look() as session:
        assert set(session.exec(select(AreaRow.id))) == {one.id for one in SAMPLE}
        [grant] = grants_of(session, "admin")
        assert (grant.area_id, grant.role) == (SAMPLE[0].id, Role.ADMIN)
    db.close()


def test_init_begins_a_tree_of_one_s_own(folder: Path, command: Command) -> None:
    assert command("init", "--area", "Tỉnh Phú Thọ").exit_code == 0
    assert folder.is_dir()
    db = Database(Settings().database)
    with db.look() as session:
        assert list(session.exec(select(AreaRow.id))) == ["tinh-phu-tho"]
    db.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["init"], "--area"),
        (["init", "--sample", "--password", "1234"], "characters"),
        (["init", "--area", "X", "--kind", "node"], "cannot stand"),
        (["user", "add", "lan"], "run `loa-controller init` first"),
        (["backup", "x.tar"], "run `loa-controller init` first"),
        (["restore", "nowhere.tar"], "nowhere.tar"),
    ],
)
def test_a_refusal_is_one_line_that_says_what_to_do(
    folder: Path, command: Command, words: list[str], said: str
) -> None:
    done = command(*words)
    assert done.exit_code == 1
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert not (folder / "controller.pem").exists()


def test_init_can_be_tried_again_after_a_refusal_and_never_twice(folder: Path, command: Command) -> None:
    assert command("init", "--sample", "--password", "1234").exit_code == 1
    assert command("init", "--sample", "--password", PASSWORD).exit_code == 0
    key = (folder / "controller.pem").read_bytes()
    again = command("init", "--sample")
    assert (again.exit_code, "initialised already" in again.stderr) == (1, True)
    assert (folder / "controller.pem").read_bytes() == key


def test_a_wrong_setting_is_named(folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_HTTP_PORT", "many")
    done = command("init", "--sample")
    assert (done.exit_code, "LOA_HTTP_PORT" in done.stderr) == (1, True)
    assert not folder.exists()


def test_people_and_nodes_are_added_at_the_terminal(folder: Path, command: Command) -> None:
    assert command("init", "--sample", "--password", PASSWORD).exit_code == 0
    assert folder.is_dir()
    lan = command("user", "add", "lan", "--role", f"approver@{COMMUNE}", "--password", PASSWORD)
    wrong = command("user", "add", "mai", "--role", "king@everywhere")
    node = command("node", "add", "Cụm 1", "--area", COMMUNE)
    assert [lan.exit_code, wrong.exit_code, node.exit_code] == [0, 1, 0]
    assert re.search(r"loa-node enrol https://localhost:8443 (\w{4}-){7}\w{4}", node.output)
    db = Database(Settings().database)
    with db.look() as session:
        assert {grant.role for grant in grants_of(session, "lan")} == {Role.APPROVER}
    db.close()


@pytest.mark.flow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("url", ["https://192.168.1.5", "https://[::1]:8443", "https://loa"])
def test_init_refuses_a_name_that_passkeys_fail_on(
    folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("LOA_PUBLIC_URL", url)
    refused = command("init", "--sample", "--password", PASSWORD)
    assert (refused.exit_code, "LOA_PUBLIC_URL" in refused.output) == (1, True)
    assert not (folder / "controller.pem").exists()


@pytest.mark.usefixtures("folder")
def test_the_doctor_tells_a_bad_name_and_the_authority_is_printed(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("init", "--sample", "--password", PASSWORD).exit_code == 0
    assert command("doctor").exit_code == 0
    monkeypatch.setenv("LOA_PUBLIC_URL", "https://192.168.1.5")
    told = command("doctor")
    assert (told.exit_code, "What to do: LOA_PUBLIC_URL" in told.output) == (1, True)
    assert command("authority").output.startswith("-----BEGIN CERTIFICATE-----")


def test_serve_answers_on_both_protocols_and_stops_in_order(
    folder: Path, command: Command, free_port: Callable[[str], int], tmp_path: Path
) -> None:
    assert command("init", "--sample", "--password", PASSWORD).exit_code == 0
    port, broker = free_port("127.0.0.1"), free_port("127.0.0.1")
    environment = os.environ | {
        "LOA_HTTP_PORT": str(port),
        "LOA_BROKER_PORT": str(broker),
        "LOA_LOG_FORMAT": "json",
    }
    program = [str(Path(sys.executable).with_name("loa-controller")), "serve"]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(program, env=environment, stderr=log) as server,
    ):
        try:
            for host in ("127.0.0.1", "[::1]"):
                address = f"https://{host}:{port}/readyz"
                wait_for(partial(is_ready, address, folder), what=address, within_s=90)
            second = subprocess.run(
                program, env=environment, capture_output=True, text=True, check=False, timeout=90
            )
            assert (second.returncode, "stop it first" in second.stderr) == (1, True)
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=60) == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    stopped = [line["part"] for line in lines if line["event"] == "part.stopping"]
    in_order = ["standing messages", "jobs", "courier"]
    assert [part for part in stopped if part in in_order] == in_order
    assert not [line for line in lines if line["level"] == "error"]
    assert folder.is_dir()


def is_ready(address: str, folder: Path) -> bool:
    try:
        trust = ssl.create_default_context(cadata=DataFolder(folder).read_authority().pem)
        with urllib.request.urlopen(address, timeout=10, context=trust) as answer:  # noqa: S310 -- an address of this test
            return bool(answer.status == 200)
    except (URLError, OSError, ControllerError):
        return False
