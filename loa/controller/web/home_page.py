"""The home page: the situation, what sounds, today, what needs somebody, the nodes; "more" for phones."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from loa.controller.core.access import Act, granted
from loa.controller.core.node_states import Condition, NodeState
from loa.controller.services.today import Today
from loa.controller.web import home_day, home_tasks, navigation, situation
from loa.controller.web.bodies import Bodies
from loa.controller.web.console import HOME, Console, Visit, page_route
from loa.controller.web.emergency_now import emergencies_now
from loa.controller.web.home_tasks import Links
from loa.controller.web.node_states import Strip, strip_of
from loa.controller.web.places import Places, capital
from loa.protocol.ids import AreaId, NodeId

EVENTS_URL = "/api/v1/events"
MOST_COMMUNES = 40
GATHERED = timedelta(milliseconds=200)
"""An open page asks anew 250 ms after it was told of something (`live.js`)."""
SPREAD_MS, SPREAD_MOST_MS = 40, 10_000
"""Of each open page: what all are told of, all ask for, and a server of one core answers so many in time."""


@dataclass(frozen=True, slots=True)
class Commune:
    """One commune of a district, as a line."""

    name: str
    strip: Strip
    silent: int
    lost: int


def router(console: Console, _bodies: Bodies) -> APIRouter:
    """`/` and `/more`."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)

    @routes.get(HOME)
    def home(request: Request) -> Response:
        visit = console.visit(request)
        is_part = request.headers.get("hx-target") == "today"
        return console.show(
            "_today.html" if is_part else "home.html",
            visit,
            _context(console, visit, behind=GATHERED if is_part else timedelta()) | {"part": is_part},
            here="home",
        )

    @routes.get("/more")
    def more(request: Request) -> Response:
        visit = console.visit(request)
        ways = navigation.frame(visit.viewer.acts, console.served)
        beyond = [way for way in ways.rail if way not in ways.tabs]
        return console.show("more.html", visit, {"beyond": beyond}, here="more")

    return routes


def _context(console: Console, visit: Visit, *, behind: timedelta) -> dict[str, Any]:
    with console.controller.db.look() as session:
        day = console.controller.days.today(session, visit.person, behind=behind)
    links = Links(console.served)
    tasks = home_tasks.tasks(day, links)
    places = visit.places
    return {
        "emergencies": emergencies_now(console, visit),
        "heading": situation.heading(day, len(tasks)),
        "card": situation.card(day, places),
        "left": situation.LEFT,
        "after": situation.after(day),
        "day": home_day.view(day, places),
        "tasks": tasks,
        "strip": strip_of(day.conditions, lambda node: places.name(AreaId(node))),
        "communes": communes(day, places),
        "empty": _empty(console, visit, day),
        "events_url": EVENTS_URL,
        "spread_ms": min(SPREAD_MOST_MS, console.controller.events.open_pages * SPREAD_MS),
        "schedule_url": links.page("/schedule"),
        "nodes_url": links.page("/nodes"),
        "emergency_url": links.page("/emergency") if granted(visit.person, Act.BROADCAST_EMERGENCY) else "",
        "now_ms": round(day.now.timestamp() * 1000),
    }


def communes(day: Today, places: Places) -> list[Commune]:
    """Of a person with several communes, one line each: those where something is wrong first."""
    by_commune: dict[AreaId, dict[NodeId, Condition]] = {}
    for node, condition in day.conditions.items():
        commune = day.tree.commune_of(AreaId(node))
        if commune is not None:
            by_commune.setdefault(commune, {})[node] = condition
    if len(by_commune) < 2:  # noqa: PLR2004 -- one commune is the page itself
        return []
    found = [_commune(places, area, conditions) for area, conditions in by_commune.items()]
    return sorted(found, key=lambda one: (-one.lost - one.silent, one.name))[:MOST_COMMUNES]


def _commune(places: Places, area: AreaId, conditions: Mapping[NodeId, Condition]) -> Commune:
    states = [one.state for one in conditions.values()]
    return Commune(
        name=capital(places.title(area)),
        strip=strip_of(conditions, lambda node: places.name(AreaId(node))),
        silent=states.count(NodeState.SILENT),
        lost=states.count(NodeState.LOST),
    )


def _empty(console: Console, visit: Visit, day: Today) -> str:
    """Which of the empty states the page is in."""
    if not day.roots:
        return "rights"
    if not day.heard:
        can = granted(visit.person, Act.MANAGE_NODES) and "/nodes/new" in console.served
        return "nodes-add" if can else "nodes"
    return ""
