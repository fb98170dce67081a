"""One line of the log with all that is known of it: `/log/<occurrence>/<node>`."""

from fastapi import APIRouter, Request, Response

from loa.controller.core.bulletins import Bulletin
from loa.controller.errors import ControllerError
from loa.controller.store.database import Session
from loa.controller.store.tables import LogRow
from loa.controller.web import catalogue
from loa.controller.web.bodies import Bodies
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.evidence_rungs import Approval, counts_as, steps_of
from loa.controller.web.localtime import clock, full_day, spell, today, weekday
from loa.controller.web.log_lines import Reader, line_of
from loa.controller.web.log_page import zone_of
from loa.controller.web.words import _
from loa.protocol.ids import AreaId, BroadcastId, NodeId


def router(console: Console, _bodies: Bodies) -> APIRouter:
    """The page."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)

    @routes.get("/log/{occurrence}/{node}")
    def evidence(request: Request, occurrence: str, node: str) -> Response:
        visit = console.visit(request)
        with console.controller.db.look() as session:
            entry = console.controller.log.line(session, visit.person, occurrence, node)
            approval, bulletin = _origin(console, session, visit, entry)
        return _show(console, visit, entry, approval, bulletin)

    return routes


def _origin(
    console: Console, session: Session, visit: Visit, entry: LogRow
) -> tuple[Approval | None, Bulletin | None]:
    """Who approved it and what it was made from, as far as the person may know."""
    try:
        found = console.controller.broadcasts.get(session, visit.person, BroadcastId(entry.broadcast_id))
    except ControllerError:
        return None, None
    approval = Approval(console.person_name(found.approved_by), found.approved_at)
    try:
        return approval, console.controller.bulletins.get(session, visit.person, found.broadcast.bulletin)
    except ControllerError:
        return approval, None


def _show(
    console: Console, visit: Visit, entry: LogRow, approval: Approval | None, bulletin: Bulletin | None
) -> Response:
    tz = zone_of(visit)
    reader = Reader(now=console.controller.clock.now(), tz=tz)
    heard = visit.places.heard.get(NodeId(entry.node_id))
    sounding = (heard.sounding,) if heard and heard.sounding else ()
    name = visit.places.name(AreaId(entry.node_id))
    line = line_of(entry, reader, node=name, href="", sounding=sounding)
    is_on = line.look == catalogue.PLAYING
    context = {
        "line": line,
        "heading": f"{name}, {clock(entry.planned_at, tz)}",
        "subject": f"{entry.title} · {weekday(entry.planned_at, tz)}",
        "steps": steps_of(entry, reader, approval, is_on=is_on),
        "counts": counts_as(entry, reader.now),
        "facts": _facts(console, entry, bulletin, tz, line.place),
        "text": bulletin.draft.text if bulletin else None,
        "back_url": f"/log?day=&from={today(entry.planned_at, tz)}&to={today(entry.planned_at, tz)}",
        "node_url": f"/nodes/{entry.node_id}",
        "node_log_url": f"/log?day=&node={entry.node_id}",
        "bulletin_url": f"/bulletins/{bulletin.id}" if bulletin else "",
        "occurrence": entry.occurrence,
        "has_node_page": "/nodes/{node}" in console.served,
    }
    return console.show("evidence.html", visit, context, here="log")


def _facts(
    console: Console, entry: LogRow, bulletin: Bulletin | None, tz: str, place: str
) -> list[tuple[str, str]]:
    facts = [
        (_("Lĩnh vực"), str(catalogue.FIELDS.get(entry.field, entry.field))),
        (_("Mức độ"), str(catalogue.CLASSES.get(entry.class_, entry.class_))),
        (_("Ngày"), full_day(today(entry.planned_at, tz))),
        (_("Dài"), spell(entry.duration_ms)),
        (_("Địa bàn"), place),
    ]
    if bulletin is not None:
        facts.append((_("Người soạn"), console.person_name(bulletin.created_by)))
    if entry.reported_at is not None:
        facts.append(
            (_("Loa báo về"), f"{weekday(entry.reported_at, tz)}, {clock(entry.reported_at, tz)}"),
        )
    return facts
