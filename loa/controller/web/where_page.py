"""Second step: where. A tree of three-state boxes, and always a line that says who would hear it."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.bulletins import Bulletin
from loa.controller.errors import ControllerError
from loa.controller.web import phrases
from loa.controller.web.bodies import Bodies, text_of, texts_of
from loa.controller.web.catalogue import say
from loa.controller.web.composing import save
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.render import see_other
from loa.protocol.ids import AreaId


def router(console: Console, bodies: Bodies) -> APIRouter:
    """The page, its result line, and on to the next step."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type

    @routes.get("/bulletins/{bulletin_id}/where")
    def ask(request: Request, bulletin_id: str) -> Response:
        visit = console.visit(request)
        bulletin = console.open_bulletin(visit, bulletin_id)
        return show(console, visit, bulletin, bulletin.draft.plan.audience)

    @routes.post("/bulletins/{bulletin_id}/reach")
    def reach(request: Request, bulletin_id: str, form: Form) -> Response:
        visit = console.visit(request, form)
        console.open_bulletin(visit, bulletin_id)
        return console.show("_reach.html", visit, {"reach": visit.places.reach(_audience(visit, form))})

    @routes.post("/bulletins/{bulletin_id}/where")
    def choose(request: Request, bulletin_id: str, form: Form) -> Response:
        visit = console.visit(request, form)
        bulletin, audience = console.open_bulletin(visit, bulletin_id), _audience(visit, form)
        if not audience:
            return show(console, visit, bulletin, audience, {"area": phrases.AREA_MISSING})
        if text_of(form, "act") == "count":
            return show(console, visit, bulletin, audience)
        plan = bulletin.draft.plan.model_copy(update={"audience": tuple(sorted(audience))})
        draft = replace(bulletin.draft, plan=plan)
        try:
            save(console, visit, bulletin.id, int(text_of(form, "revision") or 0), draft)
        except ControllerError as error:
            return show(console, visit, bulletin, audience, {"area": say(error.code, error.facts)})
        return see_other(f"/bulletins/{bulletin.id}/when")

    return routes


def show(
    console: Console,
    visit: Visit,
    bulletin: Bulletin,
    audience: tuple[AreaId, ...],
    errors: Errors | None = None,
) -> Response:
    """The page with these areas chosen."""
    context = {
        "form": bulletin,
        "tree": visit.places.branches(audience),
        "reach": visit.places.reach(audience),
        "errors": errors or {},
        "flow": True,
    }
    return console.show("where.html", visit, context, here="new", status=422 if errors else 200)


def _audience(visit: Visit, form: FormData) -> tuple[AreaId, ...]:
    return visit.places.narrowed(AreaId(area) for area in texts_of(form, "area"))
