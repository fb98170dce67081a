"""What every `Disk` of a node does."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.core.plays import Play, Stretch
from loa.node_agent.core.reports import UNNUMBERED, problem
from loa.node_agent.core.shelf import Ordered, Seen, Shelf
from loa.node_agent.ports import Change, Disk
from loa.protocol.ids import OccurrenceId
from loa.protocol.reasons import ProblemCode, Reason
from loa.protocol.reports import Held, PlayReport
from loa.protocol.units import DurationMs
from tests.fakes.node_disk import FakeDisk
from tests.node_agent.makers import (
    AREA,
    NOON,
    SOUND,
    make_broadcast,
    make_config,
    make_entry,
    make_silence,
    make_withdrawal,
    minutes,
)

Reopen = Callable[[], Disk]
OCCURRENCE = OccurrenceId("b" * 64 + "@1781154000000")


@pytest.fixture(params=["fake", "sqlite"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    """Opens the same disk again and again, as restarts do."""
    if request.param == "fake":
        fake = FakeDisk()
        return lambda: fake
    return lambda: SqliteDisk(tmp_path / "node.db")


def make_trouble(detail: str = "no space") -> Change:
    return Change(reports=(problem(at=NOON, code=ProblemCode.DISK_FULL, detail=detail),))


def make_report(occurrence: OccurrenceId = OCCURRENCE) -> PlayReport:
    return PlayReport(
        number=UNNUMBERED, occurrence=occurrence, planned_at=NOON, outcome=Reason.COMPLETE, reason_at=NOON
    )


def make_shelf() -> Shelf:
    entry = make_entry(make_broadcast(NOON))
    ordered = Ordered(area=AREA, broadcast=entry.id, rank=3, issued_at=NOON)
    silence, withdrawal = make_silence(NOON, NOON + minutes(5)), make_withdrawal(entry.id, NOON)
    return Shelf(
        entries={entry.id: Seen(entry, NOON + minutes(1))},
        withdrawals={withdrawal.id: Seen(withdrawal, NOON)},
        silences={silence.id: Seen(silence, NOON)},
        orders={(AREA, entry.id, NOON): Seen(ordered, NOON)},
    )


def test_a_new_disk_holds_nothing(reopen: Reopen) -> None:
    recalled = reopen().recall()
    assert recalled.config is None
    assert recalled.accounted_at is None
    assert recalled.shelf.is_empty()
    assert not recalled.plays


def test_everything_that_was_written_is_recalled(reopen: Reopen) -> None:
    stretch = Stretch(
        from_at=NOON, to_at=NOON + minutes(1), offset_ms=DurationMs(0), played_ms=DurationMs(60_000)
    )
    play = Play(occurrence=OCCURRENCE, done=(stretch,), going=stretch, trouble=Reason.PLAYER_FAILED)
    held = {AREA: Held(programme=7, urgent=8)}
    shelf, config, sounds = make_shelf(), make_config(version=4), {SOUND: NOON}
    change = Change(
        config=config,
        held=held,
        shelf=shelf,
        sounds=sounds,
        plays=(play,),
        accounted_at=NOON + minutes(2),
        self_tested_at=NOON + minutes(3),
    )
    disk = reopen()
    journal = disk.journal_id
    disk.write(change)
    disk.close()
    disk = reopen()
    recalled = disk.recall()
    assert (recalled.config, recalled.held, recalled.shelf) == (config, held, shelf)
    assert (recalled.sounds, recalled.plays) == (sounds, {OCCURRENCE: play})
    assert recalled.accounted_at == NOON + minutes(2)
    assert recalled.self_tested_at == NOON + minutes(3)
    assert disk.journal_id == journal


def test_what_is_forgotten_is_gone(reopen: Reopen) -> None:
    shelf = make_shelf()
    disk = reopen()
    disk.write(Change(shelf=shelf))
    disk.write(Change(forget=shelf))
    assert reopen().recall().shelf.is_empty()


def test_a_recording_keeps_the_time_at_which_it_came_first(reopen: Reopen) -> None:
    disk = reopen()
    disk.write(Change(sounds={SOUND: NOON}))
    disk.write(Change(sounds={SOUND: NOON + minutes(9)}))
    assert disk.recall().sounds == {SOUND: NOON}
    disk.write(Change(forget_sounds=(SOUND,)))
    assert not disk.recall().sounds


def test_reports_are_numbered_from_one_without_a_gap_over_restarts_and_receipts(reopen: Reopen) -> None:
    disk = reopen()
    disk.write(make_trouble("one"))
    disk.write(make_trouble("two"))
    disk.forget(2)
    assert disk.unsent(10) == []
    disk.close()
    disk = reopen()
    disk.write(make_trouble("three"))
    assert [report.number for report in disk.unsent(10)] == [3]
    assert disk.count_unsent() == 1


def test_a_receipt_takes_only_what_it_covers(reopen: Reopen) -> None:
    disk = reopen()
    for detail in "abc":
        disk.write(make_trouble(detail))
    disk.forget(2)
    disk.forget(2)
    disk.forget(0)
    assert [report.number for report in disk.unsent(10)] == [3]


def test_unsent_gives_the_first_ones(reopen: Reopen) -> None:
    disk = reopen()
    for detail in "abc":
        disk.write(make_trouble(detail))
    assert [report.number for report in disk.unsent(2)] == [1, 2]


def test_an_occurrence_is_reported_once_and_its_play_is_closed(reopen: Reopen) -> None:
    disk = reopen()
    disk.write(Change(plays=(Play(occurrence=OCCURRENCE),)))
    disk.write(Change(reports=(make_report(),)))
    disk.write(Change(reports=(make_report(), problem(at=NOON, code=ProblemCode.DISK_FULL, detail="x"))))
    recalled = disk.recall()
    assert not recalled.plays
    assert recalled.reported == {OCCURRENCE}
    assert [(r.number, r.kind) for r in disk.unsent(9)] == [(1, "play"), (2, "problem")]
    disk.write(Change(forget_reported=(OCCURRENCE,)))
    assert disk.recall().reported == frozenset()


@given(st.lists(st.one_of(st.just("report"), st.integers(0, 12)), max_size=20))
def test_whatever_is_written_and_covered_no_number_is_lost_or_given_twice(acts: list[str | int]) -> None:
    disk, covered, written = FakeDisk(), 0, 0
    for act in acts:
        if isinstance(act, str):
            disk.write(make_trouble())
            written += 1
        else:
            disk.forget(min(act, written))
            covered = max(covered, min(act, written))
    assert [report.number for report in disk.unsent(99)] == list(range(covered + 1, written + 1))
