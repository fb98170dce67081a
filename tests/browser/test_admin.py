"""Administration in the browser: the first run of a fresh controller, and a person who is invited."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from structlog.testing import capture_logs

from loa.controller.core.access import Grant, Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.services.people import NewUser
from tests.browser.conftest import DESK, PHONE, Desk, Watch
from tests.browser.site import Site, running_site
from tests.passwords import hashed

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("LOA_PICTURES")
"""A folder for pictures of the pages, to be looked at."""
CHOSEN = "hoa sen trang 1986"


def picture(page: Page, name: str) -> None:
    """The page fits into a desk's and a phone's window; and pictures of both, if somebody wants to look."""
    before = page.viewport_size
    for size in (DESK, PHONE):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, f"{name} is wider than {size['width']} px"
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{size['width']}.png", full_page=True)
    if before:
        page.set_viewport_size(before)


@dataclass
class Fresh:
    """A controller that nobody has set up, and the code that its terminal shows."""

    site: Site
    code: str


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Fresh]:
    with capture_logs() as logs, running_site(tmp_path, settled=False) as site:
        [code] = [line["code"] for line in logs if line["event"] == "setup.open"]
        yield Fresh(site, code)


@pytest.fixture(scope="module")
def administrator(site: Site) -> str:
    grants = frozenset({Grant(COMMUNE, Role.ADMIN)})
    with site.controller.db.work() as work:
        new = NewUser(
            id="quan",
            name="Đỗ Văn Quân",
            password=hashed(),
            grants=grants,
        )
        site.controller.people.insert(work, "test", new)
    return "quan"


def test_a_fresh_controller_is_set_up_without_a_shell(browser: Browser, fresh: Fresh) -> None:
    desk = Desk(browser, fresh.site, Watch(fresh.site.url), {})
    page = desk.open("/")
    expect(page.locator("h1")).to_have_text("Bạn là người quản trị đầu tiên")
    picture(page, "setup-you")
    fill(page, code="AAAA-AAAA", name="Nguyễn Văn Hòa", user="hoa", password=CHOSEN, again=CHOSEN)
    page.click("main .button-main")
    expect(page.locator(".summary a")).to_contain_text("Mã cài đặt không đúng")
    fill(page, code=fresh.code.lower(), password=CHOSEN, again=CHOSEN)
    page.click("main .button-main")
    expect(page.locator("[aria-current=step]")).to_have_text("2. Địa bàn")
    fill(page, province="Tỉnh Phú Thọ", commune="Xã Lãng Công", villages="Phú Cường\nĐồng Chăm")
    picture(page, "setup-area")
    page.keyboard.press("Tab")
    page.click("main .button-main")
    expect(page.locator("h1")).to_have_text("Kết nối cụm loa đầu tiên")
    picture(page, "setup-node")
    page.click("text=Làm sau")
    expect(page.locator(".rail, .tabs").first).to_be_attached()
    answer = page.request.get("/setup")
    assert answer.status == 404
    page.goto("/admin/areas")
    expect(page.locator(".rows")).to_contain_text("Đồng Chăm")
    page.context.close()
    assert not desk.watch.faults, desk.watch.faults


def test_a_person_is_invited_and_chooses_a_password(desk: Desk, administrator: str) -> None:
    page = desk.sign_in(administrator, "/admin", viewport=PHONE)
    picture(page, "admin")
    page.click("main a[href='/admin/people']")
    page.click("text=Mời người")
    fill(page, name="Nguyễn Thị Lan", user="lan")
    page.select_option("#area", COMMUNE)
    picture(page, "person-new")
    page.click("main .button-main")
    link = page.locator("#invite-link").input_value()
    picture(page, "person")
    guest = desk.open(re.sub(r"^https?://[^/]+", "", link), viewport=PHONE)
    fill(guest, new=CHOSEN, again=CHOSEN)
    picture(guest, "invite")
    guest.click("main .button-main")
    expect(guest.locator("h1")).to_have_text("Nguyễn Thị Lan")
    guest.select_option("#address", "ba")
    guest.fill("#phone", "0912 345 678")
    guest.click("main form[action='/me'] .button-main")
    expect(guest.locator(".notice-ok")).to_contain_text("Đã lưu")
    picture(guest, "me")
    assert guest.request.get(link).status == 404, "a link serves once"
    page.goto("/admin/people?q=lan")
    expect(page.locator(".rows")).to_contain_text("Soạn bản tin")
    picture(page, "people")


def test_areas_are_renamed_split_and_put_together_again(desk: Desk, administrator: str) -> None:
    page = desk.sign_in(administrator, f"/admin/areas/{COMMUNE}")
    picture(page, "area")
    fill(page, new_name="Xóm Mới")
    page.click("button[value=add]")
    expect(page.locator(".notice-ok")).to_contain_text("Đã thêm")
    page.goto("/admin/areas?q=xom moi")
    page.click("text=Xóm Mới")
    fill(page, name="Xóm Cũ")
    page.click("button[value=rename]")
    expect(page.locator("h1")).to_have_text("Xóm Cũ")
    page.goto("/admin/areas")
    picture(page, "areas")
    page.goto(f"/admin/areas/{VILLAGES[0]}/merge?gone={VILLAGES[1]}")
    picture(page, "merge")
    page.click("main .button-main")
    expect(page.locator(".summary")).to_be_visible()
    page.check("#sure")
    page.click("main .button-main")
    expect(page.locator(".notice-ok")).to_contain_text("Đã ghép")
    picture(page, "merged")
    page.click("main form[action*=undo] button")
    expect(page.locator(".notice-ok")).to_contain_text("Đã trả lại như trước")


def test_rules_show_their_effect_before_they_are_kept(desk: Desk, administrator: str) -> None:
    page = desk.sign_in(administrator, f"/admin/policies/{COMMUNE}", viewport=PHONE)
    picture(page, "policy")
    page.click("text=Soạn phiên bản mới")
    page.fill("#day", "2030-01-01")
    page.fill("[name=hours-0-from]", "05:30")
    page.click("main .button-main")
    expect(page.locator("#effect")).to_contain_text("được phát từ 05:30")
    picture(page, "policy-new")
    page.check("#sure")
    page.click("main .button-main")
    expect(page.locator(".notice-ok")).to_contain_text("Đã lưu phiên bản mới")
    page.goto("/admin/audit?act=area&q=policy")
    expect(page.locator(".rows.audit")).to_contain_text("Sửa địa bàn")
    picture(page, "audit")


def fill(page: Page, **typed: str) -> None:
    for name, text in typed.items():
        page.fill(f"#{name}", text)
