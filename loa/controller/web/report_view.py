"""A month's report in sentences, tables and the geometry of its charts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from loa.controller.core.report import (
    COUNTED,
    DOUBT,
    FAILED,
    Month,
    NodeDays,
    Standing,
    share_pct,
)
from loa.controller.services.log_reports import MonthReport
from loa.controller.web import catalogue, phrases
from loa.controller.web.words import _, lazy

CHART_HEIGHT = 100
"""Units, one a percent."""
STEP, BAR = 24, 17
"""Units from day to day, and of a bar."""
MINUTE_MS = 60_000
_HALVES = 30_000


@dataclass(frozen=True, slots=True)
class Slice:
    """A piece of a day's bar."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class DayBar:
    """A day as a bar of a hundred."""

    x: int
    label: str
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its words; `part` is of the longest, in percent."""

    name: str
    value: str
    part: float
    late: bool = False


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node that often failed, a cell a day."""

    node: str
    cells: tuple[tuple[int, str], ...]
    failed: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Table:
    """The figures of a chart, to copy."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def heading(first: date, month: Month) -> str:
    """The finding."""
    if not month.counted:
        return _("Tháng %(month)s: chưa có lượt phát nào", month=first.month)
    heard = share_pct(month.standings[Standing.HEARD], month.counted)
    if not heard:
        return _("Tháng %(month)s: chưa lượt nào kiểm được bằng micrô", month=first.month)
    return _("Tháng %(month)s: %(share)s%% lượt phát chắc chắn đã vang lên", month=first.month, share=heard)


def findings(first: date, month: Month) -> list[str]:
    """What the heading leaves out: doubt and failure, each by itself."""
    whole = month.counted
    said = []
    if unheard := share_pct(month.standings[Standing.UNHEARD], whole):
        said.append(
            _("%(share)s%% máy đã phát nhưng không kiểm được vì cụm loa không có micrô.", share=unheard)
        )
    if unreported := share_pct(month.standings[Standing.UNREPORTED], whole):
        said.append(_("%(share)s%% không biết vì loa chưa báo về.", share=unreported))
    if failed := share_pct(month.total(FAILED), whole):
        days = str(phrases.AND).join(f"{day}/{first.month}" for day in month.worst_days())
        said.append(
            _(
                "%(share)s%% không phát, phát thiếu hoặc không nghe thấy, nhiều nhất ngày %(days)s.",
                share=failed,
                days=days,
            )
        )
    if kept := month.standings[Standing.KEPT_SILENT]:
        said.append(
            _("%(count)s lượt im vì có lệnh hoặc quy định, không tính vào tỉ lệ.", count=number(kept))
        )
    return said


def day_bars(first: date, report: MonthReport) -> list[DayBar]:
    """A bar for each day that had lines: heard from below, what failed on top, doubt between."""
    bars = []
    for day in range(1, report.days + 1):
        counts = report.month.days.get(day, Counter())
        whole = sum(counts[one] for one in COUNTED)
        label = f"{day}/{first.month}" if day in {1, 10, 20, report.days} else ""
        bars.append(DayBar((day - 1) * STEP, label, _slices(counts, whole) if whole else ()))
    return bars


def day_table(first: date, report: MonthReport) -> Table:
    """The bars in figures."""
    rows = []
    for day in sorted(report.month.days):
        counts = report.month.days[day]
        weekday = str(catalogue.WEEKDAYS[(first + timedelta(days=day - 1)).weekday()])
        rows.append([f"{weekday}, {day}/{first.month}", *(number(counts[one]) for one in _SHOWN)])
    return Table([_("Ngày"), *(str(WORDS[one]) for one in _SHOWN)], rows)


def minutes(sums: Counter[str], names: dict[str, str]) -> list[Bar]:
    """The longest first; what has no minute is left out."""
    found = [(name, (ms + _HALVES) // MINUTE_MS) for name, ms in sums.most_common()]
    found = [(name, length) for name, length in found if length]
    longest = max((length for _name, length in found), default=1)
    return [
        Bar(str(names.get(name, name) or _("Không rõ")), number(length), 100 * length / longest)
        for name, length in found
    ]


def punctuality(month: Month) -> tuple[str, list[Bar]]:
    """The finding, and a bar for each class of lateness."""
    whole = month.late.total()
    if not whole:
        return _("Đúng giờ: chưa có lượt nào đã phát"), []
    title = _("Đúng giờ: %(share)s%% trong 5 giây", share=share_pct(month.punctual, whole))
    shares = [share_pct(month.late[one], whole) for one in range(len(LATENESS))]
    most = max(shares)
    bars = [
        Bar(str(word), f"{share}%", 100 * share / most, late=index > _PUNCTUAL_CLASS)
        for index, (word, share) in enumerate(zip(LATENESS, shares, strict=True))
    ]
    return title, bars


def node_rows(nodes: Sequence[NodeDays], names: dict[str, str], days: int) -> list[NodeRow]:
    """The nodes that failed most."""
    rows = []
    for one in nodes:
        cells = tuple((day - 1, _cell(one.days.get(day, Counter()))) for day in range(1, days + 1))
        bad = [str(day) for day in range(1, days + 1) if cells[day - 1][1] in {"bad", "warn"}]
        sentence = _("Có lượt hỏng vào ngày %(days)s", days=", ".join(bad))
        rows.append(NodeRow(names.get(one.node, one.node), cells, one.failed, sentence))
    return rows


def totals(month: Month) -> Table:
    """All standings, what is not counted apart."""
    whole = month.counted
    rows = [
        [str(WORDS[one]), number(month.standings[one]), f"{share_pct(month.standings[one], whole)}%"]
        for one in COUNTED
    ]
    rows.append([_("Cộng"), number(whole), "100%" if whole else ""])
    rows += [
        [str(WORDS[one]), number(month.standings[one]), ""]
        for one in (Standing.KEPT_SILENT, Standing.TO_COME)
    ]
    return Table([_("Kết quả"), _("Lượt"), _("Tỉ lệ")], rows)


def number(count: int) -> str:
    """`1.720`."""
    return f"{count:,}".replace(",", ".")


def _slices(counts: Counter[Standing], whole: int) -> tuple[Slice, ...]:
    found, y = [], 0.0
    for kind, standings in (("bad", FAILED), ("doubt", DOUBT), ("heard", (Standing.HEARD,))):
        height = CHART_HEIGHT * sum(counts[one] for one in standings) / whole
        if height:
            found.append(Slice(kind, round(y, 2), round(height, 2)))
        y += height
    return tuple(found)


def _cell(counts: Counter[Standing]) -> str:
    whole = sum(counts[one] for one in COUNTED)
    failed = sum(counts[one] for one in FAILED)
    if not whole:
        return "none"
    if failed:
        return "bad" if failed * 2 >= whole else "warn"
    return "ok" if counts[Standing.HEARD] == whole else "doubt"


WORDS = {
    Standing.HEARD: lazy("Chắc chắn đã vang lên"),
    Standing.UNHEARD: lazy("Máy đã phát, không có micrô"),
    Standing.UNREPORTED: lazy("Loa chưa báo về"),
    Standing.SHORT: lazy("Phát thiếu"),
    Standing.SILENT: lazy("Máy phát, không nghe thấy"),
    Standing.NOT_PLAYED: lazy("Không phát"),
    Standing.KEPT_SILENT: lazy("Im vì có lệnh hoặc quy định"),
    Standing.TO_COME: lazy("Chưa tới giờ"),
}
LATENESS = (
    lazy("sớm"),
    lazy("đúng"),
    lazy("≤1"),
    lazy("≤2"),
    lazy("≤5"),
    lazy("≤10"),
    lazy(">10"),
)
_PUNCTUAL_CLASS = 4
_SHOWN = (*COUNTED, Standing.KEPT_SILENT)
