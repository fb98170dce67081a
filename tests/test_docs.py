import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").rglob("*.md"))]
_NAMED = re.compile(r"`((?:loa|tests|bench|tools|docs|systemd)/[\w./-]+\.\w+)`")
_LINKED = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    missing = [name for name in _NAMED.findall(text) if not (_ROOT / name).exists()]
    broken = [link for link in _LINKED.findall(text) if not (page.parent / link).exists()]
    assert not missing
    assert not broken


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_no_section_of_a_page_stands_twice(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^## .*$", text, re.MULTILINE)
    assert len(headings) == len(set(headings)), headings


def test_no_icon_is_drawn_twice() -> None:
    icons = (_ROOT / "loa/controller/web/static/icons.svg").read_text(encoding="utf-8")
    names = re.findall(r'<symbol id="([\w-]+)"', icons)
    assert names
    assert len(names) == len(set(names)), sorted(names)
