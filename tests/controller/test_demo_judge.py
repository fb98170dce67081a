from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from loa.audio.find import Signal
from loa.controller.demo.acts import judge
from loa.controller.demo.judge import RATE_HZ, Recorded, faults
from loa.controller.demo.scenario import (
    Expectation,
    Lengths,
    Passage,
    Plan,
    Sound,
    expectation,
    plan,
)
from loa.controller.demo.show import Show

_LENGTHS = Lengths(file_s=9.0, text_s=8.0, emergency_s=4.0)
_PLAN = plan(1_000.2, _LENGTHS, lead_s=2.0)
_EXPECTED = expectation(
    _PLAN, _LENGTHS, emergency_at=_PLAN.emergency_asked_at + 2.0, stopped_at=_PLAN.stop_asked_at + 0.2
)
_BEGAN_AT = 995.0


def _sounds() -> dict[Sound, Signal]:
    random = np.random.default_rng(7)
    lengths = {Sound.FILE: 9.0, Sound.TEXT: 8.0, Sound.EMERGENCY: 4.0}
    return {
        sound: (0.1 * random.standard_normal(round(length * RATE_HZ))).astype(np.float32)
        for sound, length in lengths.items()
    }


def _record(expected: Expectation, *, off_s: float = 0.0, without: Passage | None = None) -> Recorded:
    sounds = _sounds()
    samples = np.zeros(round((expected.ends_at - _BEGAN_AT) * RATE_HZ), np.float32)
    for heard in expected.heard:
        if heard is without:
            continue
        begin = round((heard.from_s + off_s - _BEGAN_AT) * RATE_HZ)
        first = round(heard.offset_s * RATE_HZ)
        piece = sounds[heard.sound][first : first + round((heard.to_s - heard.from_s) * RATE_HZ)]
        samples[begin : begin + len(piece)] = piece
    return Recorded(samples, _BEGAN_AT)


def test_the_plan_leaves_room_for_the_emergency() -> None:
    assert (
        Plan(file_at=1001, text_at=1013, emergency_asked_at=1015.0, again_at=1028, stop_asked_at=1032)
        == _PLAN
    )


def test_the_expectation_holds_the_rest_of_the_text_after_the_emergency() -> None:
    text, emergency, rest = _EXPECTED.heard[1:4]
    assert (text.from_s, text.to_s) == (1013, 1017)
    assert (emergency.from_s, emergency.to_s) == (1017, 1021)
    assert (rest.from_s, rest.to_s, rest.offset_s) == (1021, 1025, 4)


def test_a_recording_that_holds_everything_has_no_fault() -> None:
    assert list(faults(_record(_EXPECTED), _sounds(), _EXPECTED)) == []


@pytest.mark.parametrize("missing", range(5))
def test_a_missing_stretch_is_a_fault(missing: int) -> None:
    recorded = _record(_EXPECTED, without=_EXPECTED.heard[missing])
    assert any("was not heard" in fault for fault in faults(recorded, _sounds(), _EXPECTED))


@pytest.mark.parametrize("off_s", [-0.3, 0.3])
def test_sound_beside_its_place_is_a_fault(off_s: float) -> None:
    found = list(faults(_record(_EXPECTED, off_s=off_s), _sounds(), _EXPECTED))
    assert any("from its place" in fault for fault in found)


def test_sound_after_stop_is_a_fault() -> None:
    recorded = _record(_EXPECTED)
    recorded.samples[-RATE_HZ:] = 0.01
    assert any("silence was due" in fault for fault in faults(recorded, _sounds(), _EXPECTED))


def test_one_node_with_a_fault_spoils_the_demos_status_and_is_named() -> None:
    good, spoilt = _record(_EXPECTED), _record(_EXPECTED, without=_EXPECTED.heard[2])
    said = StringIO()
    show = Show(Console(file=said, width=200), "Asia/Ho_Chi_Minh")
    assert judge({"loa-1": good, "loa-2": good}, _sounds(), _EXPECTED, show) == 0
    assert judge({"loa-1": good, "loa-2": spoilt}, _sounds(), _EXPECTED, show) == 1
    faulty = {line.partition(" s in")[0].rstrip(".0123456789") for line in _lines(said) if "✘" in line}
    assert faulty == {"✘ loa-2: emergency "}
    assert "✔ loa-1: everything sounded at its place" in _lines(said)


def _lines(said: StringIO) -> list[str]:
    return said.getvalue().splitlines()


def test_a_recording_that_breaks_off_is_a_fault() -> None:
    recorded = _record(_EXPECTED)
    short = replace(recorded, samples=recorded.samples[: -2 * RATE_HZ])
    assert any("too early" in fault for fault in faults(short, _sounds(), _EXPECTED))
