"""Second step: where. Search, shortcuts, a tree of three-state boxes and a map: all four are one field."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.bulletins import Bulletin
from loa.controller.errors import ControllerError
from loa.controller.services.node_states import node_conditions
from loa.controller.store.database import Session
from loa.controller.web import phrases
from loa.controller.web.bodies import Bodies, text_of, texts_of
from loa.controller.web.catalogue import say
from loa.controller.web.choices import shortcuts
from loa.controller.web.composing import save
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.map_view import bare, scene_of
from loa.controller.web.places import Branch
from loa.controller.web.reach import Households, Reach, note_of, reach_of
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
        with console.controller.db.look() as session:
            known = console.controller.whereabouts.all(session, visit.person)
            found = _reach(
                console, session, visit, _audience(visit, form), Households(visit.places.tree, known)
            )
        return console.show("_reach.html", visit, {"reach": found, "live": True})

    @routes.post("/bulletins/{bulletin_id}/where")
    def choose(request: Request, bulletin_id: str, form: Form) -> Response:
        visit = console.visit(request, form)
        bulletin, audience = console.open_bulletin(visit, bulletin_id), _audience(visit, form)
        if text_of(form, "act") == "count" or "pick" in form:
            return show(console, visit, bulletin, audience)
        if not audience:
            return show(console, visit, bulletin, audience, {"area": phrases.AREA_MISSING})
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
    with console.controller.db.look() as session:
        scene = scene_of(console, session, visit)
        households = Households(visit.places.tree, scene.known)
        reach = _reach(console, session, visit, audience, households)
        picks = shortcuts(console, session, visit, audience)
    tree = visit.places.branches(audience, lambda area: note_of(visit.places, households, area))
    context = {
        "form": bulletin,
        "tree": tree,
        "chosen": _chosen(tree),
        "picks": picks,
        "drawing": bare(scene),
        "reach": reach,
        "errors": errors or {},
        "flow": True,
    }
    return console.show("where.html", visit, context, here="new", status=422 if errors else 200)


def _reach(
    console: Console, session: Session, visit: Visit, audience: tuple[AreaId, ...], households: Households
) -> Reach:
    conditions = node_conditions(session, visit.person, now=console.controller.clock.now())
    return reach_of(visit.places, audience, conditions, households)


def _audience(visit: Visit, form: FormData) -> tuple[AreaId, ...]:
    """What a shortcut means, or the boxes that are ticked."""
    given = text_of(form, "pick").split() if "pick" in form else texts_of(form, "area")
    return visit.places.narrowed(AreaId(area) for area in given)


def _chosen(branches: Iterable[Branch]) -> Mapping[AreaId, str]:
    """How each area stands that is chosen, wholly or in part: for the map."""
    found: dict[AreaId, str] = {}
    for branch in branches:
        if branch.chosen or branch.mixed:
            found[branch.id] = "chosen" if branch.chosen else "mixed"
        found |= _chosen(branch.inner)
    return found
