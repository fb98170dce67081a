"""What really came out of a loudspeaker's sink, judged from captured samples, as it stands in the log."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from tests import pulse
from tests.flow.ears import Sound, make_sound
from tests.flow.office import Announced, Json
from tests.flow.times import now, seconds, soon
from tests.flow.village import Village
from tests.pulse import Pulse
from tests.waiting import wait_for

pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]

LENGTH_S = 8
SINK = "loudspeaker"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pulse]:
    with pulse.pulse(tmp_path_factory.mktemp("pulse"), [SINK]) as started:
        yield started


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory, server: Pulse) -> Iterator[Village]:
    with Village.founded(tmp_path_factory.mktemp("evidence")) as founded:
        node = founded.enrol_node("loa-1", "thon-1")
        # the monitor stands in for a microphone, too, which hears nothing else
        microphone = {"LOA_NODE_MICROPHONE": f"pulse:{SINK}.monitor"}
        node.sink, node.environment = "default", {**server.environment(SINK), **microphone}
        node.start()
        node.says("event=player_open", since=0)
        founded.office.awaits_online(node.name)
        yield founded


@pytest.fixture(scope="module")
def sound(village: Village) -> Sound:
    return make_sound(village.folder / "sound.wav", LENGTH_S, seed=31)


def test_a_sink_that_sounds_is_rendered(village: Village, sound: Sound) -> None:
    line = told(village, announce(village, sound))
    evidence = line["evidence"]
    assert (line["outcome"], line["rendered"], line["heard"]) == ("complete", True, True)
    assert (evidence["verified"], evidence["decoded"]) == (True, True)
    assert datetime.fromisoformat(evidence["delivered_at"]) < datetime.fromisoformat(line["planned_at"])
    by = evidence["rendered_by"]
    assert by["judged"] >= LENGTH_S - 2
    assert by["passed"] == by["judged"]
    assert by["correlation"] > 0.8
    assert abs(by["level_db"]) < 3
    levels = evidence["levels"]
    assert levels["every_s"] == 1
    assert LENGTH_S - 1 <= len(levels["recorded"]) <= LENGTH_S
    for ear in ("rendered", "heard"):
        assert len(levels[ear]) == len(levels["recorded"])
        # the first and the last second have an edge in them
        for ours, theirs in list(zip(levels["recorded"], levels[ear], strict=True))[1:-1]:
            assert abs(ours - theirs) <= 3
    assert village.office.log(broadcast=line["broadcast"], rendered=True)
    assert not village.office.log(broadcast=line["broadcast"], rendered=False)


def test_a_sink_muted_outside_the_agent_is_not_rendered_and_the_log_says_so(
    village: Village, server: Pulse, sound: Sound
) -> None:
    announced = announce(village, sound)
    server.mute(SINK, on=True)
    try:
        line = told(village, announced)
    finally:
        server.mute(SINK, on=False)
    assert (line["outcome"], line["rendered"], line["heard"]) == ("complete", False, False)
    by = line["evidence"]["rendered_by"]
    assert by["judged"] >= LENGTH_S - 2
    assert by["passed"] == 0
    assert by["level_db"] < -60
    assert by.get("delay_ms") is None
    (found,) = village.office.leader.get("/incidents", kind="problem", node="loa-1")["items"]
    assert found["report"]["code"] == "not_rendered"
    assert village.office.leader.get(f"/log/{line['id']}/proof")["verdict"] == "silent"


def test_a_sink_muted_for_a_part_is_judged_by_windows(village: Village, server: Pulse, sound: Sound) -> None:
    announced = announce(village, sound)
    try:
        wait_for(lambda: now() > announced.first_at + seconds(LENGTH_S / 2), what="half is over")
        server.mute(SINK, on=True)
        line = told(village, announced)
    finally:
        server.mute(SINK, on=False)
    by = line["evidence"]["rendered_by"]
    assert line["rendered"] is False
    assert 2 <= by["passed"] <= by["judged"] - 2


def test_a_self_test_finds_what_was_muted_between_two_broadcasts(village: Village, server: Pulse) -> None:
    assert self_test(village)["outcome"] == "passed"
    server.mute(SINK, on=True)
    try:
        failed = self_test(village)
    finally:
        server.mute(SINK, on=False)
    assert (failed["outcome"], failed["on_demand"]) == ("silent", True)
    assert failed["evidence"]["rendered_by"]["passed"] == 0
    problems = village.office.leader.get("/incidents", kind="problem", node="loa-1")["items"]
    assert problems[0]["report"]["code"] == "self_test_failed"
    assert not [line for line in village.office.log() if line["occurrence"].startswith("self-test")]


def self_test(village: Village) -> Json:
    """Ask for one; what the loudspeaker tells of it."""
    asked_at = village.office.admin.post("/nodes/loa-1/self-test")["self_test_asked_at"]

    def told() -> Json | None:
        last = village.office.admin.get("/nodes/loa-1")["self_test"]
        return last if last is not None and last["due_at"] == asked_at else None

    return wait_for(told, what="the self-test is told of", within_s=60)


def announce(village: Village, sound: Sound) -> Announced:
    """At a time by which the loudspeaker surely has it."""
    office, node = village.office, village.nodes[0]
    recording = office.upload(sound)
    announced = office.announce(recording, at=soon(12))
    node.holds(recording)
    office.awaits_delivery(announced, node.name)
    assert now() < announced.first_at, "the machine was too slow for this test to mean anything"
    return announced


def told(village: Village, announced: Announced) -> Json:
    """The line of the log once the loudspeaker has reported."""
    village.office.awaits_outcome(announced, "loa-1")
    (line,) = village.office.settled(announced)
    return line
