"""Merging and splitting areas: what will happen is said first, then it takes a deliberate gesture."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.reshapes import Outlook
from loa.controller.errors import ControllerError
from loa.controller.services.reshapes import Splitting
from loa.controller.store.areas import area_of, open_children
from loa.controller.web.admin_areas import AREAS
from loa.controller.web.admin_words import refusal
from loa.controller.web.bodies import Bodies, text_of, texts_of
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.render import see_other
from loa.controller.web.words import lazy
from loa.protocol.ids import AreaId

UNREAD = lazy("Đọc những điều sẽ đổi, rồi đánh dấu ô này.")
OURS = frozenset({"no_such_area", "not_permitted", "no_such_reshape"})
"""Refusals that are a page of their own."""


def router(console: Console, bodies: Bodies) -> APIRouter:
    """`/admin/areas/{area}/merge`, `/split`, and the way back."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    _add_merge(routes, console, bodies)
    _add_split(routes, console, bodies)
    _add_undo(routes, console, bodies)
    return routes


def _add_merge(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    reshapes, db = console.controller.reshapes, console.controller.db
    address = AREAS + "/{area}/merge"

    def ask(visit: Visit, area: AreaId, gone: AreaId, errors: Errors, *, roles: bool) -> Response:
        with db.look() as session:
            try:
                outlook = reshapes.foresee_merge(session, visit.person, area, gone)
            except ControllerError as error:
                if error.code in OURS:
                    raise
                outlook, errors = None, {"sure": refusal(error)}
            names = {"area": area_of(session, area), "gone": area_of(session, gone)}
        context: dict[str, Any] = {"errors": errors, "outlook": outlook, "roles": roles, **names}
        status = 422 if errors else 200
        return console.show("admin_merge.html", visit, context, here="admin", status=status)

    @routes.get(address)
    def merge(request: Request, area: AreaId) -> Response:
        visit = console.visit(request)
        return ask(visit, area, AreaId(request.query_params.get("gone", "")), {}, roles=False)

    @routes.post(address)
    def do(request: Request, area: AreaId, form: Form) -> Response:
        visit = console.visit(request, form)
        gone, roles = AreaId(text_of(form, "gone")), bool(text_of(form, "roles"))
        if not text_of(form, "sure"):
            return ask(visit, area, gone, {"sure": UNREAD}, roles=roles)
        try:
            with db.work() as work:
                reshapes.merge(work, visit.person, area, gone, roles=roles)
        except ControllerError as error:
            if error.code in OURS:
                raise
            return ask(visit, area, gone, {"sure": refusal(error)}, roles=roles)
        return see_other(f"{AREAS}/{area}?done=merged")


def _add_split(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    reshapes, db = console.controller.reshapes, console.controller.db
    address = AREAS + "/{area}/split"

    def ask(
        visit: Visit, plan: Splitting, errors: Errors, outlook: Outlook | None = None, *, roles: bool
    ) -> Response:
        with db.look() as session:
            area = console.controller.areas.get(session, visit.person, plan.area)
            inside = [area_of(session, child) for child in open_children(session, plan.area)]
        context: dict[str, Any] = {
            "errors": errors,
            "area": area,
            "inside": inside,
            "plan": plan,
            "outlook": outlook,
            "roles": roles,
        }
        status = 422 if errors else 200
        return console.show("admin_split.html", visit, context, here="admin", status=status)

    @routes.get(address)
    def split(request: Request, area: AreaId) -> Response:
        visit = console.visit(request)
        return ask(visit, Splitting(area=area, name="", leaving=frozenset()), {}, roles=False)

    @routes.post(address)
    def do(request: Request, area: AreaId, form: Form) -> Response:
        visit = console.visit(request, form)
        leaving = frozenset(AreaId(one) for one in texts_of(form, "leaving"))
        plan = Splitting(area=area, name=text_of(form, "name"), leaving=leaving)
        roles = bool(text_of(form, "roles"))
        try:
            with db.look() as session:
                outlook = reshapes.foresee_split(session, visit.person, plan)
            if not text_of(form, "sure"):
                errors = {"sure": UNREAD} if text_of(form, "seen") else {}
                return ask(visit, plan, errors, outlook, roles=roles)
            with db.work() as work:
                _, made = reshapes.split(work, visit.person, plan, roles=roles)
        except ControllerError as error:
            if error.code in OURS:
                raise
            field = "name" if error.code in {"name_missing", "area_exists", "bad_area_id"} else "leaving"
            return ask(visit, plan, {field: refusal(error)}, roles=roles)
        return see_other(f"{AREAS}/{made.id}?done=split")


def _add_undo(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type

    @routes.post("/admin/reshapes/{reshape}/undo")
    def undo(request: Request, reshape: int, form: Form) -> Response:
        visit = console.visit(request, form)
        try:
            with console.controller.db.work() as work:
                console.controller.reshapes.undo(work, visit.person, reshape)
        except ControllerError as error:
            if error.code in OURS:
                raise
            words = {"title": refusal(error), "text": ""}
            return console.show("problem.html", visit, {"problem": words}, here="admin", status=error.status)
        return see_other(f"{AREAS}?done=undone")
