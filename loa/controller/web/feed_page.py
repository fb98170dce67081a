"""The schedule in the calendar of a telephone: making the secret address, and what it opens."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.errors import ControllerError, NotFound
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.localtime import weekday_time
from loa.controller.web.places import capital
from loa.controller.web.render import HEADERS
from loa.controller.web.schedule_words import describe
from loa.protocol.ids import AreaId

FRESH_FOR = timedelta(minutes=15)
_TEXT = "text/calendar; charset=utf-8"


def router(console: Console, bodies: Bodies) -> APIRouter:
    """The page of a feed, and the feed itself, which needs no signing in but its secret."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    page = FeedPage(console)

    @routes.get("/schedule/feed")
    def ask(request: Request, area: str = "") -> Response:
        visit = console.visit(request)
        return page.show(visit, page.area(visit, area))

    @routes.post("/schedule/feed")
    def act(request: Request, form: Form) -> Response:
        visit = console.visit(request, form)
        area = page.area(visit, text_of(form, "area"))
        if text_of(form, "act") == "revoke":
            return page.revoke(visit, area)
        return page.renew(visit, area)

    plain = APIRouter(include_in_schema=False)

    @plain.get("/calendar/{secret}.ics")
    def feed(request: Request, secret: str) -> Response:
        return read(console, request, secret)

    routes.include_router(plain)
    return routes


def read(console: Console, request: Request, secret: str) -> Response:
    """The calendar; 404 for a secret that opens nothing, and nothing else is told."""
    try:
        with console.controller.db.look() as session:
            found = console.controller.feeds.read(session, secret, describe)
    except ControllerError as error:
        status = NotFound.status if isinstance(error, NotFound) else error.status
        return Response(status_code=status, headers=HEADERS)
    headers = HEADERS | {
        "etag": found.etag,
        "cache-control": f"private, max-age={FRESH_FOR // timedelta(seconds=1)}",
        "content-disposition": 'inline; filename="loa.ics"',
    }
    if request.headers.get("if-none-match") == found.etag:
        return Response(status_code=304, headers=headers)
    return Response(found.text, media_type=_TEXT, headers=headers)


class FeedPage:
    """What the page shows and does."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def area(self, visit: Visit, wanted: str) -> AreaId:
        """The area asked for, if the person may know of it; else raises `NotFound`."""
        area = AreaId(wanted or next(iter(visit.places.roots), ""))
        if area not in visit.places:
            raise NotFound("no_such_area", f"there is no area {area!r}", area=area)
        return area

    def show(self, visit: Visit, area: AreaId, *, secret: str = "") -> Response:
        """The page; with the address itself only right after it was made."""
        with self._console.controller.db.look() as session:
            made_at = self._console.controller.feeds.made_at(session, visit.person, area)
        base = self._console.controller.reach.address.base_url.rstrip("/")
        address = f"{base}/calendar/{secret}.ics" if secret else ""
        context: dict[str, Any] = {
            "area": area,
            "place": capital(visit.places.title(area)),
            "made_word": weekday_time(made_at, visit.places.tree.tz_of(area)) if made_at else "",
            "address": address,
            "subscribe": "webcal:" + address.partition(":")[2] if address else "",
            "flow": True,
        }
        return self._console.show("schedule_feed.html", visit, context, here="schedule")

    def renew(self, visit: Visit, area: AreaId) -> Response:
        """A new address, shown this once; the one from before is dead."""
        with self._console.controller.db.work() as work:
            secret = self._console.controller.feeds.renew(work, visit.person, area)
        return self.show(visit, area, secret=secret)

    def revoke(self, visit: Visit, area: AreaId) -> Response:
        """No address any more."""
        with self._console.controller.db.work() as work:
            self._console.controller.feeds.revoke(work, visit.person, area)
        return self.show(visit, area)
