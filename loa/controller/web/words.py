"""The words people read: Vietnamese is the key, the English of each stands in `english/*.po`.

`_` says a text in the language of the request, `lazy` makes a constant that is said when it is used. A name
in a text is written `%(name)s` with values given to `_`, or `{name}` with `.format` later. A literal percent
sign is doubled where values are given, and in templates always.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import cast

from babel.messages.pofile import read_po
from babel.support import LazyProxy
from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "lang"
ENGLISH_FOLDER = Path(__file__).parent / "english"


@dataclass(frozen=True, slots=True)
class Language:
    """What people read, by its Vietnamese; a text with a plural has the form for one and that for others."""

    code: str
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def say(self, text: str) -> str:
        """The text in this language; the Vietnamese where there is no other."""
        return self.texts.get(text, (text,))[0]

    def count(self, one: str, more: str, num: int) -> str:
        """The form of the text for this number."""
        said = self.texts.get(one, (one, more))
        return said[0] if num == 1 else said[-1]


VIETNAMESE = Language("vi")
_SPOKEN: ContextVar[Language] = ContextVar("language", default=VIETNAMESE)


def _(text: str, **values: object) -> str:
    """The text in the language of this request, with `%(name)s` filled in if values are given."""
    said = _SPOKEN.get().say(text)
    return said % values if values else said


def ngettext(one: str, more: str, num: int, **values: object) -> str:
    """The text for this number, which is `%(num)s`; Vietnamese gives the same text twice."""
    return _SPOKEN.get().count(one, more, num) % ({"num": num} | values)


def lazy(text: str) -> str:
    """A text that is looked up whenever it is used; `str()` it for what asks for a real string, as `join`."""
    return cast("str", _Lazy(_, text, enable_cache=False))


def language() -> str:
    """The code of the language of this request, for `<html lang>` and for dates."""
    return _SPOKEN.get().code


def gettext(text: str) -> str:
    """As `_`, for Jinja, which fills in the values itself."""
    return _(text)


def ngettext_bare(one: str, more: str, num: int) -> str:
    """As `ngettext`, for Jinja, which fills in the values itself."""
    return _SPOKEN.get().count(one, more, num)


@contextmanager
def speaking(chosen: Language) -> Iterator[None]:
    """Within it all texts are in this language."""
    token = _SPOKEN.set(chosen)
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def read_english(folder: Path = ENGLISH_FOLDER) -> Language:
    """All files of the folder, merged in the order of their names."""
    texts: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale="en", abort_invalid=True)
        for message in catalogue:
            key = message.id if isinstance(message.id, str) else message.id[0]
            said = (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))
            if key and all(said):
                texts[key] = said
    return Language("en", texts)


class _Lazy(LazyProxy):
    """Equal to what it says now, and hashed as that: in a frozen dataclass it is a text like any other."""

    __slots__ = ()

    def __hash__(self) -> int:
        return hash(str(self))

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


class Speaking:
    """Answers each request in the language of its cookie; without one in Vietnamese."""

    def __init__(self, app: ASGIApp, *, english: Language) -> None:
        self._app = app
        self._english = english

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        chosen = self._english if _cookie(scope) == self._english.code else VIETNAMESE
        with speaking(chosen):
            await self._app(scope, receive, send)


def _cookie(scope: Scope) -> str:
    given = b"; ".join(value for name, value in scope.get("headers", ()) if name == b"cookie")
    try:
        jar = SimpleCookie(given.decode("latin-1"))
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""
