"""An area's households, whom to call there, and its outline, which is looked at before it is kept."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.access import Act
from loa.controller.core.geometry import Outline, as_geojson
from loa.controller.core.whereabouts import MOST_HOUSEHOLDS, Contact
from loa.controller.errors import ControllerError, Invalid, NotFound
from loa.controller.services.rights import permit
from loa.controller.store.database import Work
from loa.controller.web.admin_areas import AREAS, show
from loa.controller.web.bodies import Bodies, file_of, text_of
from loa.controller.web.bulletin_pages import revision_of
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.outline_words import say_wrong
from loa.controller.web.render import see_other
from loa.controller.web.where_view import WhereForm, drawing_around, size_of_outline, where_of
from loa.controller.web.words import _
from loa.protocol.ids import AreaId

MOST_BYTES = 16_000_000
"""Of a file: all villages of a province at a fair scale."""
LONGEST_NAME, LONGEST_PHONE, LONGEST_TEXT = 200, 32, 500
_PHONE = frozenset("0123456789+() .-")
_REFUSED = {"no_such_area", "not_permitted"}


@dataclass(frozen=True, slots=True)
class Looked:
    """An outline that was given and is not kept yet; as GeoJSON it goes with the form."""

    outline: Outline
    geojson: str


def router(console: Console, bodies: Bodies) -> APIRouter:
    """`/admin/areas/{area}/where` and `/admin/areas/{area}/outline`."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    page = WherePage(console)

    @routes.post(AREAS + "/{area}/where")
    def change(request: Request, area: AreaId, form: Form) -> Response:
        return page.change(console.visit(request, form), area, form)

    @routes.get(AREAS + "/{area}/outline")
    def outline(request: Request, area: AreaId) -> Response:
        return page.show(console.visit(request), area)

    @routes.post(AREAS + "/{area}/outline")
    def set_outline(request: Request, area: AreaId, form: Form) -> Response:
        return page.set_outline(console.visit(request, form), area, form)

    return routes


class WherePage:
    """Asks for the facts of a place, and does what the forms say."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._keeper = console.controller.whereabouts

    def change(self, visit: Visit, area: AreaId, form: FormData) -> Response:
        """Households, contact and description; or what was before."""
        revision = revision_of(form)
        if text_of(form, "act") == "undo":
            return self._keep(
                visit, area, lambda work: self._keeper.undo(work, visit.person, area, revision), told="undone"
            )
        typed = WhereForm(*(text_of(form, name) for name in WhereForm.__dataclass_fields__))
        errors: Errors = {}
        facts = read_facts(typed, errors)
        if errors:
            return show(self._console, visit, area, errors, typed=typed)
        return self._keep(
            visit,
            area,
            lambda work: self._keeper.change(work, visit.person, area, facts, revision),
            typed=typed,
        )

    def show(
        self,
        visit: Visit,
        area: AreaId,
        errors: Errors | None = None,
        looked: Looked | None = None,
        typed: str = "",
    ) -> Response:
        """The outline as it is, or as it would be."""
        with self._console.controller.db.look() as session:
            permit(session, visit.person, Act.MANAGE_AREAS, area)
            where = where_of(self._console, session, visit, area)
            if where is None:
                raise NotFound("no_such_page", "a group of loudspeakers has no outline")
            if looked is not None:
                drawing = drawing_around(self._console, session, visit, area, looked.outline)
            else:
                drawing = where.drawing
        context = {
            "errors": errors or {},
            "area": visit.places.tree.place(area),
            "where": where,
            "looked": looked,
            "drawing": drawing,
            "size": size_of_outline(looked.outline) if looked else where.size,
            "typed": typed,
        }
        status = 422 if errors else 200
        return self._console.show("admin_outline.html", visit, context, here="admin", status=status)

    def set_outline(self, visit: Visit, area: AreaId, form: FormData) -> Response:
        """Look at what was given, keep what was looked at, or do without an outline."""
        act, revision = text_of(form, "act"), revision_of(form)
        if act == "remove":
            return self._set(visit, area, None, revision)
        try:
            document = _parsed(text_of(form, "outline")) if act == "keep" else _given(form)
            with self._console.controller.db.look() as session:
                permit(session, visit.person, Act.MANAGE_AREAS, area)
                outline = self._keeper.outline_for(session, visit.person, area, document)
        except ControllerError as error:
            if error.code in _REFUSED:
                raise
            return self.show(visit, area, {"file": say_wrong(error)}, typed=text_of(form, "geojson"))
        if act == "keep":
            return self._set(visit, area, outline, revision)
        geojson = json.dumps(as_geojson(outline), separators=(",", ":"))
        return self.show(visit, area, looked=Looked(outline, geojson))

    def _set(self, visit: Visit, area: AreaId, outline: Outline | None, revision: int) -> Response:
        facts: dict[str, object] = {"outline": outline}
        return self._keep(
            visit,
            area,
            lambda work: self._keeper.change(work, visit.person, area, facts, revision),
            told="outlined" if outline else "unlined",
        )

    def _keep(
        self,
        visit: Visit,
        area: AreaId,
        act: Callable[[Work], object],
        *,
        told: str = "located",
        typed: WhereForm | None = None,
    ) -> Response:
        """Do it and show the area; a refusal is told on its page."""
        try:
            with self._console.controller.db.work() as work:
                act(work)
        except ControllerError as error:
            if error.code in _REFUSED:
                raise
            return show(self._console, visit, area, {"households": say_wrong(error)}, typed=typed)
        return see_other(f"{AREAS}/{area}?done={told}")


def read_facts(typed: WhereForm, errors: Errors) -> dict[str, Any]:
    """What the form asks for, or the mistakes by their fields."""
    count = typed.households.replace(".", "").replace(" ", "")
    if count and not (count.isascii() and count.isdigit() and int(count) <= MOST_HOUSEHOLDS):
        errors["households"] = _("Ghi số hộ bằng chữ số, ví dụ 268, hoặc để trống")
    if len(typed.contact_name) > LONGEST_NAME or (typed.contact_phone and not typed.contact_name):
        errors["contact_name"] = _("Ghi tên người lo loa ở đây, tối đa 200 chữ")
    if not set(typed.contact_phone) <= _PHONE or len(typed.contact_phone) > LONGEST_PHONE:
        errors["contact_phone"] = _("Ghi số điện thoại bằng chữ số, ví dụ 0912 345 678")
    if len(typed.description) > LONGEST_TEXT:
        errors["description"] = _("Viết ngắn lại, tối đa 500 chữ")
    if errors:
        return {}
    return {
        "households": int(count) if count else None,
        "contact": Contact(typed.contact_name, typed.contact_phone) if typed.contact_name else None,
        "description": typed.description,
    }


def _given(form: FormData) -> object:
    file, text = file_of(form, "file"), text_of(form, "geojson")
    if file is None:
        if not text:
            raise Invalid("nothing_given", "choose a file or paste its content")
        return _parsed(text)
    content = file.file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Invalid("bad_outline", f"a file has at most {MOST_BYTES} bytes", problem="too_fine")
    return _parsed(content)


def _parsed(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid("no_geojson", f"it is no JSON: {error}") from error
