from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.node_agent.core.concerns import HOLD_S, Look, Watch, watch
from loa.protocol.health import Concern, Health
from loa.protocol.reasons import ClockState
from loa.protocol.units import SizeBytes

MB = 1_000_000
WELL = Health(
    temperature_c=50,
    under_voltage=False,
    disk_wear_pct=10,
    disk_errors=0,
    memory_free_bytes=SizeBytes(500 * MB),
    clock_offset_ms=3,
    signal_pct=60,
    forecast_bytes=SizeBytes(10 * MB),
    budget_bytes=SizeBytes(100 * MB),
)


def look(*, free_bytes: int = 10**10, clock: ClockState = ClockState.TRUSTED, **fields: object) -> Look:
    return Look(Health.model_validate({**WELL.model_dump(), **fields}), free_bytes, clock)


def over(*looks: Look, every_s: float = HOLD_S) -> tuple[Concern, ...]:
    """What is minded after looks, so far apart that nothing is held."""
    state = Watch()
    for number, one in enumerate(looks):
        state = watch(state, one, number * every_s)
    return state.concerns


CASES: list[tuple[Concern, Look, Look, Look]] = [
    (Concern.HOT, look(temperature_c=80), look(temperature_c=75.1), look(temperature_c=75)),
    (Concern.DISK_WORN, look(disk_wear_pct=90), look(disk_wear_pct=90), look(disk_wear_pct=80)),
    (Concern.DISK_ERRORS, look(disk_errors=1), look(disk_errors=3), look(disk_errors=0)),
    (Concern.DISK_SHORT, look(free_bytes=200 * MB), look(free_bytes=299 * MB), look(free_bytes=300 * MB)),
    (
        Concern.MEMORY_SHORT,
        look(memory_free_bytes=40 * MB),
        look(memory_free_bytes=59 * MB),
        look(memory_free_bytes=60 * MB),
    ),
    (Concern.CLOCK_OFF, look(clock_offset_ms=-1_000), look(clock_offset_ms=501), look(clock_offset_ms=500)),
    (Concern.CLOCK_OFF, look(clock=ClockState.UNTRUSTED), look(clock=ClockState.UNTRUSTED), look()),
    (Concern.SIGNAL_WEAK, look(signal_pct=19), look(signal_pct=29), look(signal_pct=30)),
    (Concern.UNDER_VOLTAGE, look(under_voltage=True), look(under_voltage=True), look()),
    (
        Concern.BUDGET_SHORT,
        look(forecast_bytes=100 * MB),
        look(forecast_bytes=96 * MB),
        look(forecast_bytes=95 * MB),
    ),
]


@pytest.mark.parametrize(("concern", "bad", "not_yet_well", "well"), CASES, ids=lambda one: str(one)[:20])
def test_a_concern_begins_at_one_limit_and_ends_at_another(
    concern: Concern, bad: Look, not_yet_well: Look, well: Look
) -> None:
    assert over(look()) == ()
    assert over(look(), bad) == (concern,)
    assert over(look(), bad, not_yet_well) == (concern,)
    assert over(look(), bad, not_yet_well, well) == ()


@pytest.mark.parametrize("reading", [79.9, 75.1, -20])
def test_between_the_limits_nothing_begins(reading: float) -> None:
    assert over(look(temperature_c=reading)) == ()


def test_what_cannot_be_measured_is_no_concern() -> None:
    assert watch(Watch(), Look(Health(), 10**10, ClockState.TRUSTED), 0).concerns == ()


def changes(readings: list[float], make: Callable[[float], Look], *, every_s: float) -> int:
    told: tuple[Concern, ...] = ()
    state, count = Watch(), 0
    for number, reading in enumerate(readings):
        state = watch(state, make(reading), number * every_s)
        count += state.concerns != told
        told = state.concerns
    return count


@given(st.lists(st.floats(60, 100), min_size=2, max_size=1_440))
def test_however_the_temperature_flaps_it_is_told_a_few_times_an_hour(readings: list[float]) -> None:
    told = changes(readings, lambda celsius: look(temperature_c=celsius), every_s=60)
    hours = len(readings) / 60
    assert told <= 2 + 2 * hours * 3_600 / HOLD_S
