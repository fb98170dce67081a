"""One node, from its code to its end: what the technician sees on a phone and at a desk."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.identities import Identities, Verdict
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.services.people import NewUser
from loa.controller.store.identities import store_identities
from loa.controller.store.nodes import key_of, node_of
from loa.protocol.health import Concern, Health
from loa.protocol.ids import NodeId, StopId
from loa.protocol.reasons import SelfTestOutcome
from loa.protocol.reports import Stopped
from loa.protocol.units import GainDb, SizeBytes, to_whole_ms
from tests.browser.conftest import DESK, PHONE, Desk
from tests.browser.site import Site
from tests.browser.speaker import Speaker, enrolled, speaking
from tests.passwords import hashed
from tests.protocol.bundles import make_bundle

pytestmark = pytest.mark.browser
TECHNICIAN = Person("long", "Vũ Đức Long", frozenset({Grant(COMMUNE, Role.TECHNICIAN)}))
KEEPERS = (
    (TECHNICIAN.user_id, TECHNICIAN.name, "0912 345 214", Role.TECHNICIAN, COMMUNE),
    ("quan", "Đỗ Quản", None, Role.ADMIN, COMMUNE),
    ("ngoai", "Lý Văn Ngoại", None, Role.TECHNICIAN, VILLAGES[0]),
)
HEALTH = Health(
    temperature_c=51.5,
    memory_free_bytes=SizeBytes(210_000_000),
    clock_offset_ms=-180,
    signal_pct=72,
    bytes_month=SizeBytes(11_600_000),
    forecast_bytes=SizeBytes(40_000_000),
)


@pytest.fixture(scope="module", autouse=True)
def _keepers(site: Site) -> None:
    with site.controller.db.work() as work:
        for user_id, name, phone, role, area in KEEPERS:
            grants = frozenset({Grant(area, role)})
            new = NewUser(
                id=user_id,
                name=name,
                password=hashed(),
                phone=phone,
                grants=grants,
            )
            site.controller.people.insert(work, "test", new)


@contextmanager
def standing(site: Site, node: NodeId, folder: Path) -> Iterator[Speaker]:
    """A node with a fresh identity, on the line."""
    with site.controller.db.work() as work:
        code = site.controller.nodes.new_code(work, TECHNICIAN, node)
    with speaking(site, enrolled(site, code.code, folder), folder) as speaker:
        yield speaker


def hold(page: Page) -> None:
    """The second gesture by those who cannot hold."""
    page.get_by_role("button", name="Không giữ được? Bấm hai lần").click()
    page.get_by_role("button", name="Bấm lần một").click()
    page.get_by_role("button", name="Bấm lần hai").click()


@pytest.mark.parametrize(("viewport", "name"), [(DESK, "Đồng Chăm"), (PHONE, "Suối Chùa")])
def test_a_node_comes_by_its_code_and_sounds(
    desk: Desk, tmp_path: Path, viewport: ViewportSize, name: str
) -> None:
    page = desk.sign_in("long", "/nodes/new", viewport=viewport)
    page.get_by_role("button", name="Lấy mã kết nối").click()
    expect(page.locator(".summary")).to_be_focused()
    page.fill("#name", name)
    page.select_option("#parent", VILLAGES[0])
    page.get_by_role("button", name="Lấy mã kết nối").click()
    page.wait_for_url("**/enrol")
    expect(page.locator("svg.qr")).to_be_visible()
    command = page.locator(".code-line").inner_text().split()
    assert command[:3] == ["loa-node", "enrol", desk.site.url]
    expect(page.get_by_text("Chưa thấy cụm loa nào")).to_be_visible()
    enrolment = enrolled(desk.site, command[3], tmp_path)
    expect(page.get_by_text("Máy đã nhận mã")).to_be_visible()
    with speaking(desk.site, enrolment, tmp_path) as speaker:
        speaker.say(HEALTH)
        expect(page.get_by_text(f"Thấy 1 cụm loa: {name}")).to_be_visible()
        page.get_by_role("button", name="Phát tiếng ngắn").click()
        page.wait_for_url(f"**/nodes/{enrolment.node}")
        expect(page.locator("h1")).to_have_text(f"{name}: chạy tốt, chưa tới giờ phát")
        expect(page.locator("#node-test")).to_contain_text("Đã nhắn loa, chờ trả lời")
        speaker.report_self_test(asked_at(desk.site, enrolment.node), SelfTestOutcome.PASSED)
        expect(page.locator("#node-test")).to_contain_text("Đã kêu, máy nghe lại thấy tiếng")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def asked_at(site: Site, node: NodeId) -> datetime:
    with site.controller.db.look() as session:
        found = node_of(session, node).self_test_asked_at
    assert found is not None
    return found


@pytest.mark.parametrize(("viewport", "number"), [(DESK, 1), (PHONE, 2)])
def test_the_page_of_a_node_says_what_is_wrong_as_it_happens(
    desk: Desk, tmp_path: Path, viewport: ViewportSize, number: int
) -> None:
    node = NodeId(f"cum-{number}")
    with standing(desk.site, node, tmp_path) as speaker:
        speaker.say(HEALTH)
        page = desk.sign_in("long", f"/nodes/{node}", viewport=viewport)
        expect(page.locator("h1")).to_have_text(f"Cụm {number}: chạy tốt, chưa tới giờ phát")
        expect(page.locator("#chart-temperature b")).to_contain_text("Không nóng: 5")
        page.locator("#chart-temperature summary").click()
        expect(page.locator("#chart-temperature td").nth(1)).to_contain_text("°C")
        hot = HEALTH.model_copy(update={"temperature_c": 84.0, "concerns": (Concern.HOT,)})
        speaker.say(hot, missing=2)
        expect(page.locator("h1")).to_have_text(f"Cụm {number}: hộp máy quá nóng")
        expect(page.locator("#node-now")).to_contain_text("Gọi Vũ Đức Long")
        expect(page.get_by_role("link", name="0912 345 214")).to_have_attribute("href", "tel:0912 345 214")
        expect(page.locator("#node-held")).to_contain_text("còn 2 đang tải")
        speaker.say(HEALTH, stopped=Stopped(id=StopId("d" * 32), at=to_whole_ms(speaker.now)))
        expect(page.locator("h1")).to_have_text(f"Cụm {number}: có người bấm nút dừng ở cột")
        page.get_by_role("button", name="Cho loa phát lại").click()
        expect(page.locator("h1")).to_have_text(f"Cụm {number}: chạy tốt, chưa tới giờ phát")
        speaker.say(HEALTH)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Dừng riêng cụm loa này").click()
    expect(page.locator("dialog[open] [name=area]")).to_have_value(node)
    page.get_by_role("link", name="Không dừng nữa").click()


def test_volume_place_and_budget_are_changed_with_their_reasons_beside(desk: Desk) -> None:
    page = desk.sign_in("long", "/nodes/cum-2")
    page.goto("/nodes/cum-2/volume")
    expect(page.locator(".sources")).to_contain_text("QCVN 26:2010/BTNMT")
    page.get_by_label("50", exact=True).check()
    page.get_by_role("button", name="Đặt âm lượng").click()
    expect(page.get_by_role("status")).to_contain_text("Đã đặt âm lượng")
    page.get_by_role("link", name="Tên, chỗ đặt, SIM, giờ tự kiểm tra").click()
    page.fill("#budget_mb", "ba trăm")
    page.get_by_role("button", name="Lưu").click()
    expect(page.locator(".summary")).to_contain_text("Ghi số MB của gói cước")
    page.fill("#budget_mb", "300,5")
    page.fill("#self_test_at", "6h30")
    page.select_option("#parent", VILLAGES[1])
    page.get_by_role("button", name="Lưu").click()
    expect(page.get_by_role("status")).to_contain_text("Đã sửa")
    with desk.site.controller.db.look() as session:
        kept = node_of(session, "cum-2")
    assert kept.settings.volume_db == GainDb(-10)
    assert kept.settings.month_budget_bytes == SizeBytes(300_500_000)
    assert (kept.self_test_at, kept.parent_id) == ("06:30", VILLAGES[1])


def test_a_copied_card_is_kept_or_refused(desk: Desk, tmp_path: Path) -> None:
    node = NodeId("cum-3")
    verdict = Identities(verdict=Verdict.CARD_CLONED, verdict_at=desk.site.controller.clock.now())

    def cloned() -> None:
        with desk.site.controller.db.work() as work:
            store_identities(work.session, node, verdict)

    with standing(desk.site, node, tmp_path) as speaker:
        speaker.say()
        page = desk.sign_in("long", f"/nodes/{node}", viewport=PHONE)
        expect(page.locator("h1")).to_have_text("Cụm 3: chạy tốt, chưa tới giờ phát")
        cloned()
        page.reload()
        expect(page.locator("h1")).to_have_text("Cụm 3: hai máy cùng nhận là cụm loa này")
        page.get_by_role("button", name="Đúng máy của mình").click()
        expect(page.locator("h1")).to_have_text("Cụm 3: chạy tốt, chưa tới giờ phát")
        cloned()
        page.goto(f"/nodes/{node}")
        page.get_by_role("link", name="Không phải, từ chối").click()
        hold(page)
        page.wait_for_url("**/enrol")
        expect(page.locator(".code-line")).to_be_visible()
    with desk.site.controller.db.look() as session:
        assert key_of(session, node) is None


def test_a_node_is_retired_by_a_gesture_after_it_was_said_what_happens(desk: Desk) -> None:
    page = desk.sign_in("long", "/nodes/cum-4/retire", viewport=PHONE, java_script_enabled=False)
    expect(page.locator("main")).to_contain_text("Hãy rút điện trước")
    page.get_by_role("button", name="Bấm lần một").click()
    page.get_by_role("button", name="Bấm lần hai").click()
    expect(page.locator("h1")).to_have_text("Cụm 4: đã nghỉ hẳn")
    expect(page.get_by_role("button", name="Phát tiếng ngắn")).to_have_count(0)


def test_a_release_is_sent_started_and_halted(desk: Desk) -> None:
    page = desk.sign_in("quan", "/nodes/releases")
    page.set_input_files("#file", {"name": "x.bundle", "mimeType": "", "buffer": b"no bundle"})
    page.get_by_role("button", name="Gửi lên").click()
    expect(page.locator("#file-wrong")).to_contain_text("không đúng chữ ký")
    page.set_input_files("#file", {"name": "loa.bundle", "mimeType": "", "buffer": make_bundle()})
    page.get_by_role("button", name="Gửi lên").click()
    expect(page.get_by_role("status")).to_contain_text("Chữ ký đúng")
    page.get_by_role("link", name="Cập nhật lên 0.2.0").click()
    expect(page.locator("main")).to_contain_text("Một cụm loa đi trước, rồi 1%, 10%, rồi tất cả")
    page.select_option("#area", COMMUNE)
    page.get_by_role("button", name="Bắt đầu cập nhật").click()
    expect(page.locator("h1")).to_contain_text("Đang cập nhật: 0 trên")
    page.get_by_text("Từng cụm loa").click()
    expect(page.locator(".members li").first).to_contain_text("Chờ tới lượt")
    page.get_by_role("button", name="Dừng cập nhật").click()
    expect(page.locator(".release")).to_contain_text("Đỗ Quản đã dừng.")
    expect(page.get_by_role("button", name="Dừng cập nhật")).to_have_count(0)


def test_who_only_looks_finds_no_button_and_a_stranger_no_node(desk: Desk) -> None:
    page = desk.sign_in("tam", "/nodes/cum-1")
    expect(page.get_by_role("button", name="Phát tiếng ngắn")).to_have_count(0)
    expect(page.get_by_role("link", name="Chỉnh âm lượng")).to_have_count(0)
    for path, status in (
        ("/nodes/nobody", 404),
        ("/nodes/lang-cong", 404),
        ("/nodes/cum-1/volume", 403),
        ("/nodes/cum-1/enrol", 403),
        ("/nodes/new", 403),
        ("/nodes/releases", 403),
    ):
        assert page.request.get(path).status == status, path


def test_a_node_of_another_place_is_not_there_by_any_address(desk: Desk) -> None:
    page = desk.sign_in("ngoai", "/nodes/new")
    csrf = page.locator("main input[name=csrf]").get_attribute("value") or ""
    asked = ("", "/volume", "/edit", "/retire", "/enrol", "/refuse")
    done = ("/volume", "/edit", "/retire", "/enrol", "/refuse", "/self-test", "/release", "/identity/keep")
    form: dict[str, str | float | bool] = {"csrf": csrf, "gesture": "hold", "volume": "-6"}
    for path in asked:
        assert page.request.get(f"/nodes/cum-1{path}").status == 404, path
    for path in done:
        assert page.request.post(f"/nodes/cum-1{path}", form=form).status == 404, path
    assert "Cụm 1" not in page.request.get("/stop?area=cum-1").text()
