"""All over IPv6: announcements sound, also after an older backup took the controller's place."""

from collections.abc import Iterator

import pytest

from tests.flow.ears import make_sound
from tests.flow.times import now, seconds, soon
from tests.flow.village import Village

pytestmark = [pytest.mark.flow, pytest.mark.timeout(200)]

LEAD_S = 8


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    with Village.founded(tmp_path_factory.mktemp("restored"), host="::1") as founded:
        founded.add_node("loa-1", "thon-1")
        yield founded


def test_everything_goes_over_ipv6(village: Village) -> None:
    links = [link for process in village.processes() for link in process.net_connections("inet")]
    ends = [end for link in links for end in (link.laddr, link.raddr) if end]
    assert {end.ip for end in ends if end.port in village.ports} == {"::1"}
    assert {end.port for end in ends} >= set(village.ports)
    _sounds(village, seed=51)


def test_nodes_listen_to_a_controller_that_was_restored_from_a_backup(village: Village) -> None:
    backup = village.folder / "backup.tar"
    village.command("backup", str(backup))
    _sounds(village, seed=52)
    village.kill()

    village.data = village.folder / "restored"
    village.command("restore", str(backup))
    village.start()

    village.office.awaits_online("loa-1")
    _sounds(village, seed=53)
    _alarms(village, seed=54)


def _sounds(village: Village, *, seed: int) -> None:
    """A sound that goes in is heard once, and the log says so."""
    office, node = village.office, village.nodes[0]
    sound = make_sound(village.folder / f"{seed}.wav", 2, seed=seed)
    recording = office.upload(sound)
    at = soon(LEAD_S)
    announced = office.announce(recording, at=at)
    assert office.awaits_outcome(announced, node.name) == "complete"
    assert len(node.ear.starts(sound, at - seconds(1), now())) == 1


def _alarms(village: Village, *, seed: int) -> None:
    office, node = village.office, village.nodes[0]
    sound = make_sound(village.folder / f"{seed}.wav", 2, seed=seed)
    announced = office.emergency(office.upload(sound))
    assert office.awaits_outcome(announced, node.name) == "complete"
    assert len(node.ear.starts(sound, announced.first_at - seconds(1), now())) == 1
