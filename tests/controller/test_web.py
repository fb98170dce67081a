"""The words of the console, and how it reads what people type."""

import hashlib
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from loa.controller.core.bulletins import BulletinState
from loa.controller.core.notices import NoticeCode
from loa.controller.core.tree import AreaKind
from loa.controller.store.tables import LogRow
from loa.controller.web import assets, catalogue
from loa.controller.web.catalogue import say
from loa.controller.web.forms import WhenForm, form_of, read_when, repaired
from loa.controller.web.localtime import megabytes, spell, weekday_time
from loa.controller.web.log_lines import Reader, line_of
from loa.controller.web.times import read_time
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reasons import Reason
from loa.protocol.reports import Evidence, Sensed
from loa.protocol.units import to_ms
from loa.protocol.when import DEFAULT_TZ

UNEVEN = tuple(f"{hour:02d}:0{hour - 5}" for hour in range(5, 12))
"""Seven hours with seven different minutes: 49 starts a day, of which a rule would have to pick."""
NOW = datetime(2026, 6, 11, 9, 42, tzinfo=UTC)
VENDORED = re.compile(r"\| (\S+) \| `([0-9a-f]{64})` \|$", re.MULTILINE)


def entry(outcome: str, **facts: object) -> LogRow:
    given: dict[str, Any] = {"planned_at": datetime(2026, 6, 11, 4, 0, tzinfo=UTC), "duration_ms": 480_000}
    return LogRow(
        occurrence=f"{'a' * 64}@{to_ms(NOW)}",
        title="Thu phí",
        field="environment",
        class_="normal",
        place="Tỉnh Vĩnh Phúc / Xã Lãng Công",
        outcome=outcome,
        **(given | facts),
    )


def ears(*, rendered: int | None = None, heard: int | None = None) -> dict[str, object]:
    """The columns of a line whose ears found so few of 8 windows."""

    def sensed(passed: int | None) -> Sensed | None:
        if passed is None:
            return None
        return Sensed(judged=8, passed=passed, correlation=0.1, level_db=-120)

    evidence = Evidence(verified=True, rendered_by=sensed(rendered), heard_by=sensed(heard))
    return {
        "rendered": None if rendered is None else False,
        "heard": None if heard is None else False,
        "evidence": evidence.to_bytes().decode(),
    }


def marks(outcome: str, **facts: object) -> str:
    reader = Reader(now=NOW, tz=DEFAULT_TZ)
    line = line_of(entry(outcome, **facts), reader, node="Cụm 1", href="")
    return " ".join((str(line.look.word), *(rung.mark for rung in line.rungs)))


def test_every_code_of_a_closed_set_has_words() -> None:
    assert set(Reason) <= set(catalogue.OUTCOMES)
    assert set(Reason) <= set(catalogue.WHY)
    assert set(NoticeCode) == set(catalogue.NOTICES)
    assert set(BroadcastClass) == set(catalogue.CLASSES)
    assert set(BulletinState) == set(catalogue.BULLETIN_STATES)
    assert set(AreaKind) == set(catalogue.KINDS)


def test_what_did_not_come_out_is_told_in_words() -> None:
    reader = Reader(now=NOW, tz=DEFAULT_TZ)

    def reason(**facts: object) -> str:
        line = line_of(entry("complete", played_ms=480_000, **facts), reader, node="Cụm 1", href="")
        return line.reason

    assert reason(**ears(rendered=0)).startswith("Máy đã phát nhưng đường ra không có tiếng.")
    assert reason(**ears(rendered=3)).endswith("chỉ có tiếng 3 trên 8 giây đã đo")
    assert reason(**ears(heard=0)).startswith("Máy đã phát nhưng micrô không nghe thấy.")
    assert reason(rendered=True) == reason()


def test_a_code_without_words_is_told_with_the_code() -> None:
    assert say("never_heard_of", {}) == "Chưa làm được việc này. Mã lỗi: never_heard_of."
    assert "30" in say("too_many_attempts", {"retry_after_s": 30})


@pytest.mark.parametrize(
    ("outcome", "facts", "told"),
    [
        (
            "complete",
            {"played_ms": 480_000, "late_ms": 20, "delivered_at": NOW},
            "Đã phát yes yes yes unknown",
        ),
        ("complete", {"played_ms": 480_000, "late_ms": 4_000}, "Phát trễ yes yes yes unknown"),
        (
            "complete",
            {"played_ms": 480_000, "rendered": True, "heard": True},
            "Đã phát yes yes yes yes",
        ),
        ("complete", {"played_ms": 480_000, **ears(rendered=0)}, "Loa không ra tiếng yes yes no unknown"),
        ("complete", {"played_ms": 480_000, **ears(rendered=3)}, "Có lúc mất tiếng yes yes partly unknown"),
        ("complete", {"played_ms": 480_000, **ears(heard=0)}, "Không nghe thấy yes yes yes no"),
        ("partly", {"played_ms": 60_000, **ears(heard=2)}, "Có lúc mất tiếng yes yes partly partly"),
        ("power_lost", {"played_ms": 60_000}, "Phát thiếu yes yes partly unknown"),
        ("power_lost", {"played_ms": 0}, "Không phát yes yes no none"),
        ("silenced", {"played_ms": 0}, "Đã dừng yes yes no none"),
        ("quiet_hours", {"played_ms": 0}, "Bị từ chối yes yes no none"),
        ("missed", {}, "Không kiểm được yes unknown unknown none"),
        ("expected", {}, "Không kiểm được yes unknown unknown none"),
        ("expected", {"planned_at": datetime(2026, 6, 11, 10, 0, tzinfo=UTC)}, "Sẽ phát yes none none none"),
    ],
)
def test_state_and_evidence_of_a_line(outcome: str, facts: dict[str, object], told: str) -> None:
    assert marks(outcome, **facts) == told


@pytest.mark.parametrize(
    ("outcome", "facts", "told"),
    [
        ("sound_missing", {}, "Loa chưa tải được bản thu. Còi báo động phát thay 10 phút"),
        ("complete", {"played_ms": 480_000, "late_ms": 0}, "Đủ 8 phút. Còi báo động phát thay 10 phút"),
        ("silenced", {"played_ms": 0}, "Có lệnh dừng loa. Còi báo động phát thay 10 phút"),
    ],
)
def test_a_line_tells_that_the_siren_sounded_in_its_place(
    outcome: str, facts: dict[str, object], told: str
) -> None:
    reader = Reader(now=NOW, tz=DEFAULT_TZ)
    line = line_of(entry(outcome, siren_ms=600_000, **facts), reader, node="Cụm 1", href="")
    assert line.reason.replace("\xa0", " ") == told


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("17:30", "17:30"),
        ("7h5", None),
        ("7h05", "07:05"),
        ("17h", "17:00"),
        ("1730", "17:30"),
        ("25:00", None),
    ],
)
def test_times_are_read_with_patience(typed: str, read: str | None) -> None:
    assert read_time(typed) == read


@pytest.mark.parametrize(
    "form",
    [
        WhenForm(kind="once", date="2026-06-11", times=("17:30", "20:52")),
        WhenForm(kind="daily", date="2026-06-11", times=("05:30", "17:30"), until="2026-07-01"),
        WhenForm(kind="weekdays", date="2026-06-11", times=("17:30",), days=("MO", "FR")),
        WhenForm(kind="monthly", date="2026-06-11", times=("17:30",)),
    ],
)
def test_a_form_comes_back_from_the_time_that_it_asked_for(form: WhenForm) -> None:
    read = read_when(form)
    assert not read.errors
    assert form_of(read.when, date(2026, 6, 11)) == form


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (WhenForm(date="", times=("17:30",)), "date"),
        (WhenForm(date="2026-06-11", times=("",)), "time"),
        (WhenForm(date="2026-06-11", times=("nửa đêm",)), "time"),
        (WhenForm(kind="weekdays", date="2026-06-11", times=("17:30",)), "days"),
        (WhenForm(kind="daily", date="2026-06-11", times=UNEVEN), "time"),
        (WhenForm(kind="daily", date="2026-06-11", times=("05:30",), until="2026-06-01"), "until"),
    ],
)
def test_a_mistake_is_told_at_its_field(form: WhenForm, field: str) -> None:
    assert list(read_when(form).errors) == [field]


def test_a_repair_changes_one_time_and_only_a_single_one_moves_the_day() -> None:
    was, becomes = datetime(2026, 6, 11, 22, 30), datetime(2026, 6, 12, 5, 0)  # noqa: DTZ001 -- wall times
    one = repaired(WhenForm(date="2026-06-11", times=("22h30",)), was, becomes)
    assert (one.date, one.times) == ("2026-06-12", ("05:00",))
    two = repaired(WhenForm(date="2026-06-11", times=("17:30", "22:30")), was, datetime(2026, 6, 11, 21, 59))  # noqa: DTZ001 -- as above
    assert (two.date, two.times) == ("2026-06-11", ("17:30", "21:59"))


def test_times_and_sizes_in_words() -> None:
    assert weekday_time(NOW) == "Thứ Năm, 11/6 · 16:42"
    assert spell(485_000).replace("\u00a0", " ") == "8 phút 5 giây"
    assert megabytes(1_920_000).replace("\u00a0", " ") == "1,92 MB"


def test_vendored_files_are_those_that_are_named() -> None:
    folder = assets.FOLDER / "vendor"
    named = dict(VENDORED.findall((folder / "VENDORED.md").read_text()))
    there = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.suffix in {".js", ".woff2"}
    }
    assert named == {name: _sum(path) for name, path in there.items()}


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
