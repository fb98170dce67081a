"""The console: pages on the same services that answer the API."""

from collections.abc import Iterable, Iterator

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from loa.controller.composition import Controller
from loa.controller.web import (
    admin_page,
    alarm_page,
    approvals_page,
    bulletin_acts,
    bulletin_pages,
    emergency_live,
    enrol_pages,
    evidence_page,
    feed_page,
    help_page,
    home_page,
    inbox_page,
    language_page,
    log_file_page,
    log_page,
    me_page,
    move_page,
    node_edit_page,
    node_pages,
    nodes_page,
    recovery_page,
    release_pages,
    report_page,
    schedule_page,
    second_factor_page,
    setup_page,
    sign_in,
    stop_page,
    what_page,
    when_page,
    where_page,
)
from loa.controller.web.assets import serve, survey
from loa.controller.web.bodies import Bodies
from loa.controller.web.compressing import CompressedPages
from loa.controller.web.console import Console
from loa.controller.web.render import Renderer
from loa.controller.web.words import Speaking, read_english


def mount(app: FastAPI, controller: Controller, *, upload_bytes: int) -> None:
    """Add the pages and their static files to the application; `upload_bytes` is the limit of a sound."""
    assets = survey()
    serve(app, assets)
    console = Console(controller=controller, renderer=Renderer(assets))
    app.add_middleware(Speaking, english=read_english())
    app.add_middleware(CompressedPages)
    app.include_router(router(console, Bodies(upload_bytes=upload_bytes)))


def router(console: Console, bodies: Bodies) -> APIRouter:
    """All pages."""
    pages = APIRouter()
    # In this order: `/bulletins/new` is a page of its own, not a bulletin, nor is `/nodes/new` a node.
    ordered = (
        sign_in,
        language_page,
        setup_page,
        me_page,
        second_factor_page,
        recovery_page,
        admin_page,
        home_page,
        help_page,
        stop_page,
        enrol_pages,
        release_pages,
        node_edit_page,
        node_pages,
        log_page,
        nodes_page,
        approvals_page,
        inbox_page,
        feed_page,
        move_page,
        schedule_page,
        alarm_page,
        emergency_live,
        # before the evidence: `/log/filters/…` and `/log/export/…` are no lines
        log_file_page,
        evidence_page,
        report_page,
        what_page,
        where_page,
        when_page,
        bulletin_pages,
        bulletin_acts,
    )
    served: set[str] = set()
    for module in ordered:
        routes = module.router(console, bodies)
        served |= set(_opened(routes.routes))
        pages.include_router(routes)
    console.served = served
    return pages


def _opened(routes: Iterable[object]) -> Iterator[str]:
    """The addresses that answer to GET, those of routers within others as well."""
    for one in routes:
        if isinstance(one, APIRoute):
            yield from [one.path] if "GET" in (one.methods or ()) else []
        else:
            inner = getattr(one, "original_router", None)
            yield from _opened(inner.routes if isinstance(inner, APIRouter) else ())
