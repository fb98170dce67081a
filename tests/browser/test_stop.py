"""STOP: two gestures, by pointer, by keyboard, by two buttons, and without JavaScript."""

import pytest
from playwright.sync_api import Page, expect

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from tests.browser.conftest import PHONE, Desk

pytestmark = pytest.mark.browser
SUPERVISOR = Person("tam", "Lê Văn Tám", frozenset({Grant(COMMUNE, Role.SUPERVISOR)}))


def opened(desk: Desk) -> Page:
    page = desk.sign_in("tam", "/log")
    page.get_by_role("button", name="Dừng loa").click()
    expect(page.locator("dialog[open] h2")).to_be_focused()
    return page


def silences(desk: Desk) -> int:
    return len(desk.site.controller.silences.of(SUPERVISOR, COMMUNE))


def test_holding_the_button_two_seconds_stops_and_tells_what_was_achieved(desk: Desk) -> None:
    before, page = silences(desk), opened(desk)
    page.locator("[data-hold]").hover()
    page.mouse.down()
    page.wait_for_url("**/stop/lang-cong/*")
    page.mouse.up()
    assert silences(desk) == before + 1
    expect(page.locator("#stopped h2").first).to_contain_text("trên 4 cụm loa")
    expect(page.locator("#stopped")).to_contain_text("chưa nhận được lệnh")


def test_letting_go_early_does_nothing(desk: Desk) -> None:
    before, page = silences(desk), opened(desk)
    button = page.locator("[data-hold]")
    button.hover()
    page.mouse.down()
    expect(button).to_contain_text("Giữ thêm 1 giây")
    page.mouse.up()
    expect(button).to_contain_text("Giữ 2 giây để dừng")
    button.click()
    page.get_by_role("link", name="Không dừng nữa").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert silences(desk) == before


def test_holding_the_space_bar_stops(desk: Desk) -> None:
    before, page = silences(desk), opened(desk)
    page.locator("[data-hold]").focus()
    page.keyboard.down("Space")
    page.wait_for_url("**/stop/lang-cong/*")
    page.keyboard.up("Space")
    assert silences(desk) == before + 1


def test_who_cannot_hold_presses_two_separate_buttons(desk: Desk) -> None:
    before, page = silences(desk), opened(desk)
    page.get_by_role("button", name="Không giữ được? Bấm hai lần").click()
    page.get_by_role("button", name="Bấm lần một").click()
    assert silences(desk) == before
    page.get_by_role("button", name="Bấm lần hai").click()
    page.wait_for_url("**/stop/lang-cong/*")
    assert silences(desk) == before + 1


def test_the_same_form_works_without_javascript_for_one_village(desk: Desk) -> None:
    page = desk.sign_in("tam", "/log", java_script_enabled=False, viewport=PHONE)
    page.get_by_role("button", name="Dừng loa").click()
    page.select_option("[name=area]", VILLAGES[1])
    page.get_by_role("button", name="Bấm lần một").click()
    expect(page.locator("[name=area]")).to_have_value(VILLAGES[1])
    page.get_by_role("button", name="Bấm lần hai").click()
    page.wait_for_url(f"**/stop/{VILLAGES[1]}/*")
    expect(page.locator("h1")).to_have_text("Đã ra lệnh dừng loa")


def test_a_form_from_elsewhere_stops_nothing(desk: Desk) -> None:
    before = silences(desk)
    page = desk.sign_in("tam", "/log")
    form: dict[str, str | float | bool] = {"area": COMMUNE, "until": "900", "csrf": "guessed"}
    assert page.request.post("/stop", form=form).status == 403
    assert silences(desk) == before
