"""Another time for something that is not approved yet: by a form, which dragging in the schedule fills in."""

from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.bulletins import Bulletin
from loa.controller.errors import ControllerError
from loa.controller.services.bulletins import moved_draft
from loa.controller.web import phrases
from loa.controller.web.bodies import Bodies, text_of
from loa.controller.web.catalogue import BULLETIN_STATES, say
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors, read_date
from loa.controller.web.localtime import today
from loa.controller.web.moved_note import read_wall, wall_words
from loa.controller.web.previewing import PreviewPage
from loa.controller.web.readback import Spoken, say_times
from loa.controller.web.render import see_other
from loa.controller.web.times import read_time
from loa.protocol.units import from_ms
from loa.protocol.when import When
from loa.schedules.localtime import to_wall

HOME = "/schedule"


@dataclass(frozen=True, slots=True)
class MoveForm:
    """What is to be moved, and to when."""

    was: str = ""
    date: str = ""
    time: str = ""
    back: str = HOME
    revision: int = 0

    @property
    def becomes(self) -> datetime | None:
        """The wall time that is asked for."""
        day, clock = read_date(self.date), read_time(self.time)
        return datetime.combine(day, time.fromisoformat(clock)) if day and clock else None

    @property
    def errors(self) -> Errors:
        """What cannot be read, by field."""
        found: Errors = {}
        if read_date(self.date) is None:
            found["date"] = phrases.DATE_MISSING
        if read_time(self.time) is None:
            found["time"] = (
                phrases.TIME_WRONG.format(typed=self.time) if self.time else str(phrases.TIME_MISSING)
            )
        return found


def router(console: Console, bodies: Bodies) -> APIRouter:
    """The page, its preview, and the move."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    page = MovePage(console)

    @routes.get("/schedule/move/{bulletin_id}")
    def ask(request: Request, bulletin_id: str) -> Response:
        visit = console.visit(request)
        bulletin = console.bulletin(visit, bulletin_id)
        return page.show(visit, bulletin, page.asked(bulletin, dict(request.query_params)))

    @routes.post("/schedule/move/{bulletin_id}/preview")
    def preview(request: Request, bulletin_id: str, form: Form) -> Response:
        visit = console.visit(request, form)
        return page.part(visit, console.bulletin(visit, bulletin_id), _form(form))

    @routes.post("/schedule/move/{bulletin_id}")
    def act(request: Request, bulletin_id: str, form: Form) -> Response:
        visit = console.visit(request, form)
        bulletin, asked = console.bulletin(visit, bulletin_id), _form(form)
        match text_of(form, "act").split(":"):
            case ["repair", _was, becomes] if becomes.isdigit():
                wall = to_wall(from_ms(int(becomes)), _tz(visit, bulletin))
                return page.show(
                    visit, bulletin, replace(asked, date=f"{wall:%Y-%m-%d}", time=f"{wall:%H:%M}")
                )
            case ["preview"]:
                return page.show(visit, bulletin, asked, asked.errors)
            case _:
                return page.move(visit, bulletin, asked)

    return routes


class MovePage:
    """What the page shows and does."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def asked(self, bulletin: Bulletin, query: dict[str, str]) -> MoveForm:
        """The form of an address: as it stands, or as it was dragged."""
        was = query.get("was", "")
        wall = read_wall(query.get("to", "")) or read_wall(was)
        day, clock = (f"{wall:%Y-%m-%d}", f"{wall:%H:%M}") if wall else ("", "")
        return MoveForm(was, day, clock, safe_back(query.get("back", "")), bulletin.revision)

    def show(
        self, visit: Visit, bulletin: Bulletin, asked: MoveForm, errors: Errors | None = None
    ) -> Response:
        """The whole page."""
        context = self._context(visit, bulletin, asked) | {"errors": errors or {}}
        status = 422 if errors else 200
        return self._console.show("schedule_move.html", visit, context, here="schedule", status=status)

    def part(self, visit: Visit, bulletin: Bulletin, asked: MoveForm) -> Response:
        """What comes of the time that is typed just now."""
        return self._console.show("_schedule_move.html", visit, self._context(visit, bulletin, asked))

    def move(self, visit: Visit, bulletin: Bulletin, asked: MoveForm) -> Response:
        """Do it, unless it would be refused; then say why and offer another time."""
        was, becomes, errors = read_wall(asked.was), asked.becomes, asked.errors
        if errors or was is None or becomes is None:
            return self.show(visit, bulletin, asked, errors or {"time": say("no_such_start", {})})
        preview = self._preview(visit, bulletin, asked)
        if preview.refused:
            told = preview.notes[0].title + ". " + preview.notes[0].why
            return self.show(visit, bulletin, asked, {"time": told})
        if preview.problem:
            return self.show(visit, bulletin, asked, {"time": preview.problem})
        bulletins = self._console.controller.bulletins
        try:
            with self._console.controller.db.work() as work:
                bulletins.move(work, visit.person, bulletin.id, asked.revision, was=was, becomes=becomes)
        except ControllerError as error:
            return self.show(visit, bulletin, asked, {"time": say(error.code, error.facts)})
        told = urlencode({"moved": bulletin.id, "was": was.isoformat(), "now": becomes.isoformat()})
        return see_other(f"{asked.back}{'&' if '?' in asked.back else '?'}{told}")

    def _preview(self, visit: Visit, bulletin: Bulletin, asked: MoveForm) -> PreviewPage:
        was, becomes = read_wall(asked.was), asked.becomes
        if was is None or becomes is None:
            return PreviewPage()
        try:
            draft = moved_draft(bulletin.draft, was, becomes)
        except ControllerError as error:
            return PreviewPage(problem=say(error.code, error.facts))
        mine = bulletin.draft.title or str(phrases.TITLE_UNNAMED)
        return self._console.preview(visit, draft, mine=mine, repairs=True)

    def _context(self, visit: Visit, bulletin: Bulletin, asked: MoveForm) -> dict[str, Any]:
        was, when = read_wall(asked.was), bulletin.draft.plan.when
        recurs = isinstance(when, When) and bool(when.rrule or when.rdates)
        return {
            "bulletin": {
                "id": bulletin.id,
                "title": bulletin.draft.title or phrases.TITLE_UNNAMED,
                "look": BULLETIN_STATES[bulletin.state],
            },
            "form": asked,
            "was_words": wall_words(was) if was else "",
            "recurs": recurs,
            "today": today(self._console.controller.clock.now(), _tz(visit, bulletin)).isoformat(),
            "spoken": self._spoken(visit, bulletin, asked),
            "preview": self._preview(visit, bulletin, asked),
            "flow": True,
        }

    def _spoken(self, visit: Visit, bulletin: Bulletin, asked: MoveForm) -> tuple[Spoken, ...]:
        clock = read_time(asked.time)
        if clock is None:
            return ()
        return say_times(visit.places.tree, bulletin.draft, read_date(asked.date), [clock])


def safe_back(address: str) -> str:
    """An address of the schedule on this very site; its own page for anything else."""
    parts = urlsplit(address)
    own = not parts.scheme and not parts.netloc and parts.path == HOME
    return f"{HOME}?{parts.query}" if own and parts.query else HOME


def _form(form: FormData) -> MoveForm:
    revision = text_of(form, "revision")
    return MoveForm(
        was=text_of(form, "was"),
        date=text_of(form, "date"),
        time=text_of(form, "time"),
        back=safe_back(text_of(form, "back")),
        revision=int(revision) if revision.isdigit() else 0,
    )


def _tz(visit: Visit, bulletin: Bulletin) -> str:
    return visit.places.tree.tz_of(bulletin.draft.area)
