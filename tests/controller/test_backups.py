"""Backups from the console: whole, one at a time, and only for those who keep the installation."""

import tarfile
import threading
from datetime import datetime
from pathlib import Path

import pytest

from loa.controller.core.access import Person, Role
from loa.controller.core.sample import COMMUNE
from loa.controller.errors import Conflict, DiskFull, NotFound
from loa.controller.services.backups import KEPT, Backup, Backups, Report
from loa.controller.settings import Settings
from loa.controller.store.database import Database
from tests.controller.factories import PROVINCE, Town
from tests.controller.site import Site
from tests.waiting import wait_for


class Writing:
    """Writes a small file when it is let, or fails."""

    def __init__(self) -> None:
        self.may_go, self.full = threading.Event(), False
        self.may_go.set()

    def __call__(self, file: Path, now: datetime, report: Report) -> None:
        report(0.5)
        assert self.may_go.wait(20)
        if self.full:
            raise DiskFull
        file.write_bytes(now.isoformat().encode())


@pytest.fixture
def town(sqlite_db: Database) -> Town:
    return Town(sqlite_db).build()


@pytest.fixture
def keeper(town: Town) -> Person:
    return town.user("quan", (PROVINCE, Role.ADMIN))


@pytest.fixture
def writing() -> Writing:
    return Writing()


@pytest.fixture
def backups(town: Town, tmp_path: Path, writing: Writing) -> Backups:
    return Backups(db=town.db, clock=town.clock, audit=town.audit, folder=tmp_path / "backups", write=writing)


def make(town: Town, backups: Backups, who: Person) -> None:
    with town.db.work() as work:
        backups.make(work, who)


def found(town: Town, backups: Backups, who: Person) -> list[Backup]:
    with town.db.look() as session:
        return backups.find(session, who)


def test_the_last_few_are_kept_the_newest_first(town: Town, backups: Backups, keeper: Person) -> None:
    for _ in range(KEPT + 2):
        town.clock.forward(hours=1)
        make(town, backups, keeper)
        backups.stop()
    kept = found(town, backups, keeper)
    assert len(kept) == KEPT
    assert kept[0].at == town.clock.now().replace(microsecond=0)
    assert kept[0].at > kept[-1].at


def test_one_is_made_at_a_time_and_its_progress_is_shown(
    town: Town, backups: Backups, keeper: Person, writing: Writing
) -> None:
    writing.may_go.clear()
    make(town, backups, keeper)
    with pytest.raises(Conflict):
        make(town, backups, keeper)

    def half_way() -> bool:
        with town.db.look() as session:
            return backups.making(session, keeper).share == 0.5

    wait_for(half_way, what="the backup is half made")
    writing.may_go.set()
    backups.stop()
    with town.db.look() as session:
        assert backups.making(session, keeper).share is None


def test_a_failure_is_told_and_the_next_attempt_may_begin(
    town: Town, backups: Backups, keeper: Person, writing: Writing
) -> None:
    writing.full = True
    make(town, backups, keeper)
    backups.stop()
    with town.db.look() as session:
        assert "disk is full" in backups.making(session, keeper).failure
    writing.full = False
    make(town, backups, keeper)
    backups.stop()
    assert len(found(town, backups, keeper)) == 1


@pytest.mark.parametrize(("area", "role"), [(COMMUNE, Role.ADMIN), (PROVINCE, Role.SUPERVISOR)])
def test_nobody_else_knows_of_backups(town: Town, backups: Backups, area: str, role: Role) -> None:
    who = town.user("khac", (area, role))
    for act in (make, found):
        with pytest.raises(NotFound):
            act(town, backups, who)


@pytest.mark.parametrize("name", ["../controller.pem", "loa-20260101T000000Z.tar", "loa.db"])
def test_no_other_file_is_given_away(town: Town, backups: Backups, keeper: Person, name: str) -> None:
    with pytest.raises(NotFound), town.db.work() as work:
        backups.file(work, keeper, name)


def test_a_real_backup_is_made_and_downloaded_over_the_api(site: Site, tmp_path: Path) -> None:
    client = site.user("quan", (PROVINCE, Role.ADMIN))
    assert client.post("/backups").status_code == 202
    site.controller.backups.stop()
    [one] = client.get("/backups").json()["items"]
    file = tmp_path / one["name"]
    file.write_bytes(client.get(f"/backups/{one['name']}").content)
    with tarfile.open(file) as tar:
        assert {"manifest.json", "database", "controller.pem"} <= set(tar.getnames())
    assert "backup.downloaded" not in client.get("/audit").text, "it belongs to no area"


def test_settings_are_shown_by_variable_and_secrets_are_not(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, smtp_password="geheim", http_port=8081)
    shown = {one.variable: one for one in settings.shown()}
    assert (shown["LOA_HTTP_PORT"].value, shown["LOA_HTTP_PORT"].is_set) == ("8081", True)
    assert not shown["LOA_BROKER_PORT"].is_set
    assert "geheim" not in repr(shown)
