"""People and their roles: found, invited, given roles by area, closed."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.access import Act, Grant, Role, granted
from loa.controller.core.people import User
from loa.controller.core.slugs import plain
from loa.controller.errors import ControllerError, Invalid, NotFound
from loa.controller.services.people import NewUser, UserChange
from loa.controller.store.database import Work
from loa.controller.web.admin_areas import rows_of
from loa.controller.web.admin_words import ROLE_HINTS, ROLES, refusal
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.me_page import device
from loa.controller.web.recovery_told import row
from loa.controller.web.render import see_other
from loa.controller.web.words import lazy
from loa.protocol.ids import AreaId

PEOPLE = "/admin/people"
NEW = "/admin/people/new"
PAGE_ROWS = 50
SORTS = {"name": lazy("Theo tên"), "id": lazy("Theo tên đăng nhập"), "new": lazy("Mới nhất")}
STATES = {
    "": lazy("Mọi người"),
    "open": lazy("Đang dùng"),
    "invited": lazy("Chờ nhận lời mời"),
    "closed": lazy("Đã đóng"),
}
DONE = {
    "saved": lazy("Đã lưu."),
    "roles": lazy("Đã đổi vai trò. Có hiệu lực ngay."),
    "closed": lazy("Đã đóng tài khoản và đăng xuất mọi nơi. Mở lại bằng nút ở dưới."),
    "opened": lazy("Đã mở lại tài khoản."),
    "ended": lazy("Đã đăng xuất người này ở mọi nơi."),
    "session": lazy("Đã đăng xuất nơi ấy."),
    "cancelled": lazy("Đã huỷ việc lấy lại tài khoản."),
    "password": lazy("Đã đặt mật khẩu tạm. Đọc cho người ấy; lần đầu vào sẽ phải chọn mật khẩu khác."),
}
MISSING = {
    "name": lazy("Gõ họ và tên."),
    "user": lazy("Gõ tên đăng nhập."),
    "area": lazy("Chọn địa bàn."),
}
FIELDS = {"bad_user_id": "user", "user_exists": "user", "weak_password": "password", "no_such_area": "area"}
TYPED = ("name", "user", "phone", "area", "role", "how", "password")
OURS = frozenset({"no_such_user"})


def router(console: Console, bodies: Bodies) -> APIRouter:
    """`/admin/people`."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    _add_list(routes, console)
    _add_new(routes, console, bodies)
    _add_one(routes, console, bodies)
    return routes


def _add_list(routes: APIRouter, console: Console) -> None:
    @routes.get(PEOPLE)
    def people(request: Request) -> Response:
        visit = manager(console, request)
        query = request.query_params
        words, sort, state = query.get("q", "").strip(), query.get("sort", "name"), query.get("state", "")
        with console.controller.db.look() as session:
            found = console.controller.people.all(session, visit.person)
        shown = _sorted([user for user in found if _fits(user, words, state)], sort)
        given = query.get("page", "")
        page = int(given) if given.isascii() and given.isdigit() and 0 < int(given) < len(shown) + 2 else 1
        start = (page - 1) * PAGE_ROWS
        context = {
            "people": [person_row(visit, user) for user in shown[start : start + PAGE_ROWS]],
            "count": len(shown),
            "query": words,
            "sort": sort,
            "state": state,
            "sorts": list(SORTS.items()),
            "states": list(STATES.items()),
            "page": page,
            "pages": max(1, -(-len(shown) // PAGE_ROWS)),
        }
        return console.show("admin_people.html", visit, context, here="admin")


def _add_new(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    controller = console.controller

    def ask(visit: Visit, typed: dict[str, str], errors: Errors) -> Response:
        context = {"errors": errors, "typed": typed, **_choices(visit)}
        return console.show(
            "admin_person_new.html", visit, context, here="admin", status=422 if errors else 200
        )

    @routes.get(NEW)
    def new(request: Request) -> Response:
        return ask(manager(console, request), dict.fromkeys(TYPED, ""), {})

    @routes.post(NEW)
    def add(request: Request, form: Form) -> Response:
        visit = manager(console, request, form)
        typed = {name: text_of(form, name) for name in TYPED}
        errors = {name: word for name, word in MISSING.items() if not typed[name]}
        if errors:
            return ask(visit, typed, errors)
        by_password = typed["how"] == "password"
        person = NewUser(
            id=typed["user"].lower(),
            name=typed["name"],
            password=None,
            must_change=by_password,
            phone=typed["phone"] or None,
            grants=frozenset({Grant(AreaId(typed["area"]), _role(typed["role"]))}),
        )
        try:
            if by_password:
                hashed = controller.people.hashed(str(form.get("password", "")), person.id)
                person = replace(person, password=hashed)
            with controller.db.work() as work:
                controller.people.add(work, visit.person, person)
                link = (
                    "" if by_password else controller.invitations.open(work, visit.person, person.id).secret
                )
        except ControllerError as error:
            return ask(visit, typed, {FIELDS.get(error.code, "user"): refusal(error)})
        if by_password:
            return see_other(f"{PEOPLE}/{person.id}?done=password")
        return show(console, visit, person.id, {}, link=link)


def _add_one(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type

    @routes.get(PEOPLE + "/{user_id}")
    def one(request: Request, user_id: str) -> Response:
        visit = manager(console, request)
        return show(console, visit, user_id, {}, done=DONE.get(request.query_params.get("done", ""), ""))

    @routes.post(PEOPLE + "/{user_id}")
    def change(request: Request, user_id: str, form: Form) -> Response:
        visit = manager(console, request, form)
        act = text_of(form, "act")
        try:
            if act == "invite":
                with console.controller.db.work() as work:
                    link = _invite(console, work, visit, user_id)
                return show(console, visit, user_id, {}, link=link)
            done = _change(console, visit, user_id, form, act)
        except ControllerError as error:
            if error.code in OURS:
                raise
            field = FIELDS.get(error.code, {"role": "area", "unrole": "area"}.get(act, "name"))
            return show(console, visit, user_id, {field: refusal(error)})
        return see_other(f"{PEOPLE}/{user_id}?done={done}")


def _change(console: Console, visit: Visit, user_id: str, form: FormData, act: str) -> str:
    people, person = console.controller.people, visit.person
    hashed = people.hashed(str(form.get("password", "")), user_id) if act == "password" else None
    with console.controller.db.work() as work:
        user = people.get(work.session, person, user_id)
        match act:
            case "role":
                wanted = Grant(AreaId(text_of(form, "area")), _role(text_of(form, "role")))
                people.grant(work, person, user_id, user.grants | {wanted})
                return "roles"
            case "unrole":
                area, _, role = text_of(form, "grant").rpartition(":")
                people.grant(work, person, user_id, user.grants - {Grant(AreaId(area), _role(role))})
                return "roles"
            case "close" | "open":
                people.change(work, person, user_id, UserChange(active=act == "open"))
                return "closed" if act == "close" else "opened"
            case "end":
                people.end_sessions(work, person, user_id)
                return "ended"
            case "password":
                people.change(work, person, user_id, UserChange(password=hashed))
                return "password"
            case _:
                if not text_of(form, "name"):
                    raise Invalid("name_missing", "a person has a name")
                change = UserChange(name=text_of(form, "name"), phone=text_of(form, "phone"))
                people.change(work, person, user_id, change)
                return "saved"


def manager(console: Console, request: Request, form: FormData | None = None) -> Visit:
    """Who manages people somewhere; nobody else is to know of these pages."""
    visit = console.visit(request, form)
    if not granted(visit.person, Act.MANAGE_PEOPLE):
        raise NotFound("no_such_page", "you manage nobody")
    return visit


def show(
    console: Console,
    visit: Visit,
    user_id: str,
    errors: Errors,
    *,
    done: str = "",
    link: str = "",
    half: str = "",
) -> Response:
    """One person; `link` is the secret of an invitation, `half` a code of a recovery, that was just made."""
    controller = console.controller
    with controller.db.look() as session:
        user = controller.people.get(session, visit.person, user_id)
        recovery = controller.recoveries.last(session, visit.person, user_id)
        sessions = controller.sessions.of(session, user_id)
    context: dict[str, Any] = {
        "errors": errors,
        "user": person_row(visit, user),
        "phone": user.phone or "",
        "grants": [
            {
                "key": f"{one.area_id}:{one.role}",
                "role": ROLES[one.role],
                "area": visit.places.title(one.area_id),
            }
            for one in sorted(user.grants)
            if one.area_id in visit.places
        ],
        "elsewhere": sum(one.area_id not in visit.places for one in user.grants),
        "is_me": user.id == visit.person.user_id,
        "link": f"{controller.reach.address.base_url}/invite/{link}" if link else "",
        "half": half,
        "has_own_password": user.has_own_password,
        "recovery": row(console, recovery) if recovery and controller.recoveries.is_open(recovery) else None,
        "my_id": visit.person.user_id,
        "sessions": [{"id": one.id, "device": device(one.name), "since": one.created_at} for one in sessions],
        "done": done,
        **_choices(visit),
    }
    return console.show("admin_person.html", visit, context, here="admin", status=422 if errors else 200)


def person_row(visit: Visit, user: User) -> dict[str, Any]:
    """A person in the list; roles elsewhere are nobody's business here."""
    roles = [one for one in sorted(user.grants) if one.area_id in visit.places]
    return {
        "id": user.id,
        "name": user.name,
        "phone": user.phone,
        "active": user.active,
        "invited_until": user.invited_until,
        "must_change": user.must_change,
        "roles": ", ".join(f"{ROLES[one.role]} ({visit.places.title(one.area_id)})" for one in roles),
    }


def _invite(console: Console, work: Work, visit: Visit, user_id: str) -> str:
    return console.controller.invitations.open(work, visit.person, user_id).secret


def _choices(visit: Visit) -> dict[str, Any]:
    mine = granted(visit.person, Act.MANAGE_PEOPLE)
    tree = visit.places.tree
    areas = [
        (row.id, "\N{NO-BREAK SPACE}" * 3 * row.depth + row.name)
        for row in rows_of(visit, "")
        if any(tree.is_within(row.id, root) for root in mine if root in tree)
    ]
    return {
        "areas": areas,
        "roles": [(role.value, f"{word}: {ROLE_HINTS[role]}") for role, word in ROLES.items()],
    }


def _fits(user: User, words: str, state: str) -> bool:
    if words and plain(words) not in plain(f"{user.name} {user.id} {user.phone or ''}"):
        return False
    invited = user.invited_until is not None
    return {"open": user.active and not invited, "invited": invited, "closed": not user.active}.get(
        state, True
    )


def _sorted(users: Iterable[User], sort: str) -> list[User]:
    if sort == "new":
        return sorted(users, key=lambda user: user.created_at, reverse=True)
    if sort == "id":
        return sorted(users, key=lambda user: user.id)
    # Vietnamese are called by the last word of their name.
    return sorted(users, key=lambda user: plain(" ".join(reversed(user.name.split()))))


def _role(text: str) -> Role:
    return Role(text) if text in set(Role) else Role.OFFICIAL
