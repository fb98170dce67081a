"""The drawn comparison of a recording with what an ear captured of it."""

import pytest

from loa.controller.web.ears import HEARD, RENDERED
from loa.controller.web.loudness import TALLEST, Bar, Comparison, comparison
from loa.protocol.reports import Evidence, Levels, Sensed

VOICE = (-20, -16, -40, -16)


def evidence(row: tuple[int | None, ...], *, passed: int = 0, level_db: float = 0) -> Evidence:
    """Of a microphone and, the same, of a loopback."""
    by = Sensed(judged=4, passed=passed, correlation=0.5, level_db=level_db)
    return Evidence(
        verified=True,
        rendered=passed == by.judged,
        rendered_by=by,
        heard=passed == by.judged,
        heard_by=by,
        levels=Levels(every_s=2, recorded=VOICE, rendered=row, heard=row),
    )


def drawn(ear: str, row: tuple[int | None, ...], *, passed: int = 0, level_db: float = 0) -> Comparison:
    found = comparison(evidence(row, passed=passed, level_db=level_db), ear)
    assert found is not None
    return found


def test_the_loudest_stretch_is_tallest_and_ten_decibels_less_half_as_tall() -> None:
    one = drawn(RENDERED, (-16, -26, -120, -16), passed=3)
    assert one.above[1] == Bar(7, TALLEST)
    assert [bar.height for bar in one.below] == [TALLEST, 27, 2, TALLEST]
    assert one.width == 28


@pytest.mark.parametrize("ear", [RENDERED, HEARD])
def test_what_was_not_captured_leaves_a_gap_and_silence_a_stub(ear: str) -> None:
    one = drawn(ear, (-120, None, -120, -120))
    assert [bar.x for bar in one.below] == [0, 14, 21]
    assert {bar.height for bar in one.below} == {2}
    assert [row[2] for row in one.table.rows] == ["\N{MINUS SIGN}120", "không đo"] + ["\N{MINUS SIGN}120"] * 2
    assert [row[0] for row in one.table.rows] == ["0:00", "0:02", "0:04", "0:06"]


def test_only_a_microphone_that_heard_the_recording_is_drawn_to_its_size() -> None:
    faint = tuple(level - 30 for level in VOICE)
    heard = drawn(HEARD, faint, passed=4, level_db=-30)
    assert heard.below == heard.above
    assert "vẽ cùng cỡ" in heard.caption
    assert max(bar.height for bar in drawn(HEARD, faint, level_db=-30).below) < TALLEST / 4
    assert max(bar.height for bar in drawn(RENDERED, faint, passed=4, level_db=-30).below) < TALLEST / 4


def test_what_an_older_node_tells_is_not_drawn() -> None:
    old = evidence(VOICE, passed=4).model_copy(update={"levels": None})
    assert comparison(old, RENDERED) is None
    assert comparison(None, HEARD) is None
    deaf = Levels(every_s=1, recorded=VOICE, rendered=VOICE)
    one = evidence(VOICE).model_copy(update={"levels": deaf})
    assert comparison(one, HEARD) is None
    assert comparison(one, RENDERED) is not None
