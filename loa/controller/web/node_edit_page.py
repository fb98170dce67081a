"""A node's name, place, SIM and daily self-test, on one form."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.access import Act, granted
from loa.controller.core.areas import fits_below
from loa.controller.core.coordinates import write_position
from loa.controller.core.nodes import Node
from loa.controller.core.tree import AreaKind
from loa.controller.core.whereabouts import Whereabouts
from loa.controller.errors import ControllerError, NotFound
from loa.controller.store.database import Work
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.localtime import decimal
from loa.controller.web.node_facts import node_id
from loa.controller.web.node_pages import HERE, managed
from loa.controller.web.node_position import POSITION_HEADERS, place_view, read_place
from loa.controller.web.node_words import refusal
from loa.controller.web.render import see_other
from loa.controller.web.times import read_time
from loa.controller.web.where_view import say_before
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
    position: str = ""
    description: str = ""
    place_revision: str = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What was read from it."""

    name: str
    parent: AreaId
    self_test_at: WallTime | None
    settings: dict[str, object]
    place: dict[str, object]
    """Facts of where it is."""
    place_revision: int


def router(console: Console, bodies: Bodies) -> APIRouter:
    """The form."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    page = EditPage(console)

    @routes.get("/nodes/{node}/edit")
    def show(request: Request, node: str) -> Response:
        visit = console.visit(request)
        kept = managed(console, visit, node_id(node)).node
        return page.show(visit, kept, None, {})

    @routes.post("/nodes/{node}/edit")
    def change(request: Request, node: str, form: Form) -> Response:
        return page.change(console.visit(request, form), node_id(node), form)

    @routes.post("/nodes/{node}/edit/map")
    def look(request: Request, node: str, form: Form) -> Response:
        visit = console.visit(request, form)
        kept = managed(console, visit, node_id(node)).node
        return page.look(visit, kept, form_sent(form))

    return routes


class EditPage:
    """Shows the form and does what it asks for."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._nodes = console.controller.nodes
        self._where = console.controller.whereabouts

    def show(self, visit: Visit, node: Node, typed: EditForm | None, errors: Errors) -> Response:
        """The form with its mistakes, and the map with the place that it names."""
        controller, area = self._console.controller, AreaId(node.id)
        with controller.db.look() as session:
            known = controller.whereabouts.get(session, visit.person, area)
            before = controller.whereabouts.before(session, visit.person, area)
            form = typed or form_of(node, known)
            place = place_view(self._console, session, visit, _home(visit, node, form), form.position)
        context: dict[str, Any] = {
            "id": node.id,
            "name": node.name,
            "form": form,
            "places": homes(visit),
            "place": place,
            "before": say_before(known, before),
            "revision": known.revision,
            "errors": errors,
            "flow": True,
        }
        status = 422 if errors else 200
        page = self._console.show("node_edit.html", visit, context, here=HERE, status=status)
        page.headers.update(POSITION_HEADERS)
        return page

    def look(self, visit: Visit, node: Node, form: EditForm) -> Response:
        """The map alone, with the place that the form names now."""
        with self._console.controller.db.look() as session:
            home = _home(visit, node, form)
            place = place_view(self._console, session, visit, home, form.position)
        return self._console.show("_node_place.html", visit, {"place": place})

    def change(self, visit: Visit, node: NodeId, sent: FormData) -> Response:
        """All of it in one transaction, or none."""
        kept, form, act = managed(self._console, visit, node).node, form_sent(sent), text_of(sent, "act")
        if act == "look":
            return self.show(visit, kept, form, {})
        errors: Errors = {}
        edited = read_edit(form, {place for place, _name in homes(visit)}, errors)
        if edited is None and act != "undo":
            return self.show(visit, kept, form, errors)
        try:
            with self._console.controller.db.work() as work:
                if edited is None or act == "undo":
                    self._where.undo(work, visit.person, AreaId(node), read_revision(form))
                else:
                    self._apply(work, visit, kept, edited)
        except NotFound:
            raise
        except ControllerError as error:
            wrong = "position" if error.code in {"stale", "nothing_to_undo"} else "name"
            return self.show(visit, kept, form, {wrong: refusal(error)})
        return see_other(f"/nodes/{node}/edit" if act == "undo" else f"/nodes/{node}?told=changed")

    def _apply(self, work: Work, visit: Visit, kept: Node, edited: Edited) -> None:
        who = visit.person
        if edited.name != kept.name:
            self._nodes.rename(work, who, kept.id, edited.name)
        if edited.settings != _settings_of(kept):
            self._nodes.change_settings(work, who, kept.id, edited.settings)
        if edited.self_test_at != kept.self_test_at:
            self._nodes.schedule_self_test(work, who, kept.id, edited.self_test_at)
        self._where.change(work, who, AreaId(kept.id), edited.place, edited.place_revision)
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


def form_sent(sent: FormData) -> EditForm:
    """The form as it came."""
    return EditForm(*(text_of(sent, name) for name in EditForm.__dataclass_fields__))


def _home(visit: Visit, node: Node, form: EditForm) -> AreaId:
    """Where it is to stand by the form; where it stands if that is no place."""
    return AreaId(form.parent) if AreaId(form.parent) in visit.places else node.parent_id


def form_of(node: Node, known: Whereabouts) -> EditForm:
    """The form that asks for what is so already."""
    budget = node.settings.month_budget_bytes
    return EditForm(
        name=node.name,
        parent=node.parent_id,
        self_test_at=node.self_test_at or "",
        budget_mb="" if budget is None else decimal(budget / _MEGA),
        billing_day=str(node.settings.billing_day),
        position=write_position(known.position) if known.position else "",
        description=known.description,
        place_revision=str(known.revision),
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
    place = read_place(form.position, form.description, errors)
    if errors:
        return None
    return Edited(
        name=form.name,
        parent=AreaId(form.parent),
        self_test_at=at,
        settings={"billing_day": day, "month_budget_bytes": budget},
        place=place,
        place_revision=read_revision(form),
    )


def read_revision(form: EditForm) -> int:
    """Of where it is, as the person had it before them."""
    return int(form.place_revision) if form.place_revision.isascii() and form.place_revision.isdigit() else 0


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
