"""The broadcast log: filters in the address, evidence, reasons in plain words; it updates itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.datastructures import QueryParams

from loa.controller.errors import ControllerError
from loa.controller.services.log import LogPage
from loa.controller.store.log import LogFilter
from loa.controller.web import phrases
from loa.controller.web.bodies import Bodies
from loa.controller.web.catalogue import CLASSES, FIELDS, OUTCOME_FILTER
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import read_date
from loa.controller.web.localtime import day_starts, day_words, today
from loa.controller.web.log_lines import Line, Reader, line_of
from loa.controller.web.places import capital
from loa.protocol.ids import AreaId, BroadcastId, NodeId
from loa.protocol.when import DEFAULT_TZ

EVENTS_URL = "/api/v1/events"
PAGE_LINES = 50
DAYS: Mapping[str, str] = {"today": phrases.TODAY, "yesterday": phrases.YESTERDAY, "week": phrases.WEEK}
ONE_DAY = {"today", "yesterday"}
"""With these filters no line needs to name its day."""
_DAY = timedelta(days=1)
_LACKING = {"not_rendered", "not_heard"}
"""Choices of the filter that ask the ears, not the outcome."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The filters as the address names them."""

    day: str = "today"
    area: str = ""
    field: str = ""
    class_: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""

    @property
    def count(self) -> int:
        """How many restrict beside the day."""
        return sum(bool(value) for value in (self.area, self.field, self.class_, self.outcome))

    def url(self, cursor: str = "") -> str:
        """An address that shows the same again, and can be sent to others."""
        names = {"class_": "class", "since": "from", "until": "to"}
        given = {names.get(name, name): value for name, value in asdict(self).items() if value}
        given.setdefault("day", "")
        return "/log?" + urlencode(given | ({"cursor": cursor} if cursor else {}))


def router(console: Console, _: Bodies) -> APIRouter:
    """The log."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)

    @routes.get("/log")
    def log(request: Request) -> Response:
        visit = console.visit(request)
        chosen = chosen_of(request.query_params)
        return show(console, visit, chosen, request.query_params.get("cursor") or None)

    return routes


def chosen_of(query: QueryParams) -> Chosen:
    """The filters of an address; an address that names no day means today."""
    since, until = query.get("from", ""), query.get("to", "")
    ranged = bool(read_date(since) or read_date(until))
    day = query.get("day", "today")
    return Chosen(
        day="" if ranged or day not in DAYS else day,
        area=query.get("area", ""),
        field=query.get("field", ""),
        class_=query.get("class", ""),
        outcome=query.get("outcome", ""),
        since=since if read_date(since) else "",
        until=until if read_date(until) else "",
    )


def show(console: Console, visit: Visit, chosen: Chosen, cursor: str | None) -> Response:
    """The page of these filters."""
    now, tz = console.controller.clock.now(), _tz(visit)
    page = _find(console, visit, chosen, cursor)
    lines = _lines(console, visit, page, Reader(now=now, tz=tz, one_day=chosen.day in ONE_DAY))
    context = {
        "summary_line": _summary(visit, chosen),
        "days": list(DAYS.items()),
        "areas": list(visit.places.options()),
        "fields": list(FIELDS.items()),
        "classes": list(CLASSES.items()),
        "outcomes": list(OUTCOME_FILTER.items()),
        "chosen": chosen,
        "lines": lines,
        "empty": _empty(chosen),
        "events_url": EVENTS_URL,
        "here_url": chosen.url(cursor or ""),
        "first_page": cursor is None,
        "first_url": chosen.url(),
        "next_url": chosen.url(page.cursor) if page.cursor else "",
    }
    return console.show("log.html", visit, context, here="log")


def span(chosen: Chosen, day: date, tz: str) -> tuple[datetime | None, datetime | None]:
    """From when until when, in local days."""
    match chosen.day:
        case "today":
            first, last = day, day
        case "yesterday":
            first, last = day - _DAY, day - _DAY
        case "week":
            first, last = day - 6 * _DAY, day
        case _:
            since, until = read_date(chosen.since), read_date(chosen.until)
            return (
                day_starts(since, tz) if since else None,
                day_starts(until + _DAY, tz) if until else None,
            )
    return day_starts(first, tz), day_starts(last + _DAY, tz)


def _find(console: Console, visit: Visit, chosen: Chosen, cursor: str | None) -> LogPage:
    tz = _tz(visit)
    from_at, until_at = span(chosen, today(console.controller.clock.now(), tz), tz)
    wanted = LogFilter(
        within=(),
        from_at=from_at,
        until_at=until_at,
        field=chosen.field or None,
        class_=chosen.class_ or None,
        outcome=None if chosen.outcome in _LACKING else chosen.outcome or None,
        rendered=False if chosen.outcome == "not_rendered" else None,
        heard=False if chosen.outcome == "not_heard" else None,
    )
    area = AreaId(chosen.area) if chosen.area else None
    with console.controller.db.look() as session:
        return console.controller.log.page(
            session, visit.person, wanted, area=area, cursor=cursor, limit=PAGE_LINES
        )


def _lines(console: Console, visit: Visit, page: LogPage, reader: Reader) -> Sequence[Line]:
    hrefs = {
        broadcast: _href(console, visit, broadcast) for broadcast in {one.broadcast_id for one in page.lines}
    }
    found = []
    for entry in page.lines:
        heard = visit.places.heard.get(NodeId(entry.node_id))
        sounding = (heard.sounding,) if heard and heard.sounding else ()
        name = visit.places.name(AreaId(entry.node_id))
        href = hrefs[entry.broadcast_id]
        found.append(line_of(entry, reader, node=name, href=href, sounding=sounding))
    return found


def _href(console: Console, visit: Visit, broadcast: str) -> str:
    try:
        with console.controller.db.look() as session:
            found = console.controller.broadcasts.get(session, visit.person, BroadcastId(broadcast))
            console.controller.bulletins.get(session, visit.person, found.broadcast.bulletin)
    except ControllerError:
        return ""
    return f"/bulletins/{found.broadcast.bulletin}"


def _summary(visit: Visit, chosen: Chosen) -> str:
    area = AreaId(chosen.area)
    place = capital(visit.places.title(area)) if area in visit.places else visit.places.home_name
    since, until = read_date(chosen.since), read_date(chosen.until)
    if since or until:
        ends = [day_words(day) if day else "…" for day in (since, until)]
        day = phrases.SPAN.format(start=ends[0], end=ends[1])
    else:
        day = DAYS.get(chosen.day, phrases.EVERY_DAY)
    return phrases.SUMMARY.format(place=place, day=day.lower() if chosen.day else day)


def _empty(chosen: Chosen) -> Mapping[str, Any]:
    if chosen == Chosen(day="") or (chosen.count == 0 and chosen.day == ""):
        return {"title": phrases.NOTHING_TITLE, "text": phrases.NOTHING_TEXT, "href": "", "link": ""}
    return {
        "title": phrases.EMPTY_TITLE,
        "text": phrases.EMPTY_TEXT,
        "href": "/log?day=",
        "link": phrases.EMPTY_LINK,
    }


def _tz(visit: Visit) -> str:
    return visit.places.tree.tz_of(visit.places.roots[0]) if visit.places.roots else DEFAULT_TZ
