"""What people do on the console, in their words."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, Route, expect

HERE = ZoneInfo("Asia/Ho_Chi_Minh")
TEXT = (
    "Kính thưa bà con. Trạm Y tế xã tổ chức tiêm phòng từ 7h30 ngày 15/6 tại Nhà văn hóa thôn. "
    "Đề nghị mang theo CCCD."
)


def tomorrow() -> str:
    """The date of tomorrow in Việt Nam, as a date field takes it."""
    return f"{datetime.now(UTC).astimezone(HERE) + timedelta(days=1):%Y-%m-%d}"


def type_a_text(page: Page, title: str, text: str = TEXT) -> None:
    """First step, by typing, up to the second."""
    page.goto("/bulletins/new")
    page.fill("#title", title)
    page.fill("#text", text)
    go_on(page, "where")


def choose(page: Page, area: str) -> None:
    """Second step, up to the third."""
    page.check(f"input[name=area][value={area}]")
    go_on(page, "when")


def go_on(page: Page, step: str) -> None:
    """Press the main button and arrive at that step."""
    page.click(".foot-bar button[value=next]")
    page.wait_for_url(f"**/{step}")


def ask_for(page: Page, time: str, date: str | None = None) -> None:
    """Third step: once, tomorrow if nothing else is said."""
    page.fill("#date", date or tomorrow())
    page.fill("#time", time)


def submit(page: Page) -> str:
    """Hand it to the approvers; the address of the bulletin's page."""
    page.click(".foot-bar button[value=submit]")
    expect(page.locator(".notice-ok, .summary")).to_contain_text("Đã gửi để duyệt")
    return page.url.partition("?")[0]


def held_back(page: Page, address: str) -> list[Route]:
    """The requests to this address from now on; each waits until the test lets it go on."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    page.route(address, keep)
    return held
