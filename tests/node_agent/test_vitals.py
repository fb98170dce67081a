"""What a whole agent tells of its machine, in simulated time."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from loa.node_agent.adapters.usage_file import UsageFile
from loa.node_agent.core.data_budget import Usage
from loa.node_agent.core.readings import Readings, Uplink
from loa.protocol.codec import decode
from loa.protocol.health import Concern
from loa.protocol.ids import BootId
from loa.protocol.keys import KeyRing
from loa.protocol.programme import NodeSettings
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Detail, State
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import DurationMs, SizeBytes
from tests.fakes.node_world import FakeTime
from tests.node_agent import rig
from tests.node_agent.makers import NODE, NOON, make_config, minutes, seconds

MB = 1_000_000
TOPIC = Topic(Channel.STATE, NODE)
WELL = Readings(temperature_c=50.0, under_voltage=False, uplink=Uplink("wwan0", SizeBytes(5 * MB)))


@pytest.fixture
def world(tmp_path: Path) -> rig.World:
    made = rig.World(tmp_path, NOON)
    settings = NodeSettings(
        reconnect_jitter_ms=DurationMs(0),
        fetch_jitter_ms=DurationMs(0),
        billing_day=20,
        month_budget_bytes=SizeBytes(100 * MB),
    )
    made.configure(make_config(settings=settings))
    return made


def states(world: rig.World) -> list[State]:
    keys = KeyRing([rig.NODE_KEY.public])
    said = [decode(TOPIC, payload, keys) for name, payload in world.broker.published if name == str(TOPIC)]
    return [state for state in said if isinstance(state, State)]


def last_full(world: rig.World) -> State:
    return [state for state in states(world) if state.detail is Detail.FULL][-1]


def live(world: rig.World, span: timedelta, *readings: Readings) -> None:
    """Time passes, with a look at the machine each minute; the readings take turns."""
    ends, number = world.clock.now() + span, 0
    while world.clock.now() < ends:
        world.sensors.readings = replace(readings[number % len(readings)])
        world.go(world.clock.now() + minutes(1), step=seconds(5))
        number += 1


def test_the_full_state_of_each_hour_tells_the_machines_health(world: rig.World) -> None:
    live(world, timedelta(hours=3), WELL)
    full = [state for state in states(world) if state.health]
    assert 2 <= len(full) <= 5
    health = last_full(world).health
    assert health is not None
    assert (health.temperature_c, health.under_voltage, health.bytes_month) == (50.0, False, 0)
    assert health.concerns == ()


def test_heat_is_told_at_once_and_its_end_too(world: rig.World) -> None:
    live(world, minutes(10), WELL)
    live(world, minutes(1), replace(WELL, temperature_c=85.0))
    hot = states(world)[-1]
    assert hot.detail is Detail.FULL
    assert hot.health is not None
    assert hot.health.concerns == (Concern.HOT,)
    live(world, minutes(20), WELL)
    cool = last_full(world).health
    assert cool is not None
    assert cool.concerns == ()


def test_a_temperature_that_flaps_at_the_limit_does_not_spend_the_sim(world: rig.World) -> None:
    live(world, minutes(5), WELL)
    before = len(states(world))
    live(world, timedelta(hours=2), replace(WELL, temperature_c=80.5), replace(WELL, temperature_c=74.0))
    calm = 2 * 3600 / 270 + 3
    assert len(states(world)) - before <= calm + 2


def test_low_voltage_is_remembered_for_the_boot(world: rig.World) -> None:
    live(world, minutes(1), replace(WELL, under_voltage=True))
    live(world, minutes(70), WELL)
    health = last_full(world).health
    assert health is not None
    assert (health.under_voltage, health.under_voltage_since_boot) == (False, True)


def used(world: rig.World) -> int | None:
    health = last_full(world).health
    assert health is not None
    return health.bytes_month


def test_the_sims_month_is_counted_over_restarts_and_written_seldom(world: rig.World) -> None:
    live(world, minutes(2), WELL)
    for hour in range(1, 7):
        up = Uplink("wwan0", SizeBytes(5 * MB + hour * MB))
        live(world, timedelta(hours=1), replace(WELL, uplink=up))
    assert world.usage.writes <= 6
    live(world, minutes(2), replace(WELL, uplink=Uplink("wwan0", SizeBytes(12 * MB))))
    world.agent._close()
    world.restart()
    live(world, minutes(1), replace(WELL, uplink=Uplink("wwan0", SizeBytes(MB // 2))))
    assert used(world) == 7.5 * MB, "the last minutes were kept when it was stopped; the counter began anew"


def test_a_budget_that_will_not_last_is_a_concern_with_its_day(world: rig.World) -> None:
    live(world, minutes(2), WELL)
    live(world, minutes(2), replace(WELL, uplink=Uplink("wwan0", SizeBytes(85 * MB))))
    health = last_full(world).health
    assert health is not None
    assert (health.bytes_month, health.budget_bytes) == (80 * MB, 100 * MB)
    assert health.runs_out_on is not None
    assert health.runs_out_on >= world.clock.now().date()
    assert health.concerns == (Concern.BUDGET_SHORT,)


def test_without_a_clock_there_is_no_month_and_that_is_a_concern(world: rig.World) -> None:
    assert isinstance(world.clock, FakeTime)
    world.clock.trust = ClockState.UNTRUSTED
    live(world, minutes(2), WELL)
    live(world, minutes(2), replace(WELL, uplink=Uplink("wwan0", SizeBytes(6 * MB))))
    health = last_full(world).health
    assert health is not None
    assert (health.forecast_bytes, health.runs_out_on) == (None, None)
    assert health.concerns == (Concern.CLOCK_OFF,)


USAGE = Usage(since=date(2026, 11, 1), used_bytes=SizeBytes(77), under_voltage_boot=BootId("a" * 32))


def test_the_count_is_kept_in_a_file(tmp_path: Path) -> None:
    keeper = UsageFile(tmp_path / "usage.json")
    assert keeper.read() is None
    keeper.write(USAGE)
    assert UsageFile(tmp_path / "usage.json").read() == USAGE


def test_a_damaged_or_refused_file_costs_the_count_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "usage.json"
    path.write_text('{"since":')
    assert UsageFile(path).read() is None
    nowhere = UsageFile(tmp_path / "gone" / "usage.json")
    nowhere.write(USAGE)
    assert nowhere.read() is None
