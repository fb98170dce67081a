"""Choosing where, by search, tree, map and shortcut, which are one field; and the list of loudspeakers."""

import re

import pytest
from playwright.sync_api import expect

from loa.controller.adapters.events import EventHub
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.ports import EventKind
from loa.controller.store.tables import NodeRow
from loa.protocol.ids import AreaId
from tests.browser.conftest import DESK, PHONE, Desk
from tests.browser.scene import SILENT, furnish_map
from tests.browser.site import Site
from tests.browser.steps import type_a_text

NORTH, EAST, SOUTH = VILLAGES

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def scene(site: Site) -> None:
    furnish_map(site.controller)


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_search_tree_map_and_shortcuts_choose_the_same(desk: Desk, viewport: dict[str, int]) -> None:
    page = desk.sign_in("hanh", viewport=viewport)
    type_a_text(page, "Chọn nơi")
    line = page.locator("#reach" if viewport is DESK else "#reach-line")
    expect(line).to_contain_text("Chưa chọn nơi nào")

    page.fill("#search", "thong nhat")
    expect(page.locator("#found")).to_contain_text("Tìm thấy 1 nơi")
    expect(page.locator(f".tree input[value={EAST}]")).to_be_hidden()
    page.press("#search", "Enter")
    page.check(f".tree input[value={NORTH}]")
    page.fill("#search", "không có")
    expect(page.locator("#found")).to_have_text("Không nơi nào có tên như vậy.")
    page.fill("#search", "")
    expect(line).to_contain_text("1 cụm loa · khoảng 268 hộ")

    page.locator(f"path[data-area={SOUTH}]").click()
    expect(page.locator(f".tree input[value={SOUTH}]")).to_be_checked()
    expect(line).to_contain_text("2 thôn · 2 cụm loa · khoảng 472 hộ")
    expect(page.locator("#reach")).to_contain_text("204 hộ ở đó có thể không nghe được")

    page.focus(f".tree input[value={EAST}]")
    page.keyboard.press("Space")
    expect(page.locator(f".tree input[value={COMMUNE}]")).to_be_checked()
    expect(page.locator(f"path[data-area={EAST}]")).to_have_class("map-area chosen")
    whole = page.get_by_role("button", name="Cả xã")
    expect(whole).to_have_attribute("aria-pressed", "true")
    expect(line).to_contain_text("4 cụm loa · khoảng 703 hộ")

    page.get_by_role("button", name="Bỏ hết").click()
    expect(line).to_contain_text("Chưa chọn nơi nào")
    expect(page.locator("path.chosen")).to_have_count(0)
    whole.click()
    expect(page.locator("path.chosen")).to_have_count(3)
    page.click(".foot-bar button[value=next]")
    page.wait_for_url("**/when")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_boxes_and_shortcuts_choose_without_javascript(desk: Desk) -> None:
    page = desk.sign_in("hanh", java_script_enabled=False, viewport=PHONE)
    type_a_text(page, "Chọn nơi không JavaScript")
    page.check(f".tree input[value={NORTH}]")
    page.check(f".tree input[value={SOUTH}]")
    page.get_by_role("button", name="Tính lại số loa").click()
    expect(page.locator("#reach-line")).to_contain_text("2 thôn · 2 cụm loa · khoảng 472 hộ")
    expect(page.locator("path.chosen")).to_have_count(2)
    page.get_by_role("button", name="Cả xã").click()
    expect(page.locator(f".tree input[value={COMMUNE}]")).to_be_checked()
    page.locator(f".tree input[value={NORTH}]").press("Enter")
    page.wait_for_url("**/when")


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_loudspeakers_are_found_and_their_states_arrive(
    desk: Desk, site: Site, viewport: dict[str, int]
) -> None:
    page = desk.sign_in("hanh", "/nodes", viewport=viewport)
    expect(page.locator("h1")).to_have_text("3 trên 4 cụm loa cần xem")
    expect(page.locator(".nodes-list > li")).to_have_count(4)
    expect(page.locator(".map .spot-silent")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.fill("#q", "phu cuong")
    expect(page.locator(".nodes-list > li")).to_have_count(1)
    page.wait_for_url(re.compile(r"/nodes\?q=phu(\+|%20)cuong"))
    expect(page.locator(".nodes-list")).to_contain_text("Loa im")
    page.reload()
    expect(page.locator(".nodes-list > li")).to_have_count(1)

    with site.controller.db.work() as work:
        row = work.session.get_one(NodeRow, SILENT)
        before, row.state = row.state, (row.state or "").replace('"is_open":false', '"is_open":true')
    assert isinstance(site.controller.events, EventHub)
    site.controller.events.announce(EventKind.NODE, AreaId(SILENT), SILENT)
    expect(page.locator("h1")).to_have_text("2 trên 4 cụm loa cần xem")
    expect(page.locator(".nodes-list")).to_contain_text("Tốt")
    expect(page.locator("#q")).to_have_value("phu cuong")
    with site.controller.db.work() as work:
        work.session.get_one(NodeRow, SILENT).state = before
