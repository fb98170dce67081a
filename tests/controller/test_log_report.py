"""The arithmetic of a month: doubt stands apart from what was heard and from what failed."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from loa.controller.core.access import Role
from loa.controller.core.report import (
    COUNTED,
    NodeSum,
    Standing,
    Sum,
    month_of,
    share_pct,
    standing,
)
from loa.controller.core.sample import VILLAGES
from loa.controller.services.log_reports import LogReports, next_month
from loa.controller.store.database import Database
from loa.controller.web.report_view import day_bars, findings, heading, punctuality
from loa.protocol.reasons import Reason
from tests.controller.factories import PROVINCE, Town
from tests.controller.log_factory import ears, keep, log_line

MAY = date(2026, 5, 1)


@pytest.mark.parametrize(
    ("outcome", "played", "rendered", "heard", "kind"),
    [
        ("complete", True, True, True, Standing.HEARD),
        ("complete", True, None, True, Standing.HEARD),
        ("complete", True, True, None, Standing.UNHEARD),
        ("complete", True, None, None, Standing.UNHEARD),
        ("complete", True, True, False, Standing.SILENT),
        ("complete", True, False, None, Standing.SILENT),
        ("complete", True, False, True, Standing.SILENT),
        ("partly", True, True, True, Standing.SHORT),
        ("interrupted", True, None, None, Standing.SHORT),
        ("interrupted", True, True, False, Standing.SILENT),
        ("power_lost", False, None, None, Standing.NOT_PLAYED),
        ("learnt_too_late", False, None, None, Standing.NOT_PLAYED),
        ("complete", False, None, None, Standing.NOT_PLAYED),
        ("quiet_hours", False, None, None, Standing.KEPT_SILENT),
        ("silenced", True, True, True, Standing.KEPT_SILENT),
        ("missed", False, None, None, Standing.UNREPORTED),
        ("expected", False, None, None, Standing.UNREPORTED),
        ("a word of a later version", False, None, None, Standing.NOT_PLAYED),
    ],
)
def test_what_a_line_counts_as(
    outcome: str,
    played: bool,  # noqa: FBT001 -- a table's column
    rendered: bool | None,  # noqa: FBT001 -- as above
    heard: bool | None,  # noqa: FBT001 -- as above
    kind: Standing,
) -> None:
    assert standing(outcome, played=played, rendered=rendered, heard=heard) is kind


def test_every_outcome_counts_as_something() -> None:
    for reason in Reason:
        assert standing(reason, played=False, rendered=None, heard=None) in {
            Standing.NOT_PLAYED,
            Standing.KEPT_SILENT,
        }
    assert standing("expected", played=False, rendered=None, heard=None, due=False) is Standing.TO_COME


@pytest.mark.parametrize(
    ("part", "whole", "pct"),
    [(0, 0, 0), (0, 9, 0), (9, 9, 100), (999, 1000, 99), (1, 1000, 1), (1, 2, 50), (93, 100, 93)],
)
def test_a_hundred_percent_means_all_and_none_means_none(part: int, whole: int, pct: int) -> None:
    assert share_pct(part, whole) == pct


def alike(
    day: int, lines: int, outcome: str = "complete", *, heard: bool | None = None, late: int = 1
) -> Sum:
    played = outcome == "complete"
    return Sum(
        day=day,
        field="health",
        class_="normal",
        outcome=outcome,
        played=played,
        rendered=None,
        heard=heard,
        late=late if played else -1,
        lines=lines,
        played_ms=lines * 60_000 if played else 0,
    )


def test_doubt_is_neither_heard_nor_failed() -> None:
    month = month_of(
        [
            alike(1, 90, heard=True),
            alike(2, 5, late=5),
            alike(2, 2, "missed"),
            alike(3, 2, "power_lost"),
            alike(3, 1, heard=False, late=6),
            alike(3, 40, "quiet_hours"),
            alike(30, 7, "expected"),
        ],
        [],
        last_due=10,
    )
    assert month.counted == 100
    assert month.total(COUNTED) == 100
    assert heading(MAY, month) == "Tháng 5: 90% lượt phát chắc chắn đã vang lên"
    assert findings(MAY, month) == [
        "5% máy đã phát nhưng không kiểm được vì cụm loa không có micrô.",
        "2% không biết vì loa chưa báo về.",
        "3% không phát, phát thiếu hoặc không nghe thấy, nhiều nhất ngày 3/5.",
        "40 lượt im vì có lệnh hoặc quy định, không tính vào tỉ lệ.",
    ]
    assert punctuality(month)[0] == "Đúng giờ: 94% trong 5 giây"
    assert month.field_ms == Counter({"health": 96 * 60_000})


def test_without_microphones_nothing_surely_sounded() -> None:
    month = month_of([alike(1, 50)], [], last_due=31)
    assert heading(MAY, month) == "Tháng 5: chưa lượt nào kiểm được bằng micrô"
    assert month.standings[Standing.HEARD] == 0


def test_one_silent_line_among_thousands_is_still_told() -> None:
    month = month_of([alike(1, 9_999, heard=True), alike(2, 1, "power_lost")], [], last_due=31)
    assert heading(MAY, month) == "Tháng 5: 99% lượt phát chắc chắn đã vang lên"
    assert "1% không phát" in findings(MAY, month)[0]


def test_nodes_that_failed_are_ranked_and_others_left_out() -> None:
    def node(name: str, lines: int, outcome: str) -> NodeSum:
        return NodeSum(
            node=name,
            day=2,
            outcome=outcome,
            played=outcome == "complete",
            rendered=None,
            heard=None,
            lines=lines,
        )

    sums = [
        node("a", 1, "power_lost"),
        node("b", 5, "power_lost"),
        node("c", 9, "complete"),
        node("d", 9, "missed"),
    ]
    assert [(one.node, one.failed) for one in month_of([], sums, last_due=31).nodes] == [("b", 5), ("a", 1)]


@pytest.mark.parametrize(("first", "after"), [(MAY, date(2026, 6, 1)), (date(2026, 12, 1), date(2027, 1, 1))])
def test_a_month_ends_where_the_next_begins(first: date, after: date) -> None:
    assert next_month(first) == after


def test_the_database_adds_up_local_days_alike(db: Database) -> None:
    town = Town(db).build()
    for number in (1, 2):
        town.node(f"cum-{number}", VILLAGES[number - 1])
    midnight = datetime(2026, 4, 30, 17, tzinfo=UTC)
    keep(
        db,
        [
            log_line(midnight - timedelta(milliseconds=1), **ears(heard=8)),
            log_line(midnight, **ears(heard=8)),
            log_line(
                midnight + timedelta(hours=23, minutes=59, seconds=59.9), late_ms=7_000, **ears(heard=8)
            ),
            log_line(midnight + timedelta(days=1), "cum-2", "power_lost", area_id=VILLAGES[1]),
            log_line(midnight + timedelta(days=30, hours=23), **ears(heard=0)),
            log_line(midnight + timedelta(days=31), "cum-2", area_id=VILLAGES[1]),
        ],
    )
    town.clock.at = midnight + timedelta(days=60)
    who = town.user("minh", (PROVINCE, Role.SUPERVISOR))
    villager = town.user("tu", (VILLAGES[1], Role.SUPERVISOR))
    reports = LogReports(clock=town.clock)
    with db.look() as session:
        found = reports.month(session, who, MAY, area=None)
        theirs = reports.month(session, villager, MAY, area=None)
    month = found.month
    assert {day: dict(counts) for day, counts in month.days.items()} == {
        1: {Standing.HEARD: 2},
        2: {Standing.NOT_PLAYED: 1},
        31: {Standing.SILENT: 1},
    }
    assert month.late == Counter({2: 2, 5: 1})
    assert month.field_ms == Counter({"health": 3 * 480_000})
    assert [(one.node, one.failed, one.counted) for one in month.nodes] == [("cum-1", 1, 3), ("cum-2", 1, 1)]
    assert [len(bar.slices) for bar in day_bars(MAY, found)][:3] == [1, 1, 0]
    assert theirs.month.standings == Counter({Standing.NOT_PLAYED: 1})


def test_classes_of_punctuality(db: Database) -> None:
    town = Town(db).build()
    first = datetime(2026, 5, 1, tzinfo=UTC)
    bounds = (-51, -50, 50, 51, 1_000, 1_001, 5_000, 5_001, 10_001)
    keep(db, [log_line(first + timedelta(hours=hour), late_ms=late) for hour, late in enumerate(bounds)])
    keep(db, [log_line(first + timedelta(hours=20), outcome="missed")])
    who = town.user("minh", (PROVINCE, Role.SUPERVISOR))
    with db.look() as session:
        found = LogReports(clock=town.clock).month(session, who, MAY, area=None).month
    assert found.late == Counter({0: 1, 1: 2, 2: 2, 3: 1, 4: 1, 5: 1, 6: 1})
    assert found.punctual == 7
