"""The demo as a newcomer starts it: what it promises by itself, and what people then do on its pages."""

import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from loa.audio.find import decode
from loa.controller.core.sample import COMMUNE
from loa.controller.demo.office import Desk as Signed
from loa.controller.demo.processes import program
from loa.controller.store.broadcasts import as_entry
from loa.node_agent.adapters.enrolment import load
from loa.node_agent.adapters.tls import web_context
from loa.protocol.broadcast import Entry
from loa.protocol.codec import encode
from loa.protocol.keys import SigningKey
from loa.protocol.programme import Urgent
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import to_ms
from tests.browser.authenticator import Authenticator
from tests.browser.conftest import CHROMIUM, DESK, PATIENCE_MS, PHONE, SWITCHES
from tests.certificates import spki_of_server
from tests.flow.ears import HEARING_HZ, Ear, Sound
from tests.flow.intruder import Intruder, break_in
from tests.flow.times import now, seconds
from tests.waiting import wait_for

pytestmark = [pytest.mark.flow, pytest.mark.timeout(300)]

_TEXT = 'Mời bà con "thôn Phú Cường" họp lúc 19h30 ngày 12/6; phí là $5 hoặc 50.000đ.'
TITLE = "Cắt điện thôn Thống Nhất"
SOUNDED = re.compile("Đã phát|Phát thiếu|Phát trễ")
"""It is to sound now: on a busy machine a node comes in a moment late, and says so."""
NOTICE = "Kính thưa bà con. Từ 8h ngày 27/11 điện lực cắt điện để sửa đường dây. Mong bà con thông cảm."
STANDS_WITHIN_S = 240
SIGNED_BY_KEEPERS = "The keepers have signed a change"
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
    def nodes(self) -> dict[str, Path]:
        """The folder of each loudspeaker."""
        return {folder.name: folder for folder in sorted((self.folder / ".demo/nodes").iterdir())}

    @property
    def ears(self) -> dict[str, Ear]:
        """One at each loudspeaker."""
        return {name: Ear(folder / "heard.wav") for name, folder in self.nodes.items()}

    @property
    def controller(self) -> Path:
        """The controller's data directory."""
        return self.folder / ".demo/controller"

    @contextmanager
    def desk(self, user: str) -> Iterator[Signed]:
        """Somebody who asks the API."""
        trust = web_context((self.folder / ".demo/authority.crt").read_text())
        desk = Signed(self.url, user, self.password, trust)
        yield desk
        desk.leave()

    def emergency(self) -> Entry:
        """The one that the demo has sounded."""
        asked = "select document, approvals from broadcasts where class = 'emergency'"
        with closing(sqlite3.connect(self.controller / "loa.db")) as db:
            [(document, approvals)] = db.execute(asked)
        return as_entry(document, approvals, now())

    def intruder(self) -> Intruder:
        """Somebody who has all that is in the controller's data directory."""
        port = load(next(iter(self.nodes.values())) / "data")[0].mqtt.port
        return break_in(self.controller, folder=self.folder, host="127.0.0.1", port=port)


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


def test_the_nodes_of_the_demo_believe_people_and_not_the_controller(demo: Demo) -> None:
    """Its own keys do not bring the demo's emergency back without the signatures of Hòa and Nam."""
    with demo.desk("kim") as kim:
        [trust] = kim.get("/trust")["items"]
    assert (trust["area"], trust["in_force_since"] is not None) == (COMMUNE, True)
    assert set(trust["holding"]) == set(demo.nodes)
    entry = demo.emergency()
    word, *signed = entry.approvals
    assert [one.approver for one in signed] == ["hoa", "nam"]
    since = now()
    key = SigningKey.from_pem((demo.controller / "controller.pem").read_text())
    topic = Topic(Channel.URGENT, COMMUNE)
    with demo.intruder() as intruder:
        for approvals in ((word, *signed), (word,)):
            said = Urgent(
                area=COMMUNE,
                version=to_ms(now()),
                issued_at=now(),
                entries=(entry.model_copy(update={"approvals": approvals}),),
            )
            intruder.publish(str(topic), encode(topic, said, key))
    told = refusals(demo, since)
    assert {one["reason"] for one in told} == {
        "unapproved"
    }  # had the whole one been refused, it'd be told first


def refusals(demo: Demo, since: datetime) -> list[dict[str, Any]]:
    """What the nodes report, once each has."""
    asked = {"kind": "refusal", "from": since.isoformat()}

    def told(hoa: Signed) -> list[dict[str, Any]] | None:
        items: list[dict[str, Any]] = hoa.get("/incidents", **asked)["items"]
        return items if {one["node"] for one in items} == set(demo.nodes) else None

    with demo.desk("hoa") as hoa:
        found = wait_for(lambda: told(hoa), what="each node reports a refusal", within_s=60)
    return [one["report"] for one in found]


def test_people_announce_hear_and_export_on_the_pages_of_the_demo(demo: Demo, tmp_path: Path) -> None:
    with browsing(demo) as browser:
        mai = sign_in(browser, demo, "mai", viewport=PHONE)
        address = announce(mai)
        hoa = sign_in(browser, demo, "hoa", viewport=DESK)
        make_passkey(hoa, demo)
        asked_at = datetime.now(UTC)
        approve(hoa, address)
        spoken = what_was_approved(demo, hoa, tmp_path)
        hear(demo, spoken, asked_at)
        lan = sign_in(browser, demo, "lan", viewport=DESK, accept_downloads=True)
        path = export(lan, tmp_path)
    lines = [
        row for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True) if TITLE in row
    ]
    assert len(lines) == len(demo.ears)
    assert all(any(SOUNDED.match(str(cell)) for cell in line) for line in lines), lines


@contextmanager
def browsing(demo: Demo) -> Iterator[Browser]:
    """A browser that believes the demo's console."""
    expect.set_options(timeout=PATIENCE_MS)
    known = spki_of_server((demo.controller / "certificates/web.pem").read_text())
    switches = [*SWITCHES, f"--ignore-certificate-errors-spki-list={known}"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=switches)
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


def make_passkey(page: Page, demo: Demo) -> None:
    """As a newcomer does who wants to approve: on the page of passkeys; the demo's keepers do the rest."""
    Authenticator(page)
    page.goto("/me/passkeys")
    page.get_by_role("button", name="Tạo khóa").click()
    expect(page.locator(".notice-ok")).to_contain_text("Đã có khóa")
    wait_for(lambda: SIGNED_BY_KEEPERS in demo.said(), what="the keepers' signatures")


def approve(page: Page, address: str) -> None:
    page.goto("/approvals")
    page.click(f"a:has-text('{TITLE}')")
    page.wait_for_url(address)
    expect(page.locator(".block-mine").first).to_be_visible()
    expect(page.get_by_role("button", name="Duyệt và cho phát")).to_have_count(0)
    page.get_by_role("button", name="Ký duyệt bằng khóa cá nhân").click()
    expect(page.locator(".notice-ok")).to_contain_text("Đã duyệt")


def what_was_approved(demo: Demo, page: Page, folder: Path) -> Sound:
    """The sound that the page plays to those who look at the bulletin."""
    with demo.desk("hoa") as hoa:
        path = hoa.fetch(page.locator("audio").get_attribute("src") or "", folder / "approved.ogg")
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
