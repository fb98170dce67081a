"""Changes and reports while the disk takes nothing."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loa.node_agent.core.plays import Play
from loa.node_agent.core.reports import UNNUMBERED, problem
from loa.node_agent.core.shelf import Seen, Shelf
from loa.node_agent.core.spare import MOST_KEPT, Spare
from loa.node_agent.errors import (
    StorageDamagedError,
    StorageError,
    StorageFailingError,
    StorageFullError,
    StorageReadOnlyError,
)
from loa.node_agent.memory import Memory
from loa.node_agent.pending import join
from loa.node_agent.ports import Change, Unsent
from loa.protocol.chain import GENESIS, extend
from loa.protocol.ids import JournalId, OccurrenceId, RecordingId
from loa.protocol.reasons import ProblemCode, Reason
from loa.protocol.reports import PlayReport, Report
from tests.fakes.node_disk import FakeDisk
from tests.fakes.node_world import FakeTime
from tests.node_agent.makers import NOON, make_broadcast, make_entry, seconds

FAULTS: tuple[type[StorageError], ...] = (
    StorageFullError,
    StorageReadOnlyError,
    StorageFailingError,
    StorageDamagedError,
)


def make_occurrence(number: int) -> OccurrenceId:
    return OccurrenceId("b" * 64 + f"@{1_781_154_000_000 + number}")


def make_play(number: int) -> PlayReport:
    return PlayReport(
        number=UNNUMBERED,
        occurrence=make_occurrence(number),
        planned_at=NOON,
        outcome=Reason.COMPLETE,
        reason_at=NOON,
    )


class Controller:
    """Takes what is sent, and gives receipts where it is told to."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.stored: dict[tuple[JournalId, int], Report] = {}
        self.chains: dict[tuple[JournalId, int], str] = {}

    def hear(self, *, limit: int, gives_receipt: bool) -> Unsent:
        """What is sent now, and the answer, which may be lost on the way."""
        sent = self.memory.writing.unsent(limit)
        chain = sent.chain
        for report in sent.reports:
            before = sent.journal_id, report.number - 1
            assert chain == self.chains.get(before, GENESIS), "a chain goes on, whatever befell the disk"
            key = sent.journal_id, report.number
            chain = self.chains[key] = extend(chain, [report.to_bytes()])
            assert self.stored.setdefault(key, report) == report, "a number stands for one report"
        if gives_receipt and sent.reports:
            self.memory.writing.forget(sent.journal_id, sent.reports[-1].number)
        return sent

    def hear_all(self) -> None:
        while self.hear(limit=3, gives_receipt=True).reports:
            continue

    def plays(self) -> list[OccurrenceId]:
        return [report.occurrence for report in self.stored.values() if isinstance(report, PlayReport)]

    def problems(self) -> set[ProblemCode]:
        return {report.code for report in self.stored.values() if report.kind == "problem"}


ACTS = st.one_of(
    st.just("play"),
    st.just("heal"),
    st.just("wait"),
    st.just("restart"),
    st.sampled_from(FAULTS),
    st.tuples(st.integers(1, 4), st.sampled_from(["lost", "stored", "receipted"])),
)


@given(st.lists(ACTS, min_size=10, max_size=60))
@example([StorageFullError, "play", (4, "lost"), "heal", "wait"])
@example(["play", StorageDamagedError, (4, "lost"), "play", "wait", (1, "stored"), "restart"])
def test_whatever_befalls_the_disk_each_report_arrives_once(
    acts: list[str | type[StorageError] | tuple[int, str]],
) -> None:
    disk, clock, played = FakeDisk(), FakeTime(NOON), 0
    controller = Controller(Memory(disk=disk, clock=clock))
    for act in acts:
        match act:
            case "play":
                played += 1
                controller.memory.keep(Change(reports=(make_play(played),)))
            case "heal":
                disk.fault = None
            case "wait":
                clock.go(clock.now() + seconds(11))
                controller.memory.flush()
            case "restart":
                disk.fault = None
                controller.memory.flush(at_last=True)
                controller.memory = Memory(disk=disk, clock=clock)
            case (int() as limit, "lost"):
                controller.memory.writing.unsent(limit)
            case (int() as limit, answer):
                controller.hear(limit=limit, gives_receipt=answer == "receipted")
            case _:
                assert not isinstance(act, str | tuple)
                disk.fault = act
    disk.fault = None
    clock.go(clock.now() + seconds(11))
    controller.memory.flush()
    controller.hear_all()
    assert sorted(controller.plays()) == [make_occurrence(number) for number in range(1, played + 1)]
    assert controller.memory.writing.count_unsent() == 0
    journals: dict[JournalId, list[int]] = {}
    for journal_id, number in sorted(controller.stored):
        journals.setdefault(journal_id, []).append(number)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in journals.values()), "without a gap"
    controller.memory.keep(Change(reports=(make_play(1),) * bool(played)))
    controller.hear_all()
    assert len(controller.plays()) == played, "nor is it told again later"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (StorageFullError, ProblemCode.DISK_FULL),
        (StorageReadOnlyError, ProblemCode.DISK_READ_ONLY),
        (StorageFailingError, ProblemCode.DISK_FAILING),
        (StorageDamagedError, ProblemCode.JOURNAL_CORRUPT),
    ],
)
def test_a_trouble_is_told_at_once_and_not_again_and_again(
    fault: type[StorageError], code: ProblemCode
) -> None:
    disk, clock = FakeDisk(), FakeTime(NOON)
    memory = Memory(disk=disk, clock=clock)
    controller = Controller(memory)
    for number in range(20):
        disk.fault = fault
        memory.keep(Change(reports=(make_play(number),)))
        controller.hear_all()
        disk.fault = None
        clock.go(clock.now() + seconds(11))
        memory.flush()
    controller.hear_all()
    told = [report for report in controller.stored.values() if report.kind == "problem"]
    assert [report.code for report in told] == [code]


def test_a_disk_that_is_read_only_from_the_start_is_told() -> None:
    disk = FakeDisk()
    disk.fault, disk.trouble = StorageReadOnlyError, StorageReadOnlyError("card")
    controller = Controller(Memory(disk=disk, clock=FakeTime(NOON)))
    controller.hear_all()
    assert controller.problems() == {ProblemCode.DISK_READ_ONLY}


def test_a_receipt_that_the_disk_cannot_note_is_remembered_and_noted_later() -> None:
    disk, clock = FakeDisk(), FakeTime(NOON)
    memory = Memory(disk=disk, clock=clock)
    controller = Controller(memory)
    memory.keep(Change(reports=(make_play(1), make_play(2))))
    disk.fault = StorageReadOnlyError
    controller.hear(limit=1, gives_receipt=True)
    second = controller.hear(limit=9, gives_receipt=False)
    assert [report.number for report in second.reports] == [2]
    disk.fault = None
    clock.go(clock.now() + seconds(11))
    memory.flush()
    assert [report.number for report in disk.unsent(9, {}).reports] == [2, 3], "and a word about it"


@pytest.mark.parametrize("fault", [StorageDamagedError, StorageFailingError])
def test_after_damage_and_errors_all_that_is_known_is_written_anew(fault: type[StorageError]) -> None:
    disk, clock = FakeDisk(), FakeTime(NOON)
    memory = Memory(disk=disk, clock=clock)
    entry = make_entry(make_broadcast(NOON))
    shelf = Shelf(entries={entry.id: Seen(entry, NOON)})
    memory.keep(Change(shelf=shelf, reports=(make_play(1),)))
    before = disk.recall()
    disk.fault = fault
    disk.lose_everything()
    memory.keep(Change(plays=(Play(occurrence=make_occurrence(2)),)))
    disk.fault = None
    clock.go(clock.now() + seconds(11))
    memory.flush()
    after = disk.recall()
    assert (after.shelf, after.reported, after.accounted_at) == (shelf, before.reported, before.accounted_at)
    assert set(after.plays) == {make_occurrence(2)}


def test_of_a_sound_that_goes_on_the_last_checkpoint_alone_waits() -> None:
    disk, clock = FakeDisk(), FakeTime(NOON)
    memory = Memory(disk=disk, clock=clock)
    disk.fault = StorageFullError
    for trouble in (None, Reason.PLAYER_FAILED) * 500:
        memory.keep(Change(plays=(Play(occurrence=make_occurrence(1), trouble=trouble),)))
    assert len(memory.writing._waiting.plays) == 1
    memory.keep(Change(reports=(make_play(1),)))
    assert not memory.writing._waiting.plays


def make_problems(number: int) -> Iterable[Report]:
    return (problem(at=NOON, code=ProblemCode.FETCH_FAILED, detail=str(one)) for one in range(number))


def test_without_room_the_oldest_problems_go_before_any_play_and_that_is_told() -> None:
    disk, clock = FakeDisk(), FakeTime(NOON)
    memory = Memory(disk=disk, clock=clock)
    disk.fault = StorageReadOnlyError
    memory.keep(Change(reports=tuple(make_play(number) for number in range(MOST_KEPT - 10))))
    memory.keep(Change(reports=tuple(make_problems(50))))
    controller = Controller(memory)
    controller.hear_all()
    assert len(controller.plays()) == MOST_KEPT - 10
    told = [report.detail for report in controller.stored.values() if report.kind == "problem"]
    assert "49" in told
    assert "0" not in told
    assert any("lost" in detail for detail in told)


def test_what_was_never_sent_has_no_number_yet() -> None:
    spare = Spare(JournalId("a" * 32))
    spare.add(make_problems(5))
    assert [report.number for report in spare.unsent(2)] == [1, 2]
    assert len(spare.drafts) == 3
    spare.forget(1)
    assert [report.number for report in spare.unsent(2)] == [2, 3]


def test_joined_changes_do_what_both_do_one_after_the_other() -> None:
    one, two = make_entry(make_broadcast(NOON)), make_entry(make_broadcast(NOON, title="two"))
    first = Shelf(entries={one.id: Seen(one, NOON)})
    second = Shelf(entries={two.id: Seen(two, NOON)})
    sound = RecordingId("a" * 64)
    changes = [
        Change(shelf=first, sounds={sound: NOON}, plays=(Play(occurrence=make_occurrence(1)),)),
        Change(shelf=second, forget=first, forget_sounds=(sound,)),
        Change(shelf=first, sounds={sound: NOON + seconds(5)}, closed=(make_occurrence(1),)),
        Change(forget_reported=(make_occurrence(1),), accounted_at=NOON),
    ]
    apart, together, joined = FakeDisk(), FakeDisk(), Change()
    for change in changes:
        apart.write(change)
        joined = join(joined, change)
    together.write(joined)
    assert together.recall() == replace(apart.recall())
