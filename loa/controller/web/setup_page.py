"""The first run: three steps from a fresh controller to the first loudspeaker, without a shell."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.errors import ControllerError, NotFound
from loa.controller.gate import check_origin
from loa.controller.services.setup import First, Ground
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.catalogue import say
from loa.controller.web.console import Console, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.render import see_other
from loa.controller.web.words import _, lazy

SETUP = "/setup"
GROUND = "/setup/area"
WELCOME = "/welcome"
ADD_NODE = "/nodes/new"
COOKIE = "loa_setup"
"""Ties the second step to the browser that knew the code."""
MOST_VILLAGES = 200
YOU = ("code", "name", "user")
PLACES = ("province", "district", "commune", "villages", "writes")
STEPS = {"setup_you.html": 1, "setup_area.html": 2}

SHORTEST_WORDS = {
    "code": lazy("Gõ mã cài đặt."),
    "name": lazy("Gõ họ và tên của bạn."),
    "user": lazy("Gõ tên đăng nhập."),
    "password": lazy("Gõ mật khẩu."),
}
FIELDS = {
    "wrong_setup_code": "code",
    "too_many_attempts": "code",
    "bad_user_id": "user",
    "weak_password": "password",
    "no_area": "commune",
    "area_exists": "villages",
}
SAID = {
    "wrong_setup_code": lazy("Mã cài đặt không đúng. Xem lại dòng có chữ setup ở cửa sổ chạy máy chủ."),
    "bad_user_id": lazy("Tên đăng nhập chỉ có chữ thường không dấu, chữ số và dấu gạch. Ví dụ: hoa-nv."),
    "weak_password": lazy("Mật khẩu cần ít nhất 10 ký tự và không trùng tên đăng nhập."),
    "no_area": lazy("Gõ tên ít nhất một địa bàn, ví dụ tên xã."),
    "area_exists": lazy("Hai nơi trùng tên. Thêm chữ cho khác nhau, ví dụ: Xóm Mới 2."),
}
TAKEN = lazy("Gõ hai mật khẩu giống nhau.")


def router(console: Console, bodies: Bodies) -> APIRouter:
    """`/setup`, there only while nobody can sign in, and the page that follows it."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    _add_you(routes, console, bodies)
    _add_ground(routes, console, bodies)

    @routes.get(WELCOME)
    def welcome(request: Request) -> Response:
        visit = console.visit(request)
        address = ADD_NODE if ADD_NODE in console.served else ""
        return console.show("setup_node.html", visit, {"add_node": address})

    return routes


def door_of_strangers(console: Console) -> Response | None:
    """Where to send who would sign in, while there is nobody yet."""
    return see_other(SETUP) if console.controller.setup.is_open() else None


def _add_you(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type

    @routes.get(SETUP)
    def ask() -> Response:
        _check_open(console)
        return _show(console, "setup_you.html", dict.fromkeys(YOU, ""), {})

    @routes.post(SETUP)
    def begin(request: Request, form: Form) -> Response:
        _check_open(console)
        check_origin(request)
        typed = {name: text_of(form, name) for name in YOU}
        password = str(form.get("password", ""))
        errors = _missing(typed | {"password": password})
        if not errors and password != form.get("again"):
            errors = {"again": TAKEN}
        if errors:
            return _show(console, "setup_you.html", typed, errors)
        first = First(user=typed["user"].lower(), name=typed["name"], password=password)
        try:
            token = console.controller.setup.begin(typed["code"], first, source=_source(request))
        except ControllerError as error:
            return _show(console, "setup_you.html", typed, _said(error))
        response = see_other(GROUND)
        response.set_cookie(COOKIE, token, path=SETUP, secure=True, httponly=True, samesite="strict")
        return response


def _add_ground(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    setup = console.controller.setup

    @routes.get(GROUND)
    def ask_ground(request: Request) -> Response:
        _check_open(console)
        if not setup.waits(request.cookies.get(COOKIE, "")):
            return see_other(SETUP)
        return _show(console, "setup_area.html", dict.fromkeys(PLACES, "") | {"writes": "1"}, {})

    @routes.post(GROUND)
    def finish(request: Request, form: Form) -> Response:
        _check_open(console)
        check_origin(request)
        typed = {name: text_of(form, name) for name in PLACES}
        try:
            signed = setup.finish(request.cookies.get(COOKIE, ""), _ground(typed))
        except ControllerError as error:
            if error.code == "setup_stale":
                return see_other(SETUP)
            return _show(console, "setup_area.html", typed, _said(error))
        response = see_other(WELCOME)
        console.controller.gate.keep(response, signed)
        response.delete_cookie(COOKIE, path=SETUP)
        return response


def _check_open(console: Console) -> None:
    if not console.controller.setup.is_open():
        raise NotFound("set_up", "this controller is set up already")


def _show(console: Console, template: str, typed: dict[str, str], errors: Errors) -> Response:
    context = {"errors": errors, "typed": typed, "step": STEPS[template]}
    return console.renderer.page(template, context, status=422 if errors else 200)


def _ground(typed: dict[str, str]) -> Ground:
    villages = [line.strip() for line in typed["villages"].splitlines() if line.strip()]
    return Ground(
        province=typed["province"],
        district=typed["district"],
        commune=typed["commune"],
        villages=tuple(dict.fromkeys(villages[:MOST_VILLAGES])),
        writes=bool(typed["writes"]),
    )


def _missing(given: dict[str, str]) -> Errors:
    return {name: SHORTEST_WORDS[name] for name, value in given.items() if not value}


def _said(error: ControllerError) -> Errors:
    words = SAID.get(error.code) or say(error.code, error.facts)
    return {FIELDS.get(error.code, "code"): words or _("Thử lại.")}


def _source(request: Request) -> str:
    return request.client.host if request.client else ""
