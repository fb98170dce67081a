"""The second factor: asked for at the door, and set up by the person."""

import hmac
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.errors import ControllerError, Unauthenticated
from loa.controller.gate import check_origin
from loa.controller.services.second_factors import Fresh, Standing
from loa.controller.web import phrases
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.catalogue import say
from loa.controller.web.console import SIGN_IN, Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.qr import qr_of
from loa.controller.web.render import see_other
from loa.controller.web.sign_in import DOOR_COOKIE, inside
from loa.controller.web.words import _, lazy

CODE = f"{SIGN_IN}/code"
FACTOR = "/me/second-factor"
MISSING = lazy("Gõ mã gồm 6 chữ số, hoặc một mã giấy.")
DONE = {
    "removed": lazy("Đã bỏ bước xác nhận thứ hai."),
}


def router(console: Console, bodies: Bodies) -> APIRouter:
    """`/signin/code` and `/me/second-factor`."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    _add_door(routes, console, bodies)
    _add_own(routes, console, bodies)
    return routes


def _add_door(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    gate, sessions = console.controller.gate, console.controller.sessions

    def ask(request: Request, target: str, errors: Errors) -> Response:
        sessions.half_of(gate.session_cookie(request))
        token = request.cookies.get(DOOR_COOKIE, "")
        context = {"errors": errors, "next": target, "csrf": token, "place": phrases.STATION}
        return console.renderer.page("sign_in_code.html", context, status=422 if errors else 200)

    @routes.get(CODE)
    def door(request: Request) -> Response:
        return ask(request, inside(request.query_params.get("next", "")), {})

    @routes.post(CODE)
    def enter(request: Request, form: Form) -> Response:
        check_origin(request)
        target, code = inside(text_of(form, "next")), text_of(form, "code")
        if not hmac.compare_digest(request.cookies.get(DOOR_COOKIE, "-"), text_of(form, "csrf")):
            return ask(request, target, {"code": phrases.FORM_OLD})
        if not code:
            return ask(request, target, {"code": MISSING})
        secret = gate.session_cookie(request)
        try:
            signed = sessions.complete(secret, code, gate.browser(request))
        except Unauthenticated as error:
            if error.code != "wrong_code":
                raise
            return ask(request, target, {"code": say(error.code, error.facts)})
        except ControllerError as error:
            return ask(request, target, {"code": say(error.code, error.facts)})
        response = see_other(target)
        gate.keep(response, signed)
        return response


def _add_own(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type

    @routes.get(FACTOR)
    def own(request: Request) -> Response:
        visit = console.visit(request)
        done = DONE.get(request.query_params.get("done", ""), "")
        fresh = _waiting(console, visit) if request.query_params.get("step") == "scan" else None
        return show(console, visit, {}, done=done, fresh=fresh)

    @routes.post(FACTOR)
    def change(request: Request, form: Form) -> Response:
        visit = console.visit(request, form)
        act, code = text_of(form, "act"), text_of(form, "code")
        second = console.controller.second
        if act == "begin":
            with console.controller.db.work() as work:
                second.begin(work, visit.person)
            return see_other(f"{FACTOR}?step=scan")
        fresh = _waiting(console, visit) if act == "confirm" else None
        try:
            with console.controller.db.work() as work:
                if act == "remove":
                    second.remove(work, visit.person, code)
                    return see_other(f"{FACTOR}?done=removed")
                renew = second.confirm if act == "confirm" else second.renew_codes
                codes = renew(work, visit.person, code)
        except ControllerError as error:
            if error.code != "wrong_code":
                raise
            return show(console, visit, {"code": say(error.code, error.facts)}, fresh=fresh)
        return show(console, visit, {}, codes=codes)


def show(
    console: Console,
    visit: Visit,
    errors: Errors,
    *,
    done: str = "",
    fresh: Fresh | None = None,
    codes: list[str] | None = None,
) -> Response:
    """How it stands, what is to be scanned, or the codes for paper."""
    with console.controller.db.look() as session:
        standing = console.controller.second.standing(session, visit.person)
    context: dict[str, Any] = {
        "errors": errors,
        "done": done,
        "standing": standing,
        "summary_line": _summary(standing),
        "fresh": fresh,
        "qr": None if fresh is None else qr_of(fresh.address),
        "codes": codes or [],
        "curbed": bool(visit.person.curbed),
    }
    return console.show("me_factor.html", visit, context, here="me", status=422 if errors else 200)


def _waiting(console: Console, visit: Visit) -> Fresh | None:
    try:
        with console.controller.db.look() as session:
            return console.controller.second.fresh(session, visit.person)
    except ControllerError:
        return None


def _summary(standing: Standing) -> str:
    if standing.confirmed_at is not None:
        return _("Đang dùng. Còn %(count)s mã giấy.", count=standing.codes_left)
    return _("Chưa dùng.")
