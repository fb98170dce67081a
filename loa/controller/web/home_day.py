"""Today as a ribbon, and the list that says the same in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.today import Fate, Occurrence, Standing
from loa.controller.services.today import Today
from loa.controller.web import catalogue
from loa.controller.web.catalogue import Look
from loa.controller.web.day_ribbon import Mark, Ribbon, draw
from loa.controller.web.localtime import clock, spell
from loa.controller.web.places import Places
from loa.controller.web.situation import where
from loa.controller.web.words import _, lazy, ngettext
from loa.protocol.kinds import BroadcastClass

MOST_AHEAD = 8
MOST_PAST = 40
_HOUR = timedelta(hours=1)
_AHEAD = {Standing.TO_COME, Standing.MOVED, Standing.WAITING, Standing.AWAITED}

LOOKS: Mapping[Standing, Look] = {
    Standing.PLAYING: catalogue.PLAYING,
    Standing.PLAYED: catalogue.PLAYED,
    Standing.LACKING: Look(lazy("Có loa im"), "horn-off", "bad"),
    Standing.SHORT: catalogue.SHORT,
    Standing.SILENT: Look(lazy("Loa im"), "horn-off", "bad"),
    Standing.NOT_PLAYED: catalogue.NOT_PLAYED,
    Standing.REFUSED: catalogue.REFUSED,
    Standing.STOPPED: catalogue.STOPPED,
    Standing.UNKNOWN: catalogue.UNKNOWN,
    Standing.AWAITED: Look(lazy("Chờ loa báo về"), "clock", "off"),
    Standing.TO_COME: catalogue.TO_COME,
    Standing.MOVED: Look(lazy("Lùi giờ"), "later", "warn"),
    Standing.WAITING: catalogue.BULLETIN_STATES["submitted"],
}
CLASS_LOOKS: Mapping[str, Look] = {
    BroadcastClass.PRIORITY: Look(lazy("Ưu tiên"), "flag", "act"),
    BroadcastClass.EMERGENCY: Look(lazy("Khẩn cấp"), "alarm", "alarm"),
}
KINDS: Mapping[Standing, str] = {
    Standing.PLAYING: "now",
    Standing.PLAYED: "played",
    Standing.SHORT: "played",
    Standing.LACKING: "lacking",
    Standing.SILENT: "lacking",
    Standing.NOT_PLAYED: "failed",
    Standing.REFUSED: "failed",
    Standing.STOPPED: "stopped",
    Standing.UNKNOWN: "unknown",
    Standing.AWAITED: "coming",
    Standing.TO_COME: "coming",
    Standing.MOVED: "coming",
    Standing.WAITING: "waiting",
}
_LEGEND: Mapping[str, str] = {
    "played": lazy("đã phát"),
    "lacking": lazy("có loa im"),
    "now": lazy("đang phát"),
    "coming": lazy("sẽ phát"),
    "waiting": lazy("chờ duyệt"),
    "failed": lazy("không phát"),
    "stopped": lazy("đã dừng"),
    "unknown": lazy("không kiểm được"),
}
_ALWAYS = ("played", "lacking", "coming")


@dataclass(frozen=True, slots=True)
class Row:
    """One occurrence in the list."""

    time: str
    title: str
    href: str
    looks: tuple[Look, ...]
    text: str


@dataclass(frozen=True, slots=True)
class DayView:
    """The card of today."""

    ribbon: Ribbon
    sentence: str
    time: str
    legend: tuple[tuple[str, str], ...]
    ahead: tuple[Row, ...]
    more: int
    past: tuple[Row, ...]


def view(day: Today, places: Places) -> DayView:
    """The ribbon and its list."""
    span = (day.window.from_at, day.window.until_at)
    shown = [one for one in day.occurrences if one.to_at > day.window.from_at]
    ahead = [one for one in shown if one.standing in _AHEAD and one.to_at > day.now]
    past = [one for one in shown if one not in ahead and one.standing is not Standing.PLAYING]
    marks = [Mark(one.from_at, one.to_at, KINDS[one.standing], one.class_ in CLASS_LOOKS) for one in shown]
    return DayView(
        ribbon=draw(marks, day.quiet, span, day.now, list(_hours(day))),
        sentence=_sentence(day, shown),
        time=clock(day.now, day.tz),
        legend=tuple(_legend({mark.kind for mark in marks})),
        ahead=tuple(_row(day, places, one) for one in ahead[:MOST_AHEAD]),
        more=max(0, len(ahead) - MOST_AHEAD),
        past=tuple(_row(day, places, one) for one in past[::-1][:MOST_PAST]),
    )


def _hours(day: Today) -> Iterator[tuple[datetime, str]]:
    at = day.window.from_at
    while at <= day.window.until_at:
        yield at, clock(at, day.tz).removeprefix("0")
        at += _HOUR


def _sentence(day: Today, shown: list[Occurrence]) -> str:
    """What the picture says, for who cannot see it."""
    kinds = [KINDS[one.standing] for one in shown]
    counts = [f"{kinds.count(kind)} {word}" for kind, word in _LEGEND.items() if kind in kinds]
    told = ", ".join(counts) if counts else _("chưa có lượt phát nào")
    return _(
        "Hôm nay, tính theo lượt: %(told)s. Bây giờ là %(time)s.", told=told, time=clock(day.now, day.tz)
    )


def _legend(kinds: set[str]) -> Iterator[tuple[str, str]]:
    for kind, word in _LEGEND.items():
        if kind in _ALWAYS or (kind in kinds and kind != "now"):
            yield kind, word
    yield "night", _("giờ yên tĩnh")


def _row(day: Today, places: Places, one: Occurrence) -> Row:
    klass = CLASS_LOOKS.get(one.class_)
    return Row(
        time=clock(one.from_at, day.tz),
        title=one.title,
        href=f"/bulletins/{one.bulletin}" if one.bulletin else "",
        looks=(LOOKS[one.standing], klass) if klass else (LOOKS[one.standing],),
        text=" · ".join(
            part for part in (where(places, one.audience), spell(one.duration_ms), *_faults(one)) if part
        ),
    )


def _faults(one: Occurrence) -> Iterator[str]:
    if one.reason is not None:
        yield one.legal_source or str(catalogue.WHY.get(one.reason, ""))
    if one.standing not in {Standing.LACKING, Standing.SILENT, Standing.NOT_PLAYED, Standing.SHORT}:
        return
    silent, failed = one.fates.get(Fate.SILENT, 0), one.fates.get(Fate.FAILED, 0)
    if silent:
        yield ngettext("%(num)s cụm loa im", "%(num)s cụm loa im", silent)
    if failed:
        yield ngettext("%(num)s cụm không phát", "%(num)s cụm không phát", failed)
    if unknown := one.fates.get(Fate.UNKNOWN, 0):
        yield ngettext("%(num)s cụm không kiểm được", "%(num)s cụm không kiểm được", unknown)
