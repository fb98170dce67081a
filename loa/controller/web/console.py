"""What every page needs: who looks at it, the frame around it, and a decent end when something is refused."""

from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse

from loa.controller.composition import Controller
from loa.controller.core.access import Act, Person, granted, may
from loa.controller.core.approving import needs_another
from loa.controller.core.bulletins import Bulletin, BulletinState, Draft
from loa.controller.core.presence import LastWord
from loa.controller.errors import Conflict, ControllerError, NotFound, Unauthenticated
from loa.controller.gate import check_csrf, check_origin
from loa.controller.services.previews import Asked
from loa.controller.services.recordings import Kept
from loa.controller.services.sessions import SignedIn
from loa.controller.store.database import Session
from loa.controller.store.heard import known_nodes
from loa.controller.store.log import LogFilter
from loa.controller.store.people import names_of
from loa.controller.store.tree import read_tree
from loa.controller.web import navigation
from loa.controller.web.catalogue import NOT_FOUND, explain, say
from loa.controller.web.places import Places
from loa.controller.web.previewing import Painter, PreviewPage
from loa.controller.web.render import Renderer, see_other
from loa.protocol.ids import AreaId, RecordingId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Silence
from loa.protocol.reasons import Reason

SIGN_IN = "/signin"
HOME = "/"
OPEN = (BulletinState.DRAFT, BulletinState.RETURNED)
MOST_LINES = 500
LONGEST_SOUND = timedelta(days=1)
SILENCED = Reason.SILENCED.value


class Elsewhere(Conflict):
    """Something else has to be done first, at that address."""

    def __init__(self, address: str) -> None:
        super().__init__("elsewhere", f"first {address}")
        self.address = address


class Closed(Elsewhere):
    """The bulletin was submitted or approved, so that the steps of writing it are over."""

    def __init__(self, bulletin_id: str) -> None:
        super().__init__(f"/bulletins/{bulletin_id}")


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person at the page, as its frame shows them."""

    person: Person
    name: str
    place: str
    csrf: str
    acts: frozenset[Act]
    """What the person may do somewhere."""
    waiting: int
    sounding: bool
    inbox: int
    is_curbed: bool = False
    """Whether roles wait for a second factor."""
    factor_due_at: datetime | None = None
    """Until when they still work without one."""

    @property
    def writes(self) -> bool:
        """Whether the person writes bulletins."""
        return Act.WRITE_BULLETIN in self.acts

    @property
    def stops(self) -> bool:
        """Whether the person may stop the sound somewhere."""
        return Act.STOP in self.acts


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a person who is signed in."""

    signed: SignedIn
    viewer: Viewer
    places: Places

    @property
    def person(self) -> Person:
        """Who asks."""
        return self.signed.person


class Console:
    """The controller as the pages see it."""

    def __init__(self, *, controller: Controller, renderer: Renderer) -> None:
        self.controller = controller
        self.renderer = renderer
        self.served: Collection[str] = ()
        """The addresses that can be opened, as their routes write them."""

    def visit(self, request: Request, form: FormData | None = None, *, unlocked: bool = False) -> Visit:
        """Who asks; raises `Unauthenticated`, and `Forbidden` when a form lacks the session's token.

        Whoever has to choose another password first gets only pages that are `unlocked`.
        """
        signed = self.controller.gate.signed_in(request)
        if signed.must_change and not unlocked:
            raise Elsewhere("/me/password")
        if form is not None:
            check_origin(request)
            given = form.get("csrf")
            check_csrf(signed, given if isinstance(given, str) else None)
        with self.controller.db.look() as session:
            places = _places(session, signed.person)
            waiting = self.controller.bulletins.waiting(session, signed.person)
            inbox = self.controller.inbox.waiting(session, signed.person)
        viewer = _viewer(signed, places, waiting=waiting, inbox=inbox)
        return Visit(signed=signed, viewer=viewer, places=places)

    def show(
        self, template: str, visit: Visit, context: dict[str, Any], *, here: str = "", status: int = 200
    ) -> HTMLResponse:
        """A page inside the frame, or a part of one."""
        ways = navigation.frame(visit.viewer.acts, self.served)
        frame = {
            "viewer": visit.viewer,
            "now": self.controller.clock.now(),
            "here": here,
            "flow": False,
            "ways": ways,
        }
        return self.renderer.page(template, {"errors": {}} | frame | context, status=status)

    def problem(self, request: Request, error: ControllerError) -> Response:
        """The page for a refusal that no form can show."""
        htmx = "hx-request" in request.headers
        if isinstance(error, Unauthenticated):
            target = request.url.path if request.method == "GET" else HOME
            return see_other(f"{SIGN_IN}?next={quote(target)}", htmx=htmx)
        if isinstance(error, Elsewhere):
            return see_other(error.address, htmx=htmx)
        found = error.status != NotFound.status
        words = {
            "title": say(error.code, error.facts) if found else NOT_FOUND,
            "text": explain(error.status, error.code),
        }
        context = {"problem": words}
        try:
            return self.show("problem.html", self.visit(request), context, status=error.status)
        except ControllerError:
            return self.renderer.page("problem_outside.html", context, status=error.status)

    def bulletin(self, visit: Visit, bulletin_id: str) -> Bulletin:
        """The bulletin; raises `NotFound` also where the person has no right to know of it."""
        with self.controller.db.look() as session:
            return self.controller.bulletins.get(session, visit.person, bulletin_id)

    def open_bulletin(self, visit: Visit, bulletin_id: str) -> Bulletin:
        """The bulletin, if it may still be written on; else raises `Closed`, which leads to its page."""
        bulletin = self.bulletin(visit, bulletin_id)
        if bulletin.state not in OPEN:
            raise Closed(bulletin_id)
        return bulletin

    def decides(self, visit: Visit, bulletin: Bulletin) -> bool:
        """Whether it waits for a decision that this person may take."""
        path = [place.id for place in visit.places.tree.path(bulletin.draft.area)]
        if bulletin.state is not BulletinState.SUBMITTED:
            return False
        if bulletin.draft.class_ is BroadcastClass.EMERGENCY:
            return may(visit.person, Act.BROADCAST_EMERGENCY, path)
        return may(visit.person, Act.APPROVE, path) and not self.leaves_to_others(visit, bulletin)

    def leaves_to_others(self, visit: Visit, bulletin: Bulletin) -> bool:
        """Whether the person wrote it, and the policy has somebody else approve it."""
        now = self.controller.clock.now()
        area, authors = bulletin.draft.area, bulletin.authors
        return needs_another(visit.places.tree, area, authors, visit.person.user_id, now)

    def recording(self, visit: Visit, sha256: RecordingId | None) -> Kept | None:
        """The recording, if there is one that the person may hear."""
        try:
            return self.controller.recordings.heard_by(visit.person, sha256) if sha256 else None
        except ControllerError:
            return None

    def person_name(self, user_id: str) -> str:
        """How people call this person; the user name if there is no other."""
        return self.person_names({user_id})[user_id]

    def person_names(self, user_ids: Collection[str]) -> Mapping[str, str]:
        """As `person_name`, of all of a list at once."""
        with self.controller.db.look() as session:
            known = names_of(session, user_ids)
        return {user_id: known.get(user_id) or user_id for user_id in user_ids}

    def stopped_at(self, visit: Visit, area: AreaId, silence: Silence) -> list[datetime]:
        """When sound ended by this silence, as nodes have reported by now."""
        wanted = LogFilter(
            within=(), from_at=silence.issued_at - LONGEST_SOUND, until_at=silence.issued_at, outcome=SILENCED
        )
        with self.controller.db.look() as session:
            page = self.controller.log.page(
                session, visit.person, wanted, area=area, cursor=None, limit=MOST_LINES
            )
        return [line.ended_at for line in page.lines if line.ended_at and line.by == silence.id]

    def preview(self, visit: Visit, draft: Draft, *, mine: str, repairs: bool) -> PreviewPage:
        """What the nodes would do if the draft was approved; a refusal to look ahead is told in its place."""
        asked = Asked(
            area=draft.area,
            class_=draft.class_,
            plan=draft.plan,
            recording=draft.recording,
            title=draft.title,
        )
        names = {area: visit.places.title(area) for area in draft.plan.audience}
        tz = visit.places.tree.tz_of(draft.area)
        painter = Painter(names=names, mine=mine, tz=tz, repairs=repairs)
        try:
            with self.controller.db.look() as session:
                preview = self.controller.previews.preview(session, visit.person, asked)
        except ControllerError as error:
            return PreviewPage(problem=say(error.code, error.facts))
        return painter.page(preview)


def _viewer(signed: SignedIn, places: Places, *, waiting: int, inbox: int) -> Viewer:
    return Viewer(
        person=signed.person,
        name=signed.person.name,
        place=places.home_name,
        csrf=signed.csrf or "",
        acts=frozenset(act for act in Act if granted(signed.person, act)),
        waiting=waiting,
        inbox=inbox,
        sounding=bool(places.sounding),
        is_curbed=bool(signed.person.curbed),
        factor_due_at=signed.factor_due_at,
    )


def _places(session: Session, person: Person) -> Places:
    tree = read_tree(session)
    roots = granted(person, Act.READ_AREA)
    nodes = [node for root in roots if root in tree for node in tree.nodes_of(root)]
    heard = {
        known.node: LastWord(known.presence, known.state.sounding if known.state else None, known.heard_at)
        for known in known_nodes(session, nodes)
    }
    return Places(tree=tree, roots=roots, heard=heard)


def page_route(console: Console) -> type[APIRoute]:
    """Routes whose refusals become pages."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    return await handle(request)
                except ControllerError as error:
                    return await run_in_threadpool(console.problem, request, error)

            return answer

    return PageRoute
