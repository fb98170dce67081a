"""The page of all loudspeakers: search, filters and order in the address; nobody sees those of others."""

import re

import pytest

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.core.slugs import by_name, matches, plain
from loa.controller.web.nodes_page import heading
from tests.browser.scene import LOST, SILENT, furnish_map
from tests.controller.site import Client, Site


@pytest.fixture
def page(site: Site) -> Client:
    """Somebody of the commune with four loudspeakers, at the pages."""
    for number in range(1, 5):
        site.node(f"cum-{number}", VILLAGES[number % len(VILLAGES)])
    furnish_map(site.controller)
    return signed_in(site, "hanh", COMMUNE)


def signed_in(site: Site, user: str, area: str) -> Client:
    client = site.user(user, (area, Role.OFFICIAL))
    client.base = "https://loa.test"
    return client


def shown(client: Client, query: str = "") -> list[str]:
    """The names in the list, in order."""
    answer = client.get(f"/nodes{query}")
    assert answer.status_code == 200, answer.text
    return re.findall(r'<a id="node-[^"]+" href="/nodes/[^"]+">([^<]+)</a>', answer.text)


def test_the_heading_says_the_situation() -> None:
    assert heading(0, 0) == "Chưa có cụm loa nào"
    assert heading(14, 0) == "Cả 14 cụm loa đều tốt"
    assert heading(14, 2) == "2 trên 14 cụm loa cần xem"


def test_names_are_in_the_order_that_people_count() -> None:
    names = ["Cụm 10", "Đồng Chằm", "Cụm 9", "12 Tháng 9", "Ấp Bắc"]
    assert sorted(names, key=by_name) == ["12 Tháng 9", "Ấp Bắc", "Cụm 9", "Cụm 10", "Đồng Chằm"]


def test_names_are_found_without_diacritics() -> None:
    assert plain("Thôn  Đồng\u00a0Chằm") == "thon dong cham"
    assert matches("dong cham", "Thôn Đồng Chằm")
    assert matches("cham dồng", "Thôn Đồng Chằm")
    assert matches("cum thong", "Cụm 3", "Thôn Thống Nhất")
    assert not matches("cum tan", "Cụm 3", "Thôn Thống Nhất")
    assert matches("", "Cụm 3")


def test_the_list_is_searched_filtered_ordered_and_paged_by_its_address(page: Client) -> None:
    everything = shown(page)
    assert everything[0] in {LOST, "cum-4"}
    assert everything[-1] == "cum-1"
    assert shown(page, "?sort=name") == ["cum-1", "cum-2", "cum-3", "cum-4"]
    assert shown(page, "?q=THONG+nhat&sort=name") == ["cum-3"]
    assert shown(page, "?state=silent") == [SILENT]
    assert shown(page, "?state=watch&sort=name") == ["cum-2", "cum-3", "cum-4"]
    assert shown(page, f"?area={VILLAGES[1]}&sort=name") == ["cum-1", "cum-4"]
    assert shown(page, "?sort=heard")[0] == "cum-4"
    assert shown(page, "?page=7&sort=name") == shown(page, "?sort=name&page=abc")
    assert "Không cụm loa nào khớp" in page.get("/nodes?q=xyz").text


def test_a_line_says_what_is_wrong_since_when_and_whom_to_call(page: Client) -> None:
    text = page.get(f"/nodes?q={SILENT}").text
    assert "Máy không mở được đường tiếng ra loa" in text
    assert 'href="tel:0900000003"' in text
    assert "Không báo về từ" in page.get(f"/nodes?q={LOST}").text
    assert "tel:" not in page.get("/nodes?q=cum-1").text


def test_the_loudspeakers_of_others_are_not_there(site: Site, page: Client) -> None:
    other = signed_in(site, "tam", VILLAGES[2])
    assert shown(other, "?sort=name") == ["cum-2"]
    text = other.get("/nodes").text
    assert "cum-1" not in text
    assert VILLAGES[0] not in text
    assert other.get(f"/nodes?area={VILLAGES[0]}").status_code == 404
    assert page.get("/nodes?area=nowhere").status_code == 404


def test_without_loudspeakers_the_page_says_what_to_do_first(site: Site) -> None:
    text = signed_in(site, "hanh", COMMUNE).get("/nodes").text
    assert "Chưa có cụm loa nào ở địa bàn của bạn" in text
    assert '<svg class="map"' not in text
