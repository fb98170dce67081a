"""The frame of the pages: who is shown which way."""

import re
from pathlib import Path

import pytest

from loa.controller.core.access import PERMITTED, Role
from loa.controller.core.sample import COMMUNE
from loa.controller.web.navigation import EMERGENCY, ME, MORE, RAIL, frame
from tests.controller.site import Client, open_site
from tests.passwords import PASSWORD

EVERY = {*(way.href for way in RAIL), EMERGENCY.href, MORE.href, ME}


@pytest.mark.parametrize(
    ("role", "shown", "emergency"),
    [
        (Role.APPROVER, {"home", "inbox", "approvals", "schedule", "nodes", "log"}, True),
        (Role.OFFICIAL, {"home", "inbox", "approvals", "schedule"}, False),
        (Role.SUPERVISOR, {"home", "log", "reports"}, False),
        (Role.ADMIN, {"home", "admin"}, False),
    ],
)
def test_people_are_shown_what_they_may_do(role: Role, shown: set[str], *, emergency: bool) -> None:
    found = frame(PERMITTED[role], EVERY)
    assert shown <= {way.key for way in found.rail}
    assert bool(found.emergency) is emergency


def test_what_nobody_may_do_here_is_not_shown() -> None:
    assert "admin" not in {way.key for way in frame(PERMITTED[Role.OFFICIAL], EVERY).rail}
    assert "inbox" not in {way.key for way in frame(PERMITTED[Role.SUPERVISOR], EVERY).rail}


def test_a_way_without_a_page_is_not_shown() -> None:
    found = frame(PERMITTED[Role.APPROVER], {"/log"})
    assert [way.key for way in found.rail] == ["log"]
    assert (found.emergency, found.more, found.me) == (None, None, "")


def test_the_rail_of_a_page_leads_to_pages(tmp_path: Path) -> None:
    site = open_site(tmp_path / "data")
    site.user("an", (COMMUNE, Role.OFFICIAL), (COMMUNE, Role.APPROVER))
    client = Client(site.app, base="https://loa.test")
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/signin").text)
    assert csrf
    client.send("/signin", {"user": "an", "password": PASSWORD, "csrf": csrf[1]})
    page = client.get("/log").text
    ways = re.findall(r'<a class="item[^"]*" href="([^"]+)"', page)
    assert {"/bulletins", "/log"} <= set(ways)
    assert {client.get(way).status_code for way in ways} <= {200, 303, 307}
    site.controller.release_pages()
