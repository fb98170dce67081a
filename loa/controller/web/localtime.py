"""Local time in words: the one place where pages turn instants and lengths into what people read."""

from datetime import date, datetime, time

from babel.dates import format_date

from loa.controller.web.catalogue import WEEKDAYS
from loa.controller.web.words import VIETNAMESE, language, ngettext
from loa.protocol.when import DEFAULT_TZ
from loa.schedules.localtime import from_wall, to_wall

_MEGA = 1_000_000
_BRITISH = "en_GB"


def clock(at: datetime, tz: str = DEFAULT_TZ) -> str:
    """`17:38`."""
    return f"{to_wall(at, tz):%H:%M}"


def clock_seconds(at: datetime, tz: str = DEFAULT_TZ) -> str:
    """`17:38:05`."""
    return f"{to_wall(at, tz):%H:%M:%S}"


def weekday(at: datetime, tz: str = DEFAULT_TZ) -> str:
    """`Thứ Năm, 11/6`."""
    return day_words(to_wall(at, tz).date())


def weekday_time(at: datetime, tz: str = DEFAULT_TZ) -> str:
    """`Thứ Năm, 11/6 · 16:42`."""
    return f"{weekday(at, tz)} · {clock(at, tz)}"


def day_words(day: date) -> str:
    """`Thứ Năm, 11/6`, in English `Thursday 11 June`."""
    if _is_english():
        return format_date(day, "EEEE d MMMM", locale=_BRITISH)
    return f"{WEEKDAYS[day.weekday()]}, {day.day}/{day.month}"


def full_day(day: date) -> str:
    """`11/6/2026`, in English `11 June 2026`."""
    if _is_english():
        return format_date(day, "d MMMM y", locale=_BRITISH)
    return f"{day.day}/{day.month}/{day.year}"


def today(at: datetime, tz: str = DEFAULT_TZ) -> date:
    """The local day of an instant."""
    return to_wall(at, tz).date()


def day_starts(day: date, tz: str = DEFAULT_TZ) -> datetime:
    """The instant at which a local day begins."""
    return from_wall(datetime.combine(day, time()), tz)


def spell(ms: int) -> str:
    """`45 giây`, `8 phút`, `8 phút 5 giây`, `1 giờ 10 phút`; seconds are left out above an hour."""
    seconds = max(1, round(ms / 1000)) if ms > 0 else 0
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    parts = [(hours, _hours), (minutes, _minutes), (0 if hours else rest, _seconds)]
    return " ".join(say(number) for number, say in parts if number) or _seconds(0)


def decimal(value: float, places: int = 1) -> str:
    """`9,6`: the decimal comma, in English the point; without zeros at the end."""
    text = f"{value:.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if _is_english() else text.replace(".", ",")


def megabytes(size: int) -> str:
    """`1,92 MB`, `340 kB`: decimal units, as mobile networks bill."""
    if size < _MEGA:
        return f"{max(1, round(size / 1000))}\u00a0kB"
    return f"{decimal(size / _MEGA, 2)}\u00a0MB"


def _is_english() -> bool:
    return language() != VIETNAMESE.code


def _hours(count: int) -> str:
    return ngettext("%(num)s\u00a0giờ", "%(num)s\u00a0giờ", count)


def _minutes(count: int) -> str:
    return ngettext("%(num)s\u00a0phút", "%(num)s\u00a0phút", count)


def _seconds(count: int) -> str:
    return ngettext("%(num)s\u00a0giây", "%(num)s\u00a0giây", count)
