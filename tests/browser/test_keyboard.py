"""The whole announcement by keys alone, from the door to the approval; the focus is seen at every step."""

from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from loa.controller.core.sample import VILLAGES
from tests.browser.conftest import Desk
from tests.browser.steps import TEXT
from tests.passwords import PASSWORD

pytestmark = pytest.mark.browser

TITLE = "Lịch tiêm phòng bằng bàn phím"
MOST_PRESSES = {"hanh": 75, "hoa": 40}
"""Besides the letters of what is typed; a person who knows the page needs about as many."""
MOST_TABS = 40
"""From one thing on a page to the next."""
HIDDEN = """() => {
  const at = document.activeElement;
  if (!at || at === document.body || at.tabIndex < 0) return "";
  const drawn = [
    getComputedStyle(at),
    getComputedStyle(at, "::after"),
    ...[at.nextElementSibling, at.closest(".pick")].filter(Boolean).map(one => getComputedStyle(one)),
  ].some(style => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
  const shown = at.matches("input[type=radio], input[type=checkbox]") ? at.closest("label") ?? at : at;
  const box = shown.getBoundingClientRect();
  const on = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const found = [];
  if (!drawn) found.push("has no ring");
  if (box.top < 0 || box.bottom > innerHeight + 1) found.push("is outside the window");
  else if (!on || !(shown.contains(on) || on.contains(shown))) found.push("lies under something");
  return found.length ? `${at.outerHTML.slice(0, 90)} ${found.join(", ")}` : "";
}"""


@dataclass
class Hands:
    """Touch nothing but the keys of one page, and count them."""

    page: Page
    presses: int = 0

    def press(self, *keys: str) -> None:
        """One key after the other; what has the focus then must be seen, unless Enter led to another page."""
        for key in keys:
            self.page.keyboard.press(key)
            self.presses += 1
            if key != "Enter":
                fault = self.page.evaluate(HIDDEN)
                assert not fault, fault

    def tab_to(self, selector: str) -> None:
        """On to that by Tab."""
        for _ in range(MOST_TABS):
            self.press("Tab")
            if self.page.evaluate("what => document.activeElement.matches(what)", selector):
                return
        pytest.fail(f"{MOST_TABS} times Tab, and no {selector}")

    def write(self, selector: str, text: str) -> None:
        """Into that field, in place of what stands there."""
        self.tab_to(selector)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def skip(self) -> None:
        """Past the frame, to what the page is about."""
        self.tab_to(".skip")
        self.press("Enter")
        expect(self.page.locator("main")).to_be_focused()

    def sign_in(self, user: str) -> None:
        self.write("#user", user)
        self.write("#password", PASSWORD)
        self.press("Enter")
        self.page.wait_for_url("**/")


def test_keys_alone_bring_an_announcement_from_the_door_to_the_approval(desk: Desk) -> None:
    hanh = Hands(desk.open("/signin"))
    hanh.sign_in("hanh")
    hanh.tab_to(".rail a[href='/bulletins/new']")
    hanh.press("Enter")
    say_what(hanh)
    say_where(hanh)
    say_when(hanh)
    expect(hanh.page.locator(".notice-ok")).to_contain_text("Đã gửi để duyệt")
    address = hanh.page.url.partition("?")[0]
    assert hanh.presses <= MOST_PRESSES["hanh"], hanh.presses

    hoa = Hands(desk.open("/signin"))
    hoa.sign_in("hoa")
    hoa.tab_to(".rail a[href='/approvals']")
    hoa.press("Enter")
    hoa.page.wait_for_url("**/approvals")
    hoa.skip()
    hoa.tab_to(f"main a[href='{address.removeprefix(desk.site.url)}']")
    hoa.press("Enter")
    hoa.page.wait_for_url(address)
    hoa.skip()
    hoa.tab_to("#decide button")
    hoa.press("Enter")
    expect(hoa.page.locator(".notice-ok")).to_contain_text("Đã duyệt")
    assert hoa.presses <= MOST_PRESSES["hoa"], hoa.presses


def say_what(hands: Hands) -> None:
    hands.page.wait_for_url("**/bulletins/new")
    hands.skip()
    hands.tab_to("[name=by]")
    expect(hands.page.locator("#by-text")).to_be_focused()
    hands.write("#title", TITLE)
    hands.write("#text", TEXT)
    hands.tab_to(".foot-bar button[value=next]")
    hands.press("Enter")


def say_where(hands: Hands) -> None:
    hands.page.wait_for_url("**/where")
    hands.skip()
    hands.tab_to(f"input[name=area][value={VILLAGES[0]}]")
    hands.press("Space")
    expect(hands.page.locator("#reach")).to_contain_text("cụm loa")
    hands.press("Enter")


def say_when(hands: Hands) -> None:
    hands.page.wait_for_url("**/when")
    hands.skip()
    hands.tab_to("[name=kind]")
    hands.press("ArrowRight")
    expect(hands.page.locator("#kind-daily")).to_be_checked()
    hands.write("#time", "10:30")
    expect(hands.page.locator(".block-mine").first).to_be_visible()
    hands.tab_to(".foot-bar button[value=submit]")
    hands.press("Enter")
