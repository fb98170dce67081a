import random
from itertools import pairwise

import pytest

from loa.audio.dac_timeline import DacTimeline, StreamTime
from loa.audio.mixer import ns_of

BLOCK = 2400
MS = 1_000_000


def place(line: DacTimeline, now_ns: int, delay_s: float = 0.1, *, underflow: bool = False) -> int:
    return line.place(
        now_ns, StreamTime(50.0, 50.0 + delay_s), latency_s=0.3, frames=BLOCK, underflow=underflow
    )


def test_jitter_of_the_callback_does_not_reach_the_samples() -> None:
    line, generator = DacTimeline(), random.Random(1)
    starts = [place(line, n * 50 * MS + int(generator.gauss(0, 3) * MS)) for n in range(400)]
    steps = [later - earlier for earlier, later in pairwise(starts[200:])]
    assert all(abs(step - ns_of(BLOCK)) < MS // 2 for step in steps)
    assert abs(starts[-1] - (399 * 50 + 100) * MS) < 3 * MS


def test_drift_is_followed() -> None:
    line = DacTimeline()
    starts = [place(line, n * (50 * MS + 5000)) for n in range(2000)]
    assert abs(starts[-1] - (1999 * (50 * MS + 5000) + 100 * MS)) < MS


def test_one_late_callback_moves_nothing_but_a_set_clock_does() -> None:
    line = DacTimeline()
    for n in range(10):
        place(line, n * 50 * MS)
    assert place(line, 10 * 50 * MS + 400 * MS) == pytest.approx(600 * MS, abs=MS)
    for n in range(11, 30):
        last = place(line, n * 50 * MS + 400 * MS)
    assert last == pytest.approx((29 * 50 + 400 + 100) * MS, abs=MS)


def test_a_clock_that_is_set_by_more_than_a_second_counts_from_the_next_block_on() -> None:
    line = DacTimeline()
    for n in range(10):
        place(line, n * 50 * MS)
    assert place(line, 10 * 50 * MS - 3_600_000 * MS) == (600 - 3_600_000) * MS


def test_an_underflow_anchors_anew_at_once() -> None:
    line = DacTimeline()
    place(line, 0)
    assert place(line, 250 * MS, underflow=True) == 350 * MS


@pytest.mark.parametrize("delay_s", [-0.5, 0.0, 7.0])
def test_implausible_times_are_replaced_by_the_latency_and_shown(delay_s: float) -> None:
    line = DacTimeline()
    for n in range(25):
        assert not line.sync_degraded
        assert place(line, n * 50 * MS, delay_s) == (300 + n * 50) * MS
    assert line.sync_degraded


def test_the_stumble_of_a_start_degrades_nothing() -> None:
    line = DacTimeline()
    for n in range(100):
        place(line, n * 50 * MS, 0.0 if n < 20 else 0.1)
        assert not line.sync_degraded


def test_a_guess_at_the_start_is_over_with_the_first_reading() -> None:
    line = DacTimeline()
    for n in range(3):
        place(line, n * 50 * MS, 0.0)
    assert place(line, 3 * 50 * MS, 0.31) == (150 + 310) * MS


def test_the_first_readings_are_averaged() -> None:
    generator = random.Random(2)
    line, jitter = DacTimeline(), [int(generator.gauss(0, 3) * MS) for _ in range(60)]
    for n, late_ns in enumerate(jitter):
        last = place(line, n * 50 * MS + late_ns)
    assert last == pytest.approx((59 * 50 + 100) * MS + sum(jitter) / 60, abs=MS // 100)


def test_one_guess_among_many_readings_moves_nothing() -> None:
    line = DacTimeline()
    for n in range(150):
        place(line, n * 50 * MS)
    assert place(line, 150 * 50 * MS, 0.0) == (150 * 50 + 100) * MS
    assert place(line, 151 * 50 * MS + 20 * MS) == pytest.approx((151 * 50 + 100) * MS, abs=MS // 2)


def test_an_output_counts_as_sound_again_after_seconds_of_plausible_times() -> None:
    line = DacTimeline()
    for n in range(60):
        place(line, n * 50 * MS, -0.5)
    healing = [(place(line, n * 50 * MS), line.sync_degraded)[1] for n in range(60, 530)]
    assert healing.index(False) == pytest.approx(400, abs=2)
    assert not any(healing[400:])
