"""The demo as a newcomer starts it: what it promises by itself, and what people then do on its pages."""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from loa.audio.find import decode
from loa.controller.demo.processes import program
from tests.browser.conftest import CHROMIUM, DESK, PATIENCE_MS, PHONE, SWITCHES
from tests.flow.ears import HEARING_HZ, Ear, Sound
from tests.flow.times import seconds
from tests.waiting import wait_for

pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]

_TEXT = 'Mời bà con "thôn Phú Cường" họp lúc 19h30 ngày 12/6; phí là $5 hoặc 50.000đ.'
TITLE = "Cắt điện thôn Thống Nhất"
SOUNDED = re.compile("Đã phát|Phát thiếu|Phát trễ")
"""It is to sound now: on a busy machine a node comes in a moment late, and says so."""
NOTICE = "Kính thưa bà con. Từ 8h ngày 27/11 điện lực cắt điện để sửa đường dây. Mong bà con thông cảm."
STANDS_WITHIN_S = 200
INVITED = re.compile(r"The console is at (\S+): sign in as mai, hoa or lan with (\S+)\.")


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo that stays; the console's address and password are what it prints."""

    folder: Path
    process: subprocess.Popen[bytes]
    said: Callable[[], str]
    url: str
    password: str

    @property
    def ears(self) -> dict[str, Ear]:
        """One at each loudspeaker."""
        return {
            wav.parent.name: Ear(wav) for wav in sorted((self.folder / ".demo/nodes").glob("*/heard.wav"))
        }


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short mp3 that is none of ours: a rising tone with a beat, in stereo, quiet."""
    path = tmp_path_factory.mktemp("sound") / "bất kỳ.mp3"
    waves = "aevalsrc='0.1*sin(2*PI*(300*t+40*t*t))*(1+sin(2*PI*3*t))|0.05*sin(2*PI*440*t)':d=7:s=44100"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", waves, str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, sound: Path) -> Iterator[Demo]:
    """After its own scenario it waits for people; at the end somebody presses Ctrl-C."""
    folder = tmp_path_factory.mktemp("demo")
    wishes = {"LOA_DEMO_SOUND": str(sound), "LOA_DEMO_TEXT": _TEXT, "COLUMNS": "400"}
    log = folder / "said"
    with log.open("wb") as out:
        process = subprocess.Popen(
            program(["loa-controller", "demo"]),
            cwd=folder,
            env=os.environ | wishes,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )

    def invited() -> re.Match[str] | None:
        assert process.poll() is None, log.read_text()
        return INVITED.search(log.read_text())

    try:
        found = wait_for(invited, what="the demo's console", within_s=STANDS_WITHIN_S)
        yield Demo(folder, process, log.read_text, found[1], found[2])
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def test_the_demo_sounds_what_it_promises_with_any_sound_and_text(demo: Demo) -> None:
    assert demo.said().count("everything sounded at its place") == 3
    assert len(demo.ears) == 3
    assert "✘" not in demo.said()


def test_people_announce_hear_and_export_on_the_pages_of_the_demo(demo: Demo, tmp_path: Path) -> None:
    with browsing() as browser:
        mai = sign_in(browser, demo, "mai", viewport=PHONE)
        address = announce(mai)
        hoa = sign_in(browser, demo, "hoa", viewport=DESK)
        asked_at = datetime.now(UTC)
        approve(hoa, address)
        spoken = what_was_approved(hoa, tmp_path)
        hear(demo, spoken, asked_at)
        lan = sign_in(browser, demo, "lan", viewport=DESK, accept_downloads=True)
        path = export(lan, tmp_path)
    lines = [
        row for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True) if TITLE in row
    ]
    assert len(lines) == len(demo.ears)
    assert all(any(SOUNDED.match(str(cell)) for cell in line) for line in lines), lines


@contextmanager
def browsing() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=SWITCHES)
        yield chromium
        chromium.close()


def sign_in(browser: Browser, demo: Demo, user: str, **options: object) -> Page:
    context = browser.new_context(base_url=demo.url, locale="vi-VN", **options)  # type: ignore[arg-type]  # Playwright's own
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto("/signin")
    page.fill("#user", user)
    page.fill("#password", demo.password)
    page.click("main button:has-text('Đăng nhập')")
    page.wait_for_url(f"{demo.url}/")
    return page


def announce(page: Page) -> str:
    """Type, choose all of the commune, look at what will sound, hand it in; the address of the bulletin."""
    page.click(".tabs .main-tab")
    page.fill("#title", TITLE)
    page.fill("#text", NOTICE)
    page.click(".foot-bar button[value=next]")
    page.wait_for_url("**/where")
    page.get_by_role("button", name="Cả xã").click()
    expect(page.locator("#reach")).to_contain_text("3 cụm loa")
    page.click(".foot-bar button[value=next]")
    page.wait_for_url("**/when")
    page.check("#kind-now", force=True)
    expect(page.locator(".block-mine").first).to_contain_text("Tin của bạn")
    expect(page.locator(".notice-bad")).to_have_count(0)
    page.click(".foot-bar button[value=submit]")
    expect(page.locator(".notice-ok")).to_contain_text("Đã gửi để duyệt")
    expect(page.get_by_role("button", name="Duyệt và cho phát")).to_have_count(0)
    return page.url.partition("?")[0]


def approve(page: Page, address: str) -> None:
    page.goto("/approvals")
    page.click(f"a:has-text('{TITLE}')")
    page.wait_for_url(address)
    expect(page.locator(".block-mine").first).to_be_visible()
    page.get_by_role("button", name="Duyệt và cho phát").click()
    expect(page.locator(".notice-ok")).to_contain_text("Đã duyệt")


def what_was_approved(page: Page, folder: Path) -> Sound:
    """The sound that the page plays to those who look at the bulletin."""
    answer = page.request.get(page.locator("audio").get_attribute("src") or "")
    assert answer.ok
    path = folder / "approved.ogg"
    path.write_bytes(answer.body())
    return Sound(path, decode(path, HEARING_HZ))


def hear(demo: Demo, spoken: Sound, asked_at: datetime) -> None:
    """Every loudspeaker sounded it once, whole and at the same time."""
    heard = [first_heard(ear, spoken, asked_at) for ear in demo.ears.values()]
    assert max(heard) - min(heard) < seconds(0.3), heard


def first_heard(ear: Ear, spoken: Sound, asked_at: datetime) -> datetime:
    def began() -> datetime | None:
        found = ear.starts(spoken, asked_at, datetime.now(UTC))
        assert len(found) <= 1
        return found[0] if found else None

    return wait_for(began, what=f"{ear.wav} holds it", within_s=60, every_s=1)


def export(page: Page, folder: Path) -> Path:
    """The file of the log, once each loudspeaker has reported."""
    lines = page.locator(".lines tbody tr", has_text=TITLE)

    def reported() -> bool:
        page.goto("/log")
        return lines.count() == 3 and lines.filter(has_text=SOUNDED).count() == 3

    wait_for(reported, what="the log tells that all sounded", within_s=60, every_s=0.5)
    page.get_by_role("link", name="Xuất tệp").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Tải tệp về").click()
    path = folder / "log.xlsx"
    download.value.save_as(path)
    return path


def test_the_demo_says_why_it_cannot_go_on(tmp_path: Path) -> None:
    wishes = {"LOA_DEMO_SOUND": str(tmp_path / "nowhere.mp3"), "LOA_DEMO_ONCE": "1"}
    command = program(["loa-controller", "demo"])
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | wishes, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "nowhere.mp3" in done.stdout.replace("\n", "")
