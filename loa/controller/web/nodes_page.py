"""All loudspeakers: the situation in a sentence, a list to search, a map. The page updates itself."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.datastructures import QueryParams

from loa.controller.core.access import Act, granted
from loa.controller.core.node_states import Condition
from loa.controller.errors import NotFound
from loa.controller.services.node_states import node_conditions
from loa.controller.store.database import Session
from loa.controller.store.heard import Known, known_nodes
from loa.controller.web.bodies import Bodies
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.map_view import drawing_of, scene_of
from loa.controller.web.node_states import strip_of
from loa.controller.web.nodes_list import NEEDS_SOMEBODY, SORTS, STATES, Chosen, Teller, listed
from loa.controller.web.words import _, ngettext
from loa.protocol.ids import AreaId, BroadcastId, NodeId, broadcast_of

EVENTS_URL = "/api/v1/events"
NEW = "/nodes/new"
_ONE = "/nodes/{"
_MOST_DIGITS = 6


def router(console: Console, _bodies: Bodies) -> APIRouter:
    """The page."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)

    @routes.get("/nodes")
    def nodes(request: Request) -> Response:
        visit = console.visit(request)
        chosen = read_chosen(request.query_params, visit)
        with console.controller.db.look() as session:
            context = _context(console, session, visit, chosen)
        return console.show("nodes.html", visit, context, here="nodes")

    return routes


def read_chosen(query: QueryParams, visit: Visit) -> Chosen:
    """The filters of the address; raises `NotFound` for an area that is none of the person's business."""
    area, page = query.get("area", ""), query.get("page", "")
    if area and AreaId(area) not in visit.places:
        raise NotFound("no_such_area", f"there is no area {area!r}", area=area)
    state, sort = query.get("state", ""), query.get("sort", "")
    return Chosen(
        q=query.get("q", "").strip()[:100],
        area=area,
        state=state if state in STATES else "",
        sort=sort if sort in SORTS else "need",
        page=int(page) if page.isascii() and page.isdigit() and len(page) <= _MOST_DIGITS else 1,
    )


def heading(total: int, bad: int) -> str:
    """The situation."""
    if not total:
        return _("Chưa có cụm loa nào")
    if not bad:
        return ngettext("Cả %(num)s cụm loa đều tốt", "Cả %(num)s cụm loa đều tốt", total)
    return ngettext(
        "%(num)s trên %(total)s cụm loa cần xem", "%(num)s trên %(total)s cụm loa cần xem", bad, total=total
    )


def _context(console: Console, session: Session, visit: Visit, chosen: Chosen) -> dict[str, Any]:
    now = console.controller.clock.now()
    conditions = node_conditions(session, visit.person, now=now)
    known = {one.node: one for one in known_nodes(session, conditions)}
    shown = listed(chosen, visit.places, conditions, known)
    scene = scene_of(console, session, visit, AreaId(chosen.area) if chosen.area else None)
    has_page = any(path.startswith(_ONE) for path in console.served)

    def href(node: NodeId) -> str:
        return f"/nodes/{node}" if has_page else ""

    teller = Teller(
        places=visit.places,
        known=known,
        where=scene.known,
        titles=_titles(console, session, visit, [known[node] for node in shown.nodes if node in known]),
        now=now,
        href=href,
    )
    strip = strip_of(conditions, lambda node: visit.places.name(AreaId(node)))
    bad = sum(one.state in NEEDS_SOMEBODY for one in conditions.values())
    return {
        "heading": heading(len(conditions), bad),
        "strip": strip,
        "lines": [teller.line(node, conditions[node]) for node in shown.nodes],
        "shown": shown,
        "chosen": chosen,
        "drawing": drawing_of(visit, scene, _in_area(visit, chosen, conditions), href),
        "areas": list(_areas(visit)),
        "states": list(STATES.items()),
        "sorts": list(SORTS.items()),
        "adds": NEW if NEW in console.served and granted(visit.person, Act.MANAGE_NODES) else "",
        "events_url": EVENTS_URL,
    }


def _in_area(
    visit: Visit, chosen: Chosen, conditions: Mapping[NodeId, Condition]
) -> Mapping[NodeId, Condition]:
    """Those on the map: of the area that is chosen, whatever else is."""
    if not chosen.area:
        return conditions
    inside = frozenset(visit.places.tree.nodes_of(AreaId(chosen.area)))
    return {node: one for node, one in conditions.items() if node in inside}


def _areas(visit: Visit) -> list[tuple[AreaId, str]]:
    nodes = {AreaId(node) for node in visit.places.tree.nodes()}
    return [(area, name) for area, name in visit.places.options() if area not in nodes]


def _titles(console: Console, session: Session, visit: Visit, nodes: list[Known]) -> Mapping[str, str]:
    """What sounds on these nodes, as far as the person may know of it."""
    found: dict[str, str] = {}
    for occurrence in {one.state.sounding for one in nodes if one.state and one.state.sounding}:
        try:
            broadcast = console.controller.broadcasts.get(
                session, visit.person, BroadcastId(broadcast_of(occurrence))
            )
        except NotFound:
            continue
        found[occurrence] = broadcast.broadcast.title
    return found
