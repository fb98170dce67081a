"""The house: settings that the machine gives, and backups. Only for those who keep the whole installation."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData
from starlette.responses import FileResponse

from loa.controller.errors import ControllerError
from loa.controller.services.house import permit_house
from loa.controller.web.admin_words import refusal
from loa.controller.web.bodies import Bodies
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.render import see_other
from loa.controller.web.words import lazy

BACKUPS = "/admin/backups"
SETTINGS = "/admin/settings"
GROUPS = (
    (
        lazy("Trang và địa chỉ"),
        ("LOA_HTTP", "LOA_BASE", "LOA_TRUSTED", "LOA_DATA", "LOA_LOG_F", "LOA_LOG_LEVEL"),
    ),
    (lazy("Máy chủ tin (đường tới cụm loa)"), ("LOA_BROKER", "LOA_MAILBOX")),
    (lazy("Cụm loa"), ("LOA_CODE", "LOA_RELEASE", "LOA_EMERGENCY", "LOA_MAKE_STANDING")),
    (lazy("Người và duyệt"), ("LOA_SESSION", "LOA_APPROVE")),
    (lazy("Thư"), ("LOA_SMTP", "LOA_MAIL_")),
    (
        lazy("Âm thanh"),
        ("LOA_UPLOAD", "LOA_RECORD", "LOA_SPEECH", "LOA_PIPER", "LOA_PREPARE", "LOA_REQ"),
    ),
    (lazy("Nhật ký và thời gian giữ"), ("LOA_LOG", "LOA_KEEP")),
)


def router(console: Console, bodies: Bodies) -> APIRouter:
    """`/admin/backups` and `/admin/settings`."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    _add_backups(routes, console, bodies)

    @routes.get(SETTINGS)
    def settings(request: Request) -> Response:
        visit = console.visit(request)
        controller = console.controller
        with controller.db.look() as session:
            permit_house(session, visit.person)
        groups, rest = [], list(controller.settings)
        for title, marks in GROUPS:
            inside = [one for one in rest if one.variable.startswith(marks)]
            rest = [one for one in rest if one not in inside]
            groups.append((title, inside))
        groups.append((lazy("Khác"), rest))
        context = {
            "groups": [(title, inside) for title, inside in groups if inside],
            "reasons": controller.readiness.reasons(),
        }
        return console.show("admin_settings.html", visit, context, here="admin")

    return routes


def _add_backups(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    backups, db = console.controller.backups, console.controller.db

    def show(visit: Visit, errors: Errors) -> Response:
        with db.look() as session:
            making = backups.making(session, visit.person)
            found = backups.find(session, visit.person)
        context = {
            "errors": errors,
            "share": None if making.share is None else round(making.share * 100),
            "failure": making.failure,
            "backups": found,
        }
        return console.show("admin_backups.html", visit, context, here="admin", status=422 if errors else 200)

    @routes.get(BACKUPS)
    def list_(request: Request) -> Response:
        return show(console.visit(request), {})

    @routes.post(BACKUPS)
    def make(request: Request, form: Form) -> Response:
        visit = console.visit(request, form)
        try:
            with db.work() as work:
                backups.make(work, visit.person)
        except ControllerError as error:
            if error.code != "backup_running":
                raise
            return show(visit, {"make": refusal(error)})
        return see_other(BACKUPS)

    @routes.get(BACKUPS + "/{name}")
    def download(request: Request, name: str) -> Response:
        visit = console.visit(request)
        with db.work() as work:
            path = backups.file(work, visit.person, name)
        headers = {"cache-control": "no-store"}
        return FileResponse(path, filename=name, media_type="application/x-tar", headers=headers)
