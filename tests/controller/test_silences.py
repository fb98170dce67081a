"""STOP, with the database and with it really gone."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from loa.controller.adapters.rights_file import SignedRightsFile
from loa.controller.adapters.silence_journal import FileSilenceJournal
from loa.controller.core.access import Person, Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.errors import (
    DiskFull,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from loa.controller.ports import AreaSilence, SilenceJournal
from loa.controller.services.metrics import Metrics
from loa.controller.services.publisher import Publisher
from loa.controller.services.silences import Silences
from loa.controller.services.spare_rights import RightsKeeper
from loa.controller.store.database import Database
from loa.controller.store.tables import AuditRow, SilenceRow
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Silence, Urgent
from loa.protocol.topics import Channel, Topic
from tests.controller.air import place, silence
from tests.controller.factories import PROVINCE, Town
from tests.controller.postgresql import cluster
from tests.fakes.controller import FakeEvents
from tests.fakes.courier import FakeCourier
from tests.waiting import wait_for

HOUR = timedelta(hours=1)


@dataclass
class Brake:
    """STOP over a small commune, its publisher at work."""

    town: Town
    folder: Path
    courier: FakeCourier = field(default_factory=FakeCourier)
    events: FakeEvents = field(default_factory=FakeEvents)
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self.journal = FileSilenceJournal(self.folder / "silences.journal")
        self.publisher = Publisher(
            db=self.town.db,
            clock=self.town.clock,
            key=self.town.key,
            courier=self.courier,
            journal=self.journal,
            metrics=self.metrics,
            expect=lambda _areas: None,
            calm_s=0.0,
        )
        self.courier.key = self.town.key
        self.rights = self.another_keeper()
        self.silences = self.with_journal(self.journal)

    def another_keeper(self) -> RightsKeeper:
        file = SignedRightsFile(self.folder / "rights", key=self.town.key)
        return RightsKeeper(db=self.town.db, clock=self.town.clock, file=file)

    def with_journal(self, journal: SilenceJournal) -> Silences:
        numbers = iter(range(1, 1000))
        return Silences(
            db=self.town.db,
            clock=self.town.clock,
            ids=lambda: f"{next(numbers):032x}",
            journal=journal,
            publisher=self.publisher,
            rights=self.rights,
            events=self.events,
            audit=self.town.audit,
            metrics=self.metrics,
        )

    def on_air(self, area: AreaId = COMMUNE) -> Urgent:
        found = self.courier.last(Topic(Channel.URGENT, area))
        assert isinstance(found, Urgent)
        return found

    def merged(self) -> list[SilenceRow]:
        with self.town.db.look() as session:
            return list(session.exec(select(SilenceRow).order_by(col(SilenceRow.counter))))

    def audited(self) -> list[str]:
        with self.town.db.look() as session:
            return [row.subject for row in session.exec(select(AuditRow)) if row.act == "silence.issued"]


@pytest.fixture
def brake(db: Database, tmp_path: Path) -> Iterator[Brake]:
    made = Brake(Town(db).build(), tmp_path)
    yield made
    made.journal.close()


@contextmanager
def gone_sqlite(
    folder: Path, template: Path
) -> Iterator[tuple[Database, Callable[[], None], Callable[[], None]]]:
    """A database, and how to take its file away and bring it back."""
    path = folder / "loa.db"
    shutil.copy(template, path)
    database = Database(f"sqlite:///{path}")

    def take() -> None:
        database.close()
        for part in folder.glob("loa.db*"):
            part.rename(folder / f"away-{part.name}")
        path.mkdir()

    def bring() -> None:
        path.rmdir()
        for part in folder.glob("away-*"):
            part.rename(folder / part.name.removeprefix("away-"))

    yield database, take, bring
    database.close()


@contextmanager
def gone_postgresql() -> Iterator[tuple[Database, Callable[[], None], Callable[[], None]]]:
    """A database on a server of its own, which stops and stays away."""
    folder = Path(tempfile.mkdtemp(prefix="loa-pg-"))
    with ExitStack() as running:
        server = running.enter_context(cluster(folder))
        database = Database(server.create("loa"))
        running.callback(database.close)  # before the server, which waits for its clients
        database.migrate()
        yield database, running.close, lambda: None
    shutil.rmtree(folder, ignore_errors=True)


Gone = tuple[Brake, Callable[[], None], Callable[[], None]]


@pytest.fixture(params=["sqlite", "postgresql"])
def gone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Gone]:
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        lost = gone_sqlite(tmp_path, template)
    else:
        lost = gone_postgresql()
    with lost as (database, take, bring):
        made = Brake(Town(database).build(), tmp_path)
        yield made, take, bring
        made.journal.close()


def official(brake: Brake) -> Person:
    return brake.town.user("lan", (COMMUNE, Role.OFFICIAL))


def test_stop_is_on_the_disk_and_on_air_when_it_returns(brake: Brake) -> None:
    now = brake.town.clock.now()
    noted = brake.silences.silence(official(brake), COMMUNE, HOUR)
    assert brake.on_air().silences == (noted.silence,)
    assert (noted.silence.from_at, noted.silence.until_at, noted.silence.by) == (now, now + HOUR, "lan")
    assert noted.silence.id in (brake.folder / "silences.journal").read_text()


def test_stop_is_as_strong_as_its_area(brake: Brake) -> None:
    high = brake.town.user("anh", ("vinh-phuc", Role.APPROVER))
    of_commune = brake.silences.silence(high, COMMUNE, HOUR).silence.authority
    assert brake.silences.silence(high, AreaId("vinh-phuc"), HOUR).silence.authority > of_commune


def test_stop_is_merged_with_who_did_it(brake: Brake) -> None:
    noted = brake.silences.silence(official(brake), VILLAGES[0], HOUR)
    brake.silences.start()
    wait_for(lambda: bool(brake.merged()), what="the silence in the database")
    brake.silences.stop()
    [row] = brake.merged()
    assert (row.id, row.counter, row.area_id, row.by) == (noted.silence.id, 1, VILLAGES[0], "lan")
    assert brake.audited() == [noted.silence.id]


def test_merging_again_adds_nothing(brake: Brake) -> None:
    brake.silences.silence(official(brake), COMMUNE, HOUR)
    assert brake.silences.merge() == 1
    assert brake.silences.merge() == 0
    assert len(brake.merged()) == 1


def test_a_silence_of_an_area_that_a_restored_backup_lacks_does_not_hold_up_the_others(brake: Brake) -> None:
    lost = Silence.model_validate(
        brake.silences.silence(official(brake), COMMUNE, HOUR).silence.model_dump() | {"id": "f" * 32}
    )
    brake.journal.append(AreaId("lost-area"), lost)
    who = Person("lan", "Lan", brake.town.user("lan2", (COMMUNE, Role.OFFICIAL)).grants)
    brake.silences.silence(who, COMMUNE, HOUR)
    assert brake.silences.merge() == 2


@pytest.mark.parametrize("lasting", [timedelta(0), timedelta(seconds=59), timedelta(hours=24, seconds=1)])
def test_a_silence_has_a_sensible_length(brake: Brake, lasting: timedelta) -> None:
    with pytest.raises(Invalid):
        brake.silences.silence(official(brake), COMMUNE, lasting)
    assert brake.courier.sent == []


def test_a_node_is_silent_until_the_last_order_for_any_place_of_its(brake: Brake) -> None:
    brake.town.node("cum-1")
    lan = official(brake)
    node, now = NodeId("cum-1"), brake.town.clock.now()

    def until(*zones: AreaId) -> datetime | None:
        return brake.silences.silent_until(lan, node, zones)

    assert until() is None
    silence(brake.journal, now, AreaId(node), minutes=10)
    assert until() == now + timedelta(minutes=10)
    silence(brake.journal, now, PROVINCE, minutes=20)
    silence(brake.journal, now, AreaId("vung-lu"), minutes=30)
    silence(brake.journal, now, VILLAGES[1], minutes=40)
    assert until() == now + timedelta(minutes=20)
    assert until(AreaId("vung-lu")) == now + timedelta(minutes=30)
    brake.town.clock.forward(minutes=25)
    assert until() is None
    stranger = brake.town.user("la", (VILLAGES[1], Role.OFFICIAL))
    with pytest.raises(NotFound):
        brake.silences.silent_until(stranger, node, ())


def test_nobody_stops_another_commune(brake: Brake) -> None:
    villager = brake.town.user("hoa", (VILLAGES[0], Role.OFFICIAL))
    with pytest.raises(NotFound):
        brake.silences.silence(villager, COMMUNE, HOUR)
    with pytest.raises(NotFound):
        brake.silences.of(villager, COMMUNE)
    with pytest.raises(NotFound):
        brake.silences.silence(villager, AreaId("nowhere"), HOUR)


def test_a_full_disk_is_told_and_nothing_is_sent(brake: Brake) -> None:
    class Full:
        def append(self, _area: AreaId, _silence: Silence) -> AreaSilence:
            raise OSError(28, "No space left on device")

        def of(self, _area: AreaId, _at: object) -> list[Silence]:
            return []

        def after(self, _counter: int) -> list[AreaSilence]:
            return []

        def adopt(self, _silences: object) -> None:
            return None

    with pytest.raises(DiskFull):
        brake.with_journal(Full()).silence(official(brake), COMMUNE, HOUR)
    assert brake.courier.sent == []


def test_a_journal_that_was_lost_gets_back_what_lasts(brake: Brake) -> None:
    noted = brake.silences.silence(official(brake), COMMUNE, HOUR)
    brake.silences.merge()
    fresh = FileSilenceJournal(brake.folder / "new.journal")
    brake.with_journal(fresh).adopt()
    assert fresh.of(COMMUNE, brake.town.clock.now()) == [noted.silence]
    assert fresh.append(COMMUNE, noted.silence).silence.counter == 2
    fresh.close()


def test_a_silence_after_the_loss_of_the_journal_reaches_the_database(brake: Brake) -> None:
    who = official(brake)
    brake.silences.silence(who, COMMUNE, HOUR)
    brake.silences.merge()
    brake.town.clock.forward(hours=2)
    fresh = FileSilenceJournal(brake.folder / "new.journal")
    silences = brake.with_journal(fresh)
    silences.adopt()
    assert silences.silence(who, COMMUNE, HOUR).silence.counter == 2
    assert silences.merge() == 1
    fresh.close()


def test_stop_works_with_the_database_gone(gone: Gone) -> None:
    brake, take, bring = gone
    who = official(brake)
    with brake.town.db.work() as work:
        secret = brake.town.sessions.make_token(work, who, "t", timedelta(days=1)).secret
    emergency = place(brake.town, COMMUNE, class_=BroadcastClass.EMERGENCY)
    brake.publisher.urgent_changed(frozenset({COMMUNE}))
    brake.rights.renew()
    take()
    with pytest.raises(Unavailable):
        brake.town.db.check()
    signed_in = brake.rights.whose(secret)
    noted = brake.silences.silence(signed_in.person, COMMUNE, HOUR)
    assert signed_in.person == who
    assert brake.on_air().silences == (noted.silence,)
    assert [entry.id for entry in brake.on_air().entries] == [emergency.id]
    with pytest.raises(Unavailable):
        brake.silences.merge()
    bring()


def test_after_a_restart_without_the_database_rights_come_from_the_file(gone: Gone) -> None:
    brake, take, bring = gone
    who = official(brake)
    with brake.town.db.work() as work:
        secret = brake.town.sessions.make_token(work, who, "t", timedelta(days=1)).secret
    brake.rights.renew()
    take()
    fresh = brake.another_keeper()
    assert fresh.whose(secret).person == who
    assert fresh.path(VILLAGES[0])[:2] == [VILLAGES[0], COMMUNE]
    with pytest.raises(Unauthenticated):
        fresh.whose("loa_guessed")
    with pytest.raises(NotFound):
        fresh.path(AreaId("nowhere"))
    brake.town.clock.forward(days=2)
    with pytest.raises(Unauthenticated):
        fresh.whose(secret)
    bring()


def test_what_was_stopped_meanwhile_is_merged_when_the_database_is_back(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with gone_sqlite(tmp_path, sqlite_template) as (database, take, bring):
        brake = Brake(Town(database).build(), tmp_path)
        who = official(brake)
        brake.rights.renew()
        take()
        noted = brake.silences.silence(who, COMMUNE, HOUR)
        bring()
        assert brake.silences.merge() == 1
        assert [row.id for row in brake.merged()] == [noted.silence.id]
        brake.journal.close()


def test_nobody_grants_himself_a_stop_with_an_editor(brake: Brake) -> None:
    official(brake)
    brake.rights.renew()
    file = brake.folder / "rights"
    sealed = bytearray(file.read_bytes())
    sealed[len(sealed) // 2] ^= 1
    file.write_bytes(sealed)
    assert SignedRightsFile(file, key=brake.town.key).read() is None
