"""Bringing a person back by two administrators: at the door, and where people are managed."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.errors import ControllerError
from loa.controller.gate import check_origin
from loa.controller.web import phrases
from loa.controller.web.admin_people import PEOPLE, manager, show
from loa.controller.web.admin_words import refusal
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.catalogue import say
from loa.controller.web.console import SIGN_IN, Console, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.me_page import ME, NOT_SAME
from loa.controller.web.render import see_other
from loa.controller.web.words import lazy

RECOVER = "/recover"
MISSING = {
    "user": lazy("Gõ tên đăng nhập."),
    "first": lazy("Gõ mã của người quản trị thứ nhất."),
    "second": lazy("Gõ mã của người quản trị thứ hai."),
    "new": lazy("Gõ mật khẩu mới."),
}
FIELDS = {"weak_password": "new"}
WEAK = lazy("Mật khẩu cần ít nhất 10 ký tự và không trùng tên đăng nhập.")


def router(console: Console, bodies: Bodies) -> APIRouter:
    """`/recover`, `/me/recovery/cancel`, and the acts of administrators."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    _add_door(routes, console, bodies)
    _add_acts(routes, console, bodies)
    return routes


def _add_door(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type

    def ask(user: str, errors: Errors) -> Response:
        context = {"errors": errors, "user": user, "place": phrases.STATION}
        return console.renderer.page("recover.html", context, status=422 if errors else 200)

    @routes.get(RECOVER)
    def recover(request: Request) -> Response:
        return ask(request.query_params.get("user", ""), {})

    @routes.post(RECOVER)
    def accept(request: Request, form: Form) -> Response:
        check_origin(request)
        user, new = text_of(form, "user"), str(form.get("new", ""))
        errors: Errors = {name: word for name, word in MISSING.items() if not form.get(name)}
        if not errors and new != form.get("again"):
            errors = {"again": NOT_SAME}
        if errors:
            return ask(user, errors)
        halves = (text_of(form, "first"), text_of(form, "second"))
        source = console.controller.gate.browser(request).source
        try:
            console.controller.recoveries.recover(user, halves, new, source=source)
        except ControllerError as error:
            word = WEAK if error.code == "weak_password" else say(error.code, error.facts)
            return ask(user, {FIELDS.get(error.code, "first"): word})
        return see_other(f"{SIGN_IN}?done=recovered")


def _add_acts(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    recoveries = console.controller.recoveries

    @routes.post(ME + "/recovery/cancel")
    def cancel_own(request: Request, form: Form) -> Response:
        visit = console.visit(request, form)
        with console.controller.db.work() as work:
            recoveries.cancel(work, visit.person, visit.person.user_id)
        return see_other(f"{ME}?done=recovery")

    @routes.post(PEOPLE + "/{user_id}/recovery")
    def act(request: Request, user_id: str, form: Form) -> Response:
        visit = manager(console, request, form)
        what = text_of(form, "act")
        try:
            with console.controller.db.work() as work:
                if what == "cancel":
                    recoveries.cancel(work, visit.person, user_id)
                    return see_other(f"{PEOPLE}/{user_id}?done=cancelled")
                if what == "confirm":
                    half = recoveries.confirm(work, visit.person, user_id)
                else:
                    half = recoveries.open(work, visit.person, user_id, text_of(form, "reason"))
        except ControllerError as error:
            if error.code == "no_such_user":
                raise
            return show(console, visit, user_id, {"reason": refusal(error)})
        return show(console, visit, user_id, {}, half=half.code)

    @routes.post(PEOPLE + "/{user_id}/sessions/end")
    def end(request: Request, user_id: str, form: Form) -> Response:
        visit = manager(console, request, form)
        with console.controller.db.work() as work:
            console.controller.people.managed(work.session, visit.person, user_id)
            console.controller.sessions.end_one(work, visit.person, user_id, text_of(form, "session"))
        return see_other(f"{PEOPLE}/{user_id}?done=session")
