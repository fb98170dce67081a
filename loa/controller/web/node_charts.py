"""A node's machine over time, drawn as small charts whose titles state what they show."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from loa.controller.core.health import Point
from loa.controller.web.localtime import day_starts, decimal, megabytes, today
from loa.controller.web.words import _, lazy
from loa.protocol.health import Concern
from loa.protocol.programme import NodeSettings
from loa.schedules.billing import month_at
from loa.schedules.localtime import to_wall

SHOWN = timedelta(days=30)
STEP = timedelta(hours=6)
"""A chart is as wide as a thumb: it shows the worst of so long a time."""
WIDTH, HEIGHT = 240.0, 64.0
_ROOM = 4.0
"""Above and below, so that a line at the edge is seen whole."""
_SECOND_MS = 1_000

Worst = Callable[[Iterable[float]], float]


@dataclass(frozen=True, slots=True)
class Plot:
    """What stands in the picture: paths of an SVG."""

    line: str
    over: str
    """The parts beyond the limit."""
    limit_y: float | None
    ahead: str
    """What is to come if it goes on like this."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A small chart; `rows` are its days as a table."""

    key: str
    label: str
    finding: str
    is_bad: bool
    plot: Plot
    first: str
    last: str
    worst_word: str
    """What its rows hold of each day."""
    rows: tuple[tuple[str, str], ...]


class _Metric(NamedTuple):
    """What is measured: how to read it, which value of a time is the worst, and how it is said."""

    key: str
    label: str
    concern: Concern
    read: Callable[[Point], float | None]
    worst: Worst
    limit: float
    top: float
    """The scale reaches at least so far; it begins at 0."""
    show: Callable[[float], str]
    fine: str
    was: str
    """It was beyond the limit, and is so no longer."""
    bad: str


def charts_of(
    points: Sequence[Point], concerns: Iterable[Concern], settings: NodeSettings, now: datetime, tz: str
) -> tuple[Chart, ...]:
    """A chart for everything that the node has measured; `points` are those of the time shown, in order."""
    minded = frozenset(concerns)
    found = [_chart(metric, points, now, tz, is_bad=metric.concern in minded) for metric in _METRICS]
    sim = _sim(points, settings, now, tz, is_bad=Concern.BUDGET_SHORT in minded)
    return tuple(one for one in (*found, sim) if one is not None)


def _chart(metric: _Metric, points: Sequence[Point], now: datetime, tz: str, *, is_bad: bool) -> Chart | None:
    values = [(point.at, value) for point in points if (value := metric.read(point)) is not None]
    if not values:
        return None
    since = now - SHOWN
    steps = _thin(values, since, metric.worst)
    worst = metric.worst(value for _at, value in values)
    words = {"now": metric.show(values[-1][1]), "worst": metric.show(worst)}
    said = metric.bad if is_bad else metric.was if _is_beyond(metric, worst) else metric.fine
    top = max(metric.top, *(value for _at, value in steps)) * 1.05
    scale = _Scale(since, now, top)
    return Chart(
        key=metric.key,
        label=str(metric.label),
        finding=said.format(**words),
        is_bad=is_bad,
        plot=Plot(
            line=scale.path(steps, STEP),
            over=scale.path([one for one in steps if _is_beyond(metric, one[1])], STEP),
            limit_y=scale.y(metric.limit) if metric.limit <= top else None,
            ahead="",
        ),
        first=_day(since, tz),
        last=_("hôm nay"),
        worst_word=_("Cao nhất trong ngày") if metric.worst is max else _("Thấp nhất trong ngày"),
        rows=_rows(values, metric.worst, metric.show, tz),
    )


def _is_beyond(metric: _Metric, value: float) -> bool:
    return value != metric.limit and metric.worst((value, metric.limit)) == value


def _sim(
    points: Sequence[Point], settings: NodeSettings, now: datetime, tz: str, *, is_bad: bool
) -> Chart | None:
    """The bytes of this month of the SIM against its budget, and where they are going."""
    month = month_at(today(now, tz), settings.billing_day)
    begins, ends = day_starts(month.begins, tz), day_starts(month.ends, tz)
    used = [
        (point.at, float(point.health.bytes_month))
        for point in points
        if point.health.bytes_month is not None and point.at >= begins
    ]
    if not used:
        return None
    last = next(point for point in reversed(points) if point.health.bytes_month is not None)
    budget, forecast = settings.month_budget_bytes, last.health.forecast_bytes
    marks = [value for value in (budget, forecast, used[-1][1]) if value is not None]
    scale = _Scale(begins, ends, max(1.0, *marks) * 1.05)
    steps = _thin(used, begins, max)
    ahead = [used[-1], (ends, float(forecast))] if forecast is not None else []
    return Chart(
        key="sim",
        label=_("SIM tháng này"),
        finding=_say_sim(int(used[-1][1]), budget, forecast, last.health.runs_out_on),
        is_bad=is_bad,
        plot=Plot(
            line=scale.path(steps, STEP),
            over="",
            limit_y=scale.y(float(budget)) if budget is not None else None,
            ahead=scale.path(ahead, ends - begins),
        ),
        first=_day(begins, tz),
        last=_day(ends - timedelta(days=1), tz),
        worst_word=_("Đã dùng"),
        rows=_rows(used, max, _bytes, tz),
    )


def _say_sim(used: int, budget: int | None, forecast: int | None, runs_out_on: date | None) -> str:
    if budget is None:
        return _("Đã dùng %(used)s, chưa đặt mức", used=megabytes(used))
    if runs_out_on is not None:
        day = f"{runs_out_on.day}/{runs_out_on.month}"
        return _(
            "Sẽ hết vào %(day)s: %(used)s / %(most)s", day=day, used=megabytes(used), most=megabytes(budget)
        )
    said = _("Đủ dùng: %(used)s / %(most)s", used=megabytes(used), most=megabytes(budget))
    if forecast is None:
        return said
    return _("%(said)s, cuối kỳ khoảng %(total)s", said=said, total=megabytes(forecast))


class _Scale(NamedTuple):
    """From instants and values to the picture; values begin at 0."""

    since: datetime
    until: datetime
    top: float

    def y(self, value: float) -> float:
        share = max(0.0, min(1.0, value / self.top))
        return round(_ROOM + (1 - share) * (HEIGHT - 2 * _ROOM), 1)

    def path(self, values: Sequence[tuple[datetime, float]], step: timedelta) -> str:
        """A line that is broken where nothing was said for more than two steps; a lone value is a dot."""
        drawn: list[str] = []
        before: datetime | None = None
        for at, value in values:
            x = round((at - self.since) / (self.until - self.since) * WIDTH, 1)
            is_new = before is None or at - before > 2 * step
            drawn.append(f"M{x} {self.y(value)}h2" if is_new else f"L{x} {self.y(value)}")
            before = at
        return "".join(drawn)


def _thin(
    values: Sequence[tuple[datetime, float]], since: datetime, worst: Worst
) -> list[tuple[datetime, float]]:
    steps: dict[int, list[float]] = {}
    for at, value in values:
        steps.setdefault((at - since) // STEP, []).append(value)
    return [(since + number * STEP, worst(some)) for number, some in sorted(steps.items())]


def _rows(
    values: Sequence[tuple[datetime, float]], worst: Worst, show: Callable[[float], str], tz: str
) -> tuple[tuple[str, str], ...]:
    days: dict[date, list[float]] = {}
    for at, value in values:
        days.setdefault(today(at, tz), []).append(value)
    return tuple((f"{day.day}/{day.month}", show(worst(some))) for day, some in reversed(days.items()))


def _day(at: datetime, tz: str) -> str:
    day = to_wall(at, tz)
    return f"{day.day}/{day.month}"


def _free(point: Point) -> float | None:
    return None if point.free_bytes is None else float(point.free_bytes)


def _memory(point: Point) -> float | None:
    free = point.health.memory_free_bytes
    return None if free is None else float(free)


def _offset(point: Point) -> float | None:
    offset = point.health.clock_offset_ms
    return None if offset is None else float(abs(offset))


def _signal(point: Point) -> float | None:
    return None if point.health.signal_pct is None else float(point.health.signal_pct)


def _degrees(value: float) -> str:
    return f"{round(value)}\u00a0°C"


def _percent(value: float) -> str:
    return f"{round(value)}%"


def seconds(value: float) -> str:
    """Milliseconds in words."""
    return (
        _("%(count)s giây", count=decimal(value / _SECOND_MS))
        if value >= _TENTH_MS
        else f"{round(value)}\u00a0ms"
    )


def _bytes(value: float) -> str:
    if value >= _GIGA:
        return f"{decimal(value / _GIGA)}\u00a0GB"
    return megabytes(int(value))


_TENTH_MS = 100
_GIGA = 1_000_000_000
_METRICS = (
    _Metric(
        "temperature",
        lazy("Nhiệt độ hộp máy"),
        Concern.HOT,
        lambda point: point.health.temperature_c,
        max,
        80,
        90,
        _degrees,
        lazy("Không nóng: {now}, cao nhất {worst}"),
        lazy("Có lúc nóng {worst}, nay {now}"),
        lazy("Nóng quá: {now}, cao nhất {worst}"),
    ),
    _Metric(
        "disk",
        lazy("Chỗ trống trên đĩa"),
        Concern.DISK_SHORT,
        _free,
        min,
        200_000_000,
        400_000_000,
        _bytes,
        lazy("Còn chỗ: {now}"),
        lazy("Có lúc chỉ còn {worst}, nay {now}"),
        lazy("Sắp đầy: còn {now}"),
    ),
    _Metric(
        "memory",
        lazy("Bộ nhớ còn trống"),
        Concern.MEMORY_SHORT,
        _memory,
        min,
        40_000_000,
        100_000_000,
        _bytes,
        lazy("Đủ dùng: {now}, thấp nhất {worst}"),
        lazy("Có lúc chỉ còn {worst}, nay {now}"),
        lazy("Sắp hết: còn {now}"),
    ),
    _Metric(
        "clock",
        lazy("Đồng hồ lệch"),
        Concern.CLOCK_OFF,
        _offset,
        max,
        1_000,
        1_200,
        seconds,
        lazy("Đúng giờ: lệch {now}, nhiều nhất {worst}"),
        lazy("Có lúc lệch {worst}, nay {now}"),
        lazy("Sai giờ: lệch {now}"),
    ),
    _Metric(
        "signal",
        lazy("Sóng di động"),
        Concern.SIGNAL_WEAK,
        _signal,
        min,
        20,
        100,
        _percent,
        lazy("Sóng đủ: {now}, yếu nhất {worst}"),
        lazy("Có lúc yếu {worst}, nay {now}"),
        lazy("Sóng yếu: {now}"),
    ),
)
