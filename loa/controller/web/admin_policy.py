"""Policies: what holds now, what is to come, and a new version with its effect in words before it is kept."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from loa.controller.core.access import Act
from loa.controller.errors import ControllerError
from loa.controller.services.areas import AreaChange
from loa.controller.services.rights import permit
from loa.controller.web.admin_areas import rows_of
from loa.controller.web.admin_words import moment, refusal
from loa.controller.web.bodies import Bodies, text_of, texts_of
from loa.controller.web.catalogue import CLASSES
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors, read_date
from loa.controller.web.localtime import day_starts
from loa.controller.web.policy_words import ORDER, say_changes, say_rules
from loa.controller.web.render import see_other
from loa.controller.web.times import read_time
from loa.controller.web.words import lazy
from loa.protocol.ids import AreaId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import AllowedHours, DailyMinutes, Policy, PolicyVersion, VolumeCap
from loa.protocol.units import GainDb, to_whole_ms
from loa.schedules.policy import default_policy, version_at

POLICIES = "/admin/policies"
MOST_ROWS = 40
BAD_ROW = lazy("Xem lại dòng này: giờ viết như 05:30, số phút và số dB là số, và có căn cứ.")
BAD_DAY = lazy("Chọn ngày và giờ có hiệu lực, ví dụ 05:00.")
UNREAD = lazy("Xem hiệu lực ở dưới rồi đánh dấu ô này.")
DONE = {"saved": lazy("Đã lưu phiên bản mới."), "dropped": lazy("Đã bỏ phiên bản ấy.")}


@dataclass(slots=True)
class Typed:
    """The form as it stands: rows of texts."""

    day: str = ""
    clock: str = "00:00"
    quiet_source: str = ""
    hours: list[dict[str, Any]] = field(default_factory=list)
    minutes: list[dict[str, Any]] = field(default_factory=list)
    caps: list[dict[str, Any]] = field(default_factory=list)


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


def typed_of(version: PolicyVersion) -> Typed:
    """The form that says what a version says; each list ends with an empty row."""
    empty: dict[str, Any] = {"classes": set(), "from": "", "to": "", "amount": "", "source": "", "days": ""}

    def rows(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*found, empty][:MOST_ROWS]

    return Typed(
        quiet_source=version.quiet_source,
        hours=rows([_window(one) for one in version.hours]),
        minutes=rows(
            [
                {"classes": set(one.classes), "amount": str(one.minutes), "source": one.legal_source}
                for one in version.minutes
            ]
        ),
        caps=rows([_window(one) | {"amount": f"{-one.cap_db:g}"} for one in version.caps]),
    )


def read_form(form: FormData) -> Typed:
    """What was typed, rows that are wholly empty left out but one."""
    typed = Typed(
        day=text_of(form, "day"), clock=text_of(form, "clock"), quiet_source=text_of(form, "quiet_source")
    )
    for kind, rows in (("hours", typed.hours), ("minutes", typed.minutes), ("caps", typed.caps)):
        for number in range(MOST_ROWS):
            prefix = f"{kind}-{number}-"
            row: dict[str, Any] = {
                name: text_of(form, prefix + name) for name in ("from", "to", "amount", "source", "days")
            }
            row["classes"] = set(texts_of(form, prefix + "class"))
            if row["from"] or row["to"] or row["amount"] or row["classes"]:
                rows.append(row)
    return typed


def version_of(typed: Typed, tz: str) -> tuple[PolicyVersion | None, Errors]:
    """The version that the form asks for, or the mistakes."""
    errors: Errors = {}
    day, clock = read_date(typed.day), read_time(typed.clock)
    if day is None or clock is None:
        errors["day"] = BAD_DAY
    made: dict[str, list[Any]] = {"hours": [], "minutes": [], "caps": []}
    for kind, rows in (("hours", typed.hours), ("minutes", typed.minutes), ("caps", typed.caps)):
        for number, row in enumerate(rows):
            try:
                made[kind].append(_line(kind, row))
            except (ValidationError, ValueError):
                errors[f"{kind}-{number}-source"] = BAD_ROW
    if not typed.quiet_source:
        errors["quiet_source"] = BAD_ROW
    if errors or day is None or clock is None:
        return None, errors
    at = day_starts(day, tz) + timedelta(hours=int(clock[:2]), minutes=int(clock[3:]))
    return _built(at, typed.quiet_source, made), errors


def with_version(policy: Policy, version: PolicyVersion) -> Policy:
    """The policy with this version; one that begins at the same instant makes room."""
    others = [one for one in policy.versions if one.effective_from != version.effective_from]
    return Policy(versions=tuple(sorted([*others, version], key=lambda one: one.effective_from)))


def _built(at: datetime, quiet_source: str, made: dict[str, list[Any]]) -> PolicyVersion:
    return PolicyVersion(
        effective_from=to_whole_ms(at),
        quiet_source=quiet_source,
        hours=tuple(made["hours"]),
        caps=tuple(made["caps"]),
        minutes=tuple(made["minutes"]),
    )


def _line(kind: str, row: dict[str, Any]) -> AllowedHours | DailyMinutes | VolumeCap:
    classes = frozenset(BroadcastClass(one) for one in row["classes"])
    if kind == "minutes":
        return DailyMinutes(classes=classes, legal_source=row["source"], minutes=int(row["amount"]))
    days = frozenset(row.get("days", "").split(",")) if row.get("days") else None
    span: dict[str, Any] = {"from_local": _wall(row["from"]), "to_local": _wall(row["to"]), "days": days}
    if kind == "hours":
        return AllowedHours(classes=classes, legal_source=row["source"], **span)
    cap_db = GainDb(-abs(float(row["amount"].replace(",", "."))))
    return VolumeCap(classes=classes, legal_source=row["source"], cap_db=cap_db, **span)


def _wall(text: str) -> str:
    return text if text == "24:00" else read_time(text) or text


def _window(one: AllowedHours | VolumeCap) -> dict[str, Any]:
    return {
        "classes": set(one.classes),
        "from": one.from_local,
        "to": one.to_local,
        "source": one.legal_source,
        "days": ",".join(sorted(one.days)) if one.days is not None else "",
    }


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
    changes, tree, version = None, visit.places.tree, draft.version
    if version is not None:
        before = version_at(_policy(console, visit, area), version.effective_from - timedelta(milliseconds=1))
        changes = say_changes(before, version)
    context = {
        "errors": draft.errors,
        "area": tree.place(area),
        "typed": typed,
        "changes": changes,
        "begins": moment(version.effective_from, tree.tz_of(area)) if version else "",
        "nodes": len(tree.nodes_of(area)),
        "classes": [(one.value, CLASSES[one]) for one in ORDER],
        "most": MOST_ROWS,
    }
    status = 422 if draft.errors else 200
    return console.show("admin_policy_new.html", visit, context, here="admin", status=status)
