"""What goes wrong on an ordinary day, in a village with two loudspeakers and a broker that is no child."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from loa.protocol.ids import RecordingId
from tests.flow.ears import Sound, make_sound
from tests.flow.times import now, seconds, soon
from tests.flow.village import Village

pytestmark = [pytest.mark.flow, pytest.mark.timeout(200)]

ON_TIME = seconds(0.3)
SOON_S = 6
"""From an approval to the start: time enough for every loudspeaker to have it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A village whose loudspeakers have two sounds on their disks."""

    village: Village
    short: Sound
    short_recording: RecordingId
    long: Sound
    long_recording: RecordingId


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Village.founded(tmp_path_factory.mktemp("troubles"), broker_apart=True) as village:
        for number in (1, 2):
            village.add_node(f"loa-{number}", f"thon-{number}")
        short = make_sound(village.folder / "short.wav", 2, seed=31)
        long = make_sound(village.folder / "long.wav", 16, seed=32)
        recordings = village.office.upload(short), village.office.upload(long)
        for recording in recordings:
            village.office.announce(recording, at=soon(86_400))
        for node in village.nodes:
            node.holds(*recordings)
        yield Scene(village, short, recordings[0], long, recordings[1])


def test_what_is_approved_while_the_broker_is_down_goes_out_when_it_is_back_if_still_valid(
    scene: Scene,
) -> None:
    office, nodes = scene.village.office, scene.village.nodes
    scene.village.kill_broker()
    over_at, valid_at = soon(2), soon(11)
    over = office.announce(scene.long_recording, at=over_at, not_after_ms=1_000)
    valid = office.announce(scene.short_recording, at=valid_at)
    nodes[0].ear.waits_until(over_at + seconds(2))
    scene.village.start_broker()

    outcomes = {node.name: office.awaits_outcome(valid, node.name) for node in nodes}
    assert outcomes == dict.fromkeys(outcomes, "complete")
    for node in nodes:
        assert office.awaits_outcome(over, node.name) in {"expired", "learnt_too_late"}
        assert len(node.ear.starts(scene.short, valid_at - seconds(1), now())) == 1
        assert node.ear.finds(scene.long, seconds(0), seconds(2), over_at - seconds(1), now()) == []


def test_a_broadcast_sent_twice_sounds_once(scene: Scene) -> None:
    office = scene.village.office
    at = soon(SOON_S)
    sent = [office.announce(scene.short_recording, at=at, key="the-same") for _ in range(2)]
    assert sent[0] == sent[1]
    later = at + scene.short.length + seconds(5)
    for node in scene.village.nodes:
        office.awaits_outcome(sent[0], node.name)
        node.ear.waits_until(later)
        assert len(node.ear.starts(scene.short, at - seconds(1), later)) == 1
    lines = office.log(**{"from": at - seconds(1), "to": later})
    assert sorted(line["node"] for line in lines) == ["loa-1", "loa-2"]


def test_an_emergency_interrupts_what_sounds_on_both_and_the_rest_follows(scene: Scene) -> None:
    office = scene.village.office
    at = soon(SOON_S)
    item = office.announce(scene.long_recording, at=at)
    scene.village.nodes[0].ear.waits_until(at + seconds(0.5))
    alarm = office.emergency(scene.short_recording)
    cut_at = alarm.first_at - at
    ends_at = at + scene.long.length + scene.short.length
    assert seconds(2) < cut_at < seconds(14), "the machine was too slow for this test to mean anything"
    for node in scene.village.nodes:
        node.ear.waits_until(ends_at + seconds(1))
        pieces = [
            (scene.long, seconds(0), cut_at, at),
            (scene.short, seconds(0), scene.short.length, alarm.first_at),
            (scene.long, cut_at, scene.long.length, alarm.first_at + scene.short.length),
        ]
        for sound, begin, end, due_at in pieces:
            found = node.ear.finds(sound, begin + seconds(0.1), end - seconds(0.1), at, ends_at + seconds(1))
            assert [abs(heard - seconds(0.1) - due_at) < ON_TIME for heard in found] == [True], (
                due_at,
                found,
            )
        assert office.awaits_outcome(item, node.name) == "complete"
        assert office.awaits_outcome(alarm, node.name) == "complete"


def test_a_loudspeaker_killed_in_mid_item_comes_back_and_the_log_has_one_line(scene: Scene) -> None:
    office, node = scene.village.office, scene.village.nodes[0]
    at = soon(SOON_S)
    item = office.announce(scene.long_recording, at=at)
    node.ear.waits_until(at + seconds(2))
    node.kill()
    node.start()
    ends_at = at + scene.long.length
    node.ear.waits_until(ends_at + seconds(1))
    assert _is_at(node.ear.finds(scene.long, seconds(0), seconds(1.5), at - seconds(1), ends_at), at)
    last = scene.long.length - seconds(1.5)
    rest = node.ear.finds(scene.long, last, scene.long.length, at, ends_at + seconds(1))
    assert _is_at(rest, at + last), "it goes on where it is by the clock"

    assert {office.awaits_outcome(item, node.name) for node in scene.village.nodes} <= {"partly", "complete"}
    lines = office.log(broadcast=item.id)
    assert sorted(line["node"] for line in lines) == ["loa-1", "loa-2"]
    killed = next(line for line in lines if line["node"] == "loa-1")
    assert len(killed["pieces"]) == 2
    assert 2_000 <= killed["played_ms"] < 16_000


def _is_at(found: list[datetime], due_at: datetime) -> bool:
    return [abs(heard - due_at) < ON_TIME for heard in found] == [True]
