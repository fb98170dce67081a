"""STOP: the question, the order, and what it achieved. The order works without the database."""

from collections import Counter
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.access import Act, granted
from loa.controller.errors import ControllerError, NotFound, Unauthenticated, Unavailable
from loa.controller.gate import check_csrf, check_origin
from loa.controller.services.sessions import SignedIn
from loa.controller.web import phrases, stop_after, stop_view
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.catalogue import say
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.render import see_other
from loa.controller.web.stop_view import Sounding
from loa.protocol.ids import AreaId, BroadcastId, NodeId, broadcast_of, start_of
from loa.protocol.when import DEFAULT_TZ


def router(console: Console, bodies: Bodies) -> APIRouter:
    """The question, the order, the result."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    page = StopPage(console)

    @routes.get("/stop")
    def ask(request: Request) -> Response:
        template = "_stop.html" if "hx-request" in request.headers else "stop.html"
        return page.ask(request, template, chosen=FormData(dict(request.query_params)))

    @routes.post("/stop")
    def stop(request: Request, form: Form) -> Response:
        if text_of(form, "gesture") == "arm":
            return page.ask(request, "stop.html", armed=True, chosen=form)
        return page.stop(request, form)

    @routes.post("/stop/{area}/{silence}/release")
    def release(request: Request, form: Form, area: str, silence: str) -> Response:
        visit = console.visit(request, form)
        with console.controller.db.work() as work:
            console.controller.nodes.release(work, visit.person, NodeId(text_of(form, "node")))
        return see_other(f"/stop/{quote(area, safe='')}/{quote(silence, safe='')}")

    @routes.get("/stop/{area}/{silence}")
    def achieved(request: Request, area: str, silence: str) -> Response:
        return page.achieved(console.visit(request), AreaId(area), silence)

    return routes


class StopPage:
    """What STOP shows and does."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._controller = console.controller

    def ask(
        self,
        request: Request,
        template: str,
        *,
        armed: bool = False,
        chosen: FormData | None = None,
        problem: str = "",
    ) -> Response:
        """The form; where the database is down, a bare one that names areas by their ids."""
        errors = {"stop": problem} if problem else {}
        context: dict[str, Any] = {"armed": armed, "errors": errors, "heading": "h2"}
        try:
            visit = self._console.visit(request)
        except Unavailable:
            return self._ask_bare(request, context, chosen)
        context["stop"] = self._stop(visit, chosen)
        status = 422 if problem else 200
        return self._console.show(template, visit, context, here="stop", status=status)

    def stop(self, request: Request, form: FormData) -> Response:
        """Give the order. Everything else waits: what is sounding is looked up only to know how long."""
        signed = self._signed_in(request)
        check_origin(request)
        check_csrf(signed, text_of(form, "csrf"))
        area = AreaId(text_of(form, "area"))
        try:
            lasting = self._lasting(request, text_of(form, "until"))
            made = self._controller.silences.silence(signed.person, area, lasting)
        except (Unauthenticated, NotFound):
            raise
        except ControllerError as error:
            return self.ask(request, "stop.html", chosen=form, problem=say(error.code, error.facts))
        return see_other(f"/stop/{area}/{made.silence.id}")

    def achieved(self, visit: Visit, area: AreaId, silence_id: str) -> Response:
        """Who is silent by now."""
        silences = self._controller.silences.of(visit.person, area)
        silence = next((one for one in silences if one.id == silence_id), None)
        if silence is None:
            raise NotFound("no_such_silence", "there is no such silence, or it is older than 30 days")
        with self._controller.db.look() as session:
            day = self._controller.days.today(session, visit.person)
        after = stop_after.after(day, visit.places, visit.person, area)
        shown = stop_view.result(
            visit.places,
            area,
            issued_at=silence.issued_at,
            until_at=silence.until_at,
            stopped_at=self._console.stopped_at(visit, area, silence),
            now=self._controller.clock.now(),
            told=after.told,
        )
        heading = phrases.STOPPED_DONE if shown.is_done else phrases.STOPPED_ORDERED
        context = {
            "result": shown,
            "after": after,
            "heading": heading,
            "here_url": f"/stop/{area}/{silence_id}",
        }
        return self._console.show("stopped.html", visit, context, here="stop")

    def _signed_in(self, request: Request) -> SignedIn:
        try:
            return self._controller.gate.signed_in(request)
        except Unavailable:
            return self._controller.rights.whose(self._controller.gate.session_cookie(request))

    def _lasting(self, request: Request, choice: str) -> timedelta:
        now = self._controller.clock.now()
        if choice in stop_view.CHOICES:
            return stop_view.CHOICES[choice]
        try:
            visit = self._console.visit(request)
        except Unavailable:
            return stop_view.lasting(choice, (), now, DEFAULT_TZ)
        tz = visit.places.tree.tz_of(visit.places.roots[0]) if visit.places.roots else DEFAULT_TZ
        return stop_view.lasting(choice, self._sounding(visit), now, tz)

    def _stop(self, visit: Visit, chosen: FormData | None) -> dict[str, Any]:
        sounding = self._sounding(visit)
        options = list(visit.places.options())
        area = text_of(chosen, "area") if chosen else ""
        is_known = AreaId(area) in visit.places
        home = area if is_known else (visit.places.roots[0] if visit.places.roots else "")
        return {
            "place": visit.places.title(AreaId(home)),
            "sentence": stop_view.sentence(sounding),
            "areas": options,
            "area": home,
            "untils": stop_view.untils(sounding),
            "until": text_of(chosen, "until") if chosen else "",
        }

    def _ask_bare(self, request: Request, context: dict[str, Any], chosen: FormData | None) -> Response:
        signed = self._signed_in(request)
        areas = sorted(granted(signed.person, Act.STOP))
        context["stop"] = {
            "place": phrases.STOP_YOUR_AREA,
            "sentence": phrases.STOP_NO_DATABASE,
            "areas": [(area, area) for area in areas],
            "area": text_of(chosen, "area") if chosen else (areas[0] if areas else ""),
            "untils": stop_view.untils(()),
            "until": text_of(chosen, "until") if chosen else "",
        }
        frame = {"viewer": {"csrf": signed.csrf or ""}}
        return self._console.renderer.page("stop_outside.html", context | frame)

    def _sounding(self, visit: Visit) -> list[Sounding]:
        """What the nodes say that they sound, by item."""
        said = [visit.places.heard[node].sounding for node in visit.places.sounding]
        counts = Counter(occurrence for occurrence in said if occurrence)
        found = []
        with self._controller.db.look() as session:
            for occurrence, nodes in counts.items():
                try:
                    broadcast = self._controller.broadcasts.get(
                        session, visit.person, BroadcastId(broadcast_of(occurrence))
                    ).broadcast
                except NotFound:
                    continue
                ends_at = start_of(occurrence) + timedelta(milliseconds=broadcast.source.duration_ms)
                found.append(Sounding(broadcast.title, nodes, ends_at))
        return found
