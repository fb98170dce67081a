"""A second factor from the scan to the door, and two administrators who bring a person back."""

import base64
import os
import re
from collections.abc import Callable
from pathlib import Path
from time import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from loa.controller.core.access import Grant, Role
from loa.controller.core.factors import STEP_S, code_at
from loa.controller.core.sample import COMMUNE
from loa.controller.services.people import NewUser
from tests.browser.conftest import DESK, PHONE, Desk
from tests.browser.site import Site
from tests.passwords import PASSWORD, hashed

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("LOA_PICTURES")
KEEPERS = {"quan": "Đỗ Văn Quân", "thuy": "Lê Thị Thủy"}


@pytest.fixture(scope="module", autouse=True)
def _keepers(site: Site) -> None:
    people = site.controller.people
    with site.controller.db.work() as work:
        for user_id, name in KEEPERS.items():
            grants = frozenset({Grant(COMMUNE, Role.ADMIN)})
            people.insert(work, "test", NewUser(id=user_id, name=name, password=hashed(), grants=grants))


def shown(page: Page, name: str) -> None:
    """Nothing is wider than the screen; and a picture for whoever asks for one."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is too wide"
    if PICTURES:
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page=True)


def app_of(page: Page) -> Callable[[int], str]:
    """The app that scanned the page: what it shows so many steps from now."""
    page.get_by_text("Không quét được").click()
    secret = base64.b32decode(page.locator(".factor-secret").inner_text().replace(" ", ""))
    return lambda ahead: code_at(secret, int(time()) // STEP_S + ahead)


def at_the_door(page: Page, password: str = PASSWORD) -> None:
    page.fill("#user", "hoa")
    page.fill("#password", password)
    page.click("main button:has-text('Đăng nhập')")


@pytest.mark.parametrize("screen", [{"viewport": PHONE}, {"viewport": DESK, "color_scheme": "dark"}])
def test_a_factor_is_set_up_asked_for_and_lost(desk: Desk, screen: dict[str, Any]) -> None:
    page = desk.open("/signin?next=/me", **screen)
    at_the_door(page)
    page.wait_for_url("**/me")
    page.click("main a[href='/me/second-factor']")
    shown(page, "factor-none")
    page.click("main .button-main")
    app = app_of(page)
    shown(page, "factor-scan")
    page.fill("#code", "000000")
    page.click("main .button-main")
    expect(page.locator(".summary")).to_contain_text("Mã chưa đúng")
    used = app(0)
    page.fill("#code", used)
    page.click("main .button-main")
    expect(page.locator(".paper-codes li")).to_have_count(10)
    paper = page.locator(".paper-codes li").first.inner_text()
    shown(page, "factor-codes")

    other = desk.open("/signin?next=/me", **screen)
    at_the_door(other)
    other.wait_for_url("**/signin/code**")
    shown(other, "factor-door")
    other.fill("#code", used)
    other.click("main .button-main")
    expect(other.locator(".summary")).to_contain_text("Mã chưa đúng hoặc đã dùng")
    other.fill("#code", app(1))
    other.click("main .button-main")
    other.wait_for_url("**/me")

    third = desk.open("/signin?next=/me", **screen)
    at_the_door(third)
    third.fill("#code", paper)
    third.click("main .button-main")
    third.wait_for_url("**/me")
    shown(third, "factor-me")
    third.goto("/me/second-factor")
    expect(third.locator(".lead")).to_contain_text("Còn 9 mã giấy")
    shown(third, "factor-own")
    recovered(desk, third, screen)


def recovered(desk: Desk, still_in: Page, screen: dict[str, Any]) -> None:
    """Hòa lost phone and paper; two administrators help, and what was open is over."""
    first = desk.sign_in("quan", "/admin/people/hoa", **screen)
    first.fill("#reason", "mất điện thoại")
    first.click("main button[value=open]")
    one = first.locator(".half-code").inner_text()
    shown(first, "recovery-first")
    still_in.goto("/me")
    expect(still_in.locator(".notice-bad")).to_contain_text("Đỗ Văn Quân đang mở việc lấy lại")
    shown(still_in, "recovery-told")
    second = desk.sign_in("thuy", "/admin/people/hoa", **screen)
    second.click("main button[value=confirm]")
    two = second.locator(".half-code").inner_text()
    shown(second, "recovery-second")
    assert re.fullmatch(r"[2-9A-HJ-NP-Z-]{12}", one)

    page = desk.open("/recover", **screen)
    page.click("main .button-main")
    expect(page.locator(".summary li")).to_have_count(4)
    fill = {"user": "hoa", "first": one, "second": one, "new": PASSWORD, "again": PASSWORD}
    for name, value in fill.items():
        page.fill(f"#{name}", value)
    page.click("main .button-main")
    expect(page.locator(".summary")).to_contain_text("Tên hoặc mã chưa đúng")
    for name, value in (fill | {"second": two}).items():
        page.fill(f"#{name}", value)
    shown(page, "recovery-door")
    page.click("main .button-main")
    expect(page.locator(".notice-ok")).to_contain_text("Đã lấy lại tài khoản")
    still_in.goto("/me")
    assert "/signin" in still_in.url, "what was open is over"
    at_the_door(page)
    page.wait_for_url("**/")
    page.goto("/me")
    expect(page.locator(".notice-warn:not(#offline)")).to_contain_text("Tài khoản được lấy lại")
    shown(page, "recovery-after")


def test_an_administrator_signs_a_browser_out_and_its_page_ends(desk: Desk) -> None:
    page = desk.open("/signin?next=/me", viewport=PHONE)
    page.fill("#user", "tam")
    page.fill("#password", PASSWORD)
    page.click("main button:has-text('Đăng nhập')")
    page.wait_for_url("**/me")
    keeper = desk.sign_in("quan", "/admin/people/tam", viewport=PHONE)
    keeper.locator("form[action$='/sessions/end'] button").first.click()
    expect(keeper.locator(".notice-ok")).to_contain_text("Đã đăng xuất nơi ấy")
    page.goto("/me")
    assert "/signin" in page.url


def test_the_trail_is_taken_away_with_digests(desk: Desk) -> None:
    page = desk.sign_in("quan", "/admin/audit", viewport=PHONE, accept_downloads=True)
    shown(page, "trail")
    with page.expect_download() as download:
        page.get_by_text("Tải về kèm mã kiểm").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines
    assert all('"digest":"' in line for line in lines)
