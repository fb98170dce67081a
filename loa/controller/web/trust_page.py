"""Whom the loudspeakers believe: keepers read what changes, in words, and sign it with their passkeys."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from loa.controller.core.access import Act
from loa.controller.core.papers import Change, Difference, PaperKind
from loa.controller.errors import ControllerError, Invalid, NotFound
from loa.controller.services.papers import AreaTrust, Draft
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.catalogue import CLASSES, say
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.node_words import STANDING
from loa.controller.web.render import see_other
from loa.controller.web.words import _, lazy, ngettext
from loa.protocol.charter import KEEPERS_NEEDED, Charter
from loa.protocol.ids import AreaId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.passkey import Assertion

TRUST = "/admin/trust"
TITLES = {PaperKind.ROSTER: lazy("Sổ người duyệt"), PaperKind.CHARTER: lazy("Quy chế cụm loa")}
DONE = {
    "composed": lazy("Đã lập bản mới. Hai người giữ khóa đọc rồi ký."),
    "signed": lazy("Đã ký. Bản này còn chờ người giữ khóa thứ hai."),
    "in_force": lazy("Đủ hai chữ ký. Máy chủ đang gửi tới các cụm loa."),
}
SAID = {
    "no_keeper": lazy("Chỉ người giữ khóa của địa bàn mới ký được."),
    "paper_closed": lazy("Bản này đã đủ chữ ký, hoặc người giữ khóa vừa thay đổi. Tải lại trang."),
    "bad_assertion": lazy("Chữ ký không khớp. Dùng đúng khóa đã đăng ký khi được cử giữ khóa."),
    "passkey_removed": lazy("Bạn đã bỏ khóa này. Cần cử lại người giữ khóa bằng khóa gốc."),
    "too_many_for_papers": lazy(
        "Quá nhiều người duyệt hoặc cụm loa cho một địa bàn. Cử người giữ khóa ở cấp xã."
    ),
}
WORDS: Mapping[Change, Callable[["_Naming", Difference], str]] = {
    Change.APPROVER_ADDED: lambda names, one: _(
        "Thêm %(who)s được duyệt ở %(area)s", who=names.person(one), area=names.area(one.area)
    ),
    Change.APPROVER_REMOVED: lambda names, one: _(
        "Bỏ quyền duyệt của %(who)s ở %(area)s", who=names.person(one), area=names.area(one.area)
    ),
    Change.PASSKEY_ADDED: lambda names, one: ngettext(
        "Thêm %(num)s khóa của %(who)s", "Thêm %(num)s khóa của %(who)s", one.people, who=names.person(one)
    ),
    Change.PASSKEY_REMOVED: lambda names, one: ngettext(
        "Bỏ %(num)s khóa của %(who)s", "Bỏ %(num)s khóa của %(who)s", one.people, who=names.person(one)
    ),
    Change.PASSKEY_VOID: lambda _names, one: ngettext(
        "Hủy %(num)s khóa bị mất: những gì nó đã ký không còn giá trị",
        "Hủy %(num)s khóa bị mất: những gì nó đã ký không còn giá trị",
        one.people,
    ),
    Change.NODE_ADDED: lambda names, one: _("Thêm cụm loa %(node)s", node=names.node(one)),
    Change.NODE_REMOVED: lambda names, one: _("Bỏ cụm loa %(node)s", node=names.node(one)),
    Change.NODE_MOVED: lambda names, one: _("Cụm loa %(node)s chuyển địa bàn", node=names.node(one)),
    Change.POLICY: lambda _names, _one: _("Giờ được phát, số phút và âm lượng theo quy chế hiện nay"),
    Change.ADMISSION: lambda _names, one: admission(BroadcastClass(one.subject), one.people),
    Change.STANDING_ADDED: lambda names, one: _("Thêm bản thu sẵn %(sound)s", sound=names.sound(one.subject)),
    Change.STANDING_REMOVED: lambda names, one: _("Bỏ bản thu sẵn %(sound)s", sound=names.sound(one.subject)),
}


def admission(class_: BroadcastClass, people: int) -> str:
    """How many people a class needs."""
    word = CLASSES[class_]
    if people == 0:
        return _("%(kind)s: phát theo lời máy chủ, vì chưa ai có khóa", kind=word)
    if class_ is BroadcastClass.EMERGENCY:
        return ngettext(
            "%(kind)s: cần %(num)s người ký; bản thu sẵn chỉ cần một người",
            "%(kind)s: cần %(num)s người ký; bản thu sẵn chỉ cần một người",
            people,
            kind=word,
        )
    return ngettext("%(kind)s: cần %(num)s người ký", "%(kind)s: cần %(num)s người ký", people, kind=word)


@dataclass(frozen=True, slots=True)
class _Line:
    """A difference in words, and the recording that is to be heard before one signs it."""

    text: str
    sound: str = ""


@dataclass(frozen=True, slots=True)
class _Naming:
    """Names for ids."""

    visit: Visit
    people: Mapping[str, str]
    sounds: Mapping[str, str]
    """Standing messages of now by their recording, which everybody may hear."""

    def lines(self, differences: Iterable[Difference]) -> list["_Line"]:
        return [_Line(WORDS[one.change](self, one), self._to_hear(one)) for one in differences]

    def _to_hear(self, one: Difference) -> str:
        """Who signs that it may sound at any time has to have heard it."""
        is_new = one.change is Change.STANDING_ADDED
        return one.subject if is_new and one.subject in self.sounds else ""

    def sound(self, recording: str) -> str:
        return self.sounds.get(recording, recording[:8])

    def person(self, one: Difference) -> str:
        return self.people.get(one.subject, one.subject)

    def area(self, area: AreaId | None) -> str:
        return self.visit.places.title(area) if area and area in self.visit.places.tree else str(area)

    def node(self, one: Difference) -> str:
        node = AreaId(one.subject)
        return self.visit.places.tree.place(node).name if node in self.visit.places.tree else one.subject


def router(console: Console, bodies: Bodies) -> APIRouter:
    """`/admin/trust` and what keepers do there."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    papers, db = console.controller.papers, console.controller.db

    @routes.get(TRUST)
    def shown(request: Request) -> Response:
        done = DONE.get(request.query_params.get("done", ""), "")
        return _show(console, console.visit(request), {}, done)

    @routes.post(TRUST + "/areas/{area}")
    def compose(request: Request, area: str, form: Form) -> Response:
        visit = console.visit(request, form)
        try:
            with db.work() as work:
                papers.compose(work, visit.person, AreaId(area))
        except ControllerError as error:
            return _show(console, visit, _said(error))
        return see_other(f"{TRUST}?done=composed")

    @routes.post(TRUST + "/papers/{paper}")
    def sign(request: Request, paper: str, form: Form) -> Response:
        visit = console.visit(request, form)
        try:
            assertion = read_assertion(text_of(form, "assertion"))
            with db.work() as work:
                whole = papers.sign(work, visit.person, paper, assertion)
        except ControllerError as error:
            return _show(console, visit, _said(error))
        return see_other(f"{TRUST}?done={'in_force' if whole else 'signed'}")

    return routes


def read_assertion(text: str) -> Assertion:
    """What passkey.js put into the form; raises `Invalid`."""
    try:
        return Assertion.model_validate_json(text)
    except ValidationError as error:
        raise Invalid("bad_assertion", "the browser sent no signature") from error


def _show(console: Console, visit: Visit, errors: Errors, done: str = "") -> Response:
    papers = console.controller.papers
    with console.controller.db.look() as session:
        found = papers.find(session, visit.person)
        standing = console.controller.standing.all(session)
    sounds: dict[str, str] = {one.recording: str(STANDING[one.name]) for one in standing if one.recording}
    if not found and Act.MANAGE_PEOPLE not in visit.viewer.acts:
        raise NotFound("no_such_page", "you keep no papers, nor people of an area with papers")
    names = _Naming(visit, console.person_names(_people(found)), sounds)
    context = {
        "errors": errors,
        "done": done,
        "areas": [_area(names, visit, one) for one in found],
        "origin": found[0].appointment.party.origins[0] if found else "",
    }
    return console.show("trust.html", visit, context, here="admin", status=422 if errors else 200)


def _area(names: _Naming, visit: Visit, one: AreaTrust) -> dict[str, object]:
    nodes: Collection[str] = one.charter.nodes if one.charter else ()
    return {
        "id": one.area,
        "title": names.area(one.area),
        "keepers": [names.people[keeper.user] for keeper in one.appointment.keepers],
        "is_keeper": one.is_keeper,
        "since": one.since,
        "admissions": _admissions(one.charter),
        "drafts": [_draft(names, visit, one, draft) for draft in one.drafts],
        "lag": names.lines(one.lag),
        "heard": _heard(names, one.charter),
        "short_of": one.lacking,
        "nodes": len(nodes),
        "holding": len(one.holding),
        "lacking": [
            names.node(Difference(Change.NODE_ADDED, node)) for node in nodes if node not in one.holding
        ],
    }


def _admissions(charter: Charter | None) -> list[tuple[str, bool]]:
    """In words, and whether it is the controller's word."""
    if charter is None:
        return []
    return [(admission(class_, one.people), one.people == 0) for class_, one in charter.admissions.items()]


def _heard(names: _Naming, charter: Charter | None) -> list[_Line]:
    """The standing messages for which one person is enough."""
    allowed = charter.standing if charter else ()
    return [_Line(names.sound(one), one) for one in allowed if one in names.sounds]


def _draft(names: _Naming, visit: Visit, trust: AreaTrust, draft: Draft) -> dict[str, object]:
    user = visit.person.user_id
    mine = [one.passkey.id for one in trust.appointment.keepers if one.user == user]
    asked = {"challenge": draft.challenge, "party": trust.appointment.party.id, "credentials": mine}
    return {
        "id": draft.id,
        "title": TITLES[draft.kind],
        "at": draft.composed_at,
        "by": names.people[draft.composed_by],
        "differences": names.lines(draft.differences),
        "signed_by": [names.people[one] for one in draft.signed_by],
        "missing": KEEPERS_NEEDED - len(draft.signed_by),
        "asked": json.dumps(asked) if mine and user not in draft.signed_by else "",
    }


def _people(found: Collection[AreaTrust]) -> set[str]:
    people: set[str] = set()
    for one in found:
        people |= {keeper.user for keeper in one.appointment.keepers}
        for draft in one.drafts:
            people |= {draft.composed_by, *draft.signed_by, *(change.subject for change in draft.differences)}
        people |= {change.subject for change in one.lag}
    return people


def _said(error: ControllerError) -> Errors:
    if error.status == NotFound.status:
        raise error
    return {"paper": SAID.get(error.code) or say(error.code, error.facts)}
