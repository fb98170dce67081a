"""What every `Disk` of a node does."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.node_agent.adapters.disk import SqliteDisk
from loa.node_agent.core.plays import Play, Stretch
from loa.node_agent.core.presses import Press
from loa.node_agent.core.reports import UNNUMBERED, problem
from loa.node_agent.core.shelf import Ordered, Seen, Shelf
from loa.node_agent.core.stand_ins import Siren
from loa.node_agent.errors import StorageDamagedError, StorageError, StorageFullError, StorageReadOnlyError
from loa.node_agent.ports import Change, Disk, Unsent
from loa.protocol.chain import GENESIS, extend
from loa.protocol.ids import JournalId, OccurrenceId, StopId
from loa.protocol.reasons import ProblemCode, Reason
from loa.protocol.reports import Held, PlayReport, Report
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
    make_source,
    make_withdrawal,
    minutes,
)
from tests.node_agent.mounts import Card, card, fill, skip_without_cards

Reopen = Callable[[], Disk]
OTHER_JOURNAL = JournalId("e" * 32)
OCCURRENCE = OccurrenceId("b" * 64 + "@1781154000000")


@pytest.fixture(params=["fake", "sqlite"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    """Opens the same disk again and again, as restarts do."""
    if request.param == "fake":
        fake = FakeDisk()
        return lambda: fake
    return lambda: SqliteDisk(tmp_path / "node.db")


class Ground(Protocol):
    """Where a disk stands, and what can befall it there."""

    def open(self) -> Disk:
        """The disk; the same again after a restart."""
        ...

    def spoil(self, disk: Disk, fault: type[StorageError]) -> Disk:
        """Let writes fail from now on; the disk to go on with."""
        ...

    def heal(self) -> None:
        """Undo it."""
        ...


class FakeGround:
    def __init__(self) -> None:
        self._disk = FakeDisk()

    def open(self) -> Disk:
        return self._disk

    def spoil(self, _disk: Disk, fault: type[StorageError]) -> Disk:
        self._disk.fault = fault
        return self._disk

    def heal(self) -> None:
        self._disk.fault = None


class RealGround:
    """A card of its own, which is filled, locked, or written over."""

    def __init__(self, plugged: Card) -> None:
        self._card = plugged
        self._path = plugged.at / "node.db"
        self._heal: Callable[[], None] = lambda: None

    def open(self) -> Disk:
        return SqliteDisk(self._path)

    def spoil(self, disk: Disk, fault: type[StorageError]) -> Disk:
        if fault is StorageFullError:
            self._heal = fill(self._card.at).unlink
            return disk
        if fault is StorageDamagedError:
            overwrite_the_middle(self._path)
            return disk
        disk.close()
        self._card.lock()
        self._heal = self._card.unlock
        return self.open()

    def heal(self) -> None:
        self._heal()


def overwrite_the_middle(path: Path) -> None:
    """A page that no cache holds; the file must be larger than a connection's cache."""
    base = sqlite3.connect(path)
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xff" * 4096)


@pytest.fixture(params=["fake", "sqlite"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    if request.param == "fake":
        yield FakeGround()
        return
    skip_without_cards(tmp_path)
    with card(tmp_path) as plugged:
        yield RealGround(plugged)


def numbered(*numbers: int) -> tuple[Report, ...]:
    (draft,) = make_trouble().reports
    return tuple(draft.model_copy(update={"number": number}) for number in numbers)


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
    siren = Siren(source=make_source(), since=NOON)
    change = Change(
        config=config,
        held=held,
        shelf=shelf,
        sounds=sounds,
        plays=(play,),
        accounted_at=NOON + minutes(2),
        siren=siren,
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
    assert recalled.siren == siren
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


def test_presses_of_the_button_replace_those_before(reopen: Reopen) -> None:
    disk = reopen()
    held = Press(id=StopId("1" * 32), at=NOON)
    disk.write(Change(presses=(held,)))
    disk.write(Change(accounted_at=NOON))
    assert tuple(reopen().recall().presses) == (held,)
    over = held.model_copy(update={"over_at": NOON + minutes(5)})
    reopen().write(Change(presses=(over, Press(id=StopId("2" * 32), at=NOON + minutes(9)))))
    assert [press.over_at for press in reopen().recall().presses] == [NOON + minutes(5), None]


def test_reports_are_numbered_from_one_without_a_gap_over_restarts_and_receipts(reopen: Reopen) -> None:
    disk = reopen()
    disk.write(make_trouble("one"))
    disk.write(make_trouble("two"))
    disk.forget(disk.journal_id, 2)
    assert not disk.unsent(10, {}).reports
    disk.close()
    disk = reopen()
    disk.write(make_trouble("three"))
    assert [report.number for report in disk.unsent(10, {}).reports] == [3]
    assert disk.count_unsent({}) == 1


def test_a_receipt_takes_only_what_it_covers(reopen: Reopen) -> None:
    disk = reopen()
    for detail in "abc":
        disk.write(make_trouble(detail))
    disk.forget(disk.journal_id, 2)
    disk.forget(disk.journal_id, 2)
    disk.forget(disk.journal_id, 0)
    assert [report.number for report in disk.unsent(10, {}).reports] == [3]


def test_unsent_gives_the_first_ones(reopen: Reopen) -> None:
    disk = reopen()
    for detail in "abc":
        disk.write(make_trouble(detail))
    assert [report.number for report in disk.unsent(2, {}).reports] == [1, 2]


def test_an_occurrence_is_reported_once_and_its_play_is_closed(reopen: Reopen) -> None:
    disk = reopen()
    disk.write(Change(plays=(Play(occurrence=OCCURRENCE),)))
    disk.write(Change(reports=(make_report(),)))
    disk.write(Change(reports=(make_report(), problem(at=NOON, code=ProblemCode.DISK_FULL, detail="x"))))
    recalled = disk.recall()
    assert not recalled.plays
    assert recalled.reported == {OCCURRENCE}
    assert [(r.number, r.kind) for r in disk.unsent(9, {}).reports] == [(1, "play"), (2, "problem")]
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
            disk.forget(disk.journal_id, min(act, written))
            covered = max(covered, min(act, written))
    assert [report.number for report in disk.unsent(99, {}).reports] == list(range(covered + 1, written + 1))


def contents(unsent: Unsent) -> list[bytes]:
    return [one.to_bytes() for one in unsent.reports]


def test_the_chain_goes_on_over_receipts_and_restarts(reopen: Reopen) -> None:
    disk = reopen()
    for detail in "abcd":
        disk.write(make_trouble(detail))
    whole = disk.unsent(10, {})
    assert whole.chain == GENESIS
    after = [extend(GENESIS, contents(whole)[:number]) for number in range(5)]
    assert disk.unsent(10, {disk.journal_id: 3}).chain == after[3]
    disk.forget(disk.journal_id, 1)
    assert disk.unsent(10, {}).chain == after[1]
    disk.close()
    disk = reopen()
    assert disk.unsent(1, {}).chain == after[1]
    assert disk.unsent(1, {disk.journal_id: 3}).chain == after[3]
    disk.forget(disk.journal_id, 4)
    disk.forget(disk.journal_id, 4)
    disk.close()
    disk = reopen()
    disk.write(make_trouble("e"))
    assert disk.unsent(10, {}).chain == after[4]


def test_what_was_numbered_elsewhere_brings_its_chain(reopen: Reopen) -> None:
    disk = reopen()
    disk.write(make_trouble("own"))
    disk.write(Change(carried=(Unsent(OTHER_JOURNAL, numbered(4, 5), "c" * 43),)))
    disk.close()
    disk = reopen()
    carried = disk.unsent(10, {})
    assert carried.chain == "c" * 43
    disk.forget(OTHER_JOURNAL, 4)
    assert disk.unsent(10, {}).chain == extend("c" * 43, contents(carried)[:1])
    disk.forget(OTHER_JOURNAL, 5)
    assert disk.unsent(10, {}).chain == GENESIS


def test_what_was_numbered_elsewhere_keeps_journal_and_number_and_goes_first(reopen: Reopen) -> None:
    disk = reopen()
    disk.write(make_trouble("own"))
    disk.write(Change(carried=(Unsent(OTHER_JOURNAL, numbered(4, 5)),)))
    disk.close()
    disk = reopen()
    assert disk.count_unsent({}) == 3
    first = disk.unsent(10, {})
    assert (first.journal_id, [one.number for one in first.reports]) == (OTHER_JOURNAL, [4, 5])
    disk.forget(OTHER_JOURNAL, 4)
    assert [one.number for one in disk.unsent(10, {}).reports] == [5]
    disk.forget(OTHER_JOURNAL, 5)
    own = disk.unsent(10, {})
    assert (own.journal_id, [one.number for one in own.reports]) == (disk.journal_id, [1])


def test_what_a_receipt_covers_is_passed_over_before_the_disk_forgets_it(reopen: Reopen) -> None:
    disk = reopen()
    for detail in "abc":
        disk.write(make_trouble(detail))
    disk.write(Change(carried=(Unsent(OTHER_JOURNAL, numbered(7)),)))
    covered = {OTHER_JOURNAL: 7, disk.journal_id: 2}
    assert [one.number for one in disk.unsent(10, covered).reports] == [3]
    assert disk.count_unsent(covered) == 1
    assert disk.count_unsent({}) == 4


def test_what_was_reported_elsewhere_is_not_reported_here(reopen: Reopen) -> None:
    disk = reopen()
    disk.write(Change(plays=(Play(occurrence=OCCURRENCE),)))
    disk.write(Change(closed=(OCCURRENCE,)))
    disk.write(Change(reports=(make_report(),)))
    recalled = reopen().recall()
    assert not recalled.plays
    assert recalled.reported == {OCCURRENCE}
    assert not disk.unsent(9, {}).reports


def test_forgetting_comes_before_adding(reopen: Reopen) -> None:
    disk, shelf = reopen(), make_shelf()
    disk.write(Change(shelf=shelf, sounds={SOUND: NOON}))
    later = NOON + minutes(3)
    disk.write(Change(shelf=shelf, forget=shelf, sounds={SOUND: later}, forget_sounds=(SOUND,)))
    recalled = reopen().recall()
    assert recalled.shelf == shelf
    assert recalled.sounds == {SOUND: later}


@pytest.mark.parametrize("fault", [StorageFullError, StorageReadOnlyError])
def test_a_disk_that_takes_nothing_says_so_is_read_and_goes_on_when_it_takes_again(
    ground: Ground, fault: type[StorageError]
) -> None:
    disk = ground.open()
    disk.write(make_trouble("before"))
    journal = disk.journal_id
    disk = ground.spoil(disk, fault)
    with pytest.raises(fault):
        disk.write(Change(reports=[*make_trouble("long " * 90).reports] * 3_000))
    assert isinstance(disk.trouble, fault)
    assert [one.number for one in disk.unsent(10, {}).reports] == [1], "nothing of the change"
    ground.heal()
    disk.write(make_trouble("after"))
    assert disk.trouble is None
    assert disk.journal_id == journal
    assert [one.number for one in disk.unsent(10, {}).reports] == [1, 2]
    disk.close()


def test_a_damaged_disk_begins_anew_at_the_next_write_and_saves_what_was_not_sent(ground: Ground) -> None:
    disk = ground.open()
    disk.write(Change(reports=[*make_trouble("long " * 90).reports] * 3_000))
    journal = disk.journal_id
    disk = ground.spoil(disk, StorageDamagedError)
    with pytest.raises(StorageDamagedError):
        disk.unsent(10_000, {})
    assert isinstance(disk.trouble, StorageDamagedError)
    disk.write(Change(held={AREA: Held(programme=3)}, reports=make_trouble("after").reports))
    assert disk.trouble is None
    assert disk.journal_id != journal
    saved = disk.unsent(10_000, {})
    assert saved.journal_id == journal
    assert [one.number for one in saved.reports] == list(range(1, 3_001)), "one that is lost says so itself"
    disk.forget(journal, 3_000)
    assert [one.number for one in disk.unsent(10, {}).reports] == [1]
    assert disk.recall().held == {AREA: Held(programme=3)}
    disk.close()
