"""The guide of `docs/guide` inside the console; without pictures, since readers see the pages themselves."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from fastapi import APIRouter, Request, Response
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from loa.controller.errors import NotFound
from loa.controller.web.bodies import Bodies
from loa.controller.web.console import Console, page_route
from loa.controller.web.words import VIETNAMESE, language

HELP = "/help"
FOLDER = Path(__file__).parent / "guide"
INDEX, ENGLISH = "README", "en"
_PAGE = re.compile(r"(?P<page>[\w-]+)\.md(?P<anchor>#.*)?")
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of the guide."""

    title: str
    body: Markup
    language: str


def router(console: Console, _bodies: Bodies) -> APIRouter:
    """`/help`, and a page for each kind of reader."""
    routes = APIRouter(route_class=page_route(console), include_in_schema=False)
    sheets = read_guide(FOLDER)

    @routes.get(HELP)
    def index(request: Request) -> Response:
        return show(request, INDEX if language() == VIETNAMESE.code else ENGLISH)

    @routes.get(HELP + "/{page}")
    def one(request: Request, page: str) -> Response:
        return show(request, page)

    def show(request: Request, name: str) -> Response:
        visit = console.visit(request)
        if name not in sheets:
            raise NotFound("no_such_page", f"the guide has no page {name}")
        return console.show("help.html", visit, {"sheet": sheets[name], "index": name == INDEX}, here="help")

    return routes


def read_guide(folder: Path) -> Mapping[str, Sheet]:
    """All pages by their names, made ready once."""
    return {path.stem: _sheet(path) for path in sorted(folder.glob("*.md"))}


def _sheet(path: Path) -> Sheet:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = list(_without_pictures(markdown.parse(path.read_text(encoding="utf-8"))))
    for heading, inline in pairwise(tokens):
        if heading.type == "heading_open":
            heading.attrSet("id", anchor_of(inline.content))
    for token in tokens:
        token.children = list(_led(token.children or ()))
    title = next(token.content for token in tokens if token.type == "inline")
    # our own text, of which HTML is switched off
    body = Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704 -- see above
    return Sheet(title, body, ENGLISH if path.stem == ENGLISH else VIETNAMESE.code)


def anchor_of(heading: str) -> str:
    """As GitHub names it, so that the same links serve there and here."""
    return _NOT_IN_ANCHORS.sub("", heading.strip().lower()).replace(" ", "-")


def _without_pictures(tokens: Sequence[Token]) -> Iterator[Token]:
    """Paragraphs that are a picture are left out, with their beginning and end."""
    pictures = {at for at, token in enumerate(tokens) if _is_picture(token)}
    for at, token in enumerate(tokens):
        if not {at - 1, at, at + 1} & pictures:
            yield token


def _is_picture(token: Token) -> bool:
    return bool(token.children) and all(child.type == "image" for child in token.children or ())


def _led(children: Iterable[Token]) -> Iterator[Token]:
    """Links lead to pages of the guide here; what is only in the repository is no link."""
    outside = False
    for child in children:
        if child.type == "link_open":
            target = _led_to(unquote(str(child.attrGet("href"))))
            outside = not target
            child.attrSet("href", target)
        if not (outside and child.type in {"link_open", "link_close"}):
            yield child


def _led_to(href: str) -> str:
    if href.startswith("#"):
        return href
    found = _PAGE.fullmatch(href)
    return f"{HELP}/{found['page']}{found['anchor'] or ''}" if found else ""
