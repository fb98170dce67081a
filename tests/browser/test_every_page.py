"""Every page that is served, on a phone and on a desk: axe-core finds nothing, nothing is too wide."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.services.people import NewUser
from loa.controller.web import pages
from loa.controller.web.assets import survey
from loa.controller.web.bodies import Bodies
from loa.controller.web.console import Console
from loa.controller.web.render import Renderer
from tests.browser.conftest import DESK, PHONE, Desk
from tests.browser.site import Site
from tests.browser.steps import ask_for, choose, submit, type_a_text
from tests.passwords import hashed

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

EVERYBODY = "cuc"
"""Has every role, and so sees every page."""
SCREENS: dict[str, dict[str, Any]] = {
    "phone": {"viewport": PHONE},
    "desk": {"viewport": DESK, "color_scheme": "dark"},
}
UNSEEN = {"broadcast", "occurrence", "sha256", "secret", "name"}
"""Of these there is nothing here to look at; their pages have tests of their own."""
OUTSIDE = {"/signin", "/signin/code"}
"""Seen by those who are not signed in; others are led away."""
AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]},
    "resultTypes": ["violations"],
}


def addresses(site: Site, bulletins: dict[str, str]) -> list[str]:
    """All that can be opened, with something that is there in the place of each name."""
    console = Console(controller=site.controller, renderer=Renderer(survey()))
    pages.router(console, Bodies(upload_bytes=1))
    who = Person("hoa", "hoa", frozenset({Grant(COMMUNE, Role.APPROVER)}))
    silence = site.controller.silences.silence(who, COMMUNE, timedelta(minutes=1)).silence.id
    examples = {
        "bulletin_id": bulletins["draft"],
        "node": "cum-1",
        "area": COMMUNE,
        "silence": silence,
        "user_id": "hanh",
        "page": "can-bo-xa",
    }
    shown = [path for path in console.served if not UNSEEN & set(re.findall(r"{(\w+)", path))]
    found = {re.sub(r"{(\w+)[^}]*}", lambda name: examples[name[1]], path) for path in shown}
    return sorted({*found, *(f"/bulletins/{one}" for one in bulletins.values())})


def faults(page: Page, shots: Path, name: str) -> list[str]:
    page.screenshot(path=shots / f"{name}.png", full_page=True)
    width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    wide = [f"{width} px too wide"] if width > 0 else []
    found = Axe().run(page, options=AXE).response["violations"]
    return wide + [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]


@pytest.fixture(scope="module")
def everybody(site: Site) -> str:
    grants = frozenset(Grant(COMMUNE, role) for role in Role)
    person = NewUser(
        id=EVERYBODY,
        name="Phạm Thị Cúc",
        password=hashed(),
        grants=grants,
    )
    with site.controller.db.work() as work:
        site.controller.people.insert(work, "test", person)
    return EVERYBODY


def written(page: Page) -> dict[str, str]:
    """A draft and a bulletin that waits for approval."""
    type_a_text(page, "Bản tin có tên khá dài để xem có vừa màn hình nhỏ hay không")
    draft = page.url.split("/")[-2]
    type_a_text(page, "Lịch tiêm phòng")
    choose(page, VILLAGES[0])
    ask_for(page, "10:30")
    expect(page.locator(".block-mine").first).to_be_visible()
    return {"draft": draft, "submitted": submit(page).rpartition("/")[2]}


def test_axe_finds_nothing_on_any_page(
    desk: Desk, site: Site, everybody: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shots, found = tmp_path_factory.mktemp("every-page"), dict[str, list[str]]()
    bulletins = written(desk.sign_in("hanh"))
    paths = addresses(site, bulletins)
    for screen, options in SCREENS.items():
        outside = desk.open("/signin", **options)
        found[f"/signin {screen}"] = faults(outside, shots, f"signin-{screen}")
        page = desk.sign_in(everybody, **options)
        for path in paths:
            answer = page.request.get(path)
            if path not in OUTSIDE and answer.text()[:15].lower() == "<!doctype html>":
                page.goto(path)
                name = path.strip("/").replace("/", "-") or "home"
                found[f"{path} {screen}"] = faults(page, shots, f"{name}-{screen}")
    told = [f"{where}: {fault}" for where, these in found.items() for fault in these]
    assert not told, "\n".join(told)
    assert len(found) >= 2 * 10
