"""The door, and the headers that keep strangers out."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.passwords import PASSWORD

pytestmark = pytest.mark.browser


def test_a_wrong_password_is_told_and_the_name_stays(desk: Desk) -> None:
    page = desk.open("/log")
    assert "/signin?next=" in page.url
    page.fill("#user", "hanh")
    page.fill("#password", "khong-phai")
    page.click("main button:has-text('Đăng nhập')")
    expect(page.locator(".summary")).to_be_focused()
    expect(page.locator(".summary")).to_contain_text("chưa đúng")
    expect(page.locator("#user")).to_have_value("hanh")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Hiện mật khẩu").click()
    expect(page.locator("#password")).to_have_attribute("type", "text")
    page.click("main button:has-text('Đăng nhập')")
    page.wait_for_url("**/log")


def test_nothing_typed_is_told_by_field(desk: Desk) -> None:
    page = desk.open("/signin")
    page.click("main button:has-text('Đăng nhập')")
    expect(page.locator(".summary li")).to_have_count(2)


def test_the_door_leads_to_no_other_site(desk: Desk) -> None:
    page = desk.open("/signin?next=//example.org/")
    expect(page.locator("input[name=next]")).to_have_value("/")


def test_signing_out_ends_the_session(desk: Desk) -> None:
    page = desk.sign_in("tam")
    page.click(".rail button:has-text('Đăng xuất')")
    page.wait_for_url("**/signin")
    page.goto("/bulletins")
    assert "/signin" in page.url


def test_another_areas_bulletin_is_just_not_found(desk: Desk) -> None:
    page = desk.sign_in("hanh")
    answer = page.goto("/bulletins/0123456789abcdef0123456789abcdef")
    assert answer
    assert answer.status == 404
    expect(page.locator("h1")).to_have_text("Không tìm thấy")


def test_pages_carry_strict_headers_and_files_may_be_kept(desk: Desk) -> None:
    page = desk.open("/signin")
    headers = page.request.get("/signin").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    sheet = page.locator("link[rel=stylesheet]").first.get_attribute("href")
    assert sheet
    assert "immutable" in page.request.get(sheet).headers["cache-control"]
