"""The situation in a sentence, and the card of what sounds now and what comes next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.presence import Presence
from loa.controller.core.today import Occurrence, Standing
from loa.controller.services.today import Today
from loa.controller.web import catalogue
from loa.controller.web.catalogue import Look
from loa.controller.web.localtime import clock, today, weekday
from loa.controller.web.places import Places
from loa.controller.web.words import _, lazy, ngettext
from loa.protocol.ids import AreaId
from loa.protocol.kinds import BroadcastClass

ALARM = Look(lazy("Đang phát tin khẩn cấp"), "alarm", "alarm")
COMING = (Standing.TO_COME, Standing.MOVED)
MOST_EXCEPTIONS = 2
SOON_MINUTES = 60
COARSE_S, MINUTE_S = 600, 60
FIGURE_SPACE = "\u2007"
"""As wide as a digit, so that nothing moves while seconds are counted."""
LEFT: Mapping[str, str] = {
    "coarse": lazy("còn {m} phút"),
    "minutes": lazy("còn {m} phút {s} giây"),
    "seconds": lazy("còn {s} giây"),
    "over": lazy("sắp hết"),
}
_THERE = {Presence.CONNECTED, Presence.LATE}


@dataclass(frozen=True, slots=True)
class Heading:
    """The same sentence for a desk and for a phone."""

    wide: str
    narrow: str


@dataclass(frozen=True, slots=True)
class Card:
    """What sounds now, or else what comes next."""

    look: Look
    reach: str
    title: str
    href: str
    where: str
    span: str
    left: str
    share: float | None
    """In percent, while it sounds."""
    from_ms: int
    to_ms: int
    others: tuple[str, ...]
    """What sounds elsewhere at the same time."""


def heading(day: Today, tasks: int) -> Heading:
    """What is, then how much needs the person."""
    situation = _situation(day)
    if not tasks:
        return Heading(situation, situation)
    wide = ngettext("Có %(num)s việc cần bạn xem", "Có %(num)s việc cần bạn xem", tasks)
    narrow = ngettext("%(num)s việc cần xem", "%(num)s việc cần xem", tasks)
    return Heading(f"{situation}. {wide}", f"{situation}, {narrow}")


def playing(day: Today) -> list[Occurrence]:
    """What sounds now: emergencies first, then what sounds on most nodes."""
    found = [one for one in day.occurrences if one.standing is Standing.PLAYING]
    return sorted(found, key=lambda one: (one.class_ != BroadcastClass.EMERGENCY, -one.nodes, one.title))


def coming(day: Today) -> list[Occurrence]:
    """What is to come today and tomorrow, approved."""
    later = [one for one in day.next_ones if one.standing in COMING]
    return [one for one in day.occurrences if one.standing in COMING] + later


def card(day: Today, places: Places) -> Card | None:
    """None where nothing sounds and nothing is to come."""
    now = playing(day)
    if now:
        return _playing(day, places, now)
    if sounding := sum(bool(one.sounding) for one in day.heard.values()):
        return _unknown(day, sounding)
    ahead = coming(day)
    return _coming(day, places, ahead[0]) if ahead else None


def after(day: Today) -> tuple[str, str] | None:
    """Time and title of what comes after what the card shows."""
    ahead = coming(day)
    if not playing(day):
        ahead = ahead[1:]
    return (when(day, ahead[0].from_at), ahead[0].title) if ahead else None


def where(places: Places, audience: tuple[AreaId, ...]) -> str:
    """`Cả xã Lãng Công, trừ thôn Hòa Bình`, `4 thôn`, or the one place by name."""
    known = [area for area in audience if area in places.tree]
    for root in places.roots:
        within = set(places.tree.nodes_of(root))
        reached = set(places.nodes_of(known)) & within
        if not reached or len(within) < MOST_EXCEPTIONS:
            continue
        missing = sorted({_above(places, AreaId(node)) for node in within - reached})
        whole = _whole(places, root)
        if not missing:
            return whole
        outside = [area for area in missing if not reached & set(places.tree.nodes_of(area))]
        if len(missing) == len(outside) <= MOST_EXCEPTIONS and len(reached) > len(within) / 2:
            names = ", ".join(places.title(area) for area in missing)
            return _("%(whole)s, trừ %(names)s", whole=whole, names=names)
    return places.count(known) if known else ""


def time_left(until: datetime, now: datetime) -> str:
    """`còn 3 phút 40 giây`; from ten minutes on no seconds. The page counts on in the same words."""
    seconds = round((until - now).total_seconds())
    if seconds <= 0:
        return LEFT["over"]
    kind = "coarse" if seconds >= COARSE_S else "minutes" if seconds >= MINUTE_S else "seconds"
    return LEFT[kind].format(m=seconds // 60, s=str(seconds % 60).rjust(2, FIGURE_SPACE))


def _situation(day: Today) -> str:
    if not day.heard:
        return _("Chưa có cụm loa nào") if day.roots else _("Bạn chưa được giao địa bàn nào")
    now = playing(day)
    if any(one.class_ == BroadcastClass.EMERGENCY for one in now):
        return _("Đang phát tin khẩn cấp")
    if now or any(one.sounding for one in day.heard.values()):
        return _("Đang phát")
    return _quiet(day)


def _quiet(day: Today) -> str:
    if not any(one.presence in _THERE for one in day.heard.values()):
        return _("Không cụm loa nào đang kết nối")
    if day.silenced_until:
        return _("Loa đang dừng đến %(time)s", time=when(day, day.silenced_until))
    ahead = [one for one in day.occurrences if one.standing in COMING]
    if ahead:
        return _("Loa đang nghỉ, lượt sau lúc %(time)s", time=clock(ahead[0].from_at, day.tz))
    return _("Hôm nay đã phát xong") if day.occurrences else _("Hôm nay không có lịch phát")


def _playing(day: Today, places: Places, now: list[Occurrence]) -> Card:
    first = now[0]
    length = max(timedelta(seconds=1), first.to_at - first.from_at)
    share = min(1.0, max(0.0, (day.now - first.from_at) / length))
    is_alarm = first.class_ == BroadcastClass.EMERGENCY
    return Card(
        look=ALARM if is_alarm else catalogue.PLAYING,
        reach=_("%(heard)s trên %(all)s cụm loa", heard=first.sounding, all=max(first.nodes, first.sounding)),
        title=first.title,
        href=_href(first),
        where=where(places, first.audience),
        span=_span(day, first),
        left=time_left(first.to_at, day.now),
        share=round(100 * share, 1),
        from_ms=_ms(first.from_at),
        to_ms=_ms(first.to_at),
        others=tuple(
            _("Cùng lúc: %(title)s, %(where)s", title=one.title, where=where(places, one.audience))
            for one in now[1:]
        ),
    )


def _unknown(day: Today, sounding: int) -> Card:
    """Nodes say that they sound something of which the log knows nothing."""
    return Card(
        look=catalogue.PLAYING,
        reach=_("%(heard)s trên %(all)s cụm loa", heard=sounding, all=len(day.heard)),
        title=_("Chưa rõ bản tin nào"),
        href="",
        where=_("Loa báo đang phát, nhật ký chưa có bản tin đó."),
        span="",
        left="",
        share=None,
        from_ms=0,
        to_ms=0,
        others=(),
    )


def _coming(day: Today, places: Places, one: Occurrence) -> Card:
    minutes = round((one.from_at - day.now) / timedelta(minutes=1))
    soon = 0 < minutes <= SOON_MINUTES
    return Card(
        look=catalogue.TO_COME,
        reach=ngettext("%(num)s cụm loa", "%(num)s cụm loa", one.nodes),
        title=one.title,
        href=_href(one),
        where=where(places, one.audience),
        span=_span(day, one),
        left=ngettext("còn %(num)s phút nữa", "còn %(num)s phút nữa", minutes) if soon else "",
        share=None,
        from_ms=_ms(one.from_at),
        to_ms=_ms(one.to_at),
        others=(),
    )


def _span(day: Today, one: Occurrence) -> str:
    begin = when(day, one.from_at)
    return _("%(start)s đến %(end)s", start=begin, end=clock(one.to_at, day.tz))


def when(day: Today, at: datetime) -> str:
    """The time, with the day if it is another."""
    time, then, now = clock(at, day.tz), today(at, day.tz), today(day.now, day.tz)
    if then == now:
        return time
    if then - now == timedelta(days=1):
        return _("%(time)s ngày mai", time=time)
    return f"{time} {weekday(at, day.tz)}"


def _whole(places: Places, root: AreaId) -> str:
    """`Cả xã`; of several areas the name."""
    if len(places.roots) > 1:
        return _("Cả %(place)s", place=places.title(root))
    return _("Cả %(kind)s", kind=catalogue.KINDS[places.tree.place(root).kind])


def _above(places: Places, node: AreaId) -> AreaId:
    path = places.tree.path(node)
    return path[-2].id if len(path) > 1 else node


def _href(one: Occurrence) -> str:
    return f"/bulletins/{one.bulletin}" if one.bulletin else ""


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
