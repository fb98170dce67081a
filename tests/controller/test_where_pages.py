"""Households, outlines and positions on the pages: set, refused with words, taken back."""

import asyncio
import json
import re
from dataclasses import dataclass

import httpx
import pytest

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from tests.controller.site import Client, Site
from tests.controller.test_whereabouts import SQUARE, collection, feature, ring

VILLAGE = VILLAGES[0]
PAGE = f"/admin/areas/{VILLAGE}"


@dataclass
class Made:
    """A village with a loudspeaker, and a browser and a program of its administrator."""

    site: Site
    browser: Client
    api: Client

    def known(self, area: str = VILLAGE) -> dict[str, object]:
        found: dict[str, object] = self.api.get(f"/areas/{area}/whereabouts").json()
        return found

    def send(self, path: str, **fields: str) -> httpx.Response:
        return self.browser.send(path, fields)

    def upload(self, content: bytes, **fields: str) -> httpx.Response:
        """A file, as the form of the outline sends it."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.site.app, raise_app_exceptions=False)
            headers = self.browser.headers | {"origin": "https://loa.test"}
            async with httpx.AsyncClient(transport=transport, base_url="https://loa.test") as client:
                files = {"file": ("ranh.geojson", content)}
                return await client.post(f"{PAGE}/outline", data=fields, files=files, headers=headers)

        return asyncio.run(ask())


@pytest.fixture
def made(site: Site) -> Made:
    site.node("cum-1")
    api = site.user("goc", (COMMUNE, Role.ADMIN))
    return Made(site, Client(site.app, api.headers, base="https://loa.test"), api)


def told(answer: httpx.Response) -> str:
    """What the summary of mistakes says."""
    assert answer.status_code == 422
    return " ".join(re.findall(r'<li><a href="#[^"]+">([^<]+)</a>', answer.text))


def geojson_of(answer: httpx.Response) -> str:
    """What the form of a preview would send back."""
    assert answer.status_code == 200
    found = re.search(r'name="outline" value="([^"]+)"', answer.text)
    assert found is not None
    return found[1].replace("&#34;", '"')


def test_households_and_whom_to_call_are_set_and_taken_back(made: Made) -> None:
    facts = {"households": "1.268", "contact_name": "Lê Văn Tám", "contact_phone": "0900 000 001"}
    done = made.send(f"{PAGE}/where", act="facts", revision="0", description="sau chợ", **facts)
    assert done.headers["location"] == f"{PAGE}?done=located"
    assert (made.known()["households"], made.known()["description"]) == (1268, "sau chợ")
    assert made.known()["contact"] == {"name": "Lê Văn Tám", "phone": "0900 000 001"}
    made.send(f"{PAGE}/where", act="facts", revision="1", households="")
    assert (made.known()["households"], made.known()["contact"]) == (None, None)
    page = made.browser.get(PAGE).text
    assert "Trước đó: 1268 hộ, Lê Văn Tám, “sau chợ”." in page
    made.send(f"{PAGE}/where", act="undo", revision="2")
    assert made.known()["households"] == 1268


NO_FACTS = (
    ({"households": "nhiều"}, "số hộ bằng chữ số"),
    ({"households": "-3"}, "số hộ bằng chữ số"),
    ({"households": "99999999"}, "số hộ bằng chữ số"),
    ({"contact_phone": "0900"}, "tên người lo loa"),
    ({"contact_name": "Tám", "contact_phone": "gọi tôi"}, "số điện thoại bằng chữ số"),
    ({"description": "x" * 501}, "tối đa 500 chữ"),
)


def test_what_is_no_fact_is_asked_for_again(made: Made) -> None:
    for fields, words in NO_FACTS:
        answer = made.send(f"{PAGE}/where", act="facts", revision="0", **fields)
        assert words in told(answer)
        assert next(iter(fields.values())) in answer.text
    assert made.known()["revision"] == 0


def test_who_comes_second_is_told_who_was_first(made: Made) -> None:
    made.send(f"{PAGE}/where", act="facts", revision="0", households="5")
    assert "Goc vừa sửa" in told(made.send(f"{PAGE}/where", act="facts", revision="0", households="6"))
    assert made.known()["households"] == 5


def test_an_outline_is_looked_at_before_it_is_kept(made: Made) -> None:
    seen = made.send(f"{PAGE}/outline", act="look", revision="0", geojson=json.dumps(feature()))
    assert "Rộng khoảng 115 km², đường ranh có 5 điểm." in seen.text
    assert re.search(rf'<path class="map-area chosen" data-area="{VILLAGE}"[^>]* d="M[^"]+Z"', seen.text)
    assert made.known()["outline"] is None
    kept = made.send(f"{PAGE}/outline", act="keep", revision="0", outline=geojson_of(seen))
    assert kept.headers["location"] == f"{PAGE}?done=outlined"
    assert made.known()["outline"] == SQUARE
    made.send(f"{PAGE}/outline", act="remove", revision="1")
    assert made.known()["outline"] is None
    assert "Trước đó: có đường ranh." in made.browser.get(PAGE).text
    made.send(f"{PAGE}/where", act="undo", revision="2")
    assert made.known()["outline"] == SQUARE


def test_a_file_with_all_villages_gives_the_one_of_the_name(made: Made) -> None:
    other = ring((106, 21), (107, 21), (107, 22), (106, 21))
    several = collection(feature(other, name="Tam Đa"), feature(name="Thống Nhất"))
    seen = made.upload(b"\xef\xbb\xbf" + json.dumps(several).encode(), act="look", revision="0")
    assert json.loads(geojson_of(seen)) == SQUARE


NO_OUTLINES = (
    ("<kml>", "không phải GeoJSON"),
    ("[" * 100_000, "không phải GeoJSON"),
    ('{"type": "Point", "coordinates": [105, 21]}', "không có vùng"),
    ('{"type": "Polygon", "coordinates": 5}', "thiếu hoặc sai tọa độ"),
    (json.dumps(ring((105, 21), (106, 21), (106, 22), (105, 22))), "chưa khép kín"),
    (json.dumps(ring((105, 21), (106, 21), (105, 21))), "quá ít điểm"),
    (
        json.dumps(ring((560000, 2370000), (560100, 2370000), (560000, 2370000))),
        "VN-2000",
    ),
    (json.dumps(ring((21, 105), (21, 106), (22, 106), (21, 105))), "kinh độ trước vĩ độ"),
    (json.dumps(ring(*[(105 + n / 1e5, 21.0) for n in range(20_001)])), "hơn 20.000 điểm"),
    (json.dumps(collection(feature(name="A"), feature(name="B"))), "không vùng nào tên Thôn Thống Nhất"),
    (json.dumps(collection(*[feature(name="Thống Nhất")] * 2)), "nhiều vùng cùng tên"),
)


def test_what_is_no_outline_is_told_with_what_to_do(made: Made) -> None:
    for given, words in NO_OUTLINES:
        for answer in (
            made.upload(given.encode(), act="look", revision="0"),
            made.send(f"{PAGE}/outline", act="look", revision="0", geojson=given),
        ):
            assert words in told(answer), words


def test_nothing_given_is_no_outline(made: Made) -> None:
    assert "Chọn tệp GeoJSON" in told(made.send(f"{PAGE}/outline", act="look", revision="0"))


def test_a_group_of_loudspeakers_has_no_outline_page(made: Made) -> None:
    made.api.post("/areas", {"id": "cho", "name": "Chợ", "kind": "zone", "parent": COMMUNE})
    assert made.browser.get("/admin/areas/cho").status_code == 200
    assert made.browser.get("/admin/areas/cho/outline").status_code == 404
    answer = made.send("/admin/areas/cho/where", act="facts", revision="0", households="5")
    assert answer.status_code == 422


def test_a_group_gets_its_loudspeakers_on_its_page(made: Made) -> None:
    made.site.node("cum-2", VILLAGES[1])
    made.site.node("cum-3", VILLAGES[2])
    made.api.post("/areas", {"id": "cho", "name": "Chợ", "kind": "zone", "parent": COMMUNE})
    form = {"act": "members", "member": ["cum-1", "cum-3"]}
    done = made.browser.send("/admin/areas/cho", form)  # type: ignore[arg-type]  # a list is a field that comes twice
    assert done.headers["location"] == "/admin/areas/cho?done=grouped"
    assert made.api.get("/areas/cho/members").json()["nodes"] == ["cum-1", "cum-3"]
    page = made.browser.get("/admin/areas/cho").text
    assert re.findall(r'name="member" value="([^"]+)" checked', page) == ["cum-1", "cum-3"]
    made.api.post("/areas", {"id": "ben", "name": "Bến", "kind": "zone", "parent": VILLAGE})
    assert "trong nơi của nhóm" in told(made.send("/admin/areas/ben", act="members", member="cum-2"))
    made.send("/admin/areas/cho", act="members")
    assert made.api.get("/areas/cho/members").json()["nodes"] == []


EDIT = "/nodes/cum-1/edit"
FORM = {"name": "cum-1", "parent": VILLAGE, "billing_day": "1"}


def test_a_position_is_typed_looked_at_kept_and_taken_back(made: Made) -> None:
    made.api.ask("PATCH", f"/areas/{VILLAGE}/whereabouts", {"outline": SQUARE}, if_match='"0"')
    empty = made.browser.get(EDIT)
    assert "Chưa có vị trí." in empty.text
    assert 'class="pin"' not in empty.text
    assert "geolocation=(self)" in empty.headers["permissions-policy"]
    looked = made.send(f"{EDIT}/map", **FORM, position="21°03'00\"N 105°03'00\"E").text
    assert "Đọc là 21.05000, 105.05000. Nằm trong thôn Thống Nhất." in looked
    assert 'class="pin"' in looked
    assert "<h1" not in looked
    far = made.send(EDIT, **FORM, act="look", position="21.05, 105.2").text
    assert "Ngoài ranh thôn Thống Nhất 10,4 km." in far
    assert made.known("cum-1")["position"] is None
    kept = made.send(EDIT, **FORM, act="save", position="105.05, 21.05", description="cột trước nhà văn hóa")
    assert kept.headers["location"] == "/nodes/cum-1?told=changed"
    assert made.known("cum-1")["position"] == {"lat": 21.05, "lon": 105.05}
    assert made.known("cum-1")["description"] == "cột trước nhà văn hóa"
    page = made.browser.get(EDIT).text
    assert 'value="21.05000, 105.05000"' in page
    assert "Trước đó: chưa có vị trí, chưa có lời chỉ đường." in page
    made.send(EDIT, **FORM, act="save", place_revision="1", position="21.05, 105.05")
    assert made.known("cum-1")["revision"] == 2, "the description went, the position stays as it is"
    made.send(EDIT, act="undo", place_revision="2")
    assert made.known("cum-1")["description"] == "cột trước nhà văn hóa"


def test_a_position_that_cannot_be_read_keeps_what_was_typed_and_changes_nothing(made: Made) -> None:
    answer = made.send(EDIT, **FORM | {"name": "Cụm mới"}, position="https://maps.app.goo.gl/abc")
    assert "Ghi vĩ độ rồi kinh độ" in told(answer)
    assert 'value="https://maps.app.goo.gl/abc"' in answer.text
    assert made.api.get("/nodes/cum-1").json()["name"] == "cum-1"
    made.send(EDIT, **FORM, place_revision="0", position="21.05, 105.05")
    again = made.send(EDIT, **FORM | {"name": "Cụm mới"}, place_revision="0", position="21.06, 105.05")
    assert "Goc vừa sửa" in told(again)
    assert made.api.get("/nodes/cum-1").json()["name"] == "cum-1", "all of it or none"


def test_a_form_without_a_change_of_place_makes_no_new_revision(made: Made) -> None:
    made.send(EDIT, **FORM, place_revision="0", position="21.05, 105.05")
    made.send(EDIT, **FORM | {"name": "Cụm mới"}, place_revision="1", position="21.05000, 105.05000")
    assert made.known("cum-1")["revision"] == 1
    made.send(f"{PAGE}/where", act="facts", revision="0", households="5")
    made.send(f"{PAGE}/where", act="facts", revision="1", households="5")
    assert made.known()["revision"] == 1
    assert "Trước đó: chưa có số hộ." in made.browser.get(PAGE).text
    assert made.api.get("/nodes/cum-1").json()["name"] == "Cụm mới"
