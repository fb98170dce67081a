"""Vietnamese is the key and English its translation: nothing unmarked, nothing untranslated, nothing lost."""

import ast
import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
from babel.messages.extract import extract
from hatchling.builders.wheel import WheelBuilder
from jinja2 import Environment, nodes
from starlette.types import Message, Receive, Scope, Send

from loa.controller.web import localtime, words
from loa.controller.web.words import VIETNAMESE, Language, Speaking, _, lazy, ngettext, read_english, speaking

ROOT = Path(__file__).parent.parent.parent
WEB = Path(words.__file__).parent
PYTHON = sorted(WEB.rglob("*.py"))
TEMPLATES = sorted(WEB.glob("templates/**/*.html"))
SCRIPTS = sorted(WEB.glob("static/js/**/*.js"))
KEYWORDS = {"_": None, "lazy": None, "gettext": None, "ngettext": (1, 2)}
VIETNAMESE_LETTER = re.compile(r"[À-ỹđĐ]")
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")
NAMES_OF_DATA = {"KINDS_IN_NAMES", "KINDS_TO_LEAVE_OUT", "MOTTO", "DATED"}
"""Constants that compare with what people wrote into the database, and formulas of law."""
OWN_NAMES = {"Tiếng Việt"}
"""What is the same in each language."""
GREETING = Language("en", {"Chào": ("Hello",), "Chào {name}": ("Hello {name}",), "Chào %(n)s": ("Hi %(n)s",)})


@dataclass(frozen=True, slots=True)
class Marked:
    """A text that stands marked in the code."""

    where: str
    key: str
    plural: bool


def marked() -> Iterator[Marked]:
    for method, paths in (("python", PYTHON), ("jinja2.ext:babel_extract", TEMPLATES)):
        for path in paths:
            with path.open("rb") as file:
                for line, found, _comments, _context in extract(
                    method, file, keywords=KEYWORDS, options={"silent": "false"}
                ):
                    key = found if isinstance(found, str) else str(found[0])
                    yield Marked(f"{path.name}:{line}", key, plural=not isinstance(found, str))


def unmarked_in_python(source: str, name: str) -> Iterator[str]:
    tree = ast.parse(source)
    spared = set(map(id, _spared(tree)))
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and id(node) not in spared and VIETNAMESE_LETTER.search(text):
            yield f"{name}:{ast.unparse(node)}"


def _spared(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant() as docstring):
                yield docstring
            case ast.Call(func=ast.Name(id=called), args=args) if called in KEYWORDS:
                yield from args
            case ast.Assign(targets=[ast.Name(id=constant)]) if constant in NAMES_OF_DATA:
                yield from ast.walk(node)


def unmarked_in_template(source: str, name: str) -> Iterator[str]:
    tree = Environment(autoescape=True, extensions=["jinja2.ext.i18n"]).parse(source)
    spared = {
        id(arg)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in KEYWORDS
        for arg in call.args
    }
    found = [(data.lineno, data.data) for data in tree.find_all(nodes.TemplateData)]
    found += [(one.lineno, str(one.value)) for one in tree.find_all(nodes.Const) if id(one) not in spared]
    for line, text in found:
        if VIETNAMESE_LETTER.search(text) and text not in OWN_NAMES:
            yield f"{name}:{line}: {text.strip()}"


def unmarked_in_script(source: str, name: str) -> Iterator[str]:
    for number, line in enumerate(source.splitlines(), 1):
        code = "" if line.lstrip().startswith("//") else line.replace("[đĐ]", "")
        if VIETNAMESE_LETTER.search(code):
            yield f"{name}:{number}: {line.strip()}"


def test_every_text_has_english() -> None:
    english = read_english()
    found = list(marked())
    assert len(found) > 400
    missing = {f"{one.where}: {one.key}" for one in found if one.key not in english.texts}
    assert not missing, "\n".join(sorted(missing))
    single = {one.key for one in found if one.plural and len(english.texts[one.key]) == 1}
    assert not single, f"these count, and have one form only: {single}"


def test_english_is_said_of_nothing_that_is_gone() -> None:
    gone = set(read_english().texts) - {one.key for one in marked()}
    assert not gone, "\n".join(sorted(gone))


def test_no_vietnamese_text_stands_unmarked() -> None:
    judges = (
        (PYTHON, unmarked_in_python),
        (TEMPLATES, unmarked_in_template),
        (SCRIPTS, unmarked_in_script),
    )
    found = [line for paths, judge in judges for path in paths for line in judge(path.read_text(), path.name)]
    assert not found, "\n".join(found)


def test_unmarked_texts_are_seen() -> None:
    assert list(unmarked_in_python('A = "Gửi"\nB = lazy("Gửi")\nC = _(f"Gửi {x}")', "a.py")) == [
        "a.py:'Gửi'",
        "a.py:'Gửi '",
    ]
    template = '<p>{{ _("Gửi") }}</p>\n<p title="Gửi">{{ pick("Nơi", _("Nơi")) }}</p>'
    assert list(unmarked_in_template(template, "a.html")) == [
        'a.html:1: </p>\n<p title="Gửi">',
        "a.html:2: Nơi",
    ]
    assert list(unmarked_in_script("// Gửi\nx.replace(/[đĐ]/g);\nalert('Gửi');", "a.js")) == [
        "a.js:3: alert('Gửi');"
    ]


def test_marks_stand_on_whole_texts() -> None:
    """A text that is put together before it is looked up is never found."""
    for path in set(PYTHON) - {Path(words.__file__)}:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id="_" | "lazy"), args=[text, *_others]):
                    assert isinstance(text, ast.Constant), f"{path.name}:{node.lineno}"


def test_placeholders_are_the_same_in_both_languages() -> None:
    for key, said in read_english().texts.items():
        for text in said:
            assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(key)), text


def test_english_has_no_vietnamese_letters() -> None:
    assert not [
        one for said in read_english().texts.values() for one in said if VIETNAMESE_LETTER.search(one)
    ]


def test_files_do_not_differ_on_a_text(tmp_path: Path) -> None:
    """The last by name would win."""
    said: dict[str, tuple[str, ...]] = {}
    for path in sorted(words.ENGLISH_FOLDER.glob("*.po")):
        (tmp_path / path.stem).mkdir()
        (tmp_path / path.stem / path.name).write_bytes(path.read_bytes())
        for key, text in read_english(tmp_path / path.stem).texts.items():
            assert said.setdefault(key, text) == text, f"{path.name}: {key}"
    assert said


def test_the_wheel_carries_the_english() -> None:
    files = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert "loa/controller/web/english/core.po" in files


class Note(NamedTuple):
    title: str


@dataclass(frozen=True, slots=True)
class Card:
    title: str = lazy("Chào")


def test_a_lazy_text_behaves_as_a_text() -> None:
    text, pattern = lazy("Chào"), lazy("Chào {name}")
    page = Environment(autoescape=True).from_string("{{ text }} {{ text|upper }} {{ text ~ '!' }}")
    for chosen, said in ((VIETNAMESE, "Chào"), (GREETING, "Hello")):
        with speaking(chosen):
            assert text == said == str(text) == f"{text}" == f"{text:s}"
            assert f"{text:>9}" == f"{said:>9}"
            assert text + "!" == f"{said}!"
            assert "- " + text == "- %s" % text == f"- {said}"  # noqa: UP031 -- `%` is what is tried
            assert hash(text) == hash(said)
            assert {text: 1}[said] == 1
            assert Note(text) == Note(said)
            assert Card() == Card(said)
            assert pattern.format(name="An") == pattern.format_map({"name": "An"}) == f"{said} An"
            assert text.lower() == said.lower()
            assert page.render(text=text) == f"{said} {said.upper()} {said}!"


def test_a_lazy_text_with_signs_of_html_is_escaped() -> None:
    page = Environment(autoescape=True).from_string("{{ text }}")
    assert page.render(text=lazy("a < b")) == "a &lt; b"


def test_values_are_filled_in_by_name() -> None:
    with speaking(GREETING):
        assert _("Chào %(n)s", n=3) == "Hi 3"
        assert _("Chào") == "Hello"
        assert _("100%") == "100%"


def test_english_counts() -> None:
    with speaking(read_english()):
        assert ngettext("%(num)s thôn", "%(num)s thôn", 1) == "1 village"
        assert ngettext("%(num)s thôn", "%(num)s thôn", 2) == "2 villages"
    assert ngettext("%(num)s thôn", "%(num)s thôn", 1) == "1 thôn"


def test_times_and_lengths_are_written_as_the_language_does() -> None:
    at = localtime.day_starts(date(2026, 6, 11))
    assert localtime.weekday_time(at) == "Thứ Năm, 11/6 · 00:00"
    assert localtime.decimal(9.6) == "9,6"
    with speaking(read_english()):
        assert localtime.weekday_time(at) == "Thursday 11 June · 00:00"
        assert localtime.full_day(date(2026, 6, 11)) == "11 June 2026"
        assert localtime.decimal(9.6) == "9.6"
        assert localtime.spell(4_200_000) == "1\u00a0hour 10\u00a0minutes"
        assert localtime.spell(0) == "0\u00a0seconds"


async def heard_with(cookies: list[bytes]) -> str:
    heard: list[str] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        heard.append(words.language())

    async def receive() -> Message:
        return {}

    async def send(_message: Message) -> None:
        pass

    scope = {"type": "http", "headers": [(b"accept-language", b"en"), *((b"cookie", one) for one in cookies)]}
    await Speaking(app, english=GREETING)(scope, receive, send)
    return heard[0]


@pytest.mark.parametrize(
    ("cookies", "said"),
    [
        ([], "vi"),
        ([b"lang=en"], "en"),
        ([b"loa_session=x; lang=en"], "en"),
        ([b"loa_session=x", b"lang=en"], "en"),
        ([b"lang=vi"], "vi"),
        ([b"lang=xx"], "vi"),
        ([b"nolang=en"], "vi"),
        ([b"\xff\x00;;==, lang"], "vi"),
    ],
)
def test_a_cookie_chooses_and_nothing_else_does(cookies: list[bytes], said: str) -> None:
    assert asyncio.run(heard_with(cookies)) == said
    assert words.language() == "vi"
