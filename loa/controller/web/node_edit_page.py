"""A node's name, place, SIM and daily self-test, on one form."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.access import Act, granted
from loa.controller.core.areas import fits_below
from loa.controller.core.nodes import Node
from loa.controller.core.tree import AreaKind
from loa.controller.errors import ControllerError, NotFound
from loa.controller.store.database import Work
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.localtime import decimal
from loa.controller.web.node_facts import node_id
from loa.controller.web.node_pages import HERE, managed
from loa.controller.web.node_words import refusal
from loa.controller.web.render import see_other
from loa.controller.web.times import read_time
from loa.controller.web.words import _
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.policy import WallTime

LONGEST_NAME = 200
LAST_DAY = 31
_MEGA = 1_000_000
_MOST_MB = 10_000_000


@dataclass(frozen=True, slots=True)
class EditForm:
    """The form as it stands on the page."""

    name: str
    parent: str
    self_test_at: str
    budget_mb: str
    billing_day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What was read from it."""

    name: str
    parent: AreaId
    self_test_at: WallTime | None
    settings: dict[str, object]


def router(console: Console, bodies: Bodies) -> APIRouter:
    """The form."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    page = EditPage(console)

    @routes.get("/nodes/{node}/edit")
    def show(request: Request, node: str) -> Response:
        visit = console.visit(request)
        kept = managed(console, visit, node_id(node)).node
        return page.show(visit, kept, form_of(kept), {})

    @routes.post("/nodes/{node}/edit")
    def change(request: Request, node: str, form: Form) -> Response:
        return page.change(console.visit(request, form), node_id(node), form)

    return routes


class EditPage:
    """Shows the form and does what it asks for."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._nodes = console.controller.nodes

    def show(self, visit: Visit, node: Node, form: EditForm, errors: Errors) -> Response:
        """The form with its mistakes."""
        context: dict[str, Any] = {
            "id": node.id,
            "name": node.name,
            "form": form,
            "places": homes(visit),
            "errors": errors,
            "flow": True,
        }
        status = 422 if errors else 200
        return self._console.show("node_edit.html", visit, context, here=HERE, status=status)

    def change(self, visit: Visit, node: NodeId, sent: FormData) -> Response:
        """All of it in one transaction, or none."""
        kept = managed(self._console, visit, node).node
        form = EditForm(*(text_of(sent, name) for name in EditForm.__dataclass_fields__))
        errors: Errors = {}
        edited = read_edit(form, {place for place, _name in homes(visit)}, errors)
        if edited is None:
            return self.show(visit, kept, form, errors)
        try:
            with self._console.controller.db.work() as work:
                self._apply(work, visit, kept, edited)
        except NotFound:
            raise
        except ControllerError as error:
            return self.show(visit, kept, form, {"name": refusal(error)})
        return see_other(f"/nodes/{node}?told=changed")

    def _apply(self, work: Work, visit: Visit, kept: Node, edited: Edited) -> None:
        who = visit.person
        if edited.name != kept.name:
            self._nodes.rename(work, who, kept.id, edited.name)
        if edited.settings != _settings_of(kept):
            self._nodes.change_settings(work, who, kept.id, edited.settings)
        if edited.self_test_at != kept.self_test_at:
            self._nodes.schedule_self_test(work, who, kept.id, edited.self_test_at)
        if edited.parent != kept.parent_id:
            self._nodes.move(work, who, kept.id, edited.parent)


def homes(visit: Visit) -> list[tuple[AreaId, str]]:
    """The areas in which the person may put nodes, each below the one that it lies in."""
    tree, roots = visit.places.tree, granted(visit.person, Act.MANAGE_NODES)
    return [
        (area, name)
        for area, name in visit.places.options()
        if fits_below(AreaKind.NODE, tree.place(area).kind)
        and any(root in tree and tree.is_within(area, root) for root in roots)
    ]


def form_of(node: Node) -> EditForm:
    """The form that asks for what is so already."""
    budget = node.settings.month_budget_bytes
    return EditForm(
        name=node.name,
        parent=node.parent_id,
        self_test_at=node.self_test_at or "",
        budget_mb="" if budget is None else decimal(budget / _MEGA),
        billing_day=str(node.settings.billing_day),
    )


def read_edit(form: EditForm, places: set[AreaId], errors: Errors) -> Edited | None:
    """What the form asks for; None with the mistakes by their fields."""
    at = read_time(form.self_test_at) if form.self_test_at else None
    budget = _budget(form.budget_mb) if form.budget_mb else None
    day = int(form.billing_day) if form.billing_day.isascii() and form.billing_day.isdigit() else 0
    if not 0 < len(form.name) <= LONGEST_NAME:
        errors["name"] = _("Ghi tên cụm loa, tối đa 200 chữ")
    if AreaId(form.parent) not in places:
        errors["parent"] = _("Chọn nơi đặt cụm loa")
    if form.self_test_at and at is None:
        errors["self_test_at"] = _("Ghi giờ như 17:30, hoặc để trống")
    if form.budget_mb and budget is None:
        errors["budget_mb"] = _("Ghi số MB của gói cước, ví dụ 300, hoặc để trống")
    if not 1 <= day <= LAST_DAY:
        errors["billing_day"] = _("Ghi ngày từ 1 đến 31")
    if errors:
        return None
    return Edited(
        name=form.name,
        parent=AreaId(form.parent),
        self_test_at=at,
        settings={"billing_day": day, "month_budget_bytes": budget},
    )


def _budget(typed: str) -> int | None:
    try:
        megabytes = float(typed.replace(",", "."))
    except ValueError:
        return None
    return round(megabytes * _MEGA) if 0 < megabytes <= _MOST_MB else None


def _settings_of(node: Node) -> dict[str, object]:
    return {
        "billing_day": node.settings.billing_day,
        "month_budget_bytes": node.settings.month_budget_bytes,
    }
