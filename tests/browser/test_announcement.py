"""The whole way of an announcement through the console, with a real controller behind it."""

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from loa.controller.core.sample import COMMUNE, VILLAGES
from tests.browser.conftest import PHONE, Desk
from tests.browser.steps import TEXT, ask_for, choose, go_on, held_back, submit, type_a_text

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def mp3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "thong-bao.mp3"
    tone = ["-f", "lavfi", "-i", "sine=frequency=300:duration=4"]
    subprocess.run(["ffmpeg", "-v", "error", *tone, str(path)], check=True)
    return path


def test_a_text_goes_from_typing_over_a_repair_and_approval_to_the_log(desk: Desk) -> None:
    hanh = desk.sign_in("hanh")
    type_a_text(hanh, "Lịch tiêm phòng đợt 2")
    choose(hanh, VILLAGES[0])
    ask_for(hanh, "22:30")
    refused = hanh.locator(".notice-bad").first
    expect(refused).to_contain_text("22:30: loa sẽ không phát")
    expect(refused).to_contain_text("Căn cứ:")
    refused.get_by_role("button", name="Đổi sang").click()
    expect(hanh.locator("#time")).not_to_have_value("22:30")
    expect(hanh.locator(".notice-bad")).to_have_count(0)
    expect(hanh.locator(".block-mine").first).to_be_visible()
    expect(hanh.locator(".cost")).to_contain_text("4G")
    address = submit(hanh)
    expect(hanh.get_by_role("button", name="Duyệt và cho phát")).to_have_count(0)

    hoa = desk.sign_in("hoa")
    hoa.click("a:has-text('Lịch tiêm phòng đợt 2')")
    hoa.wait_for_url(address)
    expect(hoa.locator(".block-mine").first).to_be_visible()
    hoa.get_by_role("button", name="Duyệt và cho phát").click()
    expect(hoa.locator(".notice-ok")).to_contain_text("Đã duyệt")

    hoa.goto("/log?day=")
    line = hoa.locator(".lines tbody tr", has_text="Lịch tiêm phòng đợt 2").first
    expect(line).to_contain_text("Sẽ phát")
    expect(line.get_by_role("img").first).to_have_accessible_name("Đã lên lịch: có")


def test_nobody_approves_what_they_wrote(desk: Desk) -> None:
    hoa = desk.sign_in("hoa")
    type_a_text(hoa, "Tin của chính mình")
    choose(hoa, COMMUNE)
    ask_for(hoa, "10:00")
    expect(hoa.locator(".block-mine").first).to_be_visible()
    submit(hoa)
    expect(hoa.get_by_text("Bạn soạn bản này nên người khác phải duyệt")).to_be_visible()
    expect(hoa.get_by_role("button", name="Duyệt và cho phát")).to_have_count(0)


def test_a_returned_bulletin_tells_why_and_can_be_mended(desk: Desk) -> None:
    hanh = desk.sign_in("hanh")
    type_a_text(hanh, "Họp thôn")
    choose(hanh, VILLAGES[1])
    ask_for(hanh, "10:30")
    expect(hanh.locator(".block-mine").first).to_be_visible()
    address = submit(hanh)
    hoa = desk.sign_in("hoa", address)
    hoa.get_by_role("button", name="Trả lại kèm góp ý").click()
    expect(hoa.locator(".summary")).to_contain_text("Viết điều cần sửa")
    hoa.fill("#comment", "Ghi rõ địa điểm.")
    hoa.get_by_role("button", name="Trả lại kèm góp ý").click()
    expect(hoa.locator(".notice-warn:visible")).to_contain_text("Ghi rõ địa điểm.")
    hanh.goto(address)
    hanh.get_by_role("link", name="Sửa bản nháp").click()
    expect(hanh.locator("#text")).to_have_value(TEXT)


def test_what_the_voice_changes_is_told_while_typing_and_can_be_heard(desk: Desk) -> None:
    page = desk.sign_in("hanh", "/bulletins/new")
    page.fill("#text", TEXT)
    expect(page.locator(".read-back")).to_contain_text("căn cước công dân")
    page.get_by_role("button", name="Nghe thử").click()
    sound = page.locator("#reading audio")
    expect(sound).to_have_count(1)
    answer = page.request.get(sound.get_attribute("src") or "")
    assert answer.ok
    assert answer.headers["content-type"].startswith("audio/")


def test_a_text_is_heard_although_the_page_still_asks_how_it_is_read(desk: Desk) -> None:
    page = desk.sign_in("hanh", "/bulletins/new")

    asked = held_back(page, "**/bulletins/reading")
    with page.expect_request("**/bulletins/reading"):
        page.fill("#text", TEXT)
        page.get_by_role("button", name="Nghe thử").click()
    expect(page.locator("#reading audio")).to_have_count(1)
    with page.expect_response("**/bulletins/reading"):
        asked.pop().continue_()
    page.wait_for_timeout(300)
    expect(page.locator("#reading audio")).to_have_count(1)
    page.unroute("**/bulletins/reading")
    page.fill("#text", f"{TEXT} Xin cảm ơn.")
    expect(page.locator("#reading audio")).to_have_count(0)


def test_a_draft_saves_itself_and_survives_a_reload(desk: Desk) -> None:
    page = desk.sign_in("hanh", "/bulletins/new")
    page.fill("#title", "Bản chưa xong")
    expect(page.locator("#saved")).to_contain_text("Bản nháp tự lưu lúc")
    page.wait_for_url("**/what")
    page.reload()
    expect(page.locator("#title")).to_have_value("Bản chưa xong")


def test_a_sound_file_is_prepared_and_told_about(desk: Desk, mp3: Path) -> None:
    page = desk.sign_in("hanh", "/bulletins/new")
    page.check("#by-upload", force=True)
    page.fill("#title", "Tin ghi âm sẵn")
    page.set_input_files("#file", mp3)
    card = page.locator("#sound-part .card:has(audio)")
    expect(card).to_contain_text("thong-bao.mp3")
    expect(card).to_contain_text("giây")
    go_on(page, "where")


def test_a_file_that_is_no_sound_is_told_clearly_and_nothing_typed_is_lost(
    desk: Desk, tmp_path: Path
) -> None:
    wrong = tmp_path / "Ke-hoach.mp3"
    wrong.write_text("Kế hoạch tuần này. " * 200)
    page = desk.sign_in("hanh", "/bulletins/new")
    page.fill("#title", "Tên đã gõ")
    page.check("#by-upload", force=True)
    page.set_input_files("#file", wrong)
    expect(page.locator("#file-wrong")).to_contain_text("Tệp này không phải âm thanh")
    expect(page.locator("#title")).to_have_value("Tên đã gõ")


def test_mistakes_stand_on_top_with_links_to_the_fields(desk: Desk) -> None:
    page = desk.sign_in("hanh", "/bulletins/new")
    page.click(".foot-bar button[value=next]")
    summary = page.locator(".summary")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Còn 2 chỗ cần sửa")
    summary.get_by_role("link").first.click()
    expect(page.locator("#title")).to_be_focused()


def test_a_time_that_is_over_is_refused(desk: Desk) -> None:
    page = desk.sign_in("hanh")
    type_a_text(page, "Tin muộn")
    choose(page, COMMUNE)
    ask_for(page, "08:00", "2026-01-05")
    expect(page.locator(".notice-bad").first).to_contain_text("giờ đã qua")
    page.click(".foot-bar button[value=submit]")
    expect(page.locator(".summary")).to_be_focused()


def test_boxes_of_the_tree_have_three_states(desk: Desk) -> None:
    page = desk.sign_in("hanh")
    type_a_text(page, "Ba trạng thái")
    page.check(f"input[value={VILLAGES[0]}]")
    commune = page.locator(f"input[value={COMMUNE}]")
    assert commune.evaluate("box => box.indeterminate")
    expect(page.locator("#reach")).to_contain_text("Thôn Thống Nhất")
    page.get_by_role("button", name="Cả xã").click()
    expect(commune).to_be_checked()
    expect(page.locator("#reach")).to_contain_text("4 cụm loa")


def test_the_whole_way_works_without_javascript(desk: Desk, mp3: Path) -> None:
    page = desk.sign_in("hanh", java_script_enabled=False, viewport=PHONE)
    type_a_text(page, "Không cần JavaScript")
    choose(page, VILLAGES[2])
    ask_for(page, "23:10")
    page.get_by_role("button", name="Xem loa sẽ phát thế nào").click()
    page.get_by_role("button", name="Đổi sang").first.click()
    expect(page.locator(".block-mine").first).to_be_visible()
    submit(page)
    _upload_plainly(page, mp3)


def _upload_plainly(page: Page, mp3: Path) -> None:
    page.goto("/bulletins/new")
    page.check("#by-upload", force=True)
    page.fill("#title", "Tệp không JavaScript")
    page.set_input_files("#file", mp3)
    go_on(page, "where")
