"""Policies: what holds now, what is to come, and a new version with its effect in words before it is kept."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.access import Act
from loa.controller.errors import ControllerError
from loa.controller.services.areas import AreaChange
from loa.controller.services.rights import permit
from loa.controller.web.admin_areas import rows_of
from loa.controller.web.admin_words import moment, refusal
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.catalogue import CLASSES
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.policy_effect_view import effect_of
from loa.controller.web.policy_form import (
    ALONE,
    MOST_ROWS,
    Typed,
    read_form,
    typed_of,
    version_of,
    with_version,
)
from loa.controller.web.policy_words import ORDER, say_changes, say_rules
from loa.controller.web.render import see_other
from loa.controller.web.words import lazy
from loa.protocol.ids import AreaId
from loa.protocol.policy import Policy, PolicyVersion
from loa.schedules.policy import default_policy, version_at

POLICIES = "/admin/policies"
UNREAD = lazy("Xem hiệu lực ở dưới rồi đánh dấu ô này.")
DONE = {"saved": lazy("Đã lưu phiên bản mới."), "dropped": lazy("Đã bỏ phiên bản ấy.")}


@dataclass(frozen=True, slots=True)
class Draft:
    """What the form came to: the version, or the mistakes."""

    version: PolicyVersion | None = None
    errors: Errors = field(default_factory=dict)


def router(console: Console, bodies: Bodies) -> APIRouter:
    """`/admin/policies`."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)

    @routes.get(POLICIES)
    def policies(request: Request) -> Response:
        visit = console.visit(request)
        tree = visit.places.tree
        rows = [row for row in rows_of(visit, "") if tree.place(row.id).policy or row.depth == 0]
        context = {"rows": [(row, bool(tree.place(row.id).policy)) for row in rows]}
        return console.show("admin_policies.html", visit, context, here="admin")

    @routes.get(POLICIES + "/{area}")
    def one(request: Request, area: AreaId) -> Response:
        visit = console.visit(request)
        return _show(console, visit, area, done=DONE.get(request.query_params.get("done", ""), ""))

    _add_acts(routes, console, bodies)
    return routes


def _add_acts(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type

    @routes.get(POLICIES + "/{area}/new")
    def new(request: Request, area: AreaId) -> Response:
        visit = console.visit(request)
        policy = _policy(console, visit, area)
        typed = typed_of(version_at(policy, console.controller.clock.now()))
        return _ask(console, visit, area, typed, Draft())

    @routes.post(POLICIES + "/{area}/new")
    def add(request: Request, area: AreaId, form: Form) -> Response:
        visit = console.visit(request, form)
        typed, policy = read_form(form), _policy(console, visit, area)
        tz = visit.places.tree.tz_of(area)
        version, errors = version_of(typed, tz)
        if version is None or not text_of(form, "sure"):
            if version is not None and text_of(form, "seen"):
                errors = {"sure": UNREAD}
            return _ask(console, visit, area, typed, Draft(version, errors))
        try:
            _save(console, visit, area, with_version(policy, version))
        except ControllerError as error:
            if error.code in {"no_such_area", "not_permitted"}:
                raise
            return _ask(console, visit, area, typed, Draft(version, {"day": refusal(error)}))
        return see_other(f"{POLICIES}/{area}?done=saved")

    @routes.post(POLICIES + "/{area}/drop")
    def drop(request: Request, area: AreaId, form: Form) -> Response:
        visit = console.visit(request, form)
        policy, now = _policy(console, visit, area), console.controller.clock.now()
        gone = text_of(form, "effective_from")
        left = [
            one
            for one in policy.versions
            if one.effective_from <= now or one.effective_from.isoformat() != gone
        ]
        _save(console, visit, area, Policy(versions=tuple(left)))
        return see_other(f"{POLICIES}/{area}?done=dropped")


def _policy(console: Console, visit: Visit, area: AreaId) -> Policy:
    """What holds for the area, its own or from above; `NotFound` for who does not manage it."""
    with console.controller.db.look() as session:
        permit(session, visit.person, Act.MANAGE_AREAS, area)
    return visit.places.tree.policy_of(area) or default_policy()


def _save(console: Console, visit: Visit, area: AreaId, policy: Policy) -> None:
    with console.controller.db.work() as work:
        console.controller.areas.change(work, visit.person, area, AreaChange(policy=policy))


def _show(console: Console, visit: Visit, area: AreaId, *, done: str) -> Response:
    policy, tree, now = _policy(console, visit, area), visit.places.tree, console.controller.clock.now()
    holding, tz = version_at(policy, now), tree.tz_of(area)
    owner = next((place for place in reversed(tree.path(area)) if place.policy), None)
    to_come = [one for one in policy.versions if one.effective_from > now]
    context = {
        "area": tree.place(area),
        "owner": "" if owner is None or owner.id == area else owner.name,
        "is_own": owner is not None and owner.id == area,
        "is_default": owner is None,
        "rules": say_rules(holding),
        "to_come": [
            (moment(one.effective_from, tz), one.effective_from.isoformat(), say_rules(one))
            for one in to_come
        ],
        "done": done,
    }
    return console.show("admin_policy.html", visit, context, here="admin")


def _ask(console: Console, visit: Visit, area: AreaId, typed: Typed, draft: Draft) -> Response:
    tree, version = visit.places.tree, draft.version
    changes, effect, policy = None, None, _policy(console, visit, area)
    if version is not None:
        before = version_at(policy, version.effective_from - timedelta(milliseconds=1))
        changes = say_changes(before, version)
        effect = effect_of(console, visit, area, with_version(policy, version))
    context = {
        "errors": draft.errors,
        "area": tree.place(area),
        "typed": typed,
        "changes": changes,
        "begins": moment(version.effective_from, tree.tz_of(area)) if version else "",
        "effect": effect,
        "classes": [(one.value, CLASSES[one]) for one in ORDER],
        "most": MOST_ROWS,
        "alone": ALONE,
    }
    status = 422 if draft.errors else 200
    return console.show("admin_policy_new.html", visit, context, here="admin", status=status)
