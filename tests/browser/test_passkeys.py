"""Passkeys in a real browser, with Chromium's software authenticator on a phone's screen."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from loa.controller.core.access import Person
from tests.browser.authenticator import Authenticator
from tests.browser.conftest import PHONE, Desk
from tests.browser.site import PASSWORD, Site, running_site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Passkeys need a name, as which browsers let pass localhost alone without TLS."""
    with running_site(tmp_path_factory.mktemp("site"), name="localhost") as running:
        yield running


def test_a_passkey_is_made_named_and_put_away_on_a_phone(desk: Desk, site: Site) -> None:
    page = desk.sign_in("hoa", "/me/passkeys", viewport=PHONE)
    phone = Authenticator(page)
    expect(page.locator("h2#my-keys")).to_have_text("Bạn chưa có khóa nào")
    page.fill("#name", "Điện thoại của Hòa")
    page.get_by_role("button", name="Tạo khóa").click()
    expect(page.locator(".notice-ok")).to_contain_text("Đã có khóa")
    expect(page.locator(".key-row b")).to_have_text(["Điện thoại của Hòa"])
    with site.controller.db.look() as session:
        (kept,) = site.controller.passkeys.of(session, Person("hoa", "hoa", frozenset()))
    assert len(phone.credentials()) == 1
    page.get_by_role("button", name="Tạo khóa").click()
    expect(page.locator("[data-passkey-problem=known]")).to_be_visible()
    page.locator(".key-row summary").click()
    page.fill(f"#name-{kept.id}", "Máy cũ")
    page.get_by_role("button", name="Đổi tên", exact=True).click()
    expect(page.locator(".key-row b")).to_have_text(["Máy cũ"])
    page.locator(".key-row summary").click()
    page.get_by_role("button", name="Mất máy").click()
    expect(page.locator("h2#my-keys")).to_have_text("Bạn chưa có khóa nào")


def test_who_cannot_prove_to_be_the_owner_is_told_what_to_do(desk: Desk) -> None:
    page = desk.sign_in("hanh", "/me/passkeys", viewport=PHONE)
    Authenticator(page).touched_by_a_stranger()
    page.get_by_role("button", name="Tạo khóa").click()
    expect(page.locator("[data-passkey-problem=cancelled]")).to_contain_text("Bấm lại khi sẵn sàng")
    expect(page.get_by_role("button", name="Tạo khóa")).to_be_enabled()


def test_under_another_address_the_page_leads_to_the_right_one(desk: Desk, site: Site) -> None:
    other = site.url.replace("localhost", "127.0.0.1")
    desk.watch.url = "http://"
    page = desk.open("/signin", base_url=other, viewport=PHONE)
    page.fill("#user", "tam")
    page.fill("#password", PASSWORD)
    page.click("main button:has-text('Đăng nhập')")
    page.wait_for_url(f"{other}/")
    page.goto("/me/passkeys")
    expect(page.locator("[data-passkey-origin]")).to_have_attribute("href", f"{site.url}/me/passkeys")
