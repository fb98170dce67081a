"""The guide tells of every page of the console as it is: pictures and words are made anew and compared.

`make guide` writes them; see `docs/adr/0039-a-guide-that-keeps-up.md`.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from structlog.testing import capture_logs

from loa.controller.core.standing_texts import TEXTS
from loa.controller.web import pages, words
from loa.controller.web.assets import survey
from loa.controller.web.bodies import Bodies
from loa.controller.web.console import Console
from loa.controller.web.render import Renderer
from tests.browser.conftest import CHROMIUM, PATIENCE_MS, SWITCHES, Desk, Watch
from tests.browser.guide.camera import Photo, difference, take
from tests.browser.guide.pictures import FIRST_RUN, PICTURES, TALLEST, Picture, examples
from tests.browser.guide.scene import BEFORE, CALLED, NOW, WORDS_OF_PEOPLE, Scene, furnish
from tests.browser.site import running_site
from tests.fakes.controller import FakeClock

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
FOLDER = GUIDE / "pictures"
WRITES = bool(os.environ.get("LOA_WRITE_GUIDE"))
MOST_BYTES = 4_000_000
MOST_DIFFERENT = 0.03
"""So much of a picture may differ: another Chromium draws letters a little otherwise."""
MOST_STALE = 5
"""Pictures that may differ: a busy machine still lays out some page; another look shows on most of them."""
NO_PAGES = {
    "/admin/backups/{name}",
    "/api/v1/log.csv",
    "/api/v1/log.xlsx",
    "/calendar/{secret}.ics",
    "/emergency/now",
    "/help",
    "/help/{page}",
    "/log/export/file",
    "/reports/file.csv",
}
"""Files, a part of the home page, and the guide itself."""
PICTURE = re.compile(r"\]\(pictures/([\w-]+)\.webp\)")
ASCII_WORD = re.compile(r"(?<![\w.@/:_-])[A-Za-z]{2,}(?![\w@/:_-]|\.\w)")
SPARED = {
    *("English", "Chrome", "Linux"),  # a language, a browser, a system
    *("kB", "GB", "ms", "dBA", "QCVN"),  # units, and a standard by its name
    *("enrol", "restore"),  # commands, as they are typed
    *(
        "INFO",
        "admin",
        "approver",
        "child",
        "console",
        "false",
        "files",
        "piper",
        "starttls",
    ),  # values of the server's settings
}
"""Words that are the same in each language."""


@dataclass
class Studio:
    """Readers at one site, each with a window that stays: its fonts are there at once."""

    desk: Desk
    windows: dict[tuple[str, int], Page] = field(default_factory=dict)

    def take(self, picture: Picture, scene: Scene) -> Photo:
        page = self._window(picture)
        if address := picture.address(examples(scene)):
            answer = page.goto(address, wait_until="load")
            assert answer is not None
            assert answer.ok, f"{address}: {answer.status}"
        if picture.steps:
            picture.steps(page, scene)
        page.wait_for_load_state()
        shown = re.sub(r"{\w+[^}]*}", "[^/]+", picture.page)
        assert re.fullmatch(shown, page.evaluate("location.pathname")), page.url
        return take(page, TALLEST[picture.screen["width"]])

    def _window(self, picture: Picture) -> Page:
        seat = picture.who, picture.screen["width"]
        if seat not in self.windows:
            options: dict[str, Any] = {"viewport": picture.screen, "reduced_motion": "reduce"}
            at = self.desk
            page = at.sign_in(picture.who, "/", **options) if picture.who else at.open("/", **options)
            page.evaluate("document.fonts.ready")
            page.clock.set_fixed_time(NOW)
            self.windows[seat] = page
        return self.windows[seat]


@pytest.fixture(scope="module")
def vietnamese() -> Iterator[Browser]:
    """A browser whose own words are Vietnamese, too."""
    expect.set_options(timeout=PATIENCE_MS)
    speaks: dict[str, str | float | bool] = {**os.environ, "LANGUAGE": "vi"}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=SWITCHES, env=speaks
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def photos(vietnamese: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Photo]:
    """All pages, as their readers see them on that Thursday."""
    folder = tmp_path_factory.mktemp("guide")
    taken = dict(first_run(vietnamese, folder / "fresh"))
    clock = FakeClock(BEFORE)
    with running_site(folder / "site", settled=False, clock=clock, called=CALLED) as site:
        scene = furnish(site, clock, folder)
        studio = Studio(Desk(vietnamese, site, Watch(site.url), {}))
        taken |= {picture.name: studio.take(picture, scene) for picture in PICTURES}
        assert not studio.desk.watch.faults, studio.desk.watch.faults
    if WRITES:
        write(taken)
    return taken


def first_run(browser: Browser, folder: Path) -> Iterator[tuple[str, Photo]]:
    """A controller that nobody has set up."""
    clock = FakeClock(NOW)
    with capture_logs() as logs, running_site(folder, settled=False, clock=clock, called=CALLED) as site:
        [code] = [line["code"] for line in logs if line["event"] == "setup.open"]
        scene = Scene(site, clock, {"code": code})
        studio = Studio(Desk(browser, site, Watch(site.url), {}))
        for picture in FIRST_RUN:
            yield picture.name, studio.take(picture, scene)


def write(taken: dict[str, Photo]) -> None:
    for path in FOLDER.glob("*"):
        path.unlink()
    for name, one in taken.items():
        one.keep(FOLDER, name)


def test_every_page_of_the_console_has_a_picture(tmp_path: Path) -> None:
    with running_site(tmp_path, settled=False) as site:
        console = Console(controller=site.controller, renderer=Renderer(survey()))
        pages.router(console, Bodies(upload_bytes=1))
    shown = Counter(picture.page for picture in (*FIRST_RUN, *PICTURES))
    assert set(console.served) - NO_PAGES == set(shown)
    assert set(console.served) >= NO_PAGES
    assert not [page for page, times in shown.items() if times > 1]


def test_the_guide_shows_each_picture_once(photos: dict[str, Photo]) -> None:
    guide = [path for path in GUIDE.glob("*.md") if path.stem != "en"]
    assert len(guide) >= 4
    shown = Counter(name for path in guide for name in PICTURE.findall(path.read_text(encoding="utf-8")))
    assert shown == Counter(list(photos))
    kept = {path.name for path in FOLDER.iterdir()}
    assert kept == {f"{name}.{kind}" for name in photos for kind in ("webp", "txt")}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < MOST_BYTES


def test_the_pages_say_what_the_guide_shows(photos: dict[str, Photo]) -> None:
    stale = {
        name: [line for line in one.words.splitlines() if line not in kept.splitlines()]
        for name, one in photos.items()
        if sorted((kept := _kept_words(name)).splitlines()) != sorted(one.words.splitlines())
    }
    assert not stale, f"`make guide` writes them anew: {stale}"


def test_the_pages_look_as_the_guide_shows(photos: dict[str, Photo]) -> None:
    looks = {
        name: difference(one.picture, (FOLDER / f"{name}.webp").read_bytes()) for name, one in photos.items()
    }
    stale = {name: round(share, 3) for name, share in looks.items() if share > MOST_DIFFERENT}
    assert len(stale) <= MOST_STALE, f"`make guide` writes them anew: {stale}"


def _kept_words(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def test_no_page_of_the_guide_has_words_that_are_not_vietnamese(photos: dict[str, Photo]) -> None:
    english = words.read_english()
    translations = {text for said in english.texts.values() for text in said} - set(english.texts)
    vietnamese = [*english.texts, *WORDS_OF_PEOPLE, *TEXTS.values()]
    known = {word for text in vietnamese for word in ASCII_WORD.findall(text)} | SPARED
    found = {
        name: sorted(
            {line for line in one.everything.splitlines() if line.strip() in translations}
            | {word for word in ASCII_WORD.findall(one.everything) if word not in known}
        )
        for name, one in photos.items()
    }
    assert {name: strange for name, strange in found.items() if strange} == {}
