"""The first run: only who reads the terminal may begin, and once somebody is there it is over."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from loa.controller.commands import make_first_key
from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE
from loa.controller.errors import Conflict, Invalid, NotFound, TooMany
from loa.controller.main import build
from loa.controller.services.attempts import Attempts
from loa.controller.services.sessions import Browser
from loa.controller.services.setup import First, Ground, Setup
from loa.controller.settings import Settings
from loa.controller.store.database import Database
from loa.controller.store.folder import DataFolder
from loa.protocol.ids import AreaId
from tests.controller.factories import Town

PASSWORD = "cau-lang-cong-moi"
FIRST = First(user="hoa", name="Nguyễn Văn Hòa", password=PASSWORD)
GROUND = Ground(province="Tỉnh Phú Thọ", commune="Xã Lãng Công", villages=("Phú Cường", "Đồng Chăm"))


class Terminal:
    """Of the controller: what it told."""

    def __init__(self, town: Town) -> None:
        self.told: list[str] = []
        self.town = town
        self.setup = Setup(
            db=town.db,
            clock=town.clock,
            people=town.people,
            areas=town.areas,
            sessions=town.sessions,
            attempts=Attempts(clock=town.clock),
            tell=self.told.append,
        )
        self.setup.start()

    def begin(self, first: First = FIRST) -> str:
        return self.setup.begin(self.told[0], first, source="test")


@pytest.fixture
def terminal(db: Database) -> Terminal:
    return Terminal(Town(db))


def test_the_code_is_told_at_the_terminal_only_while_there_is_nobody(db: Database) -> None:
    town = Town(db).build()
    [code] = Terminal(town).told
    assert re.fullmatch(r"[2-9A-HJ-NP-Z]{4}[ -][2-9A-HJ-NP-Z]{4}", code)
    town.user("lan", (COMMUNE, Role.ADMIN))
    assert Terminal(town).told == []


def test_two_steps_make_areas_and_their_administrator_who_is_signed_in(terminal: Terminal) -> None:
    signed = terminal.setup.finish(terminal.begin(), replace(GROUND, writes=True))
    roles = {(one.area_id, one.role) for one in signed.person.grants}
    assert roles == {("tinh-phu-tho", Role.ADMIN), ("xa-lang-cong", Role.OFFICIAL)}
    with terminal.town.db.look() as session:
        village = terminal.town.areas.get(session, signed.person, AreaId("phu-cuong"))
    assert village.parent_id == "xa-lang-cong"
    assert terminal.town.sessions.sign_in("hoa", PASSWORD, Browser(source="test")).person == signed.person


def test_a_stranger_without_the_code_gets_nowhere_and_has_to_wait(terminal: Terminal) -> None:
    for _ in range(3):
        with pytest.raises(Invalid, match="terminal"):
            terminal.setup.begin("AAAA-AAAA", FIRST, source="stranger")
    with pytest.raises(TooMany):
        terminal.setup.begin(terminal.told[0], FIRST, source="stranger")
    with pytest.raises(Conflict):
        terminal.setup.finish("guessed", GROUND)


def test_the_second_step_cannot_wait_for_ever(terminal: Terminal) -> None:
    token = terminal.begin()
    terminal.town.clock.forward(hours=3)
    assert not terminal.setup.waits(token)
    with pytest.raises(Conflict):
        terminal.setup.finish(token, GROUND)


@pytest.mark.parametrize(
    "first",
    [First(user="Hòa!", name="Hòa", password=PASSWORD), First(user="hoa", name="Hòa", password="ngan")],
)
def test_a_bad_name_or_password_is_refused_in_the_first_step(terminal: Terminal, first: First) -> None:
    with pytest.raises(Invalid):
        terminal.begin(first)


def test_without_any_area_nobody_is_made(terminal: Terminal) -> None:
    token = terminal.begin()
    with pytest.raises(Invalid):
        terminal.setup.finish(token, Ground())
    assert terminal.setup.waits(token)


def test_two_villages_of_one_name_are_told_and_nothing_is_half_made(terminal: Terminal) -> None:
    token = terminal.begin()
    with pytest.raises(Conflict, match="area"):
        terminal.setup.finish(token, Ground(commune="Xã Lãng Công", villages=("Xóm Mới", "Xom Moi")))
    terminal.setup.finish(token, GROUND)


def test_once_there_is_a_person_all_of_it_is_not_found(terminal: Terminal) -> None:
    token = terminal.begin()
    terminal.setup.finish(token, GROUND)
    with pytest.raises(NotFound):
        terminal.begin()
    with pytest.raises(NotFound):
        terminal.setup.finish(token, GROUND)


def test_serve_makes_the_key_of_an_empty_folder_and_never_another_one(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "loa")
    folder = DataFolder(settings.data_dir)
    folder.prepare()
    make_first_key(settings)
    key = folder.read_key().public
    make_first_key(settings)
    assert folder.read_key().public == key
    controller = build(settings)
    controller.db.migrate()
    terminal = Terminal(Town(controller.db))
    terminal.setup.finish(terminal.begin(), GROUND)
    controller.db.close()
    folder.key.unlink()
    make_first_key(settings)
    assert not folder.key.exists(), "nodes believe the one that was lost"
