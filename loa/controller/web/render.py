"""Pages from templates, with the headers that keep strangers' code out of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from loa.controller.web import localtime, words
from loa.controller.web.assets import Assets

TEMPLATES = Path(__file__).parent / "templates"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
FILTERS = (
    localtime.clock,
    localtime.clock_seconds,
    localtime.weekday,
    localtime.weekday_time,
    localtime.day_words,
    localtime.spell,
    localtime.decimal,
    localtime.megabytes,
)


class Renderer:
    """Fills templates; a name that a template needs and nobody gave is an error."""

    def __init__(self, assets: Assets) -> None:
        self._jinja = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,  # or each template of a page is looked up on the disk for each page
            extensions=["jinja2.ext.i18n"],
        )
        self._jinja.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
            words.gettext, words.ngettext_bare, newstyle=True
        )
        self._jinja.globals["language"] = words.language
        self._jinja.globals["asset"] = assets.url
        self._jinja.filters.update({filter_.__name__: filter_ for filter_ in FILTERS})

    def page(self, template: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
        """The filled template with the strict headers."""
        text = self._jinja.get_template(template).render(context)
        return HTMLResponse(text, status_code=status, headers=HEADERS)


def see_other(address: str, *, htmx: bool = False) -> Response:
    """Send the browser on after a form, so that reloading does not send the form again."""
    if htmx:
        return Response(status_code=204, headers=HEADERS | {"hx-redirect": address})
    return RedirectResponse(address, status_code=303, headers=HEADERS)
