"""How loud a sound was, in a row short enough for a report."""

import numpy as np
import pytest

from loa.audio.levels import FLOOR_DB, MOST_STRETCHES, Levels, Meter

FULL = 32_768.0**2
FRAMES = 50
LAGS = 3


def measured(seconds: int, level_db: int = -20) -> Levels:
    meter = Meter(LAGS)
    for _ in range(seconds):
        power = FRAMES * FULL * 10 ** (level_db / 10)
        meter.add(FRAMES, power, np.array([0.0, power / 10, 0.0]))
    return meter.levels(1)


@pytest.mark.parametrize(
    ("seconds", "every_s", "stretches"),
    [(1, 1, 1), (60, 1, 60), (61, 2, 31), (480, 8, 60), (3_600, 64, 57), (86_400, 2_048, 43)],
)
def test_a_longer_sound_has_longer_stretches_and_no_more_of_them(
    seconds: int, every_s: int, stretches: int
) -> None:
    levels = measured(seconds)
    assert levels == Levels(every_s=every_s, recorded=(-20,) * stretches, captured=(-30,) * stretches)
    assert len(levels.recorded) <= MOST_STRETCHES


def test_silence_is_told_from_what_was_not_captured() -> None:
    meter = Meter(LAGS)
    power = FRAMES * FULL
    meter.add(FRAMES, power, np.zeros(LAGS))
    meter.add(FRAMES, power, None)
    assert meter.levels(0).captured == (FLOOR_DB, None)


def test_two_seconds_in_one_stretch_have_their_mean_power() -> None:
    meter = Meter(LAGS)
    for number in range(MOST_STRETCHES + 1):
        power = FRAMES * FULL * (1.0 if number % 2 else 0.0)
        meter.add(FRAMES, power, np.full(LAGS, power) if number % 4 < 2 else None)
    levels = meter.levels(0)
    assert levels.recorded[:-1] == (-3,) * (MOST_STRETCHES // 2)
    assert levels.captured[:4] == (-3, None, -3, None)
    assert levels.recorded[-1] == FLOOR_DB
