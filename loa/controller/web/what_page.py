"""First step of a new announcement: a sound file or a text, its title, field and class."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from loa.controller.errors import ControllerError, Invalid, TooLarge
from loa.controller.services.bulletins import text_digest
from loa.controller.services.recordings import Kept
from loa.controller.web import phrases
from loa.controller.web.bodies import Bodies, file_of, text_of
from loa.controller.web.catalogue import CLASSES, FIELDS, say
from loa.controller.web.composing import (
    SOUNDS,
    WhatForm,
    draft_of,
    reading_view,
    save,
    sound_view,
    what_from,
    what_of,
)
from loa.controller.web.console import Console, Visit, page_route
from loa.controller.web.forms import Errors
from loa.controller.web.render import HEADERS, POLICY, see_other
from loa.protocol.ids import RecordingId

RECORDING_HEADERS = {
    "permissions-policy": HEADERS["permissions-policy"].replace("microphone=()", "microphone=(self)"),
    "content-security-policy": POLICY.replace("media-src 'self'", "media-src 'self' blob:"),
}
"""This page alone may use the microphone, and sound what it has recorded itself."""


def router(console: Console, bodies: Bodies) -> APIRouter:
    """The page and what it asks for while somebody types."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    Form = Annotated[FormData, Depends(bodies.form)]  # noqa: N806 -- a type
    page = WhatPage(console)

    @routes.get("/bulletins/new")
    def new(request: Request) -> Response:
        return page.show(console.visit(request), WhatForm())

    @routes.get("/bulletins/{bulletin_id}/what")
    def edit(request: Request, bulletin_id: str) -> Response:
        visit = console.visit(request)
        bulletin = console.open_bulletin(visit, bulletin_id)
        kept = console.recording(visit, bulletin.draft.recording)
        return page.show(
            visit, what_from(bulletin, kept.origin if kept else None), saved_at=bulletin.updated_at
        )

    @routes.post("/bulletins/what")
    def act(request: Request, form: Form) -> Response:
        visit = console.visit(request, form)
        match text_of(form, "act"):
            case "read":
                return page.show(visit, what_of(form))
            case "listen":
                return page.show(visit, what_of(form), **page.listen(visit, text_of(form, "text")))
            case _:
                return page.go_on(visit, form)

    @routes.post("/bulletins/draft")
    def keep(request: Request, form: Form) -> Response:
        return page.keep(console.visit(request, form), what_of(form))

    @routes.post("/bulletins/sound")
    def sound(request: Request, form: Form) -> Response:
        return page.take_sound(console.visit(request, form), form)

    @routes.post("/bulletins/reading")
    def reading(request: Request, form: Form) -> Response:
        return page.read(console.visit(request, form), text_of(form, "text"), text_of(form, "heard_text"))

    @routes.post("/bulletins/listen")
    def listen(request: Request, form: Form) -> Response:
        visit, text = console.visit(request, form), text_of(form, "text")
        read = reading_view(console, text)
        return page.part("_reading.html", visit, reading=read, counts=True, **page.listen(visit, text))

    return routes


class WhatPage:
    """What the first step shows and does."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._recordings = console.controller.recordings

    def show(self, visit: Visit, what: WhatForm, errors: Errors | None = None, **more: Any) -> Response:  # noqa: ANN401 -- values for the template
        """The whole page."""
        context = self._context(visit, what) | {"errors": errors or {}, "flow": True} | more
        status = 422 if errors else 200
        response = self._console.show("what.html", visit, context, here="new", status=status)
        response.headers.update(RECORDING_HEADERS)
        return response

    def part(self, template: str, visit: Visit, **context: Any) -> Response:  # noqa: ANN401 -- as above
        """A part of the page for htmx."""
        blank = {"spoken": None, "listen_problem": None, "problem": None, "saved_at": None, "form": None}
        return self._console.show(template, visit, blank | {"counts": False} | context)

    def read(self, visit: Visit, text: str, heard: str) -> Response:
        """What the voice would change; nothing new while it can be heard reading just this."""
        if heard == text_digest(text):
            return Response(status_code=204)
        return self.part("_reading.html", visit, reading=reading_view(self._console, text), counts=True)

    def listen(self, visit: Visit, text: str) -> dict[str, Any]:
        """A voice that reads the text, or why not."""
        if not text:
            return {"listen_problem": phrases.TEXT_MISSING}
        try:
            spoken, _ = self._recordings.speak(visit.person, text)
        except ControllerError as error:
            return {"listen_problem": say(error.code, error.facts)}
        return {"spoken": spoken}

    def keep(self, visit: Visit, what: WhatForm) -> Response:
        """Save the draft by itself while somebody types."""
        if not (what.title or what.text or what.recording):
            return self.part("_draft.html", visit)
        try:
            draft = draft_of(self._console, visit, what, self._recording_of(visit, what))
            saved = save(self._console, visit, what.id, what.revision, draft)
        except ControllerError as error:
            return self.part("_draft.html", visit, problem=say(error.code, error.facts))
        known = replace(what, id=saved.id, revision=saved.revision)
        response = self.part("_draft.html", visit, form=known, saved_at=saved.updated_at)
        if not what.id:
            response.headers["hx-replace-url"] = f"/bulletins/{saved.id}/what"
        return response

    def take_sound(self, visit: Visit, form: FormData) -> Response:
        """An upload that has arrived: prepared at once, so that its faults show before the form is sent.

        What can never be broadcast is told in words; what may be asked for again raises.
        """
        uploads, upload_id = self._console.controller.uploads, text_of(form, "upload")
        name = uploads.get(visit.person, upload_id).name
        try:
            kept = uploads.finish(visit.person, upload_id)
        except (Invalid, TooLarge) as error:
            errors = Errors(file=say(error.code, error.facts))
            return self.part("what_refused.html", visit, errors=errors)
        return self.part("what_sound.html", visit, sound=sound_view(kept, name))

    def go_on(self, visit: Visit, form: FormData) -> Response:
        """Check the step, make the sound, save, and go to the next one."""
        what, errors = what_of(form), Errors()
        if not what.title:
            errors["title"] = phrases.TITLE_MISSING
        what = self._with_sound(visit, form, what, errors)
        if errors:
            return self.show(visit, what, errors)
        try:
            draft = draft_of(self._console, visit, what, RecordingId(what.recording))
            saved = save(self._console, visit, what.id, what.revision, draft)
        except ControllerError as error:
            return self.show(visit, what, {"title": say(error.code, error.facts)})
        return see_other(f"/bulletins/{saved.id}/where")

    def _with_sound(self, visit: Visit, form: FormData, what: WhatForm, errors: Errors) -> WhatForm:
        if what.by == "text":
            recording = self._speak(visit, what, errors)
            return replace(what, recording=recording)
        kept, name = self._accept(visit, form, errors) if file_of(form, "file") else (None, "")
        if kept is None and "file" not in errors and not self._kept(visit, what.recording):
            missing = phrases.NOTHING_RECORDED if what.by == "record" else phrases.FILE_MISSING
            errors["recorder" if what.by == "record" else "file"] = missing
        return replace(what, recording=kept.sha256, file_name=name) if kept else what

    def _speak(self, visit: Visit, what: WhatForm, errors: Errors) -> str:
        if not what.text:
            errors["text"] = phrases.TEXT_MISSING
            return ""
        if known := self._recording_of(visit, what):
            return known
        try:
            return self._recordings.speak(visit.person, what.text)[0].sha256
        except ControllerError as error:
            errors["text"] = say(error.code, error.facts)
            return ""

    def _accept(self, visit: Visit, form: FormData, errors: Errors) -> tuple[Kept | None, str]:
        file = file_of(form, "file")
        if file is None:
            errors["file"] = phrases.FILE_MISSING
            return None, ""
        try:
            return self._recordings.accept(visit.person, file.file), file.filename or ""
        except ControllerError as error:
            errors["file"] = say(error.code, error.facts)
            return None, ""

    def _recording_of(self, visit: Visit, what: WhatForm) -> RecordingId | None:
        """The sound that belongs to the form: the upload, or what was read if the text is still the same."""
        if what.by in SOUNDS:
            return RecordingId(what.recording) if what.recording else None
        if not what.id:
            return None
        before = self._console.open_bulletin(visit, what.id).draft
        kept = self._console.recording(visit, before.recording) if before.text == what.text else None
        return kept.sha256 if kept and kept.origin == "speech" else None

    def _kept(self, visit: Visit, sha256: str) -> Kept | None:
        return self._console.recording(visit, RecordingId(sha256) if sha256 else None)

    def _context(self, visit: Visit, what: WhatForm) -> dict[str, Any]:
        sound = self._kept(visit, what.recording) if what.by in SOUNDS else None
        return {
            "form": what,
            "fields": list(FIELDS.items()),
            "classes": list(CLASSES.items()),
            "sound": sound_view(sound, what.file_name),
            "reading": reading_view(self._console, what.text),
            "spoken": None,
            "listen_problem": None,
            "problem": None,
            "saved_at": None,
            "counts": False,
            "limit_bytes": self._console.controller.uploads.limit_bytes,
        }
