"""The step "what": recording, files and typing, over a network that breaks and pages that close."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, Request, expect

from loa.protocol.ids import RecordingId
from tests.browser.conftest import DESK, PHONE, Desk
from tests.browser.steps import go_on
from tests.browser.test_looks import faults
from tests.waiting import wait_for

pytestmark = pytest.mark.browser
SLOW_BYTES_A_SECOND = 150_000
BEGUN = re.compile(r"^[1-9]\d%$")
SECONDS = 16
CUT = re.compile(r"ERR_INTERNET_DISCONNECTED|htmx:(sendError|afterRequest)")
"""What Chromium and htmx write to the console while there is no network."""
PIECES = """() => new Promise(resolve => {
  const opening = indexedDB.open("loa");
  opening.onsuccess = () => {
    const counting = opening.result.transaction("pieces").objectStore("pieces").count();
    counting.onsuccess = () => { opening.result.close(); resolve(counting.result); };
  };
})"""
LEFT = """async () => {
  const db = await new Promise(resolve => {
    const opening = indexedDB.open("loa");
    opening.onsuccess = () => resolve(opening.result);
  });
  const count = name => new Promise(resolve => {
    const counting = db.transaction(name).objectStore(name).count();
    counting.onsuccess = () => resolve(counting.result);
  });
  const all = await Promise.all(["takes", "pieces", "parcels"].map(count));
  db.close();
  return all;
}"""


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "Loa thôn.wav"
    tone = ["-f", "lavfi", "-i", f"sine=frequency=300:duration={SECONDS}:sample_rate=48000"]
    subprocess.run(["ffmpeg", "-v", "error", *tone, str(path)], check=True)
    return path


class Network:
    """Of one page: slow, or away."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.send("Network.enable")

    def slow(self) -> None:
        self._emulate(offline=False, upload=SLOW_BYTES_A_SECOND)

    def cut(self) -> None:
        self._emulate(offline=True, upload=SLOW_BYTES_A_SECOND)

    def mend(self) -> None:
        self._emulate(offline=False, upload=-1)

    def _emulate(self, *, offline: bool, upload: int) -> None:
        self._session.send(
            "Network.emulateNetworkConditions",
            {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload},
        )


def open_recorder(desk: Desk, **options: Any) -> Page:  # noqa: ANN401 -- Playwright's own options
    page = desk.sign_in("hanh", "/bulletins/new", **options)
    page.check("#by-record", force=True)
    return page


def record(page: Page, until: str) -> None:
    """Press the red button and speak until the clock says so."""
    page.click("[data-record]")
    reached(page, until)


def reached(page: Page, until: str) -> None:
    wait_for(lambda: page.inner_text("[data-clock]") >= until, what=f"the clock says {until}")


def taken(desk: Desk, page: Page) -> tuple[str, int]:
    """Origin and length of the recording that the page got."""
    sound = page.locator("#sound-part [data-sound]")
    expect(sound).to_be_visible()
    kept = desk.site.controller.recordings.get(RecordingId(sound.get_attribute("data-sound") or ""))
    return kept.origin, kept.duration_ms


def forgotten(page: Page) -> None:
    """Nothing is left in the browser once the server has it all."""
    wait_for(lambda: page.evaluate(LEFT) == [0, 0, 0], what="the browser keeps nothing more")


def test_a_recording_is_paused_heard_and_arrives_whole(desk: Desk) -> None:
    page = open_recorder(desk, viewport=PHONE)
    record(page, "00:03")
    expect(page.locator("#recorder")).to_contain_text("Đang ghi")
    expect(page.locator(".meter .ok").first).to_be_visible()
    assert faults(page) == []
    page.click("[data-record]")
    expect(page.locator("#recorder")).to_contain_text("Đang tạm dừng")
    stood = page.inner_text("[data-clock]")
    page.click("[data-listen]")
    expect(page.locator("#recorder.hearing")).to_be_visible()
    expect(page.locator("#recorder.hearing")).to_have_count(0)
    assert page.inner_text("[data-clock]") == stood
    page.click("[data-record]")
    reached(page, "00:04")
    page.click("[data-done]")
    origin, length_ms = taken(desk, page)
    assert origin == "recorded"
    assert 3_700 < length_ms < 30_000
    forgotten(page)
    page.fill("#title", "Tin tự ghi")
    assert faults(page) == []
    go_on(page, "where")
    page.goto(page.url.replace("/where", "/what"))
    expect(page.locator("#by-record")).to_be_checked()
    taken(desk, page)


def test_the_keyboard_alone_plays_and_seeks(desk: Desk, wav: Path) -> None:
    page = desk.sign_in("hanh", "/bulletins/new")
    page.check("#by-upload", force=True)
    page.set_input_files("#file", wav)
    slider = page.get_by_role("slider", name="Vị trí nghe")
    expect(page.locator("#sound-part .wave rect").nth(40)).to_be_visible()
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", f"00:05 trên 00:{SECONDS}")
    expect(page.locator("#sound-part .wave .played").first).to_be_visible()
    page.keyboard.press(" ")
    expect(page.locator("#sound-part .playing")).to_be_visible()
    expect(slider).not_to_have_attribute("aria-valuenow", "5")


def test_a_network_cut_in_mid_upload_costs_nothing_that_arrived(desk: Desk, wav: Path) -> None:
    offsets: list[int] = []

    def note(request: Request) -> None:
        if request.method == "PATCH":
            offsets.append(int(request.headers["upload-offset"]))

    page = desk.sign_in("hanh", "/bulletins/new")
    page.fill("#title", "Tin gửi trên mạng yếu")
    page.check("#by-upload", force=True)
    network = Network(page)
    network.slow()
    page.on("request", note)
    page.set_input_files("#file", wav)
    expect(page.locator("#sending [data-share]")).to_have_text(BEGUN)
    network.cut()
    expect(page.locator("#sending")).to_contain_text("Mất mạng. Tệp vẫn còn trên máy này")
    expect(page.locator("dialog[open]")).to_have_count(0)
    before = len(offsets)
    page.click(".foot-bar button[value=next]")
    expect(page.locator("#sending")).to_contain_text("Xong sẽ tự sang bước Ở đâu.")
    network.mend()
    page.wait_for_url("**/where")
    assert offsets[before] > 0
    page.goto(page.url.replace("/where", "/what"))
    assert taken(desk, page) == ("upload", SECONDS * 1_000)
    forgotten(page)
    desk.watch.faults[:] = [fault for fault in desk.watch.faults if not CUT.search(fault)]


def test_a_file_goes_on_by_itself_after_its_page_was_closed(desk: Desk, wav: Path) -> None:
    page = desk.sign_in("hanh", "/bulletins/new")
    page.check("#by-upload", force=True)
    Network(page).slow()
    page.set_input_files("#file", wav)
    expect(page.locator("#sending [data-share]")).to_have_text(BEGUN)
    page.close()
    again = page.context.new_page()
    again.goto("/bulletins/new")
    assert taken(desk, again) == ("upload", SECONDS * 1_000)


def test_a_network_cut_in_mid_recording_loses_nothing(desk: Desk) -> None:
    page = open_recorder(desk, viewport=DESK, color_scheme="dark")
    network = Network(page)
    assert faults(page) == []
    record(page, "00:01")
    assert faults(page) == []
    network.cut()
    reached(page, "00:03")
    page.click("[data-done]")
    expect(page.locator("#sending")).to_contain_text("Mất mạng. Tệp vẫn còn trên máy này")
    expect(page.locator("#offline")).to_contain_text("Bản nháp vẫn còn trên máy này.")
    network.mend()
    origin, length_ms = taken(desk, page)
    assert origin == "recorded"
    assert length_ms > 2_700
    forgotten(page)
    desk.watch.faults[:] = [fault for fault in desk.watch.faults if not CUT.search(fault)]


def test_a_page_closed_in_mid_recording_finds_its_pieces_again(desk: Desk) -> None:
    page = open_recorder(desk)
    record(page, "00:02")
    wait_for(lambda: page.evaluate(PIECES) >= 2, what="two seconds are stored")
    page.close()
    again = page.context.new_page()
    again.goto("/bulletins/new")
    found = again.locator("#found .notice")
    expect(found).to_contain_text("Còn một bản chưa gửi xong trên máy này")
    found.get_by_role("button", name="Dùng bản này").click()
    origin, length_ms = taken(desk, again)
    assert origin == "recorded"
    assert length_ms >= 1_800
    forgotten(again)


def test_what_is_typed_without_a_network_survives_the_page(desk: Desk) -> None:
    page = desk.sign_in("hanh", "/bulletins/new")
    page.context.set_offline(True)
    page.fill("#title", "Gõ lúc mất mạng")
    page.fill("#text", "Kính thưa bà con.")
    expect(page.locator("#offline")).to_contain_text("Mất mạng. Bản nháp vẫn còn trên máy này.")
    expect(page.locator("#saved")).to_contain_text("Bản nháp đang giữ trên máy này")
    page.close()
    page.context.set_offline(False)
    again = page.context.new_page()
    again.goto("/bulletins/new")
    expect(again.locator("#title")).to_have_value("Gõ lúc mất mạng")
    again.wait_for_url("**/what")
    expect(again.locator("#saved")).to_contain_text("Bản nháp tự lưu lúc")
    again.reload()
    expect(again.locator("#text")).to_have_value("Kính thưa bà con.")
    again.goto("/bulletins/new")
    expect(again.locator("#title")).to_have_value("")
    desk.watch.faults[:] = [fault for fault in desk.watch.faults if not CUT.search(fault)]


def test_going_on_without_a_network_waits_for_it(desk: Desk) -> None:
    page = desk.sign_in("hanh", "/bulletins/new")
    page.context.set_offline(True)
    page.fill("#title", "Đi tiếp lúc mất mạng")
    page.fill("#text", "Kính thưa bà con.")
    page.click(".foot-bar button[value=next]")
    expect(page.locator("#saved")).to_contain_text("Có mạng sẽ tự sang.")
    page.context.set_offline(False)
    page.wait_for_url("**/where")
    desk.watch.faults[:] = [fault for fault in desk.watch.faults if not CUT.search(fault)]


def test_only_this_page_may_use_the_microphone_and_says_when_it_cannot(desk: Desk) -> None:
    page = desk.sign_in("hanh", "/bulletins/new")
    allowed = "document.featurePolicy.allowsFeature('microphone')"
    assert page.evaluate(allowed)
    page.goto("/log")
    assert not page.evaluate(allowed)
    page.add_init_script("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})")
    page.goto("/bulletins/new")
    page.check("#by-record", force=True)
    expect(page.locator("#recorder")).to_contain_text(
        "Trình duyệt chỉ cho ghi âm khi địa chỉ trang bắt đầu bằng https"
    )
    expect(page.locator("#recorder [data-record]")).to_be_hidden()


def test_a_file_goes_with_the_form_where_no_script_runs(desk: Desk, wav: Path) -> None:
    page = desk.sign_in("hanh", "/bulletins/new", java_script_enabled=False)
    expect(page.locator("#by-record")).to_be_hidden()
    page.check("#by-upload", force=True)
    page.fill("#title", "Không có script")
    page.set_input_files("#file", wav)
    go_on(page, "where")


def test_a_word_is_written_out_as_it_is_read(desk: Desk) -> None:
    page = desk.sign_in("hanh", "/bulletins/new")
    page.fill("#text", "Mang theo CCCD lúc 7h30.")
    expect(page.locator(".behind mark")).to_have_text(["CCCD", "7h30"])
    page.click(".respell summary")
    page.click("[data-respell=CCCD]")
    expect(page.locator("#text")).to_have_value("Mang theo căn cước công dân lúc 7h30.")
    expect(page.locator(".behind mark")).to_have_text(["7h30"])


def test_of_another_persons_upload_nobody_learns_anything(desk: Desk) -> None:
    hanh = desk.sign_in("hanh", "/bulletins/new")
    csrf = hanh.input_value("#draft [name=csrf]")
    headers = {"Upload-Length": "10", "X-CSRF-Token": csrf}
    address = hanh.request.post("/api/v1/uploads", headers=headers).headers["location"]
    assert hanh.request.get(address).status == 200
    hoa = desk.sign_in("hoa", "/bulletins/new")
    csrf, upload = hoa.input_value("#draft [name=csrf]"), address.rpartition("/")[2]
    assert hoa.request.get(address).status == 404
    assert hoa.request.post("/bulletins/sound", multipart={"csrf": csrf, "upload": upload}).status == 404


def test_who_goes_on_without_a_sound_is_told_where_it_is_missing(desk: Desk) -> None:
    page = open_recorder(desk)
    page.fill("#title", "Chưa ghi gì")
    page.click(".foot-bar button[value=next]")
    page.locator(".summary").get_by_role("link", name="Ghi âm rồi bấm Xong").click()
    expect(page.locator("#recorder")).to_be_focused()
