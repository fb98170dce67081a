"""The judge finds what it is there to find, and accepts no more than it has to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from loa.protocol.ids import BroadcastId, RecordingId, occurrence_id
from tests.field.hearing import Slice
from tests.field.judge import Findings, Judge
from tests.field.ledger import Due, Ledger, Span, Stretch, until, whole
from tests.flow.ears import HEARING_HZ, Sound, make_sound
from tests.flow.office import Json
from tests.flow.times import seconds

T = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)
NODE = "loa-1"
OCCURRENCE = occurrence_id(BroadcastId("a" * 64), T)
LENGTH = seconds(3)
BY_NOW = Stretch(T - seconds(2), T + seconds(5))


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sound, Sound]:
    folder = tmp_path_factory.mktemp("sounds")
    return make_sound(folder / "1.wav", 3, seed=1), make_sound(folder / "2.wav", 3, seed=2)


@pytest.fixture
def due(sounds: tuple[Sound, Sound]) -> Due:
    return Due(
        scene="once",
        occurrence=OCCURRENCE,
        recording=RecordingId("b" * 64),
        sound=sounds[0],
        planned_at=T,
        said_at=T - seconds(20),
        pieces=whole(T, LENGTH),
        informed=[Stretch(T, T + LENGTH)],
        may=Stretch(T, T + LENGTH),
        holders=frozenset({NODE}),
    )


def _line(outcome: str = "complete", *, sounded: timedelta = LENGTH) -> Json:
    piece = {"from_at": T.isoformat(), "to_at": (T + sounded).isoformat()}
    return {
        "occurrence": OCCURRENCE,
        "node": NODE,
        "outcome": outcome,
        "delivered_at": (T - seconds(10)).isoformat(),
        "pieces": [piece] if sounded else [],
    }


def _sounding(sound: Sound, at: datetime, from_s: float = 0, to_s: float = 3) -> Iterator[Slice]:
    for quarter in range(round(from_s * 4), round(to_s * 4)):
        first = quarter * HEARING_HZ // 4
        part = sound.signal[first : first + HEARING_HZ // 4]
        yield Slice(at + seconds(quarter / 4 - from_s), part, is_edge=False)


def _judged(
    due: Due,
    heard: Iterator[Slice],
    *spans: Span,
    line: Json | None = None,
    reports: int = 1,
    journals: int = 1,
) -> Findings:
    ledger = Ledger(dues=[due], spans=list(spans))
    lines = [_line() if line is None else line] if line != {} else []
    judge = Judge(ledger, lines, [(OCCURRENCE, NODE)] * reports, {NODE: journals})
    judge.hear(NODE, heard)
    return judge.compare([NODE])


def _counts(findings: Findings) -> tuple[int, int, int]:
    return len(findings.lost), len(findings.doubled), len(findings.stray)


OFF = Span(NODE, BY_NOW, "kill_agent", mute=True)
DEAF = Span(NODE, BY_NOW, "cut", deaf=True)


def test_what_sounds_as_it_has_to_is_in_order(due: Due) -> None:
    assert _counts(_judged(due, _sounding(due.sound, T))) == (0, 0, 0)
    assert _counts(_judged(due, _sounding(due.sound, T + seconds(0.3)))) == (0, 0, 0)


def test_silence_is_a_loss_but_where_it_is_excused(due: Due) -> None:
    partly = _line("partly", sounded=seconds(1))
    assert _counts(_judged(due, _sounding(due.sound, T, to_s=1), line=partly)) == (1, 0, 0)
    assert _counts(_judged(due, _sounding(due.sound, T, to_s=1), OFF, line=partly)) == (0, 0, 0)
    assert _counts(_judged(due, iter(()), DEAF, line=_line("power_lost", sounded=seconds(0)))) == (1, 0, 0)


def test_a_sound_at_another_time_is_astray(due: Due) -> None:
    for off_s in (-2, 1, 60):
        found = _judged(due, _sounding(due.sound, T + seconds(off_s)), OFF)
        assert found.stray, off_s


def test_another_sound_in_its_place_is_astray(due: Due, sounds: tuple[Sound, Sound]) -> None:
    assert _judged(due, _sounding(sounds[1], T), OFF).stray


def test_what_was_taken_off_is_astray_afterwards_but_on_a_node_that_was_deaf(due: Due) -> None:
    due.pieces = until(T, LENGTH, T + seconds(1))
    due.informed, due.turns = [Stretch(T, T + seconds(1.5))], [T + seconds(1)]
    line = _line("withdrawn")
    assert _counts(_judged(due, _sounding(due.sound, T, to_s=1.5), line=line)) == (0, 0, 0)
    assert _judged(due, _sounding(due.sound, T), line=line).stray
    assert _counts(_judged(due, _sounding(due.sound, T), DEAF, line=line)) == (0, 0, 0)


def test_what_sounds_or_is_reported_twice_is_doubled(due: Due) -> None:
    due.keeps_time, due.may = False, Stretch(T, T + 3 * LENGTH)
    again = [*_sounding(due.sound, T), *_sounding(due.sound, T + LENGTH + seconds(1))]
    assert _counts(_judged(due, iter(again), OFF)) == (0, 1, 0)
    assert _counts(_judged(due, _sounding(due.sound, T), reports=2)) == (0, 1, 0)


def test_a_journal_that_is_begun_anew_lost_the_one_before_unless_that_was_damaged(due: Due) -> None:
    found = _judged(due, _sounding(due.sound, T), journals=2)
    assert _counts(found) == (1, 0, 0)


@pytest.mark.parametrize(
    ("line", "heard_s", "lost"),
    [
        ({}, 3, True),
        (_line("missed"), 3, True),
        (_line("complete"), 1, True),
        (_line("partly", sounded=seconds(2)), 0, True),
        (_line("power_lost", sounded=seconds(0)), 2, True),
        (_line("power_lost", sounded=seconds(0)), 0, False),
        (_line("partly", sounded=seconds(1)), 2, False),
    ],
)
def test_a_line_that_is_missing_or_says_what_was_not_heard_is_lost(
    line: Json, heard_s: float, *, lost: bool, due: Due
) -> None:
    off_before = Span(NODE, Stretch(T - seconds(9), T - seconds(0.5)), "kill_agent", mute=True)
    found = _judged(due, _sounding(due.sound, T, to_s=heard_s), off_before, line=line)
    assert bool(found.lost) is lost, found.lost
