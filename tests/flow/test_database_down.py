"""STOP while the database is down: the sound ends all the same, and the silence is in the database later."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from loa.controller.adapters.rights_file import SignedRightsFile
from loa.controller.core.spare_rights import SpareRights
from loa.controller.store.folder import DataFolder
from tests.controller.postgresql import Cluster, cluster
from tests.flow.ears import make_sound
from tests.flow.times import now, seconds, soon
from tests.flow.village import Loudspeaker, Village
from tests.waiting import wait_for

pytestmark = [pytest.mark.flow, pytest.mark.timeout(200)]

DATABASE = "village"


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Cluster]:
    # Not a path of pytest's: that of a socket may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="loa-pg-"))
    try:
        with cluster(folder) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def village(postgresql: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    settings = {"LOA_DATABASE_URL": postgresql.create(DATABASE)}
    with Village.founded(tmp_path_factory.mktemp("database-down"), settings=settings) as founded:
        founded.add_node("loa-1", "thon-1")
        yield founded


def test_stop_silences_within_a_second_and_is_merged_when_the_database_is_back(
    village: Village, postgresql: Cluster
) -> None:
    office, node = village.office, village.nodes[0]
    sound = make_sound(village.folder / "sound.wav", 30, seed=41)
    recording = office.upload(sound)
    at = soon(7)
    item = office.announce(recording, at=at)
    node.holds(recording)
    node.ear.waits_until(at + seconds(2))
    _shut(postgresql)
    wait_for(lambda: not office.is_ready(), what="the controller misses its database")

    asked_at = now()
    answer = office.stop()
    answered_at = now()

    silent_at = node.ear.falls_silent(asked_at)
    assert asked_at < silent_at < answered_at + seconds(1)
    assert answer["on_air"]
    _open(postgresql)
    wait_for(lambda: _merged(postgresql) == [answer["id"]], what="the silence in the database")
    assert office.awaits_outcome(item, node.name) == "silenced"


def _rights_are_kept(village: Village) -> None:
    """The signed copy of the rights knows all who have signed in."""
    file = SignedRightsFile(DataFolder(village.data).rights, key=village.key)

    def are_there() -> bool:
        text = file.read()
        kept = SpareRights.from_bytes(text) if text else SpareRights()
        return len(kept.sessions) >= len(kept.users) > 1

    wait_for(are_there, what="a copy of the rights", within_s=30)


def _is_at_the_broker(node: Loudspeaker, port: int) -> bool:
    assert node.process is not None
    links = psutil.Process(node.process.pid).net_connections()
    return any(one.raddr and one.raddr.port == port and one.status == "ESTABLISHED" for one in links)


def _shut(postgresql: Cluster) -> None:
    """Nobody gets in, and who is in is thrown out."""
    with _link(postgresql, "postgres") as link:
        link.execute(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false")
        link.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (DATABASE,))


def _open(postgresql: Cluster) -> None:
    with _link(postgresql, "postgres") as link:
        link.execute(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS true")


def _merged(postgresql: Cluster) -> list[str]:
    with _link(postgresql, DATABASE) as link:
        return [row[0] for row in link.execute("SELECT id FROM silences")]


def _link(postgresql: Cluster, database: str) -> psycopg.Connection:
    return psycopg.connect(host=str(postgresql.socket), user="loa", dbname=database, autocommit=True)


def test_a_controller_that_was_started_without_its_database_stops_the_sound(
    village: Village, postgresql: Cluster
) -> None:
    """Power failed for all of them, and the database does not come back: 03:15 is now."""
    office, node = village.office, village.nodes[0]
    sound = make_sound(village.folder / "longer.wav", 60, seed=42)
    recording = office.upload(sound)
    at = soon(7)
    item = office.announce(recording, at=at)
    node.holds(recording)
    _rights_are_kept(village)
    _shut(postgresql)
    village.kill()
    village.start(whole=False)
    node.ear.waits_until(at + seconds(2))
    port = village.ports[1]
    wait_for(lambda: _is_at_the_broker(node, port), what="the node is at the broker", within_s=60)

    asked_at = now()
    answer = office.stop()
    answered_at = now()

    silent_at = node.ear.falls_silent(asked_at)
    assert asked_at < silent_at < answered_at + seconds(1)
    _open(postgresql)
    wait_for(lambda: answer["id"] in _merged(postgresql), what="the silence in the database", within_s=60)
    assert office.awaits_outcome(item, node.name) == "silenced"
