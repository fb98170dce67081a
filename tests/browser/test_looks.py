"""What a page must be on any screen: no sideways scrolling, readable contrast, names for every control."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from loa.controller.core.sample import VILLAGES
from tests.browser.conftest import DESK, PHONE, Desk
from tests.browser.steps import ask_for, choose, type_a_text

pytestmark = pytest.mark.browser

FAINT = """() => {
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at), c = parse(style.backgroundColor);
      if (style.backgroundImage !== "none") return null;
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("option")) continue;
    const back = ground(element);
    if (!back) continue;
    const pair = [light(parse(getComputedStyle(element).color)), light(back)].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${walker.currentNode.data.trim().slice(0, 40)}`);
  }
  return found;
}"""
UNNAMED = """() => [...document.querySelectorAll("input, select, textarea, button, a[href]")]
  .filter(one => one.type !== "hidden" && one.checkVisibility())
  .filter(one => !(one.labels?.length || one.ariaLabel || one.textContent.trim()))
  .map(one => one.outerHTML.slice(0, 120))"""
SMALL = """() => [...document.querySelectorAll("button, .button, .chip span, select, .input")]
  .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < 44)
  .map(one => one.outerHTML.slice(0, 120))"""


def faults(page: Page) -> list[str]:
    width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    sideways = [f"{width} px too wide"] if width > 0 else []
    return sideways + [fault for look in (FAINT, UNNAMED, SMALL) for fault in page.evaluate(look)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
def test_every_page_is_readable_and_fits(desk: Desk, screen: dict[str, int], scheme: str) -> None:
    options: dict[str, Any] = {"viewport": screen, "color_scheme": scheme}
    found = {"/signin": faults(desk.open("/signin", **options))}
    page = desk.sign_in("hanh", **options)
    type_a_text(page, "Bản tin có tên khá dài để xem có vừa màn hình nhỏ hay không")
    found["where"] = faults(page)
    choose(page, VILLAGES[0])
    ask_for(page, "22:30")
    expect(page.locator(".notice-bad").first).to_be_visible()
    found["when"] = faults(page)
    for path in (
        "/bulletins",
        "/bulletins/new",
        "/log",
        "/log?day=&outcome=missed",
        "/stop",
        "/bulletins/nowhere",
    ):
        page.goto(path)
        found[path] = faults(page)
    assert not {path: what for path, what in found.items() if what}


def test_the_font_is_our_own(desk: Desk) -> None:
    page = desk.open("/signin")
    assert page.evaluate(
        "document.fonts.ready.then(() => document.fonts.check('600 17px \"Be Vietnam Pro\"', 'Ễ'))"
    )


def test_the_keyboard_reaches_the_content_first(desk: Desk) -> None:
    page = desk.sign_in("hanh", "/log")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
