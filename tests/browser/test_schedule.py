"""The schedule on a desk and on a phone: seen, filtered, moved by dragging and without, and taken back."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.bulletins import BulletinState, Draft, Plan
from loa.controller.core.sample import COMMUNE
from loa.controller.store.bulletins import add_recording
from loa.controller.store.tables import RecordingRow
from loa.protocol.ids import RecordingId
from loa.protocol.when import When
from tests.browser.conftest import DESK, PHONE, Desk
from tests.browser.site import PEOPLE, Site
from tests.browser.steps import HERE, ask_for, choose, type_a_text
from tests.browser.test_looks import faults

pytestmark = pytest.mark.browser


def monday() -> datetime:
    """Of next week, in Việt Nam."""
    now = datetime.now(UTC).astimezone(HERE)
    return now + timedelta(days=7 - now.weekday())


def day(number: int) -> str:
    return f"{monday() + timedelta(days=number):%Y-%m-%d}"


def person(user: str) -> Person:
    name, role = PEOPLE[user]
    return Person(user, name, frozenset({Grant(COMMUNE, role)}))


def put(site: Site, title: str, minutes: int, start: str, until: BulletinState) -> str:
    """A bulletin of so many minutes, brought so far; its id."""
    parts, author = site.controller, person("hanh")
    sha256 = RecordingId(hashlib.sha256(title.encode()).hexdigest())
    when = When(tz="Asia/Ho_Chi_Minh", start_local=start)
    draft = Draft(area=COMMUNE, title=title, recording=sha256, plan=Plan(audience=(COMMUNE,), when=when))
    with parts.db.work() as work:
        sound = RecordingRow(
            sha256=sha256,
            duration_ms=minutes * 60_000,
            size_bytes=minutes * 240_000,
            loudness_lufs=-18.0,
            true_peak_dbtp=-2.0,
            origin="upload",
            warnings="[]",
            created_by="hanh",
            created_at=parts.clock.now(),
        )
        add_recording(work.session, sound, None)
    with parts.db.work() as work:
        made = parts.bulletins.create(work, author, draft)
        if until is not BulletinState.DRAFT:
            made = parts.bulletins.submit(work, author, made.id, made.revision)
        if until is BulletinState.APPROVED:
            parts.broadcasts.approve(work, person("hoa"), made.id, made.revision)
    return made.id


@pytest.fixture(scope="module")
def week(site: Site) -> str:
    """A week with something approved, something submitted and a draft; its address."""
    assert Role.OFFICIAL in {role for _, role in PEOPLE.values()}
    put(site, "Tiếp sóng Đài tỉnh", 30, f"{day(0)}T17:00", BulletinState.APPROVED)
    put(site, "Bản tin xã", 12, f"{day(4)}T17:30", BulletinState.APPROVED)
    put(site, "Lịch cắt điện", 8, f"{day(0)}T17:30", BulletinState.SUBMITTED)
    put(site, "Họp thôn", 10, f"{day(2)}T17:30", BulletinState.DRAFT)
    return f"/schedule?day={day(0)}"


def drag(page: Page, title: str, column: int, minutes: int) -> None:
    """From where it is to another day, so many minutes later."""
    block = page.locator(".slot[data-move]", has_text=title).bounding_box()
    head = page.locator(".week-table thead th").nth(column).bounding_box()
    assert block
    assert head
    x, y = block["x"] + 40, block["y"] + 8
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y + 10)
    page.mouse.move(head["x"] + 60, y + 3 * minutes, steps=4)
    expect(page.locator(".drag-word")).to_be_visible()
    page.mouse.up()


def test_what_is_not_approved_is_dragged_told_and_taken_back(desk: Desk, week: str) -> None:
    page = desk.sign_in("hanh", week)
    expect(page.locator(".slot", has_text="Tiếp sóng Đài tỉnh")).to_have_count(1)
    expect(page.locator(".slot[data-move]")).to_have_count(2)
    assert not faults(page)
    drag(page, "Họp thôn", 4, 5)
    told = page.locator("#moved")
    expect(told).to_be_focused()
    expect(told).to_contain_text("Đã đổi giờ “Họp thôn”")
    expect(told).to_contain_text("sang 17:35")
    expect(page.locator(".notice-warn:visible")).to_contain_text("lùi đến 17:42")
    told.get_by_role("button", name="Hoàn tác").click()
    expect(page.locator("#moved")).to_contain_text("sang 17:30")
    page.goto(week)
    expect(page.locator(f"td[data-day='{day(2)}'] .slot", has_text="Họp thôn")).to_have_count(1)


def test_dropping_on_a_folded_stretch_asks_for_the_hour(desk: Desk, week: str) -> None:
    page = desk.sign_in("hanh", week)
    block = page.locator(".slot[data-move]", has_text="Họp thôn").bounding_box()
    fold = page.locator("tr.fold:not(.fold-quiet) td:last-child").first.bounding_box()
    assert block
    assert fold
    page.mouse.move(block["x"] + 40, block["y"] + 4)
    page.mouse.down()
    page.mouse.move(block["x"] + 40, fold["y"] + fold["height"] / 2 + 4, steps=4)
    expect(page.locator(".drop-here")).to_have_count(1)
    page.mouse.up()
    page.wait_for_url("**/schedule/move/**")
    expect(page.locator("#date")).to_have_value(day(2))


def test_the_keyboard_moves_and_is_told_why_not(desk: Desk, week: str) -> None:
    page = desk.sign_in("hanh", week)
    page.locator(".slot[data-move] a", has_text="Lịch cắt điện").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/schedule/move/**")
    page.fill("#time", "21:55")
    expect(page.locator("#read-back")).to_contain_text("9 giờ 55 tối, Thứ Hai")
    expect(page.locator("#notes")).to_contain_text("dài 8 phút nên lấn sang giờ yên tĩnh (22:00 đến 05:00)")
    page.keyboard.press("Enter")
    expect(page.locator(".summary")).to_be_focused()
    page.get_by_role("button", name="Đổi sang 21:52").click()
    expect(page.locator("#time")).to_have_value("21:52")
    page.get_by_role("button", name="Đổi giờ", exact=True).click()
    expect(page.locator("#moved")).to_contain_text("sang 21:52")
    expect(page.locator(".slot-wait", has_text="Lịch cắt điện")).to_have_attribute(
        "title", re.compile("Chờ duyệt")
    )


def test_a_phone_has_a_list_of_each_day_and_a_way_to_move(desk: Desk, week: str) -> None:
    page = desk.sign_in("hanh", f"{week}&view=week", viewport=PHONE)
    assert not faults(page)
    expect(page.locator(".week-table")).to_be_hidden()
    expect(page.locator(".day-list")).to_contain_text("Tiếp sóng Đài tỉnh")
    page.locator(".days-strip a").nth(2).click()
    expect(page.locator("#day-title")).to_contain_text("Thứ Tư")
    page.get_by_role("link", name="Đổi giờ Họp thôn").click()
    page.wait_for_url("**/schedule/move/**")
    assert not faults(page)
    for view in ("day", "month"):
        page.goto(f"{week}&view={view}")
        assert not faults(page)


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
def test_a_slip_to_a_quarter_past_three_is_read_back(desk: Desk, screen: dict[str, int]) -> None:
    page = desk.sign_in("hanh", viewport=screen)
    type_a_text(page, "Nhầm giờ")
    choose(page, COMMUNE)
    ask_for(page, "3h15", day(1))
    expect(page.locator("#read-back")).to_contain_text("3 giờ 15 sáng, Thứ Ba")
    expect(page.locator("#read-back")).to_contain_text("giờ yên tĩnh")
    expect(page.get_by_role("button", name="Đổi sang 05:00")).to_be_visible()
    page.check("#kind-monthly", force=True)
    page.fill("#time", "5 giờ rưỡi chiều")
    page.check("input[name=monthly][value=weekday]", force=True)
    page.fill("#skip", day(1))
    with page.expect_response("**/preview"):
        page.get_by_role("button", name="Trừ ngày này").click()
        expect(page.locator(".skips")).to_be_visible()
    expect(page.locator(".skips")).to_contain_text("Thứ Ba")
    expect(page.locator("input[name=monthly][value=weekday]")).to_be_checked()
    assert not faults(page)
