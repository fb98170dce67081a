from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest

from loa.node_agent.core.rhythm import FULL_EVERY_S, MOST_IN_A_ROW, Rhythm
from loa.protocol.reports import Detail

EVERY_S = 300.0
DAY_S = timedelta(days=1).total_seconds()


def day(rhythm: Rhythm, *, begins_s: float = 1_000.0, flaps: bool = False) -> list[tuple[float, Detail]]:
    """What is said in a day of looks, four a second if anything flaps, else one."""
    step_s = 0.25 if flaps else 1.0
    said = []
    for number in range(int(DAY_S / step_s)):
        now_s = begins_s + number * step_s
        detail = rhythm.due(now_s, light=flaps and number % 2, weighty=0, every_s=EVERY_S)
        if detail is not None:
            said.append((now_s, detail))
    return said


def test_a_calm_day_is_compact_every_five_minutes_and_full_every_hour() -> None:
    said = day(Rhythm(Random(1)))
    full = [at for at, detail in said if detail is Detail.FULL]
    assert len(said) == pytest.approx(DAY_S / EVERY_S, rel=0.03)
    assert len(full) == pytest.approx(DAY_S / FULL_EVERY_S, rel=0.1)
    pauses = [b - a for (a, _), (b, _) in pairwise(said)]
    assert min(pauses) >= 0.9 * EVERY_S
    assert max(pauses) <= 1.1 * EVERY_S + 1


def test_thousands_that_begin_together_do_not_stay_together() -> None:
    nodes = [Rhythm(Random(seed)) for seed in range(1_000)]
    seconds = [0] * 700
    for rhythm in nodes:
        for now_s in range(700):
            if rhythm.due(now_s + 1.0, light=0, weighty=0, every_s=EVERY_S):
                seconds[now_s] += 1
    assert seconds[0] == 1_000
    assert max(seconds[1:]) < 50, "of the 1,000 that began in one second"


def test_a_change_is_told_at_once_and_a_weighty_one_in_full() -> None:
    rhythm = Rhythm(Random(1))
    assert rhythm.due(100, light="silent", weighty=1, every_s=EVERY_S) is Detail.FULL
    assert rhythm.due(100.25, light="silent", weighty=1, every_s=EVERY_S) is None
    assert rhythm.due(150, light="sounding", weighty=1, every_s=EVERY_S) is Detail.COMPACT
    assert rhythm.due(150.5, light="silent", weighty=1, every_s=EVERY_S) is None, "a second is to pass"
    assert rhythm.due(151, light="silent", weighty=1, every_s=EVERY_S) is Detail.COMPACT
    assert rhythm.due(160, light="silent", weighty=2, every_s=EVERY_S) is Detail.FULL


def test_after_a_hello_a_state_is_due_in_full_only_if_it_has_news() -> None:
    rhythm = Rhythm(Random(1))
    assert rhythm.due(100, light=0, weighty=0, every_s=EVERY_S) is Detail.FULL
    rhythm.begin_anew()
    assert rhythm.due(101, light=0, weighty=0, every_s=EVERY_S) is Detail.COMPACT
    rhythm.begin_anew()
    assert rhythm.due(102, light=0, weighty=1, every_s=EVERY_S) is Detail.FULL
    rhythm.begin_anew()
    assert rhythm.due(102 + FULL_EVERY_S, light=0, weighty=1, every_s=EVERY_S) is Detail.FULL


def test_what_flaps_all_day_costs_a_bounded_number_of_states() -> None:
    said = day(Rhythm(Random(1)), flaps=True)
    assert len(said) <= DAY_S / 180 + MOST_IN_A_ROW + DAY_S / EVERY_S
    first = [at for at, _ in said if at < 1_000 + 30]
    assert len(first) == MOST_IN_A_ROW + 1, "the first changes are all told"
