"""The choice of the language, kept in a cookie of this browser."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.gate import check_origin
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.console import HOME, Console, page_route
from loa.controller.web.render import see_other
from loa.controller.web.words import COOKIE, VIETNAMESE

YEAR_S = 31_536_000
CODES = {VIETNAMESE.code, "en"}


def router(console: Console, bodies: Bodies) -> APIRouter:
    """One small form, on the frame of every page and at the door."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type

    @routes.post("/language")
    def choose(request: Request, form: Form) -> Response:
        check_origin(request)
        response = see_other(_back(request))
        asked = text_of(form, "lang")
        response.set_cookie(
            COOKIE,
            asked if asked in CODES else VIETNAMESE.code,
            max_age=YEAR_S,
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )
        return response

    return routes


def _back(request: Request) -> str:
    """The page from which the form came, if it is one of this site; else the home page."""
    came = urlsplit(request.headers.get("referer", ""))
    inside = came.netloc == request.headers.get("host") and not came.path.startswith(("//", "/\\"))
    if not inside or not came.path:
        return HOME
    return f"{came.path}?{came.query}" if came.query else came.path
