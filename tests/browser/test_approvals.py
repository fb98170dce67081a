"""What waits for a decision, and what comes from above, with a real controller behind the pages."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.bulletins import Draft, Plan
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.store.bulletins import add_recording
from loa.controller.store.tables import RecordingRow
from loa.protocol.ids import AreaId, RecordingId
from loa.protocol.kinds import BroadcastClass
from loa.protocol.when import When
from tests.browser.conftest import PHONE, Desk
from tests.browser.site import Site
from tests.browser.steps import ask_for, choose, go_on, submit, tomorrow, type_a_text

pytestmark = pytest.mark.browser

PROVINCE = AreaId("vinh-phuc")
SOUND = RecordingId("b" * 64)


def send_from_above(site: Site, title: str, class_: BroadcastClass = BroadcastClass.NORMAL) -> str:
    """The province approves one for the commune; the id of its bulletin."""
    parts = site.controller
    author, approver = (
        Person(user, user, frozenset({Grant(PROVINCE, role)}))
        for user, role in (("hanh", Role.OFFICIAL), ("hoa", Role.APPROVER))
    )
    sound = RecordingRow(
        sha256=SOUND,
        duration_ms=60_000,
        size_bytes=240_000,
        loudness_lufs=-18.0,
        true_peak_dbtp=-2.0,
        origin="upload",
        warnings="[]",
        created_by="hanh",
        created_at=datetime.now(UTC),
    )
    when = When(start_local=f"{tomorrow()}T10:00")
    with parts.db.work() as work:
        add_recording(work.session, sound, None)
        draft = Draft(
            area=PROVINCE,
            title=title,
            class_=class_,
            recording=SOUND,
            plan=Plan(audience=(COMMUNE,), when=when),
        )
        made = parts.bulletins.create(work, author, draft)
        parts.bulletins.submit(work, author, made.id, 1)
        parts.broadcasts.approve(work, approver, made.id, 2)
    return made.id


@pytest.mark.parametrize("size", [{}, {"viewport": PHONE}], ids=["desk", "phone"])
def test_the_earliest_is_on_top_and_a_search_finds_it_without_accents(
    desk: Desk, size: dict[str, object]
) -> None:
    hanh = desk.sign_in("hanh")
    late, early = f"Dọn vệ sinh {len(size)}", f"Tiêm phòng {len(size)}"
    for title, time in ((late, "16:00"), (early, "09:00")):
        type_a_text(hanh, title)
        choose(hanh, VILLAGES[0])
        ask_for(hanh, time)
        expect(hanh.locator(".block-mine").first).to_be_visible()
        submit(hanh)
    hoa = desk.sign_in("hoa", "/approvals", **size)
    rows = hoa.locator(".row-link")
    expect(rows.first).to_contain_text(early)
    expect(hoa.locator(".lead")).to_contain_text("Bản phát sớm nhất ở trên")
    hoa.fill("#q", "don ve sinh")
    hoa.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    rows.first.click()
    expect(hoa.get_by_role("heading", level=1)).to_have_text(late)
    hoa.get_by_role("button", name="Duyệt và cho phát").click()
    expect(hoa.locator(".notice-ok")).to_contain_text("Đã duyệt")
    hoa.get_by_text("Rút khỏi lịch phát").click()
    hoa.fill("#reason", "Hoãn vì mưa")
    hoa.get_by_role("button", name="Rút, không phát nữa").click()
    expect(hoa.locator(".notice-warn:visible")).to_contain_text("Đã rút khỏi lịch phát")


def test_an_older_version_is_taken_back(desk: Desk) -> None:
    hanh = desk.sign_in("hanh")
    type_a_text(hanh, "Họp thôn", "Bản thứ nhất, mời bà con họp.")
    choose(hanh, VILLAGES[1])
    ask_for(hanh, "10:30")
    expect(hanh.locator(".block-mine").first).to_be_visible()
    address = submit(hanh)
    hoa = desk.sign_in("hoa", address)
    hoa.fill("#comment", "Ghi rõ địa điểm.")
    hoa.get_by_role("button", name="Trả lại kèm góp ý").click()
    expect(hoa.locator(".notice-warn:visible")).to_contain_text("Ghi rõ địa điểm.")
    hanh.goto(f"{address}/what")
    hanh.fill("#text", "Bản thứ hai, mời bà con họp ở nhà văn hóa.")
    go_on(hanh, "where")
    hanh.goto(address)
    hanh.get_by_text("Các phiên bản trước").click()
    sent = hanh.locator(".versions > li", has_text="gửi duyệt")
    expect(hanh.locator(".versions > li").first).to_contain_text("Đổi: lời đọc")
    sent.get_by_role("button", name="Lấy lại bản này").click()
    expect(hanh.locator(".quote").first).to_contain_text("Bản thứ nhất")


@pytest.mark.parametrize("size", [{}, {"viewport": PHONE}], ids=["desk", "phone"])
def test_a_commune_chooses_leaves_and_orders_what_comes_from_above(
    desk: Desk, site: Site, size: dict[str, object]
) -> None:
    mark = "điện thoại" if size else "máy tính"
    sent = send_from_above(site, f"Phòng cúm {mark}")
    send_from_above(site, f"Thể thao {mark}")
    for title in (f"Mưa lớn {mark}", f"Lũ quét {mark}"):
        send_from_above(site, title, BroadcastClass.PRIORITY)
    hanh = desk.sign_in("hanh", "/inbox", **size)
    expect(hanh.locator(".lead")).to_contain_text("2 tin chờ xã chọn")
    item = hanh.locator(".inbox-item", has_text=f"Phòng cúm {mark}")
    item.get_by_role("button", name="Phát đúng giờ này").click()
    expect(item).to_contain_text("Xã đã chọn")
    item = hanh.locator(".inbox-item", has_text=f"Thể thao {mark}")
    item.get_by_role("button", name="Không phát ở xã").click()
    expect(item).to_contain_text("Xã không phát")
    priorities = hanh.locator(".inbox-item", has_text="Ưu tiên").filter(has_text=mark)
    last = priorities.last.locator("h3").inner_text()
    priorities.last.get_by_role("button", name="Xếp lên trước").click()
    expect(priorities.filter(has_text=last).get_by_role("button", name="Xếp ra sau")).to_be_visible()

    hoa = desk.sign_in("hoa", "/inbox", **size)
    item = hoa.locator(".inbox-item", has_text=f"Thể thao {mark}")
    item.get_by_text("Chọn giờ khác").click()
    item.locator("input[type=date]").fill(tomorrow())
    item.locator("input[name=time]").fill("25:00")
    item.get_by_role("button", name="Phát vào giờ này").click()
    expect(hoa.locator(".summary")).to_contain_text("25:00")
    expect(item.locator("input[type=date]")).to_have_value(tomorrow())
    expect(item.locator("input[name=time]")).to_have_value("25:00")
    item.locator("input[name=time]").fill("15:00")
    item.get_by_role("button", name="Phát vào giờ này").click()
    expect(item).to_contain_text("thành bản tin của xã")
    with site.controller.db.look() as session:
        tinh = Person("tinh", "tinh", frozenset({Grant(PROVINCE, Role.APPROVER)}))
        bulletin = site.controller.bulletins.get(session, tinh, sent)
    assert bulletin.broadcast
