"""Third step: when. Every change is saved and answered with the timeline that the nodes will compute."""

from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.core.bulletins import Bulletin, Draft
from loa.controller.errors import ControllerError
from loa.controller.web import phrases
from loa.controller.web.bodies import Bodies, text_of, texts_of
from loa.controller.web.catalogue import WEEKDAY_CODES, WEEKDAYS, say
from loa.controller.web.composing import save
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import (
    KINDS,
    MOST_SKIPS,
    MOST_TIMES,
    Errors,
    WhenForm,
    form_of,
    is_start,
    read_date,
    read_when,
    repaired,
    say_start,
)
from loa.controller.web.localtime import day_words, today
from loa.controller.web.previewing import PreviewPage
from loa.controller.web.readback import Spoken, say_times
from loa.controller.web.render import see_other
from loa.controller.web.rules import MONTHLY, which_week
from loa.controller.web.times import read_time
from loa.controller.web.words import _
from loa.protocol.kinds import BroadcastClass
from loa.protocol.units import from_ms
from loa.protocol.when import FIRST_YEAR
from loa.schedules.localtime import to_wall

SHORTEST_MONTH = 28


def router(console: Console, bodies: Bodies) -> APIRouter:
    """The page, its preview, repairs, and handing it to the approvers."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    page = WhenPage(console)

    @routes.get("/bulletins/{bulletin_id}/when")
    def ask(request: Request, bulletin_id: str) -> Response:
        visit = console.visit(request)
        bulletin = console.open_bulletin(visit, bulletin_id)
        return page.show(visit, bulletin, page.form_of(visit, bulletin))

    @routes.post("/bulletins/{bulletin_id}/preview")
    def preview(request: Request, bulletin_id: str, form: Form) -> Response:
        visit = console.visit(request, form)
        return page.preview(visit, console.open_bulletin(visit, bulletin_id), form)

    @routes.post("/bulletins/{bulletin_id}/when")
    def act(request: Request, bulletin_id: str, form: Form) -> Response:
        visit = console.visit(request, form)
        bulletin, asked = console.open_bulletin(visit, bulletin_id), _form(form)
        match text_of(form, "act").split(":"):
            case ["repair", was, becomes] if was.isdigit() and becomes.isdigit():
                return page.repair(visit, bulletin, form, from_ms(int(was)), from_ms(int(becomes)))
            case ["skip"]:
                return page.look(visit, bulletin, form, asked)
            case ["more"]:
                times = (*asked.times, "")[:MOST_TIMES]
                return page.show(visit, bulletin, replace(asked, times=times))
            case ["preview"]:
                return page.look(visit, bulletin, form, asked)
            case _:
                return page.submit(visit, bulletin, form, asked)

    return routes


class WhenPage:
    """What the third step shows and does."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def form_of(self, visit: Visit, bulletin: Bulletin) -> WhenForm:
        """The form that asks for what the draft says."""
        tz = _tz(visit, bulletin)
        when = bulletin.draft.plan.when
        if when is None and bulletin.draft.class_ is BroadcastClass.EMERGENCY:
            when = "now"
        return form_of(when, today(self._console.controller.clock.now(), tz))

    def show(
        self, visit: Visit, bulletin: Bulletin, form: WhenForm, errors: Errors | None = None
    ) -> Response:
        """The whole page, with the preview of what is asked for."""
        context = self._context(visit, bulletin, form) | {"errors": errors or {}}
        return self._console.show("when.html", visit, context, here="new", status=422 if errors else 200)

    def preview(self, visit: Visit, bulletin: Bulletin, form: FormData) -> Response:
        """The preview alone, after saving what was changed."""
        asked = _form(form)
        bulletin, problem = self._save(visit, bulletin, form, asked)
        preview = self._preview(visit, bulletin, asked)
        if problem:
            preview = replace(preview, problem=problem)
        return self._console.show(
            "_preview.html",
            visit,
            {
                "preview": preview,
                "revision": bulletin.revision,
                "date_hint": _hint(asked),
                "spoken": _spoken(visit, bulletin, asked),
            },
        )

    def look(self, visit: Visit, bulletin: Bulletin, form: FormData, asked: WhenForm) -> Response:
        """The page anew for a browser without script."""
        errors = read_when(asked, _tz(visit, bulletin)).errors
        bulletin, problem = self._save(visit, bulletin, form, asked)
        return self.show(visit, bulletin, asked, errors or ({"kind": problem} if problem else {}))

    def repair(
        self, visit: Visit, bulletin: Bulletin, form: FormData, was: datetime, becomes: datetime
    ) -> Response:
        """Take the allowed time instead of the refused one."""
        tz = _tz(visit, bulletin)
        asked = repaired(_form(form), to_wall(was, tz), to_wall(becomes, tz))
        bulletin, problem = self._save(visit, bulletin, form, asked)
        return self.show(visit, bulletin, asked, {"kind": problem} if problem else {})

    def submit(self, visit: Visit, bulletin: Bulletin, form: FormData, asked: WhenForm) -> Response:
        """Save and hand it to the approvers; what would be refused is told here, not first to them."""
        errors = read_when(asked, _tz(visit, bulletin)).errors
        if errors:
            return self.show(visit, bulletin, asked, errors)
        preview = self._preview(visit, bulletin, asked)
        if preview.refused:
            words = {"time": preview.notes[0].title + ". " + preview.notes[0].why}
            return self.show(visit, bulletin, asked, words)
        draft, revision = self._draft(visit, bulletin, asked), int(text_of(form, "revision") or 0)
        try:
            save(self._console, visit, bulletin.id, revision, draft, submit=True)
        except ControllerError as error:
            return self.show(visit, bulletin, asked, {"kind": say(error.code, error.facts)})
        return see_other(f"/bulletins/{bulletin.id}?told=sent")

    def _save(
        self, visit: Visit, bulletin: Bulletin, form: FormData, asked: WhenForm
    ) -> tuple[Bulletin, str | None]:
        """The bulletin as it is kept now, and why it could not be kept if so. Half a time is not kept."""
        read = read_when(asked, _tz(visit, bulletin))
        if read.errors or read.when == bulletin.draft.plan.when:
            return bulletin, None
        draft = self._draft(visit, bulletin, asked)
        revision = text_of(form, "revision")
        try:
            return save(self._console, visit, bulletin.id, int(revision or 0), draft), None
        except ControllerError as error:
            return bulletin, say(error.code, error.facts)

    def _draft(self, visit: Visit, bulletin: Bulletin, asked: WhenForm) -> Draft:
        when = read_when(asked, _tz(visit, bulletin)).when
        return replace(bulletin.draft, plan=bulletin.draft.plan.model_copy(update={"when": when}))

    def _preview(self, visit: Visit, bulletin: Bulletin, asked: WhenForm) -> PreviewPage:
        read = read_when(asked, _tz(visit, bulletin))
        if read.errors:
            return PreviewPage(problem=next(iter(read.errors.values())))
        return self._console.preview(
            visit, self._draft(visit, bulletin, asked), mine=phrases.MY_BULLETIN, repairs=True
        )

    def _context(self, visit: Visit, bulletin: Bulletin, form: WhenForm) -> dict[str, Any]:
        tz = _tz(visit, bulletin)
        emergency = bulletin.draft.class_ is BroadcastClass.EMERGENCY
        return {
            "form": {"id": bulletin.id, "revision": bulletin.revision, **asdict(form)},
            "preview": self._preview(visit, bulletin, form),
            "weekdays": list(zip(WEEKDAY_CODES, WEEKDAYS, strict=True)),
            "date_hint": _hint(form),
            "monthly_ways": _monthly(form),
            "skips": [(one, say_start(one)) for one in form.skips],
            "extras": [(one, say_start(one)) for one in form.extras],
            "spoken": _spoken(visit, bulletin, form),
            "today": today(self._console.controller.clock.now(), tz).isoformat(),
            "now_word": phrases.NOW_EMERGENCY if emergency else phrases.NOW_SOON,
            "submit_word": phrases.SUBMIT,
            "flow": True,
        }


def _spoken(visit: Visit, bulletin: Bulletin, form: WhenForm) -> tuple[Spoken, ...]:
    """The times read back; of what recurs without its first day, which tells too little."""
    if form.kind == "now":
        return ()
    clocks = dict.fromkeys(clock for clock in map(read_time, form.times) if clock)
    return say_times(visit.places.tree, bulletin.draft, read_date(form.date), clocks)


def _tz(visit: Visit, bulletin: Bulletin) -> str:
    return visit.places.tree.tz_of(bulletin.draft.area)


def _form(form: FormData) -> WhenForm:
    kind, monthly = text_of(form, "kind"), text_of(form, "monthly")
    typed = read_date(text_of(form, "skip"))
    skips = (*texts_of(form, "skips"), *([typed.isoformat()] if typed and typed.year >= FIRST_YEAR else []))
    return WhenForm(
        kind=kind if kind in KINDS else "once",
        date=text_of(form, "date"),
        times=texts_of(form, "time")[:MOST_TIMES] or ("",),
        until=text_of(form, "until"),
        days=texts_of(form, "days"),
        monthly=monthly if monthly in MONTHLY else "date",
        skips=tuple(sorted(set(filter(is_start, skips))))[:MOST_SKIPS],
        extras=tuple(sorted(set(filter(is_start, texts_of(form, "extras")))))[:MOST_SKIPS],
    )


def _hint(form: WhenForm) -> str:
    day: date | None = read_date(form.date)
    if day is None:
        return ""
    if form.kind != "monthly" or form.monthly != "date":
        return day_words(day)
    hint = phrases.MONTHLY_HINT.format(day=day_words(day), number=day.day)
    return f"{hint} {phrases.MONTHLY_SHORT}" if day.day > SHORTEST_MONTH else hint


def _monthly(form: WhenForm) -> list[tuple[str, str]]:
    """The ways in which a month can count, said of the chosen day."""
    day = read_date(form.date)
    if day is None:
        return []
    week = which_week(day)
    weekday = _("%(weekday)s lần thứ %(week)s", weekday=WEEKDAYS[day.weekday()], week=week)
    last = _("%(weekday)s cuối tháng", weekday=WEEKDAYS[day.weekday()])
    words = (_("Ngày %(number)s", number=day.day), last if week < 0 else weekday, _("Ngày cuối tháng"))
    return list(zip(MONTHLY, words, strict=True))
