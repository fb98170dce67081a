"""What a supervisor does: search, keep the filter, look into one line, take the file, read the month."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from loa.controller.core.sample import COMMUNE, VILLAGES
from tests.browser.conftest import DESK, PHONE, Desk
from tests.browser.site import Site
from tests.browser.test_looks import faults
from tests.controller.air import place
from tests.controller.factories import Town
from tests.controller.log_factory import ears, keep, log_line

pytestmark = pytest.mark.browser

NOON = datetime.now(UTC).replace(hour=5, minute=0, second=0, microsecond=0) - timedelta(days=1)


@pytest.fixture(scope="module", autouse=True)
def _lines(site: Site) -> None:
    """A day on which one of three nodes was silent."""
    title = "Thu phí đợt hai"
    fee = {"title": title, "broadcast_id": place(Town(site.controller.db), COMMUNE, title=title).id}
    keep(
        site.controller.db,
        [
            log_line(NOON, "cum-1", area_id=VILLAGES[1], **fee, **ears(heard=44, judged=44)),
            log_line(NOON, "cum-2", area_id=VILLAGES[2], **fee, **ears(heard=0, judged=44)),
            log_line(NOON, "cum-3", area_id=VILLAGES[0], **fee),
            log_line(NOON, "cum-1", title="Họp thôn", area_id=VILLAGES[1], broadcast_id="b" * 64),
        ],
    )


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
def test_from_a_search_to_the_file(desk: Desk, screen: dict[str, int], tmp_path: Path) -> None:
    page = desk.sign_in("tam", "/log?day=", viewport=screen, accept_downloads=True)
    page.get_by_label("Tìm bản tin").fill("thu phi dot")
    expect(page.locator(".lines tbody tr")).to_have_count(3)
    if screen is PHONE:
        page.locator(".more summary").click()
    page.select_option("[name=outcome]", "not_heard")
    expect(page.locator(".lines tbody tr")).to_have_count(1)
    page.wait_for_url("**outcome=not_heard**")
    expect(page.locator("#keep-query")).to_have_value(re.compile("outcome=not_heard"))
    _keep_filter(page, f"Loa im {screen['width']}")
    page.get_by_role("link", name="Thu phí đợt hai").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cụm 2, 12:00")
    expect(page.locator(".climb li")).to_have_count(4)
    expect(page.locator(".comparison svg rect.bar-missing")).to_have_count(44)
    assert faults(page) == []
    page.goto("/log?day=")
    page.get_by_role("link", name=f"Đã lưu: Loa im {screen['width']}").click()
    page.get_by_role("link", name="Xuất tệp").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Xuất 1 dòng")
    assert faults(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Tải tệp về").click()
    path = tmp_path / "log.xlsx"
    download.value.save_as(path)
    cells = [row[3] for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)]
    assert cells.count("Thu phí đợt hai") == 1
    assert "Họp thôn" not in cells


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_month_states_its_finding(desk: Desk, screen: dict[str, int], scheme: str) -> None:
    month = f"{NOON + timedelta(hours=7):%Y-%m}"
    page = desk.sign_in("tam", f"/reports?month={month}", viewport=screen, color_scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_contain_text("25% lượt phát chắc chắn đã vang lên")
    page.locator(".figures summary").click()
    expect(page.locator(".figures table")).to_be_visible()
    assert faults(page) == []
    page.select_option("[name=area]", VILLAGES[2])
    page.wait_for_url(f"**area={VILLAGES[2]}**")
    expect(page.locator(".totals")).to_contain_text("100%")


def _keep_filter(page: Page, name: str) -> None:
    """By the keyboard alone."""
    page.locator("#log-saved summary").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Đặt tên cho bộ lọc đang chọn").fill(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=f"Đã lưu: {name}")).to_be_visible()
