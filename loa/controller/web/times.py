"""Times of day in words, so that a slip of the finger is heard at once: 03:15 is "3 giờ 15 sáng"."""

import re

from loa.controller.core.slugs import plain
from loa.controller.web.words import _

_TYPED = re.compile(r"(\d{1,2}) ?(?:[:hg.]|gio) ?(\d{2}|ruoi)?(?: ?(?:p|ph|phut))?")
_BARE = re.compile(r"(\d{2})(\d{2})")
_PARTS = re.compile(r"(.*?) ?(sang|trua|chieu|toi|dem|am|pm)?")
_AFTERNOON = {"chieu", "toi", "pm"}
NOON = 12


def read_time(text: str) -> str | None:
    """`17:30` from `17:30`, `17h30`, `5 giờ rưỡi chiều`, `17h` or `1730`; None if it is no time of day.

    Accents may be left out.
    Three digits (`315`) are none: that may be 03:15 or 15:15, and only one of them wakes the commune.
    """
    whole = _PARTS.fullmatch(plain(text))
    found = whole and (_TYPED.fullmatch(whole[1]) or _BARE.fullmatch(whole[1]))
    if not whole or not found:
        return None
    hour, minute = int(found[1]), 30 if found[2] == "ruoi" else int(found[2] or 0)
    hour = _on_the_day(hour, whole[2])
    return f"{hour:02d}:{minute:02d}" if hour < 24 and minute < 60 else None  # noqa: PLR2004 -- a day's hours, an hour's minutes


def time_words(clock: str) -> str:
    """`3 giờ 15 sáng`, `12 giờ trưa`, `5 giờ 05 chiều`, `10 giờ 30 đêm` of `03:15` and so on."""
    hour, minute = int(clock[:2]), int(clock[3:])
    shown = hour - NOON if hour > NOON else hour
    return _part_of_day(hour).format(time=_spoken(shown, minute))


def _spoken(hour: int, minute: int) -> str:
    return (
        _("%(hour)s giờ %(minute)02d", hour=hour, minute=minute) if minute else _("%(hour)s giờ", hour=hour)
    )


def _part_of_day(hour: int) -> str:
    names = (
        (1, _("{time} đêm")),
        (11, _("{time} sáng")),
        (13, _("{time} trưa")),
        (18, _("{time} chiều")),
        (22, _("{time} tối")),
    )
    return next((name for before, name in names if hour < before), _("{time} đêm"))


def _on_the_day(hour: int, part: str | None) -> int:
    """The hour of 24; one that does not fit its part of the day gives none."""
    if part in _AFTERNOON or (part == "dem" and NOON - 4 < hour < NOON) or (part == "trua" and hour < 3):  # noqa: PLR2004 -- 1 and 2 are noon, too
        return hour + NOON if hour < NOON else hour
    if part == "dem" and hour == NOON:
        return 0
    if part in {"sang", "am"} and hour >= NOON:
        return 0 if part == "am" and hour == NOON else 99
    return hour
