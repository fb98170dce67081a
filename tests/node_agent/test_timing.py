"""A whole agent on a machine whose clock is wrong, is set, or is kept by nobody."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from loa.protocol.ids import RecordingId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Urgent
from loa.protocol.reasons import ClockState, ProblemCode, Reason, RefusalReason
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import to_ms
from tests.node_agent.field import FieldWorld
from tests.node_agent.makers import (
    AREA,
    NOON,
    SOUND,
    make_broadcast,
    make_config,
    make_entry,
    make_programme,
    make_silence,
    make_source,
    make_urgent,
    minutes,
    seconds,
)

OTHER = RecordingId("b" * 64)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def world(tmp_path: Path) -> FieldWorld:
    """A node that got the time at noon, and a configuration, and has sounds for what comes."""
    world = FieldWorld(tmp_path)
    for sound in (SOUND, OTHER):
        world.offer(sound)
    world.configure(make_config(issued_at=world.true))
    world.live(NOON + seconds(5))
    assert world.clock.state() is ClockState.TRUSTED
    return world


def alarm(at: datetime, *, version: int | None = None) -> Urgent:
    broadcast = make_broadcast(
        at, title=f"alarm {at}", class_=BroadcastClass.EMERGENCY, source=make_source(OTHER)
    )
    return make_urgent(make_entry(broadcast, issued_at=at), version=version or to_ms(at), issued_at=at)


def announced(world: FieldWorld, *starts: datetime, version: int = 1) -> list[str]:
    """One broadcast of a minute at each of these times; their ids."""
    broadcasts = [make_broadcast(at, title=f"at {at}") for at in starts]
    entries = [make_entry(one, issued_at=world.true) for one in broadcasts]
    world.issue(make_programme(*entries, version=version, issued_at=world.true))
    return [one.id for one in broadcasts]


def outcomes(world: FieldWorld) -> dict[str, Reason]:
    found = [(report.occurrence[:64], report.outcome) for report in world.plays()]
    assert len(found) == len(dict(found)), "one report an occurrence"
    return dict(found)


def is_sounding(world: FieldWorld) -> bool:
    return world.player.status().sounding is not None


def test_without_the_time_nothing_sounds_and_with_it_the_schedule_goes_on(world: FieldWorld) -> None:
    starts = [NOON + minutes(number) for number in (4, 31, 35, 40)]
    off, missed, under_way, due = announced(world, *starts)
    world.live(NOON + minutes(1))
    world.answers = False
    world.leave(NOON + minutes(30))
    world.boot()
    world.live(NOON + minutes(35) + seconds(20), step=seconds(1))
    assert not is_sounding(world)
    assert not any(world.player.plans), "nothing was even planned"
    world.answers = True
    world.broker.go_down()
    world.broker.come_up()
    world.live(NOON + minutes(35) + seconds(40))
    assert is_sounding(world)
    world.live(NOON + minutes(42))
    assert outcomes(world) == {
        off: Reason.POWER_LOST,
        missed: Reason.CLOCK_UNTRUSTED,
        under_way: Reason.PARTLY,
        due: Reason.COMPLETE,
    }
    assert [one.code for one in world.problems()] == 2 * [ProblemCode.CLOCK_JUMPED], "once a boot"
    began_at = world.plays()[-1].pieces[0].from_at
    assert abs(began_at - NOON - minutes(40)) < seconds(1)


def test_it_asks_again_with_growing_pauses_and_not_when_the_clock_is_good(world: FieldWorld) -> None:
    world.live(NOON + minutes(1), step=seconds(1))
    asked = len(world.hellos)
    assert 1 < asked <= 7, "some more times, as the first answer took long"
    world.live(NOON + minutes(60), step=seconds(1))
    assert len(world.hellos) == asked, "then one answer an hour is enough"
    world.answers = False
    world.boot()
    booted_at, before = world.true, len(world.hellos)
    world.live(booted_at + minutes(60), step=seconds(1))
    assert 7 < len(world.hellos) - before < 20
    assert len({hello.nonce for hello in world.hellos}) == len(world.hellos)


def test_of_many_answers_the_quickest_says_what_time_it_is(world: FieldWorld) -> None:
    world.live(NOON + seconds(2), step=seconds(0.05))
    assert world.clock.reading().error_s == pytest.approx(world.round_trip.total_seconds() / 2, rel=0.5)
    world.round_trip = timedelta(milliseconds=3)
    world.live(NOON + seconds(20), step=seconds(0.001))
    assert abs(world.clock.now() - world.true) < timedelta(milliseconds=5)
    asked = len(world.hellos)
    world.live(NOON + seconds(40), step=seconds(0.05))
    assert len(world.hellos) == asked, "it is certain enough"


def test_an_emergency_waits_for_one_answer_and_last_years_is_refused(world: FieldWorld) -> None:
    world.answers = False
    world.boot()
    booted_at = world.true
    world.urge(alarm(booted_at))
    world.publish(Topic(Channel.URGENT, AREA), alarm(NOON - 365 * DAY))
    world.live(booted_at + seconds(30))
    assert not is_sounding(world)
    world.answers = True
    while not world.clock.is_set:
        world.live(world.true + seconds(1))
    assert not is_sounding(world)
    world.urge(alarm(booted_at))
    while not is_sounding(world):
        world.live(world.true + seconds(1))
    world.live(booted_at + minutes(4))
    assert outcomes(world) == {alarm(booted_at).entries[0].id: Reason.COMPLETE}
    assert [report.reason for report in world.refusals()] == [RefusalReason.NOT_CURRENT]


def test_an_alarm_that_was_on_the_disk_when_the_power_failed_does_not_sound_a_day_later(
    world: FieldWorld,
) -> None:
    world.urge(alarm(world.true))
    world.live(world.true + seconds(10))
    assert is_sounding(world)
    world.leave(world.true + DAY)
    world.boot()
    world.round_trip = seconds(20)
    world.live(world.true + minutes(3))
    assert world.clock.is_set
    assert world.clock.state() is ClockState.UNTRUSTED
    assert not any(world.player.plans)


def test_a_slow_answer_lets_a_current_emergency_sound_and_no_scheduled_item(world: FieldWorld) -> None:
    (item,) = announced(world, NOON + minutes(4))
    world.live(NOON + minutes(1))
    world.boot()
    world.round_trip = seconds(20)
    world.urge(alarm(world.true))
    world.live(NOON + minutes(2))
    assert world.clock.state() is ClockState.UNTRUSTED
    assert is_sounding(world)
    world.live(NOON + minutes(6))
    assert outcomes(world)[item] is Reason.CLOCK_UNTRUSTED


def test_an_emergency_that_is_newer_than_the_answer_is_asked_about_at_once(world: FieldWorld) -> None:
    world.boot()
    world.round_trip = seconds(20)
    world.live(world.true + minutes(4) + seconds(10))
    assert world.clock.is_set
    assert world.clock.state() is ClockState.UNTRUSTED
    before = len(world.hellos)
    world.urge(alarm(world.true))
    world.live(world.true + seconds(3))
    assert not is_sounding(world)
    assert len(world.hellos) == before + 1
    world.live(world.true + seconds(20))
    assert is_sounding(world)


def test_an_answer_to_a_nonce_that_is_stale_or_of_another_says_nothing(world: FieldWorld) -> None:
    world.boot()
    world.round_trip = seconds(90)
    world.live(world.true + minutes(10), step=seconds(1))
    assert len(world.hellos) > 2
    assert not world.clock.is_set


def test_an_agent_that_is_started_again_goes_on_without_the_network(world: FieldWorld) -> None:
    (item,) = announced(world, NOON + minutes(10))
    world.live(NOON + minutes(1))
    world.broker.go_down()
    world.start_again()
    assert world.clock.state() is ClockState.TRUSTED
    world.live(NOON + minutes(12))
    world.broker.come_up()
    world.live(NOON + minutes(13))
    assert outcomes(world) == {item: Reason.COMPLETE}


def test_it_holds_for_hours_and_then_the_schedule_waits(world: FieldWorld) -> None:
    held, too_late = announced(world, NOON + 5 * HOUR, NOON + 10 * HOUR)
    world.live(NOON + minutes(1))
    world.broker.go_down()
    world.live(NOON + 5 * HOUR - minutes(1), step=seconds(30))
    assert world.clock.state() is ClockState.HOLDING
    world.live(NOON + 5 * HOUR + minutes(2))
    world.live(NOON + 10 * HOUR - minutes(1), step=seconds(30))
    assert world.clock.state() is ClockState.UNTRUSTED
    world.live(NOON + 10 * HOUR + minutes(2))
    world.broker.come_up()
    world.live(NOON + 10 * HOUR + minutes(3))
    assert outcomes(world) == {held: Reason.COMPLETE, too_late: Reason.CLOCK_UNTRUSTED}
    assert world.clock.state() is ClockState.TRUSTED


def test_an_alarm_goes_on_when_the_clock_has_drifted_too_far(world: FieldWorld) -> None:
    world.broker.go_down()
    world.live(NOON + 6 * HOUR + minutes(50), step=seconds(30))
    world.broker.come_up()
    world.answers = False
    world.urge(alarm(world.true))
    world.live(world.true + seconds(10))
    assert is_sounding(world)
    while world.clock.state() is not ClockState.UNTRUSTED:
        world.urge(alarm(world.true))
        world.live(world.true + seconds(50))
    assert is_sounding(world)


def jumps(world: FieldWorld) -> list[str]:
    return [one.detail for one in world.problems() if one.code is ProblemCode.CLOCK_JUMPED]


def jump(world: FieldWorld, by: timedelta) -> None:
    """NTP takes over, and shows another time than it was by this much."""
    world.clock.set(world.true + by)
    world.live(world.true + seconds(1))


def test_what_a_jump_forward_leaps_over_is_reported_and_the_rest_is_played(world: FieldWorld) -> None:
    over, after = announced(world, NOON + minutes(30), NOON + minutes(70))
    world.live(NOON + minutes(10))
    jump(world, HOUR)
    world.live(NOON + minutes(20))
    assert outcomes(world) == {over: Reason.CLOCK_UNTRUSTED, after: Reason.COMPLETE}
    assert "forward by 3600.0 s" in jumps(world)[-1]


@pytest.mark.parametrize("restart", [lambda _: None, FieldWorld.start_again], ids=["running", "restarted"])
def test_what_sounded_is_not_repeated_after_a_jump_back(
    world: FieldWorld, restart: Callable[[FieldWorld], None]
) -> None:
    whole, cut, ahead = announced(world, NOON + minutes(5), NOON + minutes(10), NOON + minutes(20))
    world.live(NOON + minutes(10) + seconds(30))
    assert is_sounding(world)
    jump(world, -minutes(9))
    restart(world)
    world.live(NOON + minutes(12), step=seconds(1))
    assert not is_sounding(world)
    world.live(NOON + minutes(32), step=seconds(1))
    assert outcomes(world) == {whole: Reason.COMPLETE, cut: Reason.PARTLY, ahead: Reason.COMPLETE}
    assert "back by 540.0 s" in jumps(world)[-1]
    played = {report.occurrence[:64]: report.played_ms for report in world.plays()}
    assert abs(played[cut] - 30_000) < 2_000


def test_a_stop_that_came_by_a_fast_clock_counts_at_once_when_it_is_set_back(world: FieldWorld) -> None:
    jump(world, HOUR)
    silence = make_silence(world.true, world.true + minutes(30))
    world.urge(make_urgent(issued_at=world.true, silences=(silence,)))
    world.live(NOON + minutes(2))
    jump(world, timedelta(0))
    approved_before = make_broadcast(NOON + minutes(10), title="approved before")
    world.issue(make_programme(make_entry(approved_before, issued_at=NOON), issued_at=world.true))
    world.live(NOON + minutes(15), step=seconds(1))
    assert outcomes(world) == {approved_before.id: Reason.SILENCED}


def test_an_alarm_that_sounds_by_a_fast_clock_does_not_wait_when_that_is_set_back(world: FieldWorld) -> None:
    jump(world, minutes(5))
    world.urge(alarm(world.true))
    world.live(NOON + seconds(30))
    assert is_sounding(world)
    jump(world, timedelta(0))
    world.live(NOON + seconds(40))
    assert is_sounding(world)
    world.live(NOON + minutes(3))
    (report,) = world.plays()
    assert report.outcome is Reason.COMPLETE
    assert report.played_ms >= 59_000


def test_an_alarm_that_sounds_goes_on_when_the_clock_leaps_forward(world: FieldWorld) -> None:
    world.urge(alarm(world.true))
    world.live(NOON + seconds(30))
    assert is_sounding(world)
    jump(world, minutes(5))
    world.live(NOON + seconds(45))
    assert is_sounding(world)


def test_a_clock_years_ahead_makes_it_forget_nothing(world: FieldWorld) -> None:
    (item,) = announced(world, NOON + minutes(60))
    world.live(NOON + minutes(1))
    jump(world, 400 * DAY)
    world.live(NOON + minutes(10), step=seconds(1))
    assert SOUND in world.recordings.sizes
    assert item in {entry[:64] for entry in world.memory.shelf.entries}
    jump(world, timedelta(0))
    later = make_broadcast(NOON + minutes(90), title="later")
    world.issue(make_programme(make_entry(later, issued_at=world.true), version=2, issued_at=world.true))
    world.live(NOON + minutes(95), step=seconds(1))
    assert outcomes(world)[later.id] is Reason.COMPLETE


def test_a_clock_with_a_battery_needs_nobody_and_says_when_the_controllers_differs(world: FieldWorld) -> None:
    (item,) = announced(world, NOON + minutes(30))
    world.live(NOON + minutes(1))
    world.leave(NOON + minutes(20))
    world.sources.battery_ahead = seconds(-40)
    world.boot()
    world.sources.system_ahead = seconds(-40)
    world.start_again()
    world.live(NOON + minutes(33))
    assert outcomes(world) == {item: Reason.COMPLETE}
    (report,) = world.plays()
    assert abs(report.pieces[0].from_at - NOON - minutes(30)) < seconds(2)
    assert ProblemCode.CLOCK_DISAGREES in {one.code for one in world.problems()}
