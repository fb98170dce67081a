"""Whole pages in English, as a reader meets them; only what people wrote themselves stays Vietnamese."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE, SAMPLE, VILLAGES
from loa.controller.store.tables import LogRow
from loa.controller.web import catalogue
from loa.protocol.units import to_ms
from tests.controller.site import Client, Site, open_site
from tests.passwords import PASSWORD

VIETNAMESE_LETTER = re.compile(r"[À-ỹđĐ]")
IN_VIETNAMESE = re.compile(r'<(\w+)[^>]* lang="vi"[^>]*>.*?</\1>', re.DOTALL)
"""What says itself that it is: the name of the language, what the voice will read out."""
TITLE = "Vaccination day"


class Reader:
    """Somebody at a browser who notes each page that is not wholly English."""

    def __init__(self, site: Site) -> None:
        self.client = Client(site.app, base="https://loa.test")
        self.faults: list[str] = []
        self.seen = 0

    def get(self, path: str) -> str:
        return self.note(path, self.client.get(path))

    def send(self, path: str, **form: str) -> httpx.Response:
        found = self.client.send(path, {"csrf": self.csrf} | form)
        self.note(path, found)
        return found

    def note(self, path: str, answer: httpx.Response) -> str:
        assert answer.status_code < 500, answer.text
        page = IN_VIETNAMESE.sub("", answer.text).replace("\N{NO-BREAK SPACE}", " ")
        for name in (name for area in SAMPLE for name in (area.name, area.name.partition(" ")[2])):
            page = re.sub(re.escape(name), "", page, flags=re.IGNORECASE)
        self.faults += [
            f"{path}: {line.strip()}" for line in page.split("\n") if VIETNAMESE_LETTER.search(line)
        ]
        self.seen += 1
        if found := re.search(r'name="csrf" value="([^"]+)"', answer.text):
            self.csrf = found[1]
        return answer.text

    csrf = ""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    opened = open_site(tmp_path_factory.mktemp("english") / "data")
    opened.user("an", (COMMUNE, Role.OFFICIAL), (COMMUNE, Role.APPROVER))
    opened.node("cum-1", VILLAGES[0])
    yield opened
    opened.controller.release_pages()


@pytest.fixture
def reader(site: Site) -> Reader:
    """Has chosen English at the door and signed in."""
    one = Reader(site)
    one.client.get("/signin")
    chosen = one.client.send("/language", {"lang": "en"}, referer="https://loa.test/signin?next=%2Flog")
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/signin?next=%2Flog")
    assert '<html lang="en">' in one.get("/signin")
    assert one.send("/signin", user="an", password=PASSWORD).status_code == 303
    return one


def test_a_reader_meets_english_from_the_door_to_the_log(reader: Reader) -> None:
    refused = Client(reader.client.app, base="https://loa.test", cookies=httpx.Cookies({"lang": "en"}))
    refused.get("/signin")
    assert "The page was open for too long" in refused.send("/signin", {"user": "an", "password": "x"}).text
    assert "No bulletins yet" in reader.get("/bulletins")
    assert "There are 2 problems" in reader.send("/bulletins/what", by="text").text
    reader.get("/bulletins/new")
    draft = reader.send(
        "/bulletins/draft", by="text", title=TITLE, text="So 15 at 7h30", **{"class": "normal"}
    )
    step = draft.headers["hx-replace-url"]
    bulletin = step.removesuffix("/what")
    assert "What do you want to say?" in reader.get(step)
    assert "words · about" in reader.send("/bulletins/reading", text="So 15 at 7h30").text
    assert "Choose at least one place" in reader.send(f"{bulletin}/where").text
    assert reader.send(f"{bulletin}/where", area=VILLAGES[0], act="next").status_code == 303
    assert "1 loudspeaker" in reader.send(f"{bulletin}/reach", area=VILLAGES[0]).text
    assert "When should it play?" in reader.get(f"{bulletin}/when")
    when = {"kind": "monthly", "date": "2031-06-11", "time": "17:30", "until": "2031-08-11"}
    assert "Wednesday 11 June. Repeats on day 11" in reader.send(f"{bulletin}/preview", **when).text
    assert "is not a time" in reader.send(f"{bulletin}/when", **when | {"time": "25:99"}).text
    reader.send(f"{bulletin}/when", **when, act="submit")
    assert "Day 11 of each month, 17:30 until the end of 11 August 2031" in reader.get(bulletin)
    assert TITLE in reader.get("/bulletins")
    assert "Write what has to change" in reader.send(f"{bulletin}/return", comment="").text
    assert "Nothing matches" in reader.get("/log?day=week&field=military")
    reader.get("/log?from=2026-06-01&to=2026-06-30")
    assert "Page not found" in reader.get("/bulletins/none-such")
    assert not reader.faults, "\n".join(reader.faults)
    assert reader.seen > 15


def fill_the_log(site: Site) -> int:
    """A line of each outcome, and of each thing that ears may find."""
    played: dict[str, Any] = {"played_ms": 60_000, "late_ms": 5_000}
    ears = {"rendered": False, "heard": True}
    told: list[tuple[str, dict[str, Any]]] = [(outcome, {}) for outcome in catalogue.OUTCOMES]
    told += [(outcome, {**played, "siren_ms": 9_000}) for outcome in catalogue.OUTCOMES]
    told += [("complete", played | ears), ("complete", played | {"heard": False})]
    now = site.controller.clock.now()
    with site.controller.db.work() as work:
        for number, (outcome, facts) in enumerate(told):
            row = LogRow(
                occurrence=f"{number:064x}@{to_ms(now)}",
                broadcast_id=f"{number:064x}",
                node_id="cum-1",
                area_id=VILLAGES[0],
                path=f"/vinh-phuc/song-lo/{COMMUNE}/{VILLAGES[0]}/",
                place="Xã Lãng Công / Thôn Thống Nhất",
                title=TITLE,
                field="health",
                class_="priority",
                planned_at=now,
                duration_ms=480_000,
                outcome=outcome,
                **facts,
            )
            work.session.add(row)
    return len(told)


def test_each_line_of_the_log_is_english(site: Site, reader: Reader) -> None:
    count = fill_the_log(site)
    assert f"{count} lines" in reader.get("/log?day=week")
    assert not reader.faults, "\n".join(reader.faults)


def test_stop_is_english_to_the_end(reader: Reader) -> None:
    assert "Hold for 2 seconds to stop" in reader.get("/stop")
    assert "Second press" in reader.send("/stop", area=COMMUNE, until="900", gesture="arm").text
    stopped = reader.send("/stop", area=COMMUNE, until="900", gesture="twice")
    assert "Out of contact" in reader.get(stopped.headers["location"])
    assert not reader.faults, "\n".join(reader.faults)


def test_who_chooses_nothing_reads_vietnamese(site: Site) -> None:
    door = Client(site.app, {"accept-language": "en"}, base="https://loa.test").get("/signin").text
    assert '<html lang="vi">' in door
    assert "Đăng nhập" in door


@pytest.mark.parametrize("referer", ["", "https://elsewhere.test/x", "https://loa.test//elsewhere.test/"])
def test_the_choice_leads_nowhere_else(site: Site, referer: str) -> None:
    client = Client(site.app, base="https://loa.test")
    answer = client.send("/language", {"lang": "en"}, referer=referer)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_a_strange_language_and_a_strange_origin_change_nothing(site: Site) -> None:
    client = Client(site.app, base="https://loa.test")
    client.send("/language", {"lang": "xx"})
    assert client.cookies["lang"] == "vi"
    assert client.send("/language", {"lang": "en"}, origin="https://elsewhere.test").status_code == 403
    assert client.cookies["lang"] == "vi"
