"""Areas: the tree to look at, and one area with what can be done to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.access import Act, granted
from loa.controller.core.areas import Area, fits_below
from loa.controller.core.slugs import plain
from loa.controller.core.tree import AreaKind, Tree
from loa.controller.errors import ControllerError, Invalid
from loa.controller.services.areas import AreaChange, NewArea
from loa.controller.services.rights import permit
from loa.controller.store.areas import open_children
from loa.controller.store.tree import read_tree
from loa.controller.web.admin_words import refusal
from loa.controller.web.bodies import Bodies, text_of, texts_of
from loa.controller.web.catalogue import KINDS
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.places import capital
from loa.controller.web.render import see_other
from loa.controller.web.where_view import WhereForm, where_of
from loa.controller.web.words import lazy
from loa.protocol.ids import AreaId, NodeId

AREAS = "/admin/areas"
PAGE_ROWS = 100
SHOWN = frozenset(AreaKind) - {AreaKind.NODE}
DONE = {
    "added": lazy("Đã thêm."),
    "renamed": lazy("Đã đổi tên."),
    "moved": lazy("Đã chuyển. Lịch sử ở nơi cũ còn nguyên."),
    "closed": lazy("Đã đóng. Nhật ký cũ vẫn đọc được."),
    "undone": lazy("Đã trả lại như trước."),
    "merged": lazy("Đã ghép. Muốn trả lại như trước thì bấm nút ở cuối trang."),
    "grouped": lazy("Đã lưu nhóm loa. Cụm loa nhận lịch của nhóm khi có kết nối."),
    "located": lazy("Đã lưu."),
    "outlined": lazy("Đã lưu đường ranh. Bản đồ vẽ theo đường này."),
    "unlined": lazy("Đã bỏ đường ranh."),
    "split": lazy("Đã tách. Muốn trả lại như trước thì bấm nút ở cuối trang."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """An area in the list."""

    id: AreaId
    name: str
    kind: str
    depth: int
    nodes: int
    place: str


def router(console: Console, bodies: Bodies) -> APIRouter:
    """`/admin/areas`."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    _add_pages(routes, console)
    _add_acts(routes, console, bodies)
    return routes


def _add_pages(routes: APIRouter, console: Console) -> None:
    @routes.get(AREAS)
    def areas(request: Request) -> Response:
        visit = console.visit(request)
        query, page = request.query_params.get("q", "").strip(), _number(request.query_params.get("page"))
        rows = list(rows_of(visit, query))
        start = (page - 1) * PAGE_ROWS
        context = {
            "rows": rows[start : start + PAGE_ROWS],
            "count": len(rows),
            "query": query,
            "page": page,
            "pages": max(1, -(-len(rows) // PAGE_ROWS)),
            "reshapes": reshapes_of(console, visit),
            "done": DONE.get(request.query_params.get("done", ""), ""),
        }
        return console.show("admin_areas.html", visit, context, here="admin")

    @routes.get(AREAS + "/{area}")
    def one(request: Request, area: AreaId) -> Response:
        visit = console.visit(request)
        return show(console, visit, area, {}, DONE.get(request.query_params.get("done", ""), ""))


def _add_acts(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    controller = console.controller

    def act(request: Request, form: FormData, area: AreaId) -> Response:
        visit = console.visit(request, form)
        what = text_of(form, "act")
        try:
            with controller.db.work() as work:
                match what:
                    case "add":
                        kind = AreaKind(text_of(form, "kind"))
                        new = NewArea(name=text_of(form, "new_name"), kind=kind, parent_id=area)
                        _check_name(new.name)
                        controller.areas.add(work, visit.person, new)
                    case "move":
                        controller.areas.move(work, visit.person, area, AreaId(text_of(form, "parent")))
                    case "members":
                        members = frozenset(NodeId(one) for one in texts_of(form, "member"))
                        controller.areas.set_members(work, visit.person, area, members)
                    case "close":
                        controller.areas.close(work, visit.person, area)
                    case _:
                        _check_name(text_of(form, "name"))
                        change = AreaChange(name=text_of(form, "name"))
                        controller.areas.change(work, visit.person, area, change)
        except ControllerError as error:
            if error.code in {"no_such_area", "not_permitted"}:
                raise
            field = {"add": "new_name", "move": "parent", "close": "close", "members": "members"}.get(
                what, "name"
            )
            return show(console, visit, area, {field: refusal(error)})
        done = {"add": "added", "move": "moved", "close": "closed", "members": "grouped"}.get(what, "renamed")
        return see_other(f"{AREAS}?done={done}" if what == "close" else f"{AREAS}/{area}?done={done}")

    @routes.post(AREAS + "/{area}")
    def change(request: Request, area: AreaId, form: Form) -> Response:
        return act(request, form, area)


def rows_of(visit: Visit, query: str) -> Iterator[Row]:
    """The areas that the person manages, as a tree; those alone that hold the words, if there are any."""
    tree, wanted = visit.places.tree, plain(query)
    roots = granted(visit.person, Act.MANAGE_AREAS)
    wide = [root for root in visit.places.roots if root in roots]
    more = sorted(roots - set(wide))
    tops = wide + [one for one in more if one in tree and not any(tree.is_within(one, top) for top in wide)]
    for top in tops:
        for area, depth in _walk(tree, top, 0):
            place = tree.place(area)
            if place.kind in SHOWN and (not wanted or wanted in plain(f"{place.name} {area}")):
                above = tree.path(area)[:-1]
                yield Row(
                    id=area,
                    name=place.name,
                    kind=KINDS[place.kind],
                    depth=0 if wanted else min(depth, 4),
                    nodes=len(tree.nodes_of(area)),
                    place=above[-1].name if wanted and above and above[-1].id in visit.places else "",
                )


def show(
    console: Console,
    visit: Visit,
    area: AreaId,
    errors: Errors,
    done: str = "",
    *,
    typed: WhereForm | None = None,
) -> Response:
    """One area that the person manages."""
    with console.controller.db.look() as session:
        permit(session, visit.person, Act.MANAGE_AREAS, area)
        found = console.controller.areas.get(session, visit.person, area)
        tree = read_tree(session)
        inside = [tree.place(child) for child in open_children(session, area)]
        where = where_of(console, session, visit, area, typed)
    manageable = [row for row in rows_of(visit, "") if row.id != area]
    kinds = [kind for kind in AreaKind if kind in SHOWN and fits_below(kind, found.kind)]
    context = {
        "errors": errors,
        "area": found,
        "kind": KINDS[found.kind],
        "inside": sorted(inside, key=lambda place: plain(place.name)),
        "kinds": [(kind.value, capital(KINDS[kind])) for kind in kinds],
        "parents": _parents(visit, found.kind, area),
        "parent": found.parent_id or "",
        "mergeable": [
            (row.id, row.name)
            for row in manageable
            if tree.place(row.id).kind is found.kind and found.kind is not AreaKind.ZONE
        ],
        "nodes": len(tree.nodes_of(area)),
        "above": [place.name for place in tree.path(area)[:-1] if place.id in visit.places],
        "reshapes": [one for one in reshapes_of(console, visit) if area in {one["area"], one["other"]}],
        "where": where,
        "members": list(_members(visit, found)),
        "done": done,
    }
    return console.show("admin_area.html", visit, context, here="admin", status=422 if errors else 200)


def _members(visit: Visit, zone: Area) -> Iterator[tuple[NodeId, str, str, bool]]:
    """Of a group of loudspeakers: those that may belong to it, with their place, and whether they do."""
    if zone.kind is not AreaKind.ZONE or zone.parent_id is None:
        return
    tree, inside = visit.places.tree, set(visit.places.tree.nodes_of(zone.id))
    for node in sorted(tree.nodes_of(zone.parent_id), key=lambda one: plain(visit.places.name(AreaId(one)))):
        home = tree.place(AreaId(node)).parent_id
        name = visit.places.name(AreaId(node))
        yield node, name, visit.places.name(home) if home else "", node in inside


def reshapes_of(console: Console, visit: Visit) -> list[dict[str, object]]:
    """What was merged and split lately."""
    tree = visit.places.tree

    def name(area: AreaId) -> str:
        return tree.place(area).name if area in tree else area

    with console.controller.db.look() as session:
        found = console.controller.reshapes.find(session, visit.person)
    return [
        {
            "id": one.id,
            "kind": one.kind.value,
            "area": one.area,
            "other": one.other,
            "area_name": name(one.area),
            "other_name": name(one.other),
            "at": one.at,
            "by": console.person_name(one.by),
            "undone_at": one.undone_at,
        }
        for one in found
    ]


def _parents(visit: Visit, kind: AreaKind, area: AreaId) -> list[tuple[str, str]]:
    tree = visit.places.tree
    return [
        (row.id, "\N{NO-BREAK SPACE}" * 3 * row.depth + row.name)
        for row in rows_of(visit, "")
        if fits_below(kind, tree.place(row.id).kind) and not tree.is_within(row.id, area)
    ]


def _walk(tree: Tree, area: AreaId, depth: int) -> Iterator[tuple[AreaId, int]]:
    yield area, depth
    inner = sorted(tree.children(area), key=lambda one: plain(tree.place(one).name))
    for child in inner:
        if tree.place(child).kind in SHOWN:
            yield from _walk(tree, child, depth + 1)


def _check_name(name: str) -> None:
    if not name:
        raise Invalid("name_missing", "an area has a name")


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and 0 < int(text) < 10_000 else 1  # noqa: PLR2004 -- pages
