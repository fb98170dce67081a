"""The STOP button at the loudspeaker: silent at once, and until the console releases that press."""

from pathlib import Path

import pytest

from loa.node_agent.ports import Pressed
from loa.node_agent.wiring import Wiring
from loa.protocol.codec import decode
from loa.protocol.ids import StopId, occurrence_id
from loa.protocol.keys import KeyRing
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import NodeSettings
from loa.protocol.reasons import ProblemCode, Reason
from loa.protocol.reports import State, Stopped
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import DurationMs
from tests.fakes.node_disk import FakeDisk
from tests.node_agent import rig
from tests.node_agent.makers import (
    NODE,
    NOON,
    SOUND,
    make_broadcast,
    make_config,
    make_entry,
    make_programme,
    make_source,
    make_urgent,
    minutes,
    seconds,
)
from tests.node_agent.rig import World

LONG = make_source(duration_ms=600_000)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A configured node with a button, and a recording that can come."""
    world = World(tmp_path, NOON, wiring=Wiring(stop_pin=17))
    world.configure(make_config())
    world.offer(SOUND)
    return world


def press(world: World) -> StopId:
    world.switches[0].press()
    world.turn()
    press = stopped(world)
    assert press is not None
    return press.id


def release(world: World, press: StopId, *, version: int = 2) -> None:
    settings = NodeSettings(fetch_jitter_ms=DurationMs(0), reconnect_jitter_ms=DurationMs(0), released=press)
    world.configure(make_config(version=version, issued_at=world.clock.now(), settings=settings))
    world.settle()


def stopped(world: World) -> Stopped | None:
    """As the node told it last."""
    world.go(world.clock.now() + seconds(2))
    keys, topic = KeyRing([rig.NODE_KEY.public]), Topic(Channel.STATE, NODE)
    state = decode(topic, world.broker.retained[str(topic)], keys)
    assert isinstance(state, State)
    return state.stopped


def test_a_press_ends_what_sounds_at_once(world: World) -> None:
    broadcast = make_broadcast(NOON + minutes(1), source=LONG)
    world.issue(make_programme(make_entry(broadcast)))
    world.go(NOON + minutes(2))
    world.switches[0].press()
    world.turn()
    assert world.player.status().sounding is None
    world.go(NOON + minutes(3))
    (report,) = world.plays()
    assert (report.outcome, report.by, report.played_ms) == (Reason.SILENCED, "button", 60_000)


def test_a_press_silences_before_anything_is_laid_out_or_written(world: World) -> None:
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1), source=LONG))))
    world.go(NOON + minutes(2))
    assert isinstance(world.disk, FakeDisk)
    world.disk.is_full = True
    world.agent.take(Pressed(world.clock.now()))
    assert world.player.status().sounding is None


def test_a_press_is_told_as_a_problem_and_in_the_state(world: World) -> None:
    assert stopped(world) is None
    pressed = press(world)
    (problem,) = world.problems()
    assert problem.code is ProblemCode.STOP_PRESSED
    assert stopped(world) == Stopped(id=pressed, at=problem.at)


def test_nothing_sounds_until_the_release_not_even_an_emergency_or_what_is_approved_later(
    world: World,
) -> None:
    press(world)
    at = NOON + minutes(1)
    world.clock.go(at)
    later = make_entry(make_broadcast(NOON + minutes(2), title="later"), issued_at=at)
    alarm = make_broadcast(at, class_=BroadcastClass.EMERGENCY, authority=100, title="alarm")
    world.issue(make_programme(later, issued_at=at))
    world.urge(make_urgent(make_entry(alarm, issued_at=at), issued_at=at))
    world.go(NOON + minutes(5))
    assert [(report.outcome, report.by) for report in world.plays()] == [(Reason.SILENCED, "button")] * 2
    assert not any(world.player.plans)


def test_a_press_outlives_a_loss_of_power(world: World) -> None:
    pressed = press(world)
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(2)))))
    world.restart()
    world.go(NOON + minutes(4))
    assert [report.outcome for report in world.plays()] == [Reason.SILENCED]
    told = stopped(world)
    assert told is not None
    assert told.id == pressed


def test_after_the_release_what_becomes_due_sounds_and_what_was_silenced_does_not(world: World) -> None:
    during, after = make_broadcast(NOON + minutes(1)), make_broadcast(NOON + minutes(5), title="after")
    world.issue(make_programme(make_entry(during), make_entry(after)))
    pressed = press(world)
    world.go(NOON + minutes(3))
    release(world, pressed)
    world.go(NOON + minutes(7))
    outcomes = {report.occurrence: report.outcome for report in world.plays()}
    assert outcomes[occurrence_id(during.id, NOON + minutes(1))] is Reason.SILENCED
    assert outcomes[occurrence_id(after.id, NOON + minutes(5))] is Reason.COMPLETE
    assert stopped(world) is None


def test_a_later_press_is_not_undone_by_the_release_of_an_earlier_one(world: World) -> None:
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1)))))
    first = press(world)
    world.go(NOON + seconds(30))
    second = press(world)
    assert second != first
    world.player.plans.clear()
    release(world, first)
    world.go(NOON + minutes(2))
    assert not any(world.player.plans)
    release(world, second, version=3)
    assert stopped(world) is None


def test_a_button_that_bounces_is_one_press(world: World) -> None:
    for _ in range(5):
        world.switches[0].press()
    world.turn()
    world.go(NOON + seconds(2))
    assert len(world.problems()) == 1


def test_a_clock_that_was_ahead_at_the_press_lets_nothing_sound_before_that_time(world: World) -> None:
    world.clock.set(NOON + minutes(600))
    world.turn()
    press(world)
    world.clock.set(NOON)
    world.turn()
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(1)))))
    world.go(NOON + minutes(3))
    assert [(report.outcome, report.by) for report in world.plays()] == [(Reason.SILENCED, "button")]
    assert not any(world.player.plans)


def test_a_button_that_cannot_be_watched_is_told(tmp_path: Path) -> None:
    world = World(tmp_path, NOON, wiring=Wiring(stop_pin=17), has_gpio=False)
    world.configure(make_config())
    world.go(NOON + seconds(2))
    (problem,) = world.problems()
    assert problem.code is ProblemCode.GPIO_FAILED
    assert "STOP button" in problem.detail
