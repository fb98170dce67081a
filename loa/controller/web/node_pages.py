"""One node: how it is, and what a person may do about it."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.errors import ControllerError, Forbidden
from loa.controller.store.database import Work
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.log_page import EVENTS_URL
from loa.controller.web.node_facts import Facts, gather, node_id
from loa.controller.web.node_view import view
from loa.controller.web.node_volume import cap_lines, steps
from loa.controller.web.node_words import refusal
from loa.controller.web.places import keep_together
from loa.controller.web.render import see_other
from loa.controller.web.words import lazy
from loa.protocol.ids import NodeId

HERE = "nodes"
QUIETEST_DB = -40.0
TOLD: Mapping[str, str] = {
    "volume": lazy("Đã đặt âm lượng. Loa nhận khi có kết nối."),
    "kept": lazy("Đã ghi: đúng máy của mình."),
    "released": lazy("Đã cho phát lại. Loa phát tiếp khi nhận được lệnh."),
    "changed": lazy("Đã sửa."),
    "retired": lazy("Cụm loa đã nghỉ hẳn."),
}
_GESTURES = frozenset({"hold", "twice"})


def router(console: Console, bodies: Bodies) -> APIRouter:
    """The page of a node, its volume, what ends it, and its buttons."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    page = NodePage(console)

    @routes.get("/nodes/{node}")
    def show(request: Request, node: str) -> Response:
        return page.show(console.visit(request), node_id(node), told=request.query_params.get("told", ""))

    @routes.post("/nodes/{node}/self-test")
    def self_test(request: Request, node: str, form: Form) -> Response:
        return page.ask_self_test(console.visit(request, form), node_id(node))

    @routes.post("/nodes/{node}/release")
    def release(request: Request, node: str, form: Form) -> Response:
        return page.release(console.visit(request, form), node_id(node))

    @routes.post("/nodes/{node}/identity/keep")
    def keep(request: Request, node: str, form: Form) -> Response:
        return page.keep(console.visit(request, form), node_id(node))

    @routes.get("/nodes/{node}/volume")
    def volume(request: Request, node: str) -> Response:
        return page.volume(console.visit(request), node_id(node))

    @routes.post("/nodes/{node}/volume")
    def set_volume(request: Request, node: str, form: Form) -> Response:
        return page.set_volume(console.visit(request, form), node_id(node), text_of(form, "volume"))

    @routes.get("/nodes/{node}/retire")
    def ask_retire(request: Request, node: str) -> Response:
        return page.ask_retire(console.visit(request), node_id(node))

    @routes.post("/nodes/{node}/retire")
    def retire(request: Request, node: str, form: Form) -> Response:
        visit, gesture = console.visit(request, form), text_of(form, "gesture")
        if gesture in _GESTURES:
            return page.retire(visit, node_id(node))
        return page.ask_retire(visit, node_id(node), armed=True)

    return routes


class NodePage:
    """What the page of a node shows and does."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._nodes = console.controller.nodes

    def show(self, visit: Visit, node: NodeId, *, told: str = "", errors: Errors | None = None) -> Response:
        """The node as it is now."""
        facts = gather(self._console, visit, node)
        context = {
            "node": view(facts),
            "events_url": EVENTS_URL,
            "told": TOLD.get(told, ""),
            "errors": errors or {},
            "flow": True,
        }
        status = 422 if errors else 200
        return self._console.show("node.html", visit, context, here=HERE, status=status)

    def ask_self_test(self, visit: Visit, node: NodeId) -> Response:
        """Have it sound; the page shows what comes of it."""
        return self._do(visit, node, lambda work: self._nodes.ask_self_test(work, visit.person, node))

    def release(self, visit: Visit, node: NodeId) -> Response:
        """Let it sound again after its button was pressed."""
        return self._do(
            visit, node, lambda work: self._nodes.release(work, visit.person, node), told="released"
        )

    def keep(self, visit: Visit, node: NodeId) -> Response:
        """Believe the machine that speaks under its name."""
        return self._do(
            visit, node, lambda work: self._nodes.keep_identity(work, visit.person, node), told="kept"
        )

    def volume(self, visit: Visit, node: NodeId) -> Response:
        """How loud it is, and what the policy says beside it."""
        facts = self._managed(visit, node)
        context = self._base(facts) | {
            "steps": steps(facts.node.settings.volume_db),
            "caps": cap_lines(facts.policy, facts.now),
        }
        return self._console.show("node_volume.html", visit, context, here=HERE)

    def set_volume(self, visit: Visit, node: NodeId, typed: str) -> Response:
        """Give it another volume; whatever is no volume changes nothing."""
        volume_db = read_volume(typed)
        if volume_db is None:
            return see_other(f"/nodes/{node}/volume")
        changed: dict[str, object] = {"volume_db": volume_db}
        return self._do(
            visit,
            node,
            lambda work: self._nodes.change_settings(work, visit.person, node, changed),
            told="volume",
        )

    def ask_retire(self, visit: Visit, node: NodeId, *, armed: bool = False) -> Response:
        """What will happen if it is taken out of service, and the gesture for it."""
        facts = self._managed(visit, node)
        context = self._base(facts) | {"armed": armed, "next": facts.next is not None}
        return self._console.show("node_retire.html", visit, context, here=HERE)

    def retire(self, visit: Visit, node: NodeId) -> Response:
        """Take it out of service for good."""
        return self._do(
            visit, node, lambda work: self._nodes.retire(work, visit.person, node), told="retired"
        )

    def _do(self, visit: Visit, node: NodeId, act: Callable[[Work], object], *, told: str = "") -> Response:
        """Do it and show the page again; a refusal is told on it."""
        try:
            with self._console.controller.db.work() as work:
                act(work)
        except ControllerError as error:
            return self.show(visit, node, errors={"act": refusal(error)})
        return see_other(f"/nodes/{node}?told={told}" if told else f"/nodes/{node}")

    def _managed(self, visit: Visit, node: NodeId) -> Facts:
        return managed(self._console, visit, node)

    @staticmethod
    def _base(facts: Facts) -> dict[str, Any]:
        return {"id": facts.node.id, "name": keep_together(facts.node.name), "flow": True}


def managed(console: Console, visit: Visit, node: NodeId) -> Facts:
    """The node, if the person keeps it; raises `NotFound`, and `Forbidden` where they may only look."""
    facts = gather(console, visit, node)
    if not facts.rights.manages:
        raise Forbidden("not_permitted", "only who keeps nodes there may change one")
    return facts


def read_volume(typed: str) -> float | None:
    """Decibels from 0 down; None for what is no volume."""
    try:
        volume_db = float(typed)
    except ValueError:
        return None
    return volume_db if QUIETEST_DB <= volume_db <= 0 else None
