"""A person's own passkeys (khóa cá nhân): make one, name it, put it away."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.passkeys import fingerprint
from loa.controller.errors import ControllerError, Invalid
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.catalogue import say
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.me_page import device
from loa.controller.web.render import see_other
from loa.controller.web.words import lazy

PASSKEYS = "/me/passkeys"
DONE = {
    "added": lazy("Đã có khóa. Từ giờ bạn chạm vân tay hay gõ mã mở máy để ký duyệt."),
    "renamed": lazy("Đã đổi tên khóa."),
    "removed": lazy("Đã bỏ khóa. Khóa ấy không ký được nữa."),
}
SAID = {
    "challenge_over": lazy("Để lâu quá 5 phút, hoặc vừa bấm ở trang khác. Bấm lại để tạo khóa."),
    "bad_passkey": lazy("Máy chủ không nhận khóa vừa tạo. Bấm lại, hoặc thử trình duyệt khác."),
    "passkey_known": lazy("Khóa này đã có trong danh sách."),
    "too_many_passkeys": lazy("Bạn đã có 8 khóa. Bỏ một khóa cũ trước đã."),
    "no_passkeys_here": lazy("Trang này chưa có tên và https nên trình duyệt không tạo được khóa."),
    "bad_passkey_name": lazy("Đặt cho khóa một cái tên, tối đa 80 ký tự."),
}


def router(console: Console, bodies: Bodies) -> APIRouter:
    """`/me/passkeys` and what is done there."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    controller = console.controller

    @routes.get(PASSKEYS)
    def listed(request: Request) -> Response:
        done = DONE.get(request.query_params.get("done", ""), "")
        return _show(console, request, console.visit(request), {}, done)

    @routes.post(PASSKEYS)
    def add(request: Request, form: Form) -> Response:
        visit = console.visit(request, form)
        try:
            made, name = _made(text_of(form, "credential")), text_of(form, "name")
            with controller.db.work() as work:
                controller.passkeys.finish(work, visit.signed, name, made)
        except ControllerError as error:
            return _show(console, request, visit, _said(error))
        return see_other(f"{PASSKEYS}?done=added")

    @routes.post(PASSKEYS + "/{passkey_id}")
    def change(request: Request, passkey_id: str, form: Form) -> Response:
        visit, act = console.visit(request, form), text_of(form, "act")
        try:
            with controller.db.work() as work:
                if act == "rename":
                    controller.passkeys.rename(work, visit.person, passkey_id, text_of(form, "name"))
                else:
                    controller.passkeys.remove(work, visit.person, passkey_id, lost=act == "lost")
        except Invalid as error:
            return _show(console, request, visit, _said(error))
        return see_other(f"{PASSKEYS}?done={'renamed' if act == 'rename' else 'removed'}")

    return routes


def _show(console: Console, request: Request, visit: Visit, errors: Errors, done: str = "") -> Response:
    passkeys = console.controller.passkeys
    with console.controller.db.look() as session:
        mine = passkeys.of(session, visit.person)
    context = {
        "errors": errors,
        "done": done,
        "keys": mine,
        "fingerprint": fingerprint,
        "origin": passkeys.party.origins[0] if passkeys.party else "",
        "device": device(request.headers.get("user-agent", "")),
    }
    return console.show("passkeys.html", visit, context, here="me", status=422 if errors else 200)


def _made(text: str) -> Mapping[str, Any]:
    try:
        made = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid("bad_passkey", "the browser sent no passkey") from error
    if not isinstance(made, dict):
        raise Invalid("bad_passkey", "the browser sent no passkey")
    return made


def _said(error: ControllerError) -> Errors:
    if error.code not in SAID and error.status != Invalid.status:
        raise error
    return {"name": SAID.get(error.code) or say(error.code, error.facts)}
