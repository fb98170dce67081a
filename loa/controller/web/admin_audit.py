"""The audit trail: who did what when, found by person, act, area, time and words."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from pydantic_core import from_json

from loa.controller.core.access import Act, granted
from loa.controller.errors import NotFound
from loa.controller.services.audit import Noted
from loa.controller.store.audits import AuditFilter
from loa.controller.web.admin_words import SUBJECTS, moment, say_act
from loa.controller.web.bodies import Bodies
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import read_date
from loa.controller.web.localtime import day_starts
from loa.protocol.ids import AreaId
from loa.protocol.units import format_instant

AUDIT = "/admin/audit"
EXPORT = "/api/v1/audit/export"
PAGE_ROWS = 50
_DAY = timedelta(days=1)
_NAMES = ("user", "act", "area", "from", "to", "q")


def router(console: Console, _: Bodies) -> APIRouter:
    """`/admin/audit`."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)

    @routes.get(AUDIT)
    def audit(request: Request) -> Response:
        visit = console.visit(request)
        if not granted(visit.person, Act.READ_AUDIT):
            raise NotFound("no_such_page", "you read no audit")
        chosen = {name: request.query_params.get(name, "").strip() for name in _NAMES}
        before = request.query_params.get("before", "")
        return _show(console, visit, chosen, int(before) if _is_number(before) else None)

    return routes


def filter_of(chosen: Mapping[str, str]) -> AuditFilter:
    """What an address asks for; what cannot be read does not restrict."""
    first, last = read_date(chosen["from"]), read_date(chosen["to"])
    return AuditFilter(
        user=chosen["user"] or None,
        act=chosen["act"] or None,
        area=AreaId(chosen["area"]) if chosen["area"] else None,
        from_at=day_starts(first) if first else None,
        until_at=day_starts(last + _DAY) if last else None,
        text=chosen["q"] or None,
    )


def _show(console: Console, visit: Visit, chosen: dict[str, str], before: int | None) -> Response:
    controller = console.controller
    with controller.db.look() as session:
        found = controller.audit.find(
            session, visit.person, filter_of(chosen), before=before, limit=PAGE_ROWS + 1
        )
    names = console.person_names({line.user_id for line in found})
    given = {name: value for name, value in chosen.items() if value}
    more = found[PAGE_ROWS - 1].id if len(found) > PAGE_ROWS else None
    context = {
        "lines": [_line(visit, one, names) for one in found[:PAGE_ROWS]],
        "chosen": chosen,
        "subjects": [("", ""), *SUBJECTS.items()],
        "areas": list(visit.places.options()),
        "first_url": f"{AUDIT}?{urlencode(given)}" if before else "",
        "next_url": f"{AUDIT}?{urlencode(given | {'before': more})}" if more else "",
        "export_url": f"{EXPORT}?{urlencode(_asked(given))}",
        "trail": controller.trail.trouble(visit.person),
    }
    return console.show("admin_audit.html", visit, context, here="admin")


def _asked(given: Mapping[str, str]) -> dict[str, str]:
    """The same lines, as the API is asked for them."""
    wanted = filter_of({name: given.get(name, "") for name in _NAMES})
    asked = {"user": wanted.user, "act": wanted.act, "area": wanted.area, "text": wanted.text}
    instants = {"since": wanted.from_at, "until": wanted.until_at}
    return {name: value for name, value in asked.items() if value} | {
        name: format_instant(at) for name, at in instants.items() if at
    }


def _line(visit: Visit, one: Noted, names: Mapping[str, str]) -> dict[str, Any]:
    detail = {name: value for name, value in from_json(one.detail).items() if value or value is False}
    return {
        "at": moment(one.at),
        "who": names[one.user_id],
        "user": one.user_id,
        "act": say_act(one.act),
        "area": visit.places.title(one.area) if one.area is not None and one.area in visit.places else "",
        "subject": one.subject,
        "detail": ", ".join(f"{name}: {_told(value)}" for name, value in detail.items()),
    }


def _told(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 120 else f"{text[:117]}…"  # noqa: PLR2004 -- what fits into two lines


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19  # noqa: PLR2004 -- 64 bits
