"""The door: signing in by name and password, and out."""

import hmac
import secrets
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.errors import ControllerError
from loa.controller.gate import check_origin
from loa.controller.services.sessions import SignedIn
from loa.controller.web import phrases
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.catalogue import say
from loa.controller.web.console import HOME, SIGN_IN, Console, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.render import see_other
from loa.controller.web.setup_page import door_of_strangers
from loa.controller.web.words import lazy

DOOR_COOKIE = "loa_door"
"""Ties the sign-in form to the browser that asked for it, before there is a session."""

RECOVERED = lazy("Đã lấy lại tài khoản. Đăng nhập bằng mật khẩu mới, rồi đặt lại bước xác nhận thứ hai.")


def router(console: Console, bodies: Bodies) -> APIRouter:
    """Sign in and out."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    controller = console.controller
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type

    def door(request: Request, errors: Errors, user: str, target: str) -> Response:
        token = request.cookies.get(DOOR_COOKIE) or secrets.token_urlsafe(24)
        done = RECOVERED if request.query_params.get("done") == "recovered" else ""
        context = {"errors": errors, "user": user, "next": target, "csrf": token, "place": phrases.STATION}
        context["done"] = done
        response = console.renderer.page("sign_in.html", context, status=422 if errors else 200)
        response.set_cookie(DOOR_COOKIE, token, path="/", secure=True, httponly=True, samesite="lax")
        return response

    @routes.get(SIGN_IN)
    def ask(request: Request) -> Response:
        return door_of_strangers(console) or door(
            request, {}, "", inside(request.query_params.get("next", ""))
        )

    @routes.post(SIGN_IN)
    def enter(request: Request, form: Form) -> Response:
        check_origin(request)
        user, target = text_of(form, "user"), inside(text_of(form, "next"))
        errors = _mistakes(request, form)
        if errors:
            return door(request, errors, user, target)
        try:
            signed = _sign_in(console, request, user, str(form.get("password", "")))
        except ControllerError as error:
            return door(request, {"password": say(error.code, error.facts)}, user, target)
        response = see_other(f"{SIGN_IN}/code?{urlencode({'next': target})}" if signed.is_half else target)
        controller.gate.keep(response, signed)
        return response

    @routes.post("/signout")
    def leave(request: Request, form: Form) -> Response:
        visit = console.visit(request, form)
        with controller.db.work() as work:
            controller.sessions.end(work, visit.signed)
        response = see_other(SIGN_IN)
        controller.gate.forget(response)
        return response

    return routes


def _sign_in(console: Console, request: Request, user: str, password: str) -> SignedIn:
    controller = console.controller
    return controller.sessions.sign_in(user, password, controller.gate.browser(request))


def _mistakes(request: Request, form: FormData) -> Errors:
    if not hmac.compare_digest(request.cookies.get(DOOR_COOKIE, "-"), text_of(form, "csrf")):
        return {"user": phrases.FORM_OLD}
    given = {"user": text_of(form, "user"), "password": form.get("password")}
    words = {"user": phrases.USER_MISSING, "password": phrases.PASSWORD_MISSING}
    return {name: words[name] for name, value in given.items() if not value}


def inside(target: str) -> str:
    """Only a path of this site; anything else would be an open door for phishers."""
    return target if target.startswith("/") and not target.startswith(("//", "/\\")) else HOME
