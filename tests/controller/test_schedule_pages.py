"""The schedule's pages without a browser: addresses, strangers, feeds, and a week of 5,000 slots in time."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.bulletins import BulletinState, Draft, Plan
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.services.feeds import KEPT_FOR
from loa.controller.services.people import UserChange
from loa.controller.store.bulletins import add_recording
from loa.controller.store.tables import RecordingRow
from loa.protocol.ids import AreaId, RecordingId
from loa.protocol.when import When
from tests.controller.site import Client, Site, open_site
from tests.passwords import PASSWORD

TZ = "Asia/Ho_Chi_Minh"
SOUND = RecordingId("a" * 64)
MONDAY = datetime(2027, 3, 1, tzinfo=UTC)
"""Far enough ahead of any clock under which these tests run, and no more than a year."""


class Reader:
    """Somebody at a browser."""

    def __init__(self, site: Site, user: str) -> None:
        self._client = Client(site.app, base="https://loa.test")
        self._csrf = ""
        self.get("/signin")
        assert self.send("/signin", user=user, password=PASSWORD).status_code == 303
        self.get("/schedule")

    def get(self, path: str) -> httpx.Response:
        return self._note(self._client.get(path))

    def send(self, path: str, **form: str) -> httpx.Response:
        return self._note(self._client.send(path, {"csrf": self._csrf} | form))

    def _note(self, answer: httpx.Response) -> httpx.Response:
        if found := re.search(r'name="csrf" value="([^"]+)"', answer.text):
            self._csrf = found[1]
        return answer


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    opened = open_site(tmp_path_factory.mktemp("schedule") / "data")
    opened.user("hanh", (COMMUNE, Role.OFFICIAL))
    opened.user("hoa", (COMMUNE, Role.APPROVER))
    opened.user("thon", (VILLAGES[0], Role.SUPERVISOR))
    opened.node("loa-1", VILLAGES[0])
    opened.node("loa-2", VILLAGES[1])
    with opened.controller.db.work() as work:
        add_recording(work.session, sound(), None)
    yield opened
    opened.controller.release_pages()


@pytest.fixture(scope="module")
def hanh(site: Site) -> Reader:
    return Reader(site, "hanh")


def sound() -> RecordingRow:
    return RecordingRow(
        sha256=SOUND,
        duration_ms=240_000,
        size_bytes=960_000,
        loudness_lufs=-18.0,
        true_peak_dbtp=-2.0,
        origin="upload",
        warnings="[]",
        created_by="hanh",
        created_at=MONDAY,
    )


def who(user: str, role: Role) -> Person:
    return Person(user, user.title(), frozenset({Grant(AreaId(COMMUNE), role)}))


def put(site: Site, title: str, when: When, *, until: BulletinState, area: str = COMMUNE) -> str:
    """A bulletin brought so far; its id."""
    parts = site.controller
    draft = Draft(
        area=AreaId(COMMUNE), title=title, recording=SOUND, plan=Plan(audience=(AreaId(area),), when=when)
    )
    author = who("hanh", Role.OFFICIAL)
    with parts.db.work() as work:
        made = parts.bulletins.create(work, author, draft)
        if until is not BulletinState.DRAFT:
            made = parts.bulletins.submit(work, author, made.id, made.revision)
        if until is BulletinState.APPROVED:
            parts.broadcasts.approve(work, who("hoa", Role.APPROVER), made.id, made.revision)
    return made.id


def at(day: int, clock: str, rrule: str | None = None) -> When:
    start = MONDAY + timedelta(days=day)
    return When(tz=TZ, start_local=f"{start:%Y-%m-%d}T{clock}", rrule=rrule)


def events(text: str) -> list[dict[str, str]]:
    """The events of a calendar by RFC 5545: lines unfolded, each begin with its end."""
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    lines = text.replace("\r\n ", "").split("\r\n")[:-1]
    assert (lines[0], lines[1], lines[-1]) == ("BEGIN:VCALENDAR", "VERSION:2.0", "END:VCALENDAR")
    found: list[dict[str, str]] = []
    inside = False
    for line in lines[1:-1]:
        name, _, value = line.partition(":")
        if line in {"BEGIN:VEVENT", "END:VEVENT"}:
            assert inside == line.startswith("END")
            inside = not inside
            found += [{}] if inside else []
        elif inside:
            assert name not in found[-1]
            found[-1][name] = value
    assert not inside
    assert all({"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY"} <= one.keys() for one in found)
    assert len({one["UID"] for one in found}) == len(found)
    return found


def make_feed(reader: Reader) -> str:
    """A new feed of the commune; the path of its address."""
    page = reader.send("/schedule/feed", area=COMMUNE, act="renew").text
    found = re.search(r'value="http[^"]*(/calendar/[^"]+\.ics)"', page)
    assert found
    return found[1]


def test_each_view_shows_what_is_there_and_an_address_can_be_sent(site: Site, hanh: Reader) -> None:
    put(site, "Họp chi bộ", at(1, "17:30"), until=BulletinState.APPROVED)
    put(site, "Bản nháp chợ phiên", at(1, "18:30"), until=BulletinState.DRAFT)
    for view in ("day", "week", "month"):
        page = hanh.get(f"/schedule?view={view}&day=2027-03-02&area={COMMUNE}").text
        assert "Họp chi bộ" in page
        assert "Bản nháp chợ phiên" in page
    for wanted, shown in (("state=draft", False), ("state=approved", True), ("field=health", False)):
        page = hanh.get(f"/schedule?day=2027-03-02&{wanted}").text
        assert ("Họp chi bộ" in page) is shown
    assert "Tuần 1/3 đến 7/3" in page


def test_a_stranger_finds_neither_area_nor_bulletin_nor_feed(site: Site) -> None:
    made = put(site, "Riêng của xã", at(2, "09:00"), until=BulletinState.DRAFT)
    stranger = Reader(site, "thon")
    assert "Riêng của xã" not in stranger.get("/schedule?day=2027-03-03").text
    for path in (f"/schedule?area={COMMUNE}", f"/schedule/feed?area={COMMUNE}", f"/schedule/move/{made}"):
        assert stranger.get(path).status_code == 404
    assert stranger.send("/schedule/feed", area=COMMUNE, act="renew").status_code == 404
    move = {"was": "2027-03-03T09:00:00", "date": "2027-03-03", "time": "10:00", "revision": "1"}
    assert stranger.send(f"/schedule/move/{made}", **move).status_code == 404


def test_odd_addresses_show_the_schedule_of_now(hanh: Reader) -> None:
    for odd in ("view=year", "day=nonsense", "day=9999-12-31", "field=x", "state=x", "moved=x&was=x&now=x"):
        assert hanh.get(f"/schedule?{odd}").status_code == 200
    assert hanh.get("/schedule?area=nowhere").status_code == 404


def test_moving_leads_back_to_the_schedule_alone_and_refuses_quiet_hours(site: Site, hanh: Reader) -> None:
    made = put(site, "Dời được", at(3, "17:30"), until=BulletinState.SUBMITTED)
    move = {"was": "2027-03-04T17:30:00", "date": "2027-03-05", "revision": "2", "act": "save"}
    refused = hanh.send(f"/schedule/move/{made}", time="22:30", back="/schedule", **move)
    assert refused.status_code == 422
    assert "loa sẽ không phát" in refused.text
    for back, target in (
        ("https://bad.example/", "/schedule?"),
        ("/schedule?view=day", "/schedule?view=day&"),
    ):
        done = hanh.send(f"/schedule/move/{made}", time="18:00", back=back, **move)
        assert done.status_code == 303
        assert done.headers["location"].startswith(target)
        move |= {"was": "2027-03-05T18:00:00", "revision": "4"}
    told = hanh.get(done.headers["location"]).text
    assert "Đã đổi giờ" in told


def test_a_feed_holds_what_is_approved_and_nothing_else(site: Site, hanh: Reader) -> None:
    soon = datetime.now(UTC) + timedelta(days=2)
    when = When(tz=TZ, start_local=f"{soon:%Y-%m-%d}T17:30", rrule="FREQ=DAILY;COUNT=3")
    put(site, "Tiêm phòng; đợt 2, " + "rất dài " * 15, when, until=BulletinState.APPROVED)
    put(site, "Chưa duyệt", when, until=BulletinState.SUBMITTED)
    answer = Client(site.app, base="https://loa.test").get(make_feed(hanh))
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    found = events(answer.text)
    assert [one["SUMMARY"][:19] for one in found] == ["Tiêm phòng\\; đợt 2\\"] * 3
    assert found[0]["DTSTART"] == f"{soon:%Y%m%d}T103000Z"
    assert found[0]["DTEND"] == f"{soon:%Y%m%d}T103400Z"


def test_only_the_last_secret_opens_a_feed_and_a_revoked_one_opens_nothing(site: Site, hanh: Reader) -> None:
    client = Client(site.app, base="https://loa.test")
    old, new = make_feed(hanh), make_feed(hanh)
    assert [client.get(path).status_code for path in (old, new)] == [404, 200]
    assert client.get(new[:-5] + "x.ics").status_code == 404
    assert client.get("/calendar/x.ics").status_code == 404
    hanh.send("/schedule/feed", area=COMMUNE, act="revoke")
    answer = client.get(new)
    assert (answer.status_code, answer.text) == (404, "")


def test_a_closed_account_closes_its_feeds(site: Site) -> None:
    site.user("di", (COMMUNE, Role.SUPERVISOR))
    path = make_feed(Reader(site, "di"))
    client = Client(site.app, base="https://loa.test")
    assert client.get(path).status_code == 200
    admin = who("admin", Role.ADMIN)
    with site.controller.db.work() as work:
        site.controller.people.change(work, admin, "di", UserChange(active=False))
    assert client.get(path).status_code == 404


def test_reading_a_feed_often_costs_its_making_once(site: Site, hanh: Reader) -> None:
    path = make_feed(hanh)
    client = Client(site.app, base="https://loa.test")
    first = client.get(path)
    when = When(tz=TZ, start_local=f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}T11:00")
    put(site, "Mới duyệt", when, until=BulletinState.APPROVED)
    assert KEPT_FOR.total_seconds() >= 60
    assert client.get(path).text == first.text
    same = client.ask("GET", path, if_none_match=first.headers["etag"])
    assert (same.status_code, same.text) == (304, "")


def test_a_week_of_five_thousand_slots_is_shown_in_a_second(tmp_path: Path) -> None:
    site = open_site(tmp_path / "data")
    site.user("hanh", (COMMUNE, Role.OFFICIAL))
    site.user("hoa", (COMMUNE, Role.APPROVER))
    site.node("loa-1", VILLAGES[0])
    with site.controller.db.work() as work:
        add_recording(work.session, sound(), None)
    hours, minutes = ",".join(map(str, range(5, 21))), "0,20,40"
    for number in range(15):
        rule = f"FREQ=DAILY;BYHOUR={hours};BYMINUTE={minutes};UNTIL=20270307T235959"
        put(site, f"Tin {number}", at(0, f"05:{number:02d}", rule), until=BulletinState.APPROVED)
    reader = Reader(site, "hanh")
    spent = [_seconds(reader) for _ in range(3)]
    assert min(spent) < 1, spent
    site.controller.release_pages()


def _seconds(reader: Reader) -> float:
    """What the week takes of the processor; a machine that is busy elsewhere must not count."""
    began = time.process_time()
    page = reader.get("/schedule?day=2027-03-03")
    spent = time.process_time() - began
    assert page.text.count('class="slot ') >= 5000
    return spent
