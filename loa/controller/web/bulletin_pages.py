"""The list of bulletins, and a bulletin's own page where an approver lets it go on air or returns it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.access import Act, granted
from loa.controller.core.approving import own_approval
from loa.controller.core.broadcasts import Scheduled
from loa.controller.core.bulletins import Bulletin, BulletinState
from loa.controller.errors import ControllerError
from loa.controller.services.bulletins import BulletinFilter
from loa.controller.store.broadcasts import read_broadcast
from loa.controller.store.database import Work
from loa.controller.web import bulletin_history, phrases
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.catalogue import BULLETIN_STATES, CLASSES, FIELDS, say
from loa.controller.web.console import OPEN, Console, Visit, page_route
from loa.controller.web.forms import Errors, say_when
from loa.controller.web.localtime import spell, weekday_time
from loa.controller.web.previewing import PreviewPage
from loa.controller.web.render import see_other
from loa.controller.web.words import lazy
from loa.protocol.kinds import BroadcastClass

MOST_LISTED = 50
WITHDRAWN_TITLE = lazy("Đã rút khỏi lịch phát")
WITHDRAWN_TEXT = lazy("Loa không phát bản này nữa, từ {at}. Cụm loa mất liên lạc chỉ biết khi có mạng lại.")
OWN_TITLE = lazy("Bạn soạn bản này nên người khác phải duyệt")
OWN_TEXT = lazy("Nhờ một người duyệt khác nghe và quyết định. Căn cứ: {source}.")
ALONE_TITLE = lazy("Bạn soạn bản này và được tự duyệt")
ALONE_TEXT = lazy("Nghe lại một lượt rồi hãy quyết định. Căn cứ: {source}.")
HALF_TITLE = lazy("Đã có một chữ ký, chờ người thứ hai ký trên máy khác")
HALF_TEXT = lazy("{who} đã ký. Chưa đủ chữ ký thì loa chưa phát. Chữ ký có giá trị 10 phút.")
DECIDED_TITLE = lazy("Bản này vừa được {who} duyệt")
DECIDED_TEXT = lazy("Bạn không cần làm gì.")


@dataclass(frozen=True, slots=True)
class Note:
    """A notice above a bulletin."""

    kind: str
    icon: str
    title: str
    text: str
    href: str = ""
    link: str = ""


def router(console: Console, bodies: Bodies) -> APIRouter:
    """The list, the page, and the decision."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    page, broadcasts = BulletinPage(console), console.controller.broadcasts

    @routes.get("/bulletins")
    def listed(request: Request) -> Response:
        return show_list(console, console.visit(request))

    @routes.get("/bulletins/{bulletin_id}")
    def one(request: Request, bulletin_id: str) -> Response:
        visit = console.visit(request)
        return page.show(
            visit, console.bulletin(visit, bulletin_id), told=request.query_params.get("told", "")
        )

    @routes.post("/bulletins/{bulletin_id}/approve")
    def approve(request: Request, bulletin_id: str, form: Form) -> Response:
        visit = console.visit(request, form)

        def act(work: Work) -> object:
            return broadcasts.approve(work, visit.person, bulletin_id, revision_of(form))

        return page.decide(visit, bulletin_id, act, told="approved")

    @routes.post("/bulletins/{bulletin_id}/emergency")
    def emergency(request: Request, bulletin_id: str, form: Form) -> Response:
        visit = console.visit(request, form)

        def act(work: Work) -> object:
            return broadcasts.emergency(work, visit.person, bulletin_id, revision_of(form))

        return page.decide(visit, bulletin_id, act, told="approved")

    @routes.post("/bulletins/{bulletin_id}/return")
    def give_back(request: Request, bulletin_id: str, form: Form) -> Response:
        visit, comment = console.visit(request, form), text_of(form, "comment")
        if not comment:
            bulletin = console.bulletin(visit, bulletin_id)
            return page.show(visit, bulletin, errors={"comment": phrases.COMMENT_MISSING})

        def act(work: Work) -> object:
            bulletins = console.controller.bulletins
            return bulletins.give_back(work, visit.person, bulletin_id, revision_of(form), comment)

        return page.decide(visit, bulletin_id, act, told="returned")

    return routes


def show_list(console: Console, visit: Visit) -> Response:
    """What waits, what is being written, what was approved."""
    with console.controller.db.look() as session:
        found = console.controller.bulletins.find(
            session, visit.person, BulletinFilter(), cursor=None, limit=MOST_LISTED
        ).bulletins
    groups = (
        (phrases.GROUP_WAITING, (BulletinState.SUBMITTED,)),
        (phrases.GROUP_DRAFTS, OPEN),
        (phrases.GROUP_APPROVED, (BulletinState.APPROVED,)),
    )
    names = console.person_names({one.sender for one in found})
    shown = [
        {"title": title, "entries": [_entry(names, one) for one in found if one.state in states]}
        for title, states in groups
    ]
    waiting = visit.viewer.waiting
    title = phrases.waiting_for_you(waiting) if waiting else phrases.BULLETINS
    context = {"title": title, "groups": [group for group in shown if group["entries"]]}
    return console.show("bulletins.html", visit, context, here="bulletins")


class BulletinPage:
    """A bulletin on a page of its own."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(
        self, visit: Visit, bulletin: Bulletin, *, errors: Errors | None = None, told: str = ""
    ) -> Response:
        """The page with what the person may decide."""
        decides = self._console.decides(visit, bulletin)
        context = {
            "bulletin": self._view(bulletin),
            "facts": list(self._facts(visit, bulletin)),
            "notes": list(self._notes(visit, bulletin, told)),
            "preview": self._preview(visit, bulletin),
            "may_decide": decides,
            "may_edit": bulletin.state in OPEN and visit.viewer.writes,
            "may_withdraw": bulletin_history.may_withdraw(visit, bulletin) and not self._withdrawn(bulletin),
            "versions": bulletin_history.versions(self._console, visit, bulletin),
            "answers": bulletin_history.answers(self._console, visit, bulletin),
            "is_emergency": bulletin.draft.class_ is BroadcastClass.EMERGENCY,
            "signing": decides and self._signing(bulletin),
            "comment": "",
            "errors": errors or {},
            "flow": True,
        }
        return self._console.show(
            "bulletin.html", visit, context, here="bulletins", status=422 if errors else 200
        )

    def _signing(self, bulletin: Bulletin) -> Mapping[str, Any] | None:
        """What passkey.js needs; None where the controller's word is enough."""
        controller = self._console.controller
        with controller.db.look() as session:
            if not controller.broadcasts.wants_passkeys(session, bulletin.draft):
                return None
        party = controller.passkeys.party
        return {
            "prepare": f"/api/v1/bulletins/{bulletin.id}/to-sign?revision={bulletin.revision}",
            "origin": party.origins[0] if party else "",
        }

    def decide(self, visit: Visit, bulletin_id: str, act: Callable[[Work], object], *, told: str) -> Response:
        """Do it and show the page again; a refusal is told on it."""
        try:
            with self._console.controller.db.work() as work:
                act(work)
        except ControllerError as error:
            bulletin = self._console.bulletin(visit, bulletin_id)
            if bulletin.state is BulletinState.APPROVED and error.code == "wrong_state":
                return see_other(f"/bulletins/{bulletin_id}?told=late")
            return self.show(visit, bulletin, errors={"decide": say(error.code, error.facts)})
        return see_other(f"/bulletins/{bulletin_id}?told={told}")

    def _signed_by(self, bulletin: Bulletin) -> tuple[str, ...]:
        with self._console.controller.db.look() as session:
            return self._console.controller.broadcasts.signed_by(session, bulletin)

    def _withdrawn(self, bulletin: Bulletin) -> Scheduled | None:
        """What it became, if that was taken off the air."""
        if bulletin.broadcast is None:
            return None
        with self._console.controller.db.look() as session:
            found = read_broadcast(session, bulletin.broadcast)
        return found if found is not None and found.withdrawn_at is not None else None

    def _notes(self, visit: Visit, bulletin: Bulletin, told: str) -> Iterable[Note]:
        when = say_when(bulletin.draft.plan.when)
        own = bulletin.is_by(visit.person.user_id)
        places = visit.places.count(bulletin.draft.plan.audience)
        if withdrawn := self._withdrawn(bulletin):
            at = weekday_time(withdrawn.withdrawn_at or withdrawn.approved_at)
            yield Note("warn", "octagon", WITHDRAWN_TITLE, WITHDRAWN_TEXT.format(at=at))
        elif bulletin.state is BulletinState.APPROVED:
            if told == "late":
                who = self._console.person_name(bulletin.updated_by)
                yield Note("act", "tick", DECIDED_TITLE.format(who=who), DECIDED_TEXT)
            text = phrases.APPROVED_TEXT.format(when=when, places=places)
            yield Note("ok", "tick", phrases.APPROVED_TITLE, text, "/log?day=", phrases.SEE_LOG)
        elif bulletin.comment and bulletin.state is BulletinState.RETURNED:
            text = phrases.RETURNED_TEXT.format(comment=bulletin.comment)
            yield Note("warn", "turn", phrases.RETURNED_TITLE, text)
        elif half := self._signed_by(bulletin):
            names = ", ".join(self._console.person_names(half).values())
            yield Note("act", "hourglass", HALF_TITLE, HALF_TEXT.format(who=names))
        elif bulletin.state is BulletinState.SUBMITTED and (own or told == "sent"):
            yield Note("ok", "tick", phrases.SENT_TITLE, phrases.SENT_TEXT.format(when=when))
            if own and granted(visit.person, Act.APPROVE):
                yield self._about_own(visit, bulletin)

    def _about_own(self, visit: Visit, bulletin: Bulletin) -> Note:
        now = self._console.controller.clock.now()
        rule = own_approval(visit.places.tree, bulletin.draft.area, now)
        title, text = (ALONE_TITLE, ALONE_TEXT) if rule.allowed else (OWN_TITLE, OWN_TEXT)
        return Note("act", "person", title, text.format(source=rule.legal_source.rstrip(".")))

    def _facts(self, visit: Visit, bulletin: Bulletin) -> Iterable[tuple[str, str]]:
        draft, audience = bulletin.draft, bulletin.draft.plan.audience
        nodes = len(visit.places.nodes_of(audience))
        places = visit.places.count(audience)
        yield phrases.FACT_WHEN, say_when(draft.plan.when)
        yield phrases.FACT_WHERE, phrases.reach(places, nodes) if audience else ""
        kept = self._console.recording(visit, draft.recording)
        if kept:
            yield phrases.FACT_LENGTH, spell(kept.duration_ms)
        yield phrases.FACT_CLASS, CLASSES[draft.class_]
        yield phrases.FACT_FIELD, FIELDS.get(draft.field, draft.field)
        yield phrases.FACT_AUTHOR, self._console.person_name(bulletin.created_by)

    def _preview(self, visit: Visit, bulletin: Bulletin) -> PreviewPage:
        if bulletin.state is BulletinState.APPROVED or not bulletin.draft.plan.audience:
            return PreviewPage()
        return self._console.preview(visit, bulletin.draft, mine=phrases.THIS_BULLETIN, repairs=False)

    def _view(self, bulletin: Bulletin) -> Mapping[str, Any]:
        sent = bulletin.submitted_at
        words = phrases.VERSION_SENT if sent else phrases.VERSION_SAVED
        at = weekday_time(sent or bulletin.updated_at)
        return {
            "id": bulletin.id,
            "revision": bulletin.revision,
            "title": bulletin.draft.title or phrases.TITLE_UNNAMED,
            "look": BULLETIN_STATES[bulletin.state],
            "version_word": words.format(revision=bulletin.revision, at=at),
            "recording": bulletin.draft.recording,
            "text": bulletin.draft.text,
            "waits": bulletin.state is BulletinState.SUBMITTED,
        }


def _entry(names: Mapping[str, str], bulletin: Bulletin) -> Mapping[str, Any]:
    sent = bulletin.submitted_at
    pattern = phrases.SENT_BY if sent else phrases.SAVED_BY
    note = pattern.format(who=names[bulletin.sender], at=weekday_time(sent or bulletin.updated_at))
    step = "/what" if bulletin.state is BulletinState.DRAFT else ""
    return {
        "href": f"/bulletins/{bulletin.id}{step}",
        "title": bulletin.draft.title or phrases.TITLE_UNNAMED,
        "note": note,
        "look": BULLETIN_STATES[bulletin.state],
    }


def revision_of(form: FormData) -> int:
    """The revision that the person had before them."""
    return number_of(form, "revision")


def number_of(form: FormData, name: str) -> int:
    """A whole number of the form; 0 for anything else."""
    text = text_of(form, name)
    return int(text) if text.isdigit() else 0
