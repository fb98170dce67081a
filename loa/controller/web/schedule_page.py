"""The schedule: day, week and month of an area or a node, with what waits for approval laid in."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from starlette.datastructures import QueryParams

from loa.controller.core.access import Act, granted
from loa.controller.core.schedule import Schedule, Slot
from loa.controller.errors import NotFound
from loa.controller.web.bodies import Bodies
from loa.controller.web.catalogue import CLASSES, FIELDS
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import read_date
from loa.controller.web.localtime import day_starts, day_words, today
from loa.controller.web.moved_note import moved_note
from loa.controller.web.places import capital
from loa.controller.web.ribbon import ribbon
from loa.controller.web.schedule_view import MONTH_TITLES, Head, MonthDay, Painter
from loa.controller.web.schedule_words import STATES, VIEWS, fits_state, look_of
from loa.controller.web.words import _
from loa.protocol.ids import AreaId
from loa.schedules.model import Window

MOST_LISTED = {"week": 100, "month": 0}
"""How much of the chosen day is listed beside the whole; the view of a day lists all."""
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What the address asks for."""

    view: str
    day: date
    area: str = ""
    field: str = ""
    class_: str = ""
    state: str = ""

    def url(self, **changes: Any) -> str:  # noqa: ANN401 -- its own fields
        """An address that shows this again with something changed, and can be sent to others."""
        given = {name.rstrip("_"): value for name, value in asdict(replace(self, **changes)).items() if value}
        return "/schedule?" + urlencode(given | {"day": given["day"].isoformat()})

    @property
    def days(self) -> Sequence[date]:
        """The days that the view shows; of a month whole weeks."""
        match self.view:
            case "day":
                first, count = self.day, 1
            case "week":
                first, count = _monday(self.day), 7
            case _:
                first = _monday(self.day.replace(day=1))
                last = _monday(_next_month(self.day) - _DAY) + _WEEK
                count = (last - first).days
        return [first + number * _DAY for number in range(count)]

    def neighbour(self, step: int) -> date:
        """The same view before (-1) or after (1) this one."""
        if self.view == "month":
            return _next_month(self.day) if step > 0 else (self.day.replace(day=1) - _DAY).replace(day=1)
        return self.day + step * (_DAY if self.view == "day" else _WEEK)


def router(console: Console, _bodies: Bodies) -> APIRouter:
    """The page."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)

    @routes.get("/schedule")
    def schedule(request: Request) -> Response:
        return show(console, console.visit(request), request.query_params)

    return routes


def show(console: Console, visit: Visit, query: QueryParams) -> Response:
    """The page that the address asks for; an area that the person may not know of gives 404."""
    now = console.controller.clock.now()
    area = _area(visit, query)
    tz = visit.places.tree.tz_of(area)
    chosen = chosen_of(query, area, today(now, tz))
    found = _read(console, visit, chosen, tz)
    shown = replace(found, slots=tuple(slot for slot in found.slots if _fits(slot, chosen, now)))
    painter = _painter(visit, chosen, shown, now, tz)
    context: dict[str, Any] = {
        "chosen": chosen,
        "views": [(view, word, chosen.url(view=view)) for view, word in VIEWS.items()],
        "title": _title(chosen),
        "place": capital(visit.places.title(area)),
        "before_url": chosen.url(day=chosen.neighbour(-1)),
        "after_url": chosen.url(day=chosen.neighbour(1)),
        "today_url": chosen.url(day=today(now, tz)),
        "this_word": _this(chosen.view),
        "areas": list(visit.places.options()),
        "fields": list(FIELDS.items()),
        "classes": list(CLASSES.items()),
        "states": list(STATES.items()),
        "filtered": sum(map(bool, (chosen.field, chosen.class_, chosen.state))),
        "all_url": chosen.url(field="", class_="", state=""),
        "feed_url": f"/schedule/feed?area={quote(area)}",
        "nodes": found.nodes,
        "moves": bool(painter.writable),
        "note": moved_note(console, visit, query, chosen.url()),
    }
    return console.show("schedule.html", visit, context | _drawn(painter, shown, chosen), here="schedule")


def chosen_of(query: QueryParams, area: AreaId, default: date) -> Chosen:
    """The choices of an address; what makes no sense is as if it were not there."""
    view = query.get("view", "week")
    day = read_date(query.get("day", "")) or default
    return Chosen(
        view=view if view in VIEWS else "week",
        day=day if abs((day - default).days) < 36525 else default,  # noqa: PLR2004 -- a hundred years
        area=area,
        field=query.get("field", "") if query.get("field") in FIELDS else "",
        class_=query.get("class", "") if query.get("class") in CLASSES else "",
        state=query.get("state", "") if query.get("state") in STATES else "",
    )


def _area(visit: Visit, query: QueryParams) -> AreaId:
    wanted = query.get("area") or next(iter(visit.places.roots), "")
    if not wanted or AreaId(wanted) not in visit.places:
        raise NotFound("no_such_area", f"there is no area {wanted!r}", area=wanted)
    return AreaId(wanted)


def _read(console: Console, visit: Visit, chosen: Chosen, tz: str) -> Schedule:
    days = chosen.days
    window = Window(from_at=day_starts(days[0], tz), until_at=day_starts(days[-1] + _DAY, tz))
    with console.controller.db.look() as session:
        return console.controller.timelines.read(
            session, visit.person, AreaId(chosen.area), window, waiting=True
        )


def _fits(slot: Slot, chosen: Chosen, now: datetime) -> bool:
    return (
        (not chosen.field or slot.field == chosen.field)
        and (not chosen.class_ or slot.class_ == chosen.class_)
        and fits_state(slot, look_of(slot, now), chosen.state)
    )


def _painter(visit: Visit, chosen: Chosen, shown: Schedule, now: datetime, tz: str) -> Painter:
    tree = visit.places.tree
    return Painter(
        now=now,
        tz=tz,
        place={audience: visit.places.count(audience) for audience in {one.audience for one in shown.slots}},
        readable=frozenset(tree.below(granted(visit.person, Act.READ_BULLETIN))),
        writable=frozenset(tree.below(granted(visit.person, Act.WRITE_BULLETIN))),
        back=quote(chosen.url(), safe=""),
    )


def _drawn(painter: Painter, shown: Schedule, chosen: Chosen) -> dict[str, Any]:
    by_day = painter.by_day(shown)
    slots = by_day.get(chosen.day, [])
    listed = slots[: MOST_LISTED.get(chosen.view, len(slots))]
    drawn: dict[str, Any] = {
        "empty": not shown.slots,
        "day_words": day_words(chosen.day),
        "entries": [painter.entry(slot) for slot in listed],
        "more": len(slots) - len(listed),
        "day_url": chosen.url(view="day"),
        "ribbon": ribbon(shown, chosen.day, painter.now, painter.tz),
        "heads": [],
        "rows": [],
        "weeks": [],
        "yesterday_url": chosen.url(day=chosen.day - _DAY),
        "tomorrow_url": chosen.url(day=chosen.day + _DAY),
    }
    if chosen.view == "day":
        return drawn
    heads = [
        painter.head(
            day,
            by_day.get(day, []),
            chosen=chosen.day,
            url=chosen.url(day=day),
            day_url=chosen.url(view="day", day=day),
        )
        for day in chosen.days
    ]
    if chosen.view == "week":
        return drawn | {"heads": heads, "rows": painter.rows(shown, chosen.days)}
    days = [_month_day(painter, head, by_day, chosen) for head in heads]
    return drawn | {"heads": heads[:7], "weeks": [days[at : at + 7] for at in range(0, len(days), 7)]}


def _month_day(
    painter: Painter, head: Head, by_day: Mapping[date, Sequence[Slot]], chosen: Chosen
) -> MonthDay:
    day = date.fromisoformat(head.day)
    slots = by_day.get(day, [])
    more = len(slots) - MONTH_TITLES
    return MonthDay(
        head=replace(head, url=head.day_url, count=head.count if slots else ""),
        is_inside=day.month == chosen.day.month,
        cards=[painter.card(slot) for slot in slots[:MONTH_TITLES]],
        more=_("và %(more)s lượt nữa", more=more) if more > 0 else "",
    )


def _title(chosen: Chosen) -> str:
    first, last = chosen.days[0], chosen.days[-1]
    match chosen.view:
        case "day":
            return day_words(chosen.day)
        case "week":
            ends = {"start": f"{first.day}/{first.month}", "end": f"{last.day}/{last.month}"}
            return _("Tuần %(start)s đến %(end)s", **ends)
        case _:
            return _("Tháng %(month)s năm %(year)s", month=chosen.day.month, year=chosen.day.year)


def _this(view: str) -> str:
    return {"day": _("Hôm nay"), "week": _("Tuần này")}.get(view, _("Tháng này"))


def _monday(day: date) -> date:
    return day - day.weekday() * _DAY


def _next_month(day: date) -> date:
    return (day.replace(day=28) + 4 * _DAY).replace(day=1)
