"""The amplifier's relay: on before a sound, off after it, without chatter and without a lost syllable."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue

import pytest

from loa.audio.player import Cue, Late
from loa.node_agent.core.relay import Span, Timing, shifted, shifts, spans
from loa.node_agent.ports import Arrival, Trouble
from loa.node_agent.wired import Wired
from loa.node_agent.wiring import Wiring
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reasons import ClockState, ProblemCode
from tests.fakes.gpio import FakeRelay
from tests.fakes.player import FakePlayer
from tests.node_agent.makers import (
    NOON,
    SOUND,
    make_broadcast,
    make_config,
    make_entry,
    make_programme,
    make_urgent,
    minutes,
    seconds,
)
from tests.node_agent.rig import World
from tests.waiting import wait_for

TIMING = Timing(lead=seconds(0.4), hold=seconds(3))
QUICK = Wiring(amplifier_pin=17, amplifier_lead_ms=150, amplifier_hold_ms=300)


def cue(start_s: float, stop_s: float, *, offset_ms: int = 0, late: Late = Late.REJOIN) -> Cue:
    start_at, stop_at = NOON + seconds(start_s), NOON + seconds(stop_s)
    return Cue(f"o@{start_s}", Path("sound"), start_at, stop_at, offset_ms=offset_ms, late=late)


@pytest.mark.parametrize(
    ("cues", "expected"),
    [
        ([], []),
        ([cue(10, 20)], [(9.6, 23)]),
        ([cue(30, 40), cue(10, 20)], [(9.6, 23), (29.6, 43)]),
        ([cue(10, 20), cue(23.4, 30)], [(9.6, 33)]),
        ([cue(10, 20), cue(23.5, 30)], [(9.6, 23), (23.1, 33)]),
        ([cue(10, 40), cue(15, 20)], [(9.6, 43)]),
    ],
)
def test_it_is_on_from_its_lead_to_its_hold_and_does_not_chatter(
    cues: list[Cue], expected: list[tuple[float, float]]
) -> None:
    assert spans(cues, TIMING) == [Span(NOON + seconds(on), NOON + seconds(off)) for on, off in expected]


@pytest.mark.parametrize(
    ("given", "ready_s", "waits_s"),
    [
        (cue(0.1, 5), 0.4, 0.3),  # an emergency that comes 0.1 s ahead
        (cue(0.5, 5), 0.4, None),  # known early enough
        (cue(-60, 5, late=Late.SHIFT), 0.4, 60.4),  # learnt late, and it begins at its beginning
        (cue(-2, 5), 0.4, None),  # joins by the clock
        (cue(0.1, 5, offset_ms=700), 0.4, None),  # the rest of something
    ],
)
def test_a_beginning_waits_until_the_amplifier_is_ready(
    given: Cue, ready_s: float, waits_s: float | None
) -> None:
    found = shifts([given], before={}, now=NOON, ready_at=NOON + seconds(ready_s))
    expected = {} if waits_s is None else {(given.occurrence, given.start_at): seconds(waits_s)}
    assert found == expected


def test_what_was_decided_stays_decided_while_the_cue_is_in_the_plan() -> None:
    one = cue(0.1, 5)
    first = shifts([one], before={}, now=NOON, ready_at=NOON + seconds(0.4))
    again = shifts([one], before=first, now=NOON + seconds(2), ready_at=NOON + seconds(9))
    assert again == first
    assert shifts([], before=first, now=NOON, ready_at=NOON) == {}


@pytest.mark.parametrize(
    ("may_last_until", "stop_s"), [(None, 5.0), (NOON + seconds(60), 5.3), (NOON + seconds(5.2), 5.2)]
)
def test_what_waits_loses_nothing_of_its_end_if_it_may_last(
    may_last_until: datetime | None, stop_s: float
) -> None:
    one = replace(cue(0.1, 5), may_last_until=may_last_until)
    (late,) = shifted([one], {(one.occurrence, one.start_at): seconds(0.3)})
    assert (late.start_at, late.stop_at) == (NOON + seconds(0.4), NOON + seconds(stop_s))


class Now:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def state(self) -> ClockState:
        return ClockState.TRUSTED


class Bench:
    """An amplified player in real time."""

    def __init__(self) -> None:
        self.clock = Now()
        self.relay = FakeRelay(self.clock)
        self.inbox: Queue[Arrival] = Queue(10)
        self.wired = Wired(
            QUICK,
            open_relay=lambda _pin, _active_low: self.relay,
            open_switch=lambda _pin, _pressed: pytest.fail("there is no button"),
            inbox=self.inbox,
            clock=self.clock,
        )
        self.inner = FakePlayer(self.clock.now())
        self.player = self.wired.amplified(self.inner)

    def plan(self, after_s: float, length_s: float = 0.2) -> Cue:
        start_at = self.clock.now() + timedelta(seconds=after_s)
        one = Cue("o@1", Path("sound"), start_at, start_at + timedelta(seconds=length_s))
        self.player.set_plan([one])
        return one


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.wired.close()
    assert bench.relay.is_closed


def off_by_s(at: datetime, wanted: datetime) -> float:
    return abs((at - wanted).total_seconds())


def test_the_relay_goes_on_by_the_lead_and_off_after_the_hold(bench: Bench) -> None:
    one = bench.plan(after_s=0.5)
    assert not bench.relay.is_on
    wait_for(lambda: len(bench.relay.switched) == 2, what="on and off")
    (on_at, on), (off_at, off) = bench.relay.switched
    assert (on, off) == (True, False)
    assert off_by_s(on_at, one.start_at - timedelta(milliseconds=150)) < 0.1
    assert off_by_s(off_at, one.stop_at + timedelta(milliseconds=300)) < 0.1
    assert bench.inner.plans[-1] == (one,)


def test_a_sound_without_warning_waits_for_the_relay(bench: Bench) -> None:
    one = bench.plan(after_s=0.02)
    assert bench.relay.is_on, "at once, not when the thread comes to it"
    ((given,),) = bench.inner.plans
    ready_at = bench.relay.switched[0][0] + timedelta(milliseconds=150)
    assert off_by_s(given.start_at, ready_at) < 0.02
    assert given.start_at > one.start_at


def test_what_is_taken_away_leaves_the_relay_on_for_its_hold(bench: Bench) -> None:
    bench.plan(after_s=0.0, length_s=60)
    bench.player.set_plan([])
    removed_at = bench.clock.now()
    wait_for(lambda: not bench.relay.is_on, what="off")
    assert 0.25 < (bench.relay.switched[-1][0] - removed_at).total_seconds() < 0.5


def test_a_relay_that_fails_is_told_once_and_the_sound_goes_on(bench: Bench) -> None:
    bench.relay.is_broken = True
    bench.plan(after_s=0.0, length_s=60)
    bench.player.set_plan(bench.inner.plans[-1])
    told = bench.inbox.get_nowait()
    assert isinstance(told, Trouble)
    assert told.code is ProblemCode.GPIO_FAILED
    assert bench.inbox.empty()
    assert len(bench.inner.plans[-1]) == 1
    bench.relay.is_broken = False
    wait_for(lambda: bench.relay.is_on, what="on once it works again")


def test_an_agent_switches_its_amplifier_for_an_emergency_and_reports_the_delay(tmp_path: Path) -> None:
    world = World(tmp_path, NOON, wiring=Wiring(amplifier_pin=17, amplifier_lead_ms=2_000))
    world.configure(make_config())
    world.offer(SOUND)
    world.issue(make_programme(make_entry(make_broadcast(NOON + minutes(900)))))
    at = NOON + seconds(10)
    world.clock.go(at)
    alarm = make_broadcast(at + seconds(1), class_=BroadcastClass.EMERGENCY)
    world.urge(make_urgent(make_entry(alarm, issued_at=at), issued_at=at))
    assert world.relay.switched == [(at, True)]
    world.go(at + seconds(90))
    (report,) = world.plays()
    assert (report.late_ms, report.played_ms) == (1_000, 60_000)
    world.wired.close()
