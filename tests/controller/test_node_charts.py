"""Charts of a node's machine state what they show; its volume is told beside the policy's."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loa.controller.core.health import Point
from loa.controller.web.node_charts import HEIGHT, WIDTH, Chart, charts_of
from loa.controller.web.node_pages import read_volume
from loa.controller.web.node_volume import cap_lines, in_short, level_of, steps
from loa.controller.web.qr import qr_of
from loa.protocol.health import Concern, Health
from loa.protocol.programme import NodeSettings
from loa.protocol.units import SizeBytes
from loa.protocol.when import DEFAULT_TZ
from loa.schedules.policy import default_policy, open_policy

NOW = datetime(2026, 6, 11, 9, 42, tzinfo=UTC)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def hours(count: int, free_bytes: int | None = None, **health: Any) -> list[Point]:  # noqa: ANN401 -- fields of a health
    """The same for so many hours, up to now."""
    return [
        Point(NOW - timedelta(hours=number), Health(**health), free_bytes)
        for number in reversed(range(count))
    ]


def charts(points: list[Point], *concerns: Concern, settings: NodeSettings | None = None) -> dict[str, Chart]:
    found = charts_of(points, concerns, settings or NodeSettings(), NOW, DEFAULT_TZ)
    return {one.key: one for one in found}


def test_only_what_was_measured_is_drawn() -> None:
    assert charts([]) == {}
    assert list(charts(hours(3, temperature_c=50))) == ["temperature"]
    assert set(charts(hours(3, 2_000_000_000, signal_pct=70, bytes_month=5))) == {"disk", "signal", "sim"}


@pytest.mark.parametrize(
    ("points", "concerns", "key", "finding"),
    [
        (hours(3, temperature_c=51.2), (), "temperature", "Không nóng: 51\u00a0°C, cao nhất 51\u00a0°C"),
        (
            [*hours(3, temperature_c=82)[:2], *hours(1, temperature_c=60)],
            (),
            "temperature",
            "Có lúc nóng 82\u00a0°C, nay 60\u00a0°C",
        ),
        (
            hours(3, temperature_c=84),
            (Concern.HOT,),
            "temperature",
            "Nóng quá: 84\u00a0°C, cao nhất 84\u00a0°C",
        ),
        (hours(2, 2_400_000_000), (), "disk", "Còn chỗ: 2,4\u00a0GB"),
        (hours(2, 150_000_000), (Concern.DISK_SHORT,), "disk", "Sắp đầy: còn 150\u00a0MB"),
        (hours(2, clock_offset_ms=-180), (), "clock", "Đúng giờ: lệch 0,2 giây, nhiều nhất 0,2 giây"),
        (hours(2, signal_pct=12), (Concern.SIGNAL_WEAK,), "signal", "Sóng yếu: 12%"),
        (hours(2, bytes_month=11_600_000), (), "sim", "Đã dùng 11,6\u00a0MB, chưa đặt mức"),
    ],
)
def test_the_title_states_the_finding(
    points: list[Point], concerns: tuple[Concern, ...], key: str, finding: str
) -> None:
    chart = charts(points, *concerns)[key]
    assert (chart.finding, chart.is_bad) == (finding, bool(concerns))


def test_the_sim_is_told_against_its_budget() -> None:
    settings = NodeSettings(month_budget_bytes=SizeBytes(300_000_000))
    fine = charts(hours(2, bytes_month=11_600_000, forecast_bytes=40_000_000), settings=settings)["sim"]
    assert fine.finding == "Đủ dùng: 11,6\u00a0MB / 300\u00a0MB, cuối kỳ khoảng 40\u00a0MB"
    assert (fine.first, fine.last) == ("1/6", "30/6")
    assert fine.plot.ahead.endswith(f"L{WIDTH} {fine.plot.ahead.split()[-1]}")
    short = charts(
        hours(2, bytes_month=290_000_000, forecast_bytes=800_000_000, runs_out_on="2026-06-13"),
        Concern.BUDGET_SHORT,
        settings=settings,
    )["sim"]
    assert short.finding == "Sẽ hết vào 13/6: 290\u00a0MB / 300\u00a0MB"


def test_a_line_is_broken_where_the_node_said_nothing_and_stays_in_its_picture() -> None:
    points = [*hours(24 * 29, temperature_c=50)[:200], *hours(100, temperature_c=81)]
    chart = charts(points)["temperature"]
    assert chart.plot.line.count("M") == 2
    assert chart.plot.over.count("M") == 1
    for part in re.split("[ML]", chart.plot.line)[1:]:
        x, y = (float(number) for number in _NUMBER.findall(part)[:2])
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT


def test_the_table_has_the_worst_of_each_day_the_last_first() -> None:
    points = hours(30, temperature_c=50)
    hot = Point(NOW - timedelta(hours=26), Health(temperature_c=70), None)
    chart = charts([*points[:4], hot, *points[4:]])["temperature"]
    assert chart.rows == (("11/6", "50\u00a0°C"), ("10/6", "70\u00a0°C"))


def test_a_volume_is_a_level_and_the_policys_cap_is_told_with_its_source() -> None:
    assert [level_of(db) for db in (0, -10, -20)] == [100, 50, 25]
    assert [one.value for one in steps(-4) if one.chosen] == ["-4"]
    assert in_short(0, default_policy(), NOW) == "100, từ 21:00 đến 06:00 là 35"
    assert in_short(-20, default_policy(), NOW) == "25"
    lines = cap_lines(default_policy(), NOW)
    assert lines[0].text == "Từ 21:00 đến 06:00 không quá mức 35"
    assert lines[0].source.startswith("QCVN 26:2010/BTNMT")
    assert cap_lines(open_policy("Tests"), NOW) == ()


@pytest.mark.parametrize(
    ("typed", "read"), [("-6", -6.0), ("0", 0.0), ("3", None), ("nan", None), ("", None)]
)
def test_a_volume_is_read_or_not_at_all(typed: str, read: float | None) -> None:
    assert read_volume(typed) == read


def test_a_qr_code_is_drawn_square_by_square() -> None:
    """A version 1 code has 21 squares a side, and 4 light ones around it."""
    code = qr_of("A")
    assert code.size == 29
    assert code.path.startswith("M4 4h1v1h-1zM5 4h1v1h-1z")
