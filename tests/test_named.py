"""What the documents name is there: commands, pages, settings, tests and figures to watch."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from loa.controller.main import program
from loa.controller.services.metrics import Metrics
from loa.controller.settings import Settings
from loa.node_agent.settings import AgentSettings
from tests.controller.rights import RULES

_ROOT = Path(__file__).parents[1]
_DOCS = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]
_OURS = [_ROOT / "docs" / f"{name}.md" for name in ("threat-model", "decree-85", "hardening", "lost-keys")]
_CODE = re.compile(r"`([^`\n]+)`")
_CONSOLE = re.compile(r"loa-controller ((?:[a-z]+(?: |$))+)")
_NODE = re.compile(r"loa-node ([a-z][a-z-]+)")
_SETTING = re.compile(r"\bLOA_[A-Z_]+[A-Z]\b")
_TEST = re.compile(r"`(test_\w+)`")
_FIGURE = re.compile(r"`(loa_[a-z_]+)[`{]")
_PAGE = re.compile(r"^(?:(GET|POST|PUT|PATCH|DELETE) )?(/[a-z][\w/{}.-]*)$")
_NAME = re.compile(r"\{\w+\}")
_PLACES = (
    "/calendar/",
    "/var",
    "/etc",
    "/opt",
    "/media",
    "/sys",
    "/proc",
    "/usr",
    "/dev",
    "/api/v1/openapi",
)
_ELSEWHERE = {"LOA_BENCH_LOG", "LOA_NODE", "LOA_BROKER", "LOA_DEMO"}
"""Of the benchmarks, and beginnings."""


def _code(page: Path) -> Iterator[str]:
    """What stands in backticks, and the lines that are set apart as code."""
    text = page.read_text(encoding="utf-8")
    yield from _CODE.findall(text)
    yield from (line.strip() for line in text.splitlines() if line.startswith("    "))


def _commands(app: typer.Typer) -> Iterator[tuple[str, ...]]:
    for command in app.registered_commands:
        assert command.callback is not None
        yield (command.name or command.callback.__name__,)
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from ((str(group.name), *rest) for rest in _commands(group.typer_instance))


@pytest.fixture(scope="module")
def commands() -> set[tuple[str, ...]]:
    return set(_commands(program()))


@pytest.mark.parametrize("page", _DOCS, ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(page: Path, commands: set[tuple[str, ...]]) -> None:
    named = {tuple(found.split()) for code in _code(page) for found in _CONSOLE.findall(code)}
    groups = {command[:1] for command in commands}
    known = {words for words in named if any(words[: len(one)] == one for one in commands) or words in groups}
    assert named - known == set()
    agent = (_ROOT / "loa/node_agent/main.py").read_text()
    on_nodes = {found for code in _code(page) for found in _NODE.findall(code)}
    assert {name for name in on_nodes if f'app.command("{name}")' not in agent} == set()


@pytest.mark.parametrize("page", _DOCS, ids=lambda page: page.name)
def test_every_setting_that_a_page_names_exists(page: Path) -> None:
    known = {f"LOA_{name.upper()}" for name in Settings.model_fields}
    known |= {f"LOA_NODE_{name.upper()}" for name in AgentSettings.model_fields}
    named = {found for code in _code(page) for found in _SETTING.findall(code)}
    assert named - known - _ELSEWHERE == set()


@pytest.mark.parametrize("page", _DOCS, ids=lambda page: page.name)
def test_every_page_and_request_that_a_page_names_exists(page: Path) -> None:
    found = [match for code in _code(page) if (match := _PAGE.match(code))]
    pages = [one for one in found if not one[2].startswith(_PLACES)]
    named = {(one[1] or "GET", one[2]) for one in pages}
    routes = {tuple(rule.split(" ", 1)) for rule in RULES}
    known = {(method, _NAME.sub("{}", path)) for method, path in routes}
    assert {one for one in named if (one[0], _NAME.sub("{}", one[1])) not in known} == set()


@pytest.mark.parametrize("page", _OURS, ids=lambda page: page.name)
def test_every_test_and_figure_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    tests = "".join(path.read_text(encoding="utf-8") for path in (_ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"def (test_\w+)\(", tests))
    assert set(_TEST.findall(text)) - there == set()
    figures = {family.name for family in Metrics().registry.collect()}
    assert set(_FIGURE.findall(text)) - figures == set()
