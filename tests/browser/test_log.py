"""The broadcast log: filters in the address, cards on a phone, and it updates itself."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from loa.controller.adapters.events import EventHub
from loa.controller.core.sample import COMMUNE
from loa.controller.ports import EventKind
from loa.protocol.ids import AreaId
from tests.browser.conftest import PHONE, Desk
from tests.browser.site import Site
from tests.browser.steps import ask_for, choose, submit, type_a_text
from tests.controller.log_factory import keep, log_line

pytestmark = pytest.mark.browser


def approved(desk: Desk, title: str, time: str) -> None:
    hanh = desk.sign_in("hanh")
    type_a_text(hanh, title)
    choose(hanh, COMMUNE)
    ask_for(hanh, time)
    expect(hanh.locator(".block-mine").first).to_be_visible()
    hoa = desk.sign_in("hoa", submit(hanh))
    hoa.get_by_role("button", name="Duyệt và cho phát").click()
    expect(hoa.locator(".notice-ok")).to_contain_text("Đã duyệt")


def rows(page: Page, title: str) -> Locator:
    return page.locator(".lines tbody tr", has_text=title)


def test_an_open_log_shows_new_lines_by_itself(desk: Desk) -> None:
    page = desk.sign_in("tam", "/log?day=")
    expect(page.locator(".empty")).to_contain_text("Chưa có lượt phát nào")
    approved(desk, "Tin tự hiện", "09:00")
    expect(rows(page, "Tin tự hiện")).to_have_count(4)


def test_the_last_change_of_a_burst_is_shown_too(desk: Desk, site: Site) -> None:
    page = desk.sign_in("tam", "/me")
    with page.expect_response(lambda answer: "/api/v1/events" in answer.url):
        page.goto("/log?day=")
    events = site.controller.events
    assert isinstance(events, EventHub)
    now = datetime.now(UTC).replace(microsecond=0)
    for minutes, title in enumerate(("Dòng đầu", "Dòng sau"), start=9):
        keep(site.controller.db, [log_line(now - timedelta(minutes=minutes), title=title)])
        events.announce(EventKind.LOG, AreaId("cum-1"), "cum-1")
        expect(rows(page, title)).to_have_count(1)


def test_filters_stand_in_the_address_and_can_be_taken_away(desk: Desk) -> None:
    approved(desk, "Tin để lọc", "09:30")
    page = desk.sign_in("tam", "/log?day=")
    page.select_option("[name=outcome]", "missed")
    expect(page.locator(".empty")).to_contain_text("Không có lượt nào khớp")
    page.wait_for_url("**outcome=missed**")
    copy = desk.sign_in("tam", page.url)
    expect(copy.locator("[name=outcome]")).to_have_value("missed")
    copy.get_by_role("link", name="Bỏ lọc").click()
    expect(rows(copy, "Tin để lọc")).to_have_count(4)
    copy.select_option("[name=node]", "cum-1")
    expect(rows(copy, "Tin để lọc")).to_have_count(1)


def test_on_a_phone_lines_are_cards(desk: Desk) -> None:
    approved(desk, "Tin trên điện thoại", "10:00")
    page = desk.sign_in("tam", "/log?day=", viewport=PHONE)
    card = rows(page, "Tin trên điện thoại").first
    expect(card.locator(".badge")).to_be_visible()
    assert card.evaluate("row => getComputedStyle(row).display") == "grid"
    expect(card.get_by_role("img")).to_have_count(4)
