"""What a person sees and changes of oneself; and the link with which a first password is chosen."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.people import Address, Token, User
from loa.controller.errors import ControllerError
from loa.controller.gate import check_origin
from loa.controller.services.profiles import Profile
from loa.controller.store.people import TOKEN_ID_CHARACTERS
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.catalogue import say
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.recovery_told import told
from loa.controller.web.render import see_other
from loa.controller.web.words import _, lazy

ME = "/me"
PASSWORD = "/me/password"  # noqa: S105 -- an address
ADDRESSES = {
    "": lazy("Gọi bằng họ tên"),
    Address.ONG: lazy("Ông"),
    Address.BA: lazy("Bà"),
    Address.ANH: lazy("Anh"),
    Address.CHI: lazy("Chị"),
}
SAID = {
    "name_missing": ("name", lazy("Gõ họ và tên của bạn.")),
    "bad_email": ("email", lazy("Địa chỉ thư chưa đúng. Ví dụ: hoa@example.vn")),
    "email_missing": ("email", lazy("Muốn nhận thư báo thì gõ địa chỉ thư.")),
    "wrong_password": ("old", lazy("Mật khẩu hiện nay không đúng.")),
    "weak_password": ("new", lazy("Mật khẩu cần ít nhất 10 ký tự và không trùng tên đăng nhập.")),
}
NOT_SAME = lazy("Gõ hai mật khẩu giống nhau.")
DONE = {
    "profile": lazy("Đã lưu."),
    "password": lazy("Đã đổi mật khẩu. Các nơi khác đã đăng xuất."),
    "session": lazy("Đã đăng xuất nơi ấy."),
    "others": lazy("Đã đăng xuất mọi nơi khác."),
    "recovery": lazy("Đã huỷ việc lấy lại tài khoản. Nếu không phải bạn nhờ, hỏi ngay người quản trị."),
}
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"))
_MORE_SYSTEMS = (("Mac OS", "Mac"), ("Linux", "Linux"))
_BROWSERS = (("Edg/", "Edge"), ("coc_coc", "Coc Coc"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"))


def router(console: Console, bodies: Bodies) -> APIRouter:
    """`/me` and `/invite`."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    _add_profile(routes, console, bodies)
    _add_password(routes, console, bodies)
    _add_sessions(routes, console, bodies)
    _add_invitation(routes, console, bodies)
    return routes


def device(agent: str) -> str:
    """The browser in words, by what it calls itself."""
    systems = (*_SYSTEMS, *_MORE_SYSTEMS)
    system = next((word for mark, word in systems if mark in agent), "")
    browser = next((word for mark, word in _BROWSERS if mark in agent), "")
    if not browser and "Safari/" in agent:
        browser = "Safari"
    if system and browser:
        return _("%(browser)s trên %(system)s", browser=browser, system=system)
    return system or browser or _("Trình duyệt không rõ")


def _add_profile(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type

    @routes.get(ME)
    def me(request: Request) -> Response:
        visit = console.visit(request)
        return show(
            console, visit, _profile_of(_user(console, visit)), {}, request.query_params.get("done", "")
        )

    @routes.post(ME)
    def save(request: Request, form: Form) -> Response:
        visit = console.visit(request, form)
        profile = _read(form)
        try:
            with console.controller.db.work() as work:
                console.controller.profiles.save(work, visit.person, profile)
        except ControllerError as error:
            return show(console, visit, profile, said(error))
        return see_other(f"{ME}?done=profile")


def _add_password(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type

    def ask(visit: Visit, errors: Errors) -> Response:
        context = {"errors": errors, "must": visit.signed.must_change}
        return console.show("me_password.html", visit, context, here="me", status=422 if errors else 200)

    @routes.get(PASSWORD)
    def password(request: Request) -> Response:
        return ask(console.visit(request, unlocked=True), {})

    @routes.post(PASSWORD)
    def change(request: Request, form: Form) -> Response:
        visit = console.visit(request, form, unlocked=True)
        new = str(form.get("new", ""))
        if new != form.get("again"):
            return ask(visit, {"again": NOT_SAME})
        try:
            console.controller.sessions.change_password(
                console.controller.people, visit.signed, str(form.get("old", "")), new
            )
        except ControllerError as error:
            return ask(visit, said(error))
        return see_other(f"{ME}?done=password")


def _add_sessions(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type

    @routes.post("/me/sessions/end")
    def end(request: Request, form: Form) -> Response:
        visit = console.visit(request, form)
        one = text_of(form, "session")
        with console.controller.db.work() as work:
            if one:
                console.controller.sessions.end_one(work, visit.person, visit.person.user_id, one)
            else:
                console.controller.sessions.end_others(work, visit.signed)
        return see_other(f"{ME}?done={'session' if one else 'others'}")


def _add_invitation(routes: APIRouter, console: Console, bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    controller = console.controller
    address = "/invite/{secret}"

    def ask(user: User, secret: str, errors: Errors) -> Response:
        context = {"errors": errors, "user": user, "secret": secret}
        return console.renderer.page("invite.html", context, status=422 if errors else 200)

    @routes.get(address)
    def invited(secret: str) -> Response:
        with controller.db.look() as session:
            return ask(controller.invitations.look(session, secret), secret, {})

    @routes.post(address)
    def accept(request: Request, secret: str, form: Form) -> Response:
        check_origin(request)
        with controller.db.look() as session:
            user = controller.invitations.look(session, secret)
        new = str(form.get("new", ""))
        if new != form.get("again"):
            return ask(user, secret, {"again": NOT_SAME})
        try:
            hashed = controller.people.hashed(new, user.id)
            with controller.db.work() as work:
                controller.invitations.accept(work, secret, hashed)
                signed = controller.sessions.open_for(work, user.id, controller.gate.browser(request))
        except ControllerError as error:
            if error.code not in SAID:
                raise
            return ask(user, secret, said(error))
        response = see_other(ME)
        controller.gate.keep(response, signed)
        return response


def show(console: Console, visit: Visit, profile: Profile, errors: Errors, done: str = "") -> Response:
    """The page of the person."""
    with console.controller.db.look() as session:
        sessions = console.controller.sessions.of(session, visit.person.user_id)
        tokens = console.controller.sessions.tokens(session, visit.person)
    with console.controller.db.look() as session:
        standing = console.controller.second.standing(session, visit.person)
    context = {
        "errors": errors,
        "done": DONE.get(done, ""),
        "recovery": told(console, visit),
        "standing": standing,
        "profile": profile,
        "user_id": visit.person.user_id,
        "addresses": list(ADDRESSES.items()),
        "sessions": [_session(one, visit) for one in sessions],
        "tokens": tokens,
        "mails": console.controller.mail.is_set,
        "grants": [(visit.places.title(one.area_id), one.role) for one in sorted(visit.person.grants)],
    }
    return console.show("me.html", visit, context, here="me", status=422 if errors else 200)


def said(error: ControllerError) -> Errors:
    """The refusal at its field."""
    field, words = SAID.get(error.code, ("name", ""))
    return {field: words or say(error.code, error.facts)}


def _session(one: Token, visit: Visit) -> dict[str, object]:
    here = one.id == visit.signed.hash[:TOKEN_ID_CHARACTERS]
    return {"id": one.id, "device": device(one.name), "since": one.created_at, "here": here}


def _user(console: Console, visit: Visit) -> User:
    with console.controller.db.look() as session:
        return console.controller.people.get(session, visit.person, visit.person.user_id)


def _profile_of(user: User) -> Profile:
    return Profile(
        name=user.name,
        address=user.address,
        phone=user.phone or "",
        email=user.email or "",
        mail_notices=user.mail_notices,
    )


def _read(form: FormData) -> Profile:
    address = text_of(form, "address")
    return Profile(
        name=re.sub(r"\s+", " ", text_of(form, "name"))[:200],
        address=Address(address) if address in set(Address) else None,
        phone=text_of(form, "phone")[:32],
        email=text_of(form, "email"),
        mail_notices=bool(text_of(form, "mail_notices")),
    )
