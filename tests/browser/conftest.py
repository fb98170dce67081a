"""A headless Chromium that reports whatever a page should not do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, StorageState, expect, sync_playwright

from tests.browser.site import Site, running_site
from tests.certificates import AUTHORITY, HOST, spki_of_server
from tests.passwords import PASSWORD

CHROMIUM = "/usr/bin/chromium"
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    f"--host-resolver-rules=MAP {HOST} 127.0.0.1",
    f"--ignore-certificate-errors-spki-list={spki_of_server()}",
)
PATIENCE_MS = 30_000
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}
EXPECTED_NOISE = re.compile(r"status of (401|403|404|422)|htmx:(sendAbort|afterRequest)")
"""Chromium logs an error for each page of such a status, htmx for each request that a newer one replaces."""


@dataclass
class Watch:
    """What went wrong in a page."""

    url: str
    faults: list[str] = field(default_factory=list)

    def console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not EXPECTED_NOISE.search(message.text):
            self.faults.append(f"{message.type}: {message.text}")

    def request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.faults.append(f"left the origin: {request.url}")

    def over(self, page: Page) -> None:
        page.on("console", self.console)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self.request)


@dataclass
class Desk:
    """Opens pages for people; each has a browser profile of its own."""

    browser: Browser
    site: Site
    watch: Watch
    known: dict[str, StorageState]
    """Who signed in at this site before."""

    def open(self, path: str = "/", **options: Any) -> Page:  # noqa: ANN401 -- Playwright's own options
        context = self.browser.new_context(
            **{"viewport": DESK, "locale": "vi-VN", "base_url": self.site.url} | options
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        self.watch.over(page)
        page.goto(path)
        return page

    def sign_in(self, user: str, path: str = "/bulletins", **options: Any) -> Page:  # noqa: ANN401 -- as above
        """At that page as that person; the password is typed once a site, since checking one takes long."""
        if user not in self.known:
            page = self.open("/signin")
            page.fill("#user", user)
            page.fill("#password", PASSWORD)
            page.click("main button:has-text('Đăng nhập')")
            page.wait_for_url(f"{self.site.url}/")
            self.known[user] = page.context.storage_state()
            page.context.close()
        return self.open(path, storage_state=self.known[user], **options)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """For one module: as long as Playwright is there, its event loop runs in this thread."""
    expect.set_options(timeout=PATIENCE_MS)
    authority = tmp_path_factory.mktemp("authority") / "authority.crt"
    authority.write_text(AUTHORITY.pem)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LOA_TEST_HOST", HOST)
        environment.setenv("NODE_OPTIONS", f"--require {Path(__file__).with_name('resolve.js')}")
        environment.setenv("NODE_EXTRA_CA_CERTS", str(authority))
        yield from _browsing()


def _browsing() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=SWITCHES)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def known(site: Site) -> dict[str, StorageState]:
    assert site.url
    return {}


@pytest.fixture
def desk(browser: Browser, site: Site, known: dict[str, StorageState]) -> Iterator[Desk]:
    """Pages of one test, which must be without faults at its end."""
    opened = Desk(browser, site, Watch(site.url), known)
    yield opened
    for context in browser.contexts:
        context.close()
    assert not opened.watch.faults, "\n".join(opened.watch.faults)
