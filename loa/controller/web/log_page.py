"""The broadcast log: filters in the address, evidence, reasons in plain words; it updates itself."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData, QueryParams

from loa.controller.core.tree import AreaKind
from loa.controller.errors import ControllerError
from loa.controller.services.log import LogPage
from loa.controller.services.saved_filters import LONGEST_NAME, SavedFilter
from loa.controller.web import phrases
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.catalogue import CLASSES, FIELDS, OUTCOME_FILTER, say
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.localtime import today
from loa.controller.web.log_choice import (
    DAYS,
    OLDEST,
    ONE_DAY,
    Chosen,
    area_of,
    chosen_of,
    day_span,
    filter_of,
    place_words,
)
from loa.controller.web.log_lines import Line, Reader, line_of
from loa.controller.web.places import Places
from loa.controller.web.render import see_other
from loa.controller.web.words import lazy, ngettext
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.when import DEFAULT_TZ

EVENTS_URL = "/api/v1/events"
PAGE_LINES = 50
MOST_NODES = 200
"""In a list to choose from; with more the area is chosen first."""
ORDERS: Mapping[str, str] = {OLDEST: lazy("Cũ nhất ở trên")}


def router(console: Console, bodies: Bodies) -> APIRouter:
    """The log, and the filters that people keep."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    form = Annotated[FormData, Depends(bodies.form)]

    @routes.get("/log")
    def log(request: Request) -> Response:
        visit = console.visit(request)
        chosen = chosen_of(request.query_params)
        return show(console, visit, chosen, cursor=request.query_params.get("cursor") or None)

    @routes.post("/log/filters")
    def keep_filter(request: Request, form: form) -> Response:
        visit = console.visit(request, form)
        chosen = _sent(form)
        try:
            with console.controller.db.work() as work:
                console.controller.saved_filters.save(work, visit.person, text_of(form, "name"), chosen.query)
        except ControllerError as error:
            wrong = {"name": say(error.code, error.facts)}
            return show(console, visit, chosen, errors=wrong, status=error.status)
        return see_other(chosen.url())

    @routes.post("/log/filters/{filter_id}/delete")
    def delete_filter(request: Request, form: form, filter_id: str) -> Response:
        visit = console.visit(request, form)
        with console.controller.db.work() as work:
            console.controller.saved_filters.delete(work, visit.person, filter_id)
        return see_other(_sent(form).url())

    return routes


def show(
    console: Console,
    visit: Visit,
    chosen: Chosen,
    *,
    cursor: str | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """The page of these filters."""
    now, tz = console.controller.clock.now(), zone_of(visit)
    page = _find(console, visit, chosen, cursor)
    lines = _lines(visit, page, Reader(now=now, tz=tz, one_day=chosen.day in ONE_DAY))
    context = {
        "summary_line": _summary(visit, chosen, page.total),
        "chosen": chosen,
        "lines": lines,
        "empty": _empty(chosen),
        "events_url": EVENTS_URL,
        "here_url": chosen.url(cursor or ""),
        "first_page": cursor is None,
        "first_url": chosen.url(),
        "next_url": chosen.url(page.cursor) if page.cursor else "",
        "export_url": f"/log/export?{chosen.query}",
        "errors": errors or {},
        "longest_name": LONGEST_NAME,
    }
    return console.show(
        "log.html", visit, context | _choices(console, visit, chosen), here="log", status=status
    )


def zone_of(visit: Visit) -> str:
    """The time zone of the person's own area."""
    return visit.places.tree.tz_of(visit.places.roots[0]) if visit.places.roots else DEFAULT_TZ


def nodes_to_choose(places: Places, area: str) -> list[tuple[str, str]]:
    """The nodes of the area; none where there are too many for a list."""
    roots = [AreaId(area)] if AreaId(area) in places else places.roots
    nodes = places.nodes_of(roots)
    if len(nodes) > MOST_NODES:
        return []
    return sorted(((node, places.name(AreaId(node))) for node in nodes), key=lambda one: one[1])


def _choices(console: Console, visit: Visit, chosen: Chosen) -> dict[str, Any]:
    """What the lists of the filters offer."""
    with console.controller.db.look() as session:
        saved = console.controller.saved_filters.of(session, visit.person)
    places = visit.places
    areas = [
        (id_, name) for id_, name in places.options() if places.tree.place(id_).kind is not AreaKind.NODE
    ]
    nodes = nodes_to_choose(places, chosen.area)
    if chosen.node and chosen.node not in dict(nodes):
        nodes.append(
            (chosen.node, places.name(AreaId(chosen.node)) if AreaId(chosen.node) in places else "…")
        )
    return {
        "days": list(DAYS.items()),
        "areas": areas,
        "nodes": nodes,
        "fields": list(FIELDS.items()),
        "classes": list(CLASSES.items()),
        "outcomes": list(OUTCOME_FILTER.items()),
        "orders": list(ORDERS.items()),
        "saved": saved,
        "is_saved": any(one.query == chosen.query for one in saved),
        "saved_url": _saved_url,
    }


def _saved_url(one: SavedFilter) -> str:
    return f"/log?{one.query}"


def _find(console: Console, visit: Visit, chosen: Chosen, cursor: str | None) -> LogPage:
    tz = zone_of(visit)
    wanted = filter_of(chosen, today(console.controller.clock.now(), tz), tz)
    with console.controller.db.look() as session:
        return console.controller.log.page(
            session, visit.person, wanted, area=area_of(chosen), cursor=cursor, limit=PAGE_LINES
        )


def _lines(visit: Visit, page: LogPage, reader: Reader) -> Sequence[Line]:
    found = []
    for entry in page.lines:
        heard = visit.places.heard.get(NodeId(entry.node_id))
        sounding = (heard.sounding,) if heard and heard.sounding else ()
        name = visit.places.name(AreaId(entry.node_id))
        href = f"/log/{entry.occurrence}/{entry.node_id}"
        found.append(line_of(entry, reader, node=name, href=href, sounding=sounding))
    return found


def _summary(visit: Visit, chosen: Chosen, total: int | None) -> str:
    words = phrases.SUMMARY.format(place=place_words(chosen, visit.places), day=day_span(chosen))
    if total is None:
        return words
    return f"{words} · " + ngettext("%(num)s dòng", "%(num)s dòng", total)


def _empty(chosen: Chosen) -> Mapping[str, Any]:
    if chosen.count == 0 and chosen.day == "" and not (chosen.since or chosen.until):
        return {"title": phrases.NOTHING_TITLE, "text": phrases.NOTHING_TEXT, "href": "", "link": ""}
    return {
        "title": phrases.EMPTY_TITLE,
        "text": phrases.EMPTY_TEXT,
        "href": "/log?day=",
        "link": phrases.EMPTY_LINK,
    }


def _sent(form: FormData) -> Chosen:
    """The filters that a form carries with it."""
    return chosen_of(QueryParams(text_of(form, "query")))
