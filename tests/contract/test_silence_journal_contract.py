"""What every journal of silences does: on the fake and on the file."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loa.controller.adapters.silence_journal import FileSilenceJournal
from loa.controller.ports import AreaSilence, SilenceJournal
from loa.protocol.ids import AreaId, SilenceId
from loa.protocol.programme import Silence
from tests.fakes.journal import FakeSilenceJournal

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
XA, THON = AreaId("xa"), AreaId("thon-1")


def silence(number: int, *, minutes: int = 60) -> Silence:
    return Silence(
        id=SilenceId(f"{number:032x}"),
        counter=0,
        from_at=NOW,
        until_at=NOW + timedelta(minutes=minutes),
        issued_at=NOW,
        authority=20,
        by="lan",
    )


@pytest.fixture(params=["fake", "file"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SilenceJournal]:
    if request.param == "fake":
        yield FakeSilenceJournal()
    else:
        made = FileSilenceJournal(tmp_path / "folder" / "silences")
        yield made
        made.close()


def test_silences_are_numbered_from_one(journal: SilenceJournal) -> None:
    assert [journal.append(XA, silence(n)).silence.counter for n in range(3)] == [1, 2, 3]


def test_an_area_has_its_own_that_have_not_ended(journal: SilenceJournal) -> None:
    journal.append(XA, silence(1, minutes=10))
    lasting = journal.append(XA, silence(2)).silence
    journal.append(THON, silence(3))
    assert journal.of(XA, NOW + timedelta(minutes=10)) == [lasting]


def test_what_is_new_since_a_number_comes_in_order(journal: SilenceJournal) -> None:
    noted = [journal.append(area, silence(n)) for n, area in enumerate((XA, THON, XA))]
    assert journal.after(1) == noted[1:]
    assert journal.after(3) == []


def test_what_is_adopted_keeps_its_number_and_comes_once(journal: SilenceJournal) -> None:
    old = AreaSilence(XA, silence(7).model_copy(update={"counter": 41}))
    journal.adopt([old])
    journal.adopt([old])
    assert journal.after(0) == [old]
    assert journal.append(THON, silence(8)).silence.counter == 42


Reopen = Callable[[], FileSilenceJournal]


@pytest.fixture
def reopen(tmp_path: Path) -> Iterator[Reopen]:
    opened: list[FileSilenceJournal] = []

    def again() -> FileSilenceJournal:
        opened.append(FileSilenceJournal(tmp_path / "silences"))
        return opened[-1]

    yield again
    for journal in opened:
        journal.close()


def test_the_file_is_read_again(reopen: Reopen) -> None:
    noted = [reopen().append(XA, silence(1))]
    again = reopen()
    assert again.after(0) == noted
    assert again.append(XA, silence(2)).silence.counter == 2


def test_a_torn_last_line_is_cut_off(reopen: Reopen, tmp_path: Path) -> None:
    first = reopen().append(XA, silence(1))
    with (tmp_path / "silences").open("ab") as file:
        file.write(b'{"area":"xa","sil')
    again = reopen()
    second = again.append(XA, silence(2))
    assert reopen().after(0) == [first, second]


def test_a_bad_line_does_not_hide_the_others(reopen: Reopen, tmp_path: Path) -> None:
    first = reopen().append(XA, silence(1))
    with (tmp_path / "silences").open("ab") as file:
        file.write(b"not a silence\n")
    second = reopen().append(XA, silence(2))
    assert reopen().after(0) == [first, second]


def test_the_file_is_for_its_owner_alone(reopen: Reopen, tmp_path: Path) -> None:
    reopen()
    assert (tmp_path / "silences").stat().st_mode & 0o777 == 0o600
