"""Enrolling a node: its name and place, a code as a picture and in words, then the word that it has come."""

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.access import Act, granted
from loa.controller.core.presence import Presence
from loa.controller.core.slugs import slug_of
from loa.controller.errors import Conflict, ControllerError, Forbidden, NotFound
from loa.controller.services.nodes import Code
from loa.controller.store.areas import exists
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.localtime import weekday_time
from loa.controller.web.log_page import EVENTS_URL
from loa.controller.web.node_edit_page import LONGEST_NAME, homes
from loa.controller.web.node_facts import Facts, node_id
from loa.controller.web.node_pages import HERE, managed
from loa.controller.web.node_words import refusal
from loa.controller.web.places import keep_together
from loa.controller.web.qr import qr_of
from loa.controller.web.render import see_other
from loa.controller.web.words import _
from loa.protocol.ids import AreaId, NodeId

MOST_CODES = 1_000
RESERVED = frozenset({"new", "releases"})
"""Addresses below `/nodes` that are no nodes."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A code, and when it was made."""

    code: Code
    at: datetime


class Codes:
    """Codes that were made here, as long as they last: the database keeps only what they hash to.

    After a restart they are forgotten, and the page offers a new one. For any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._issued: dict[NodeId, Issued] = {}

    def keep(self, code: Code, now: datetime) -> None:
        """Remember the last code of a node."""
        with self._lock:
            fresh = {node: one for node, one in self._issued.items() if now < one.code.expires_at}
            fresh.pop(code.node, None)
            kept = list(fresh.items())[-(MOST_CODES - 1) :]
            self._issued = {**dict(kept), code.node: Issued(code, now)}

    def of(self, node: NodeId, now: datetime) -> Issued | None:
        """The code that still lasts."""
        with self._lock:
            issued = self._issued.get(node)
        return issued if issued is not None and now < issued.code.expires_at else None


def router(console: Console, bodies: Bodies) -> APIRouter:
    """A new node, and the code of one that is there."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    page = EnrolPage(console, Codes())

    @routes.get("/nodes/new")
    def ask(request: Request) -> Response:
        return page.ask(console.visit(request), "", request.query_params.get("area", ""), {})

    @routes.post("/nodes/new")
    def add(request: Request, form: Form) -> Response:
        return page.add(console.visit(request, form), text_of(form, "name"), text_of(form, "parent"))

    @routes.get("/nodes/{node}/enrol")
    def code(request: Request, node: str) -> Response:
        return page.code(console.visit(request), node_id(node))

    @routes.post("/nodes/{node}/enrol")
    def new_code(request: Request, node: str, form: Form) -> Response:
        return page.new_code(console.visit(request, form), node_id(node))

    @routes.get("/nodes/{node}/refuse")
    def ask_refuse(request: Request, node: str) -> Response:
        return page.ask_refuse(console.visit(request), node_id(node))

    @routes.post("/nodes/{node}/refuse")
    def refuse(request: Request, node: str, form: Form) -> Response:
        return page.refuse(console.visit(request, form), node_id(node), text_of(form, "gesture"))

    return routes


class EnrolPage:
    """What the steps of enrolling show and do."""

    def __init__(self, console: Console, codes: Codes) -> None:
        self._console = console
        self._nodes = console.controller.nodes
        self._clock = console.controller.clock
        self._codes = codes

    def ask(self, visit: Visit, name: str, parent: str, errors: Errors) -> Response:
        """The name and the place of a node that is to be."""
        if not granted(visit.person, Act.MANAGE_NODES):
            raise Forbidden("not_permitted", "only who keeps nodes adds one")
        places = homes(visit)
        context = {"name": name, "parent": parent, "places": places, "errors": errors, "flow": True}
        return self._console.show("node_new.html", visit, context, here=HERE, status=422 if errors else 200)

    def add(self, visit: Visit, name: str, parent: str) -> Response:
        """Make the node and go on to its code."""
        errors: Errors = {}
        if not 0 < len(name) <= LONGEST_NAME:
            errors["name"] = _("Ghi tên cụm loa, tối đa 200 chữ")
        if AreaId(parent) not in {place for place, _name in homes(visit)}:
            errors["parent"] = _("Chọn nơi đặt cụm loa")
        if errors:
            return self.ask(visit, name, parent, errors)
        try:
            return self._issue(self._add(visit, name, AreaId(parent)))
        except NotFound:
            raise
        except ControllerError as error:
            return self.ask(visit, name, parent, {"name": refusal(error)})

    def code(self, visit: Visit, node: NodeId) -> Response:
        """The code, or that the node has come."""
        facts = managed(self._console, visit, node)
        issued = self._codes.of(node, facts.now)
        context: dict[str, Any] = {
            "id": node,
            "name": keep_together(facts.node.name),
            "place": facts.place,
            "events_url": EVENTS_URL,
            "stage": stage_of(facts, issued),
            "flow": True,
        }
        if issued is not None:
            url, code = self._console.controller.reach.address.base_url, issued.code.code
            until = weekday_time(issued.code.expires_at, facts.tz)
            qr = qr_of(f"loa-node enrol {url} {code}")
            context |= {"url": url, "code": code, "qr": qr, "until": until}
        return self._console.show("node_enrol.html", visit, context, here=HERE)

    def new_code(self, visit: Visit, node: NodeId) -> Response:
        """Another code; the one before ends."""
        with self._console.controller.db.work() as work:
            made = self._nodes.new_code(work, visit.person, node)
        return self._issue(made)

    def ask_refuse(self, visit: Visit, node: NodeId, *, armed: bool = False) -> Response:
        """What will happen if the machine that speaks is refused, and the gesture for it."""
        facts = managed(self._console, visit, node)
        context = {"id": node, "name": keep_together(facts.node.name), "armed": armed, "flow": True}
        return self._console.show("node_refuse.html", visit, context, here=HERE)

    def refuse(self, visit: Visit, node: NodeId, gesture: str) -> Response:
        """Cut off whatever speaks under its name, and go on to a new code."""
        if gesture not in {"hold", "twice"}:
            return self.ask_refuse(visit, node, armed=True)
        with self._console.controller.db.work() as work:
            made = self._nodes.refuse_identity(work, visit.person, node)
        return self._issue(made)

    def _add(self, visit: Visit, name: str, parent: AreaId) -> Code:
        """Under an id made from the name; two that are called alike get different ones."""
        slug = slug_of(name)
        own = [slug] if slug and slug not in RESERVED else []
        for node in (*own, f"{slug or 'cum-loa'}-{secrets.token_hex(3)}"):
            with self._console.controller.db.look() as session:
                if exists(session, node):
                    continue
            with self._console.controller.db.work() as work:
                return self._nodes.add(work, visit.person, name=name, parent=parent, node=node)
        raise Conflict("area_exists", "there is such a node already; send it again")

    def _issue(self, made: Code) -> Response:
        self._codes.keep(made, self._clock.now())
        return see_other(f"/nodes/{made.node}/enrol")


def stage_of(facts: Facts, issued: Issued | None) -> str:
    """How far it is: `lost` (no code to show), `waits`, `came` (it used the code), `here` (it speaks)."""
    node = facts.node
    has_come = node.has_key and node.enrolled_at is not None
    if issued is not None and has_come:
        has_come = node.enrolled_at is not None and node.enrolled_at >= issued.at
    if not has_come:
        return "lost" if issued is None else "waits"
    speaks = node.state_at is not None and node.enrolled_at is not None and node.state_at >= node.enrolled_at
    return "here" if speaks and node.presence == Presence.CONNECTED else "came"
