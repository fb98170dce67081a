"""The emergency page and the drill page: two addresses, one way of working, nothing to switch between."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.access import Act, granted
from loa.controller.core.standing_texts import CORRECTION, TEXTS, excerpt
from loa.controller.errors import ControllerError, Forbidden, NotFound
from loa.controller.services.alarms import Ready, Wish
from loa.controller.services.idempotency import Answer
from loa.controller.store.database import Work
from loa.controller.web import alarm_form, phrases
from loa.controller.web.alarm_form import AlarmForm
from loa.controller.web.alarm_view import Hearing
from loa.controller.web.alarm_words import (
    CARDS,
    MODES,
    OFFERED,
    TYPED,
    Mode,
    Say,
)
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.catalogue import say as say_error
from loa.controller.web.composing import reading_view
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.render import see_other
from loa.controller.web.words import lazy
from loa.protocol.ids import AreaId, BroadcastId
from loa.protocol.kinds import StandingMessage

ALL_CLEAR = TEXTS[StandingMessage.ALL_CLEAR]
DEEDS = frozenset({"hold", "twice"})
"""The gestures that give the order."""
SAY_MISSING = lazy("Chọn một tin, hoặc gõ nội dung")


def router(console: Console, bodies: Bodies) -> APIRouter:
    """Both pages, and the order."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    for mode in MODES:
        _add(routes, AlarmPage(console, mode), bodies)
    return routes


def _add(routes: APIRouter, page: "AlarmPage", bodies: Bodies) -> None:
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type

    @routes.get(page.mode.address, name=page.mode.key)
    def ask(request: Request) -> Response:
        return page.begin(request)

    @routes.post(page.mode.address, name=f"{page.mode.key} order")
    def act(request: Request, form: Form) -> Response:
        return page.act(request, form)


class AlarmPage:
    """What one of the two pages shows and does."""

    def __init__(self, console: Console, mode: Mode) -> None:
        self.mode = mode
        self._console = console
        self._controller = console.controller
        self._hearing = Hearing(console, mode)

    def begin(self, request: Request) -> Response:
        """A fresh page; `of` names a broadcast that is to be corrected or ended, where it sounded."""
        visit = self._visit(request)
        audience: tuple[AreaId, ...] = ()
        if of := request.query_params.get("of"):
            with self._controller.db.look() as session:
                found = self._controller.broadcasts.get(session, visit.person, BroadcastId(of))
            audience = found.broadcast.audience
        return self._show(visit, alarm_form.form_from(request.query_params, visit, audience))

    def act(self, request: Request, sent: FormData) -> Response:
        """Give the order, let the voice read, or show the page as it was filled in."""
        visit, form = self._visit(request, sent), alarm_form.form_of(sent)
        gesture, listens = text_of(sent, "gesture"), text_of(sent, "act") == "listen"
        if gesture not in DEEDS and not listens:
            return self._show(visit, form, armed=gesture == "arm")
        wish = alarm_form.wish_of(form, visit, self.mode)
        lacking = _what_lacks(form, wish) | ({} if listens else _where_lacks(wish))
        if lacking:
            return self._show(visit, form, errors=lacking)
        try:
            if listens:
                self._controller.alarms.make(visit.person, wish)
                return self._show(visit, form, listened=True)
            ready = self._controller.alarms.ready(visit.person, wish)
            address = self._order(visit, form, wish, ready)
        except NotFound:
            raise
        except ControllerError as error:
            fresh = replace(form, key=alarm_form.new_key())
            return self._show(visit, fresh, errors={"alarm": say_error(error.code, error.facts)})
        return see_other(address)

    def _visit(self, request: Request, form: FormData | None = None) -> Visit:
        visit = self._console.visit(request, form)
        if not granted(visit.person, Act.BROADCAST_EMERGENCY):
            raise Forbidden("alarms_not_yours", "only who may broadcast emergencies may open this page")
        return visit

    def _order(self, visit: Visit, form: AlarmForm, wish: Wish, ready: Ready) -> str:
        """Where it goes on: how it sounds, or its signing; the same order sent twice is given once."""
        alarms, controller, person = self._controller.alarms, self._controller, visit.person
        signs = alarms.must_be_signed(ready)

        def act(work: Work) -> Answer:
            if signs:
                return Answer(status=201, body=f"/bulletins/{alarms.hand_in(work, person, ready)}")
            approved = alarms.sound(work, person, ready)
            return Answer(status=201, body=f"{self.mode.address}/{approved.scheduled.id}")

        with controller.db.work() as work:
            digest = alarm_form.digest_of(wish)
            answer = controller.idempotency.once(
                work, user_id=person.user_id, key=form.key, request_sha256=digest, act=act
            )
        return answer.body

    def _show(
        self,
        visit: Visit,
        form: AlarmForm,
        *,
        armed: bool = False,
        listened: bool = False,
        errors: Errors | None = None,
    ) -> Response:
        wish = alarm_form.wish_of(form, visit, self.mode)
        offered = OFFERED if form.say in {None, Say.TEXT, *OFFERED} else (*OFFERED, form.say)
        context = {
            "mode": self.mode,
            "form": form,
            "cards": [(say, CARDS[say]) for say in offered if say is not None],
            "typed": CARDS[Say.TEXT],
            "types": form.say in TYPED,
            "wide": alarm_form.wide_choices(form, visit),
            "singles": alarm_form.single_choices(form, visit),
            "heard": self._hearing.of(visit, wish, form.say),
            "listened": listened,
            "reading": reading_view(self._console, form.text) if form.say in TYPED else None,
            "armed": armed,
            "errors": errors or {},
            "after": (
                (Say.CORRECTION, CORRECTION),
                (Say.ALL_CLEAR, excerpt(TEXTS[StandingMessage.ALL_CLEAR])),
            ),
            "all_cards": CARDS,
        }
        status = 422 if errors else 200
        return self._console.show("alarm.html", visit, context, here="emergency", status=status)


def _what_lacks(form: AlarmForm, wish: Wish) -> Errors:
    if form.say is None:
        return {"say": str(SAY_MISSING)}
    return {"text": str(phrases.TEXT_MISSING)} if form.say in TYPED and not wish.text else {}


def _where_lacks(wish: Wish) -> Errors:
    return {} if wish.audience else {"where": str(phrases.AREA_MISSING)}
