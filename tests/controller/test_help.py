"""The guide inside the console: every page opens, every link leads somewhere, in the reader's language."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hatchling.builders.wheel import WheelBuilder

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE
from loa.controller.web.help_page import read_guide
from tests.controller.site import Client, Site, open_site
from tests.passwords import PASSWORD

ROOT = Path(__file__).parent.parent.parent
PAGES = ("README", "can-bo-xa", "ky-thuat-vien", "giam-sat", "quan-tri", "en")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    opened = open_site(tmp_path_factory.mktemp("help") / "data")
    opened.user("mai", (COMMUNE, Role.OFFICIAL))
    yield opened
    opened.controller.release_pages()


@pytest.fixture
def reader(site: Site) -> Client:
    client = Client(site.app, base="https://loa.test")
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/signin").text)
    assert token
    answer = client.send("/signin", {"csrf": token[1], "user": "mai", "password": PASSWORD})
    assert answer.status_code == 303
    return client


def article(page: str) -> str:
    found = re.search(r"<article.*</article>", page, re.DOTALL)
    assert found
    return found[0]


def test_every_link_of_the_guide_leads_to_a_place_that_is_there(reader: Client) -> None:
    pages = {f"/help/{name}": article(reader.get(f"/help/{name}").text) for name in PAGES}
    for path, page in pages.items():
        links = [urlsplit(unquote(href)) for href in re.findall(r'href="([^"]*)"', page)]
        assert links or path == "/help/en"
        for link in links:
            there = pages[link.path or path]
            assert not link.fragment or f'id="{link.fragment}"' in there, f"{path}: {link}"


def test_no_picture_and_nothing_of_the_repository_is_in_it(reader: Client) -> None:
    for name in PAGES:
        page = article(reader.get(f"/help/{name}").text)
        assert "<img" not in page
        assert "<p></p>" not in page
        assert ".md" not in re.sub(r">[^<]*<", "><", page), "a link to what is only in the repository"


def test_each_reads_it_in_the_language_of_the_console(reader: Client) -> None:
    assert '<article class="help" lang="vi"' in reader.get("/help").text
    reader.send("/language", {"lang": "en"})
    assert '<article class="help" lang="en"' in reader.get("/help").text


def test_a_page_that_is_not_there_is_not_found(reader: Client, site: Site) -> None:
    assert reader.get("/help/nowhere").status_code == 404
    assert reader.get("/help/..%2FREADME").status_code == 404
    assert Client(site.app, base="https://loa.test").get("/help").status_code == 303


def test_html_in_a_page_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("# A\n\n<script>alert(1)</script>\n\n[b](javascript:alert) ![c](d.webp)\n")
    body = read_guide(tmp_path)["x"].body
    assert "<script" not in body
    assert "javascript" not in str(body).replace("[b](javascript:alert)", "")


def test_the_wheel_carries_the_text_and_not_the_pictures() -> None:
    files = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert {f"loa/controller/web/guide/{name}.md" for name in PAGES} <= files
    assert not [name for name in files if "guide/pictures" in name]
