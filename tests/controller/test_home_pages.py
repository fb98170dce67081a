"""Home, "more" and the page after STOP as they are sent: who sees what, what it weighs, who may release."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from loa.controller.core.access import Role
from loa.controller.core.presence import Presence
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.services.people import NewUser
from loa.controller.store.heard import Known, store_known
from loa.controller.store.nodes import node_row
from loa.controller.web.assets import survey
from loa.protocol.ids import BootId, NodeId
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Detail, State, Stopped
from tests.controller.air import Times, place
from tests.controller.site import Client, Site, open_site
from tests.passwords import PASSWORD, hashed

PRESS = "1" * 32


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    opened = open_site(tmp_path_factory.mktemp("home") / "data")
    opened.user("hoa", (COMMUNE, Role.APPROVER))
    opened.user("tam", (COMMUNE, Role.SUPERVISOR))
    with opened.controller.db.work() as work:
        nobody = NewUser(
            id="moi",
            name="Moi",
            password=hashed(),
            grants=frozenset(),
        )
        opened.controller.people.insert(work, "test", nobody)
    opened.node("cum-1", VILLAGES[0])
    yield opened
    opened.controller.release_pages()


def signed_in(site: Site, user: str) -> Client:
    client = Client(site.app, base="https://loa.test")
    token = csrf(client.get("/signin").text)
    answer = client.send("/signin", {"csrf": token, "user": user, "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return client


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]


def press(site: Site) -> None:
    """The STOP button of the node is pressed, and it says so."""
    now = site.controller.clock.now().replace(microsecond=0)
    state = State(
        node=NodeId("cum-1"),
        boot_id=BootId("c" * 32),
        at=now,
        detail=Detail.FULL,
        clock=ClockState.TRUSTED,
        stopped=Stopped(id=PRESS, at=now),
    )
    with site.controller.db.work() as work:
        store_known(work.session, [Known(NodeId("cum-1"), state, now, Presence.CONNECTED)], now)


def test_after_signing_in_a_person_sees_the_situation(site: Site) -> None:
    page = signed_in(site, "hoa").get("/").text
    assert "Không cụm loa nào đang kết nối" in page
    assert 'href="/" aria-current="page"' in page


def test_who_has_no_area_is_told_whom_to_ask(site: Site) -> None:
    page = signed_in(site, "moi").get("/").text
    assert "Bạn chưa được giao địa bàn nào" in page
    assert "Hỏi người quản trị" in page


def test_the_living_part_comes_alone_when_it_is_asked_for(site: Site) -> None:
    client = signed_in(site, "hoa")
    part = client.ask("GET", "/", hx_request="true", hx_target="today").text
    assert "<html" not in part
    assert part.count("<h1>") == 1


def test_only_who_may_release_is_offered_to(site: Site) -> None:
    press(site)
    place(site.controller, COMMUNE, title="Lượt sau", times=Times(starts_in=timedelta(minutes=25)))
    site.controller.log.expect(frozenset({COMMUNE}))
    hoa, tam = signed_in(site, "hoa"), signed_in(site, "tam")
    form = {"csrf": csrf(hoa.get("/stop").text), "area": COMMUNE, "until": "900", "gesture": "twice"}
    result = hoa.send("/stop", form).headers["location"]
    assert "Cho phát lại" not in tam.get(result).text
    page = hoa.get(result).text
    assert "Cho phát lại" in page
    refused = tam.send(f"{result}/release", {"csrf": csrf(tam.get("/").text), "node": "cum-1"})
    assert refused.status_code == 403
    assert hoa.send(f"{result}/release", {"csrf": csrf(page), "node": "cum-1"}).status_code == 303
    with site.controller.db.look() as session:
        assert node_row(session, NodeId("cum-1")).released == PRESS


def test_pages_and_texts_are_compressed_and_sounds_are_not(site: Site) -> None:
    client = signed_in(site, "hoa")
    packed = client.ask("GET", "/", accept_encoding="gzip")
    plain = client.ask("GET", "/", accept_encoding="identity")
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"]
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert "content-encoding" not in plain.headers
    assert packed.text.count("<section") == plain.text.count("<section") > 0
    font = survey().url("vendor/be-vietnam-pro/be-vietnam-pro-latin-400-normal.woff2")
    assert "content-encoding" not in client.ask("GET", font, accept_encoding="gzip").headers
    assert "content-encoding" not in client.ask("GET", "/api/v1/areas", accept_encoding="gzip").headers


@pytest.mark.parametrize("asked", ["gzip", "gzip;q=0", ""])
def test_a_sheet_says_the_same_however_it_travels(site: Site, asked: str) -> None:
    answer = site.client().ask(
        "GET", f"https://loa.test{survey().url('css/home.css')}", accept_encoding=asked
    )
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")
    assert ("content-encoding" in answer.headers) == (asked == "gzip")
    assert ".ribbon" in answer.text
