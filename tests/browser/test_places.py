"""Where things are and who approves, set on the pages alone: outlines, positions, rules and their effect."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from loa.controller.core.access import Grant, Role
from loa.controller.core.coordinates import read_position
from loa.controller.core.geometry import as_geojson, within
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.core.sample_map import POSITIONS, sample_whereabouts
from loa.controller.services.people import NewUser
from loa.controller.store.tables import AreaRow
from loa.controller.store.whereabouts import whereabouts_of
from loa.protocol.ids import AreaId
from loa.protocol.policy import OwnApproval, Policy
from loa.schedules.policy import default_policy
from tests.browser.conftest import PHONE, Desk
from tests.browser.scene import furnish_map
from tests.browser.site import Site
from tests.browser.steps import ask_for, choose, submit, type_a_text
from tests.browser.test_admin import picture
from tests.controller.air import Times, place
from tests.passwords import hashed

pytestmark = pytest.mark.browser

VILLAGE, OTHER = VILLAGES[0], VILLAGES[1]
SIZES = pytest.mark.parametrize("size", [{}, {"viewport": PHONE}], ids=["desk", "phone"])
OUTLINES = {one.area: one.outline for one in sample_whereabouts()}


@pytest.fixture(scope="module")
def keeper(site: Site) -> str:
    """Who manages areas and nodes of a commune with a map, in which one village lacks its outline."""
    furnish_map(site.controller)
    grants = frozenset({Grant(COMMUNE, Role.ADMIN)})
    with site.controller.db.work() as work:
        new = NewUser(
            id="quan",
            name="Đỗ Văn Quân",
            password=hashed(),
            grants=grants,
        )
        site.controller.people.insert(work, "test", new)
    return "quan"


@SIZES
def test_an_outline_is_pasted_looked_at_kept_removed_and_taken_back(
    desk: Desk, keeper: str, size: dict[str, Any], tmp_path: Path
) -> None:
    page = desk.sign_in(keeper, f"/admin/areas/{VILLAGE}", **size)
    page.fill("#households", str(300 + len(size)))
    page.click("button[value=facts]")
    expect(page.locator(".notice-ok")).to_contain_text("Đã lưu")
    expect(page.locator(".take-back").first).to_contain_text("Trước đó:")
    picture(page, "place-area")
    page.click("text=Sửa đường ranh")
    page.click("button[value=remove]")
    expect(page.locator(".notice-ok")).to_contain_text("Đã bỏ đường ranh")
    page.click("text=Thêm đường ranh")
    page.fill("#geojson", "<kml>")
    page.click("button[value=look]")
    expect(page.locator(".summary")).to_contain_text("không phải GeoJSON")
    picture(page, "place-outline-wrong")
    outline = OUTLINES[AreaId(VILLAGE)]
    assert outline is not None
    file = tmp_path / "ranh.geojson"
    file.write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": as_geojson(outline)}))
    page.set_input_files("#file", file)
    page.click("button[value=look]")
    expect(page.locator(f"path.map-area.chosen[data-area={VILLAGE}]")).to_be_visible()
    picture(page, "place-outline-look")
    page.click("button[value=keep]")
    expect(page.locator(".notice-ok")).to_contain_text("Đã lưu đường ranh")
    page.click(".take-back button")
    expect(page.locator(".notice-ok")).to_contain_text("Đã trả lại như trước")
    expect(page.get_by_text("Thêm đường ranh")).to_be_visible()
    page.click(".take-back button")
    expect(page.get_by_text("Sửa đường ranh")).to_be_visible()


@SIZES
def test_a_loudspeaker_is_placed_by_typing_by_a_tap_and_by_the_phone(
    desk: Desk, site: Site, keeper: str, size: dict[str, Any]
) -> None:
    here = POSITIONS[AreaId(OTHER)]
    phone = {
        "geolocation": {"latitude": here.lat, "longitude": here.lon, "accuracy": 12},
        "permissions": ["geolocation"],
    }
    page = desk.sign_in(keeper, "/nodes/cum-2/edit", **size, **phone)
    expect(page.locator(".pin")).to_have_count(0)
    field, said = page.locator("#position"), page.locator(".place-said")
    field.fill("21,44 105,38")
    expect(said).to_contain_text("Đọc là 21.44000, 105.38000.")
    expect(page.locator(".pin")).to_have_count(1)
    picture(page, "place-node")
    _tap(page, OTHER)
    expect(said).not_to_contain_text("21.44000, 105.38000")
    tapped, outline = read_position(field.input_value()), OUTLINES[AreaId(OTHER)]
    assert tapped is not None
    assert outline is not None
    assert within((tapped.lon, tapped.lat), outline)
    page.click("[data-place-here]")
    expect(page.locator("#place-said")).to_have_text("Máy báo sai số khoảng 12 m.")
    expect(field).to_have_value(f"{here.lat:.5f}, {here.lon:.5f}")
    expect(said).to_contain_text(f"Đọc là {here.lat:.5f}")
    page.click("button[value=save]")
    page.wait_for_url("**/nodes/cum-2?told=changed")
    with site.controller.db.look() as session:
        assert whereabouts_of(session, AreaId("cum-2")).position == here
    page.goto("/nodes/cum-2/edit")
    expect(page.locator(".take-back")).to_contain_text("Trước đó: chưa có vị trí")
    page.click(".take-back button")
    expect(page.locator(".pin")).to_have_count(0)


def _tap(page: Page, area: str) -> None:
    """In the middle of a village's name: it is drawn inside."""
    name = page.locator(f"text.map-name[data-area={area}]")
    name.scroll_into_view_if_needed()
    box = name.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_without_a_right_to_it_the_phone_says_so_and_typing_goes_on(desk: Desk, keeper: str) -> None:
    page = desk.sign_in(keeper, "/nodes/cum-4/edit", viewport=PHONE, permissions=[])
    page.click("[data-place-here]")
    expect(page.locator("#place-said")).to_contain_text(re.compile("gõ tọa độ", re.IGNORECASE))


@pytest.fixture
def alone(site: Site) -> Iterator[None]:
    """The commune's policy lets authors approve, for the length of a test."""
    [base] = default_policy().versions
    rule = OwnApproval(allowed=True, legal_source="Quy chế 12, Điều 6")
    policy = Policy(versions=(base.model_copy(update={"own_approval": rule}),))

    def put(text: str | None) -> None:
        with site.controller.db.work() as work:
            work.session.get_one(AreaRow, COMMUNE).policy = text

    put(policy.model_dump_json())
    yield
    put(None)


@pytest.mark.usefixtures("alone")
def test_where_the_policy_allows_it_the_author_approves(desk: Desk) -> None:
    page = desk.sign_in("hoa", viewport=PHONE)
    type_a_text(page, "Họp chi bộ")
    choose(page, OTHER)
    ask_for(page, "09:30")
    expect(page.locator(".block-mine").first).to_be_visible()
    submit(page)
    expect(page.get_by_text("Bạn soạn bản này và được tự duyệt")).to_be_visible()
    expect(page.get_by_text("Căn cứ: Quy chế 12, Điều 6.")).to_be_visible()
    picture(page, "place-own")
    page.get_by_role("button", name="Duyệt và cho phát").click()
    expect(page.locator(".notice-ok")).to_contain_text("Đã duyệt")


def test_a_new_policy_tells_which_broadcasts_it_silences(desk: Desk, site: Site, keeper: str) -> None:
    parts = site.controller
    at = datetime.now(UTC).replace(hour=22, minute=30, second=0, microsecond=0) + timedelta(days=2)
    times = Times(starts_in=at - parts.clock.now(), rrule="FREQ=DAILY")
    place(parts, COMMUNE, title="Bản tin sớm", times=times)
    page = desk.sign_in(keeper, f"/admin/policies/{COMMUNE}/new", viewport=PHONE)
    page.fill("#day", f"{at + timedelta(hours=7):%Y-%m-%d}")
    page.fill("[name=hours-0-from]", "06:00")
    page.check("input[name=own][value=alone]")
    page.click("main .button-main")
    expect(page.locator(".summary")).to_contain_text("Ghi căn cứ cho phép tự duyệt")
    page.fill("#own_source", "Quy chế 12, Điều 6")
    page.click("main .button-main")
    effect = page.locator("#effect")
    expect(effect).to_contain_text("1 lịch đã duyệt sẽ không vang lên như đã duyệt")
    expect(effect).to_contain_text("05:30")
    expect(effect).to_contain_text("được duyệt cả bản mình soạn")
    picture(page, "place-policy")
    effect.get_by_role("link", name="Bản tin sớm").click()
    page.wait_for_url("**/bulletins/b1")
