"""What every answer and every service holds to: headers, cookies, streams, one place for roles."""

import ast
import asyncio
import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from time import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.types import Message

from loa.controller.adapters.events import EventHub
from loa.controller.core.access import Role
from loa.controller.core.factors import STEP_S, code_at
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.errors import TooMany
from loa.controller.gate import SESSION_COOKIE
from loa.controller.ports import EventKind
from loa.controller.services.budgets import Budget
from loa.protocol.ids import AreaId
from tests.controller.site import Client, Site, listening
from tests.fakes.controller import FakeClock
from tests.passwords import PASSWORD
from tests.waiting import wait_for

CONTROLLER = Path(__file__).parents[2] / "loa/controller"
PATHS = (
    "/signin",
    "/",
    "/api/v1/me",
    "/api/v1/openapi.json",
    "/api/v1/nothing",
    "/healthz",
    "/metrics",
    "/recover",
)


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_safe_headers(site: Site, path: str) -> None:
    answer = Client(site.app, base="https://loa.test").get(path)
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "no-store" in headers["cache-control"]
    assert "server" not in headers
    assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


def sign_in(site: Site, user: str, base: str) -> tuple[Client, httpx.Response]:
    client = Client(site.app, base=f"{base}/api/v1")
    answer = client.post("/sessions", {"user": user, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return client, answer


def test_cookies_belong_to_this_very_host(site: Site) -> None:
    site.user("mai", (COMMUNE, Role.OFFICIAL))
    client, answer = sign_in(site, "mai", "https://loa.test")
    cookies = answer.headers.get_list("set-cookie")
    assert sorted(cookie.partition("=")[0] for cookie in cookies) == [
        "__Host-loa_device",
        "__Host-loa_session",
    ]
    for cookie in cookies:
        assert {"HttpOnly", "Secure", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "SameSite" in cookie
        assert "Domain" not in cookie
    assert client.get("/me").status_code == 200


def test_another_site_signs_nobody_in(site: Site) -> None:
    site.user("mai", (COMMUNE, Role.OFFICIAL))
    given = {"user": "mai", "password": PASSWORD}
    strange = site.client().post("/sessions", given, origin="http://evil.test")
    assert (strange.status_code, strange.json()["code"]) == (403, "csrf")


def test_a_program_signs_in_with_both_factors_in_one_request(site: Site) -> None:
    mai = site.user("mai", (COMMUNE, Role.OFFICIAL))
    fresh = mai.post("/me/second-factor").json()
    code = _code(fresh["address"])
    paper = mai.ask("PUT", "/me/second-factor", {"code": code}).json()["codes"]
    given = {"user": "mai", "password": PASSWORD}
    needed = site.client().post("/sessions", given)
    assert (needed.status_code, needed.json()["code"]) == (401, "second_factor_needed")
    assert site.client().post("/sessions", given | {"code": paper[0]}).status_code == 201
    again = site.client().post("/sessions", given | {"code": paper[0]})
    assert (again.status_code, again.json()["code"]) == (401, "wrong_code")


def _code(address: str) -> str:
    secret = base64.b32decode(parse_qs(urlsplit(address).query)["secret"][0])
    return code_at(secret, int(time()) // STEP_S)


def test_an_administrator_sees_and_ends_a_session_of_somebody(site: Site) -> None:
    site.user("mai", (COMMUNE, Role.OFFICIAL))
    quan = site.user("quan", (COMMUNE, Role.ADMIN))
    client, _ = sign_in(site, "mai", "https://loa.test")
    [found] = quan.get("/users/mai/sessions").json()["items"]
    assert quan.ask("DELETE", f"/users/mai/sessions/{found['id']}").status_code == 204
    assert client.get("/me").status_code == 401


async def stream(site: Site, cookie: str, act: Callable[[EventHub, bytearray], None], until: bytes) -> bytes:
    """What a page hears before its stream ends by itself, or it has heard `until`."""
    told, over, events = bytearray(), asyncio.Event(), site.controller.events
    acting: list[asyncio.Task[None]] = []
    assert isinstance(events, EventHub)

    async def receive() -> Message:
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        body = message.get("body", b"")
        told.extend(body)
        if b"listening" in body:
            acting.append(asyncio.create_task(asyncio.to_thread(act, events, told)))
        if until in told:
            over.set()

    await listening(site, "cookie", f"{SESSION_COOKIE}={cookie}")(receive, send)
    await asyncio.gather(*acting)
    return bytes(told)


def test_a_stream_ends_with_its_session(site: Site) -> None:
    site.user("mai", (COMMUNE, Role.OFFICIAL))
    client, answer = sign_in(site, "mai", "https://loa.test")
    csrf = answer.json()["csrf"]

    def sign_out(events: EventHub, _told: bytearray) -> None:
        events.announce(EventKind.NODE, AreaId(COMMUNE), "before")
        assert client.ask("DELETE", "/sessions/current", x_csrf_token=csrf).status_code == 204
        events.announce(EventKind.NODE, AreaId(COMMUNE), "after")

    told = asyncio.run(stream(site, client.cookies[SESSION_COOKIE], sign_out, b"after"))
    assert b"before" in told
    assert b"after" not in told


def test_a_stream_follows_the_roles_of_the_person(site: Site) -> None:
    site.user("mai", (VILLAGES[0], Role.OFFICIAL))
    quan = site.user("quan", (COMMUNE, Role.ADMIN))
    client, _ = sign_in(site, "mai", "https://loa.test")

    def move(events: EventHub, told: bytearray) -> None:
        events.announce(EventKind.NODE, AreaId(VILLAGES[1]), "not-yet")
        roles = [{"area": VILLAGES[1], "role": "official"}]
        assert quan.ask("PUT", "/users/mai/roles", {"roles": roles}).status_code == 200

        def heard() -> bool:
            events.announce(EventKind.NODE, AreaId(VILLAGES[1]), "now-mine")
            return b"now-mine" in told

        wait_for(heard, what="an event of the new place")

    told = asyncio.run(stream(site, client.cookies[SESSION_COOKIE], move, b"now-mine"))
    assert b"not-yet" not in told


# one place that decides about roles

DECIDES = {"core/access.py"}


def questions(tree: ast.AST) -> Iterator[str]:
    """Comparisons with a role, and uses of the table of what roles permit."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            text = " ".join(map(ast.unparse, sides))
            if "Role." in text or text.endswith(".role") or ".role " in text:
                yield ast.unparse(node)
        if isinstance(node, ast.ImportFrom) and node.module == "loa.controller.core.access":
            yield from (one.name for one in node.names if one.name == "PERMITTED")


def test_roles_are_weighed_in_one_place() -> None:
    """Everybody else asks `may`, `granted` or `permit`, which know of areas and curbed roles."""
    found = {
        f"{path.relative_to(CONTROLLER)}: {question}"
        for path in sorted(CONTROLLER.rglob("*.py"))
        if str(path.relative_to(CONTROLLER)) not in DECIDES
        for question in questions(ast.parse(path.read_text()))
    }
    allowed = {
        "core/factors.py: grant.role in roles",
        "store/people.py: RoleRow.role == Role.TECHNICIAN",
    }
    assert found == allowed


def test_work_is_rationed_by_the_hour() -> None:
    clock = FakeClock()
    budget = Budget(clock=clock, most=2)
    for _ in range(2):
        budget.spend("mai")
        clock.forward(minutes=20)
    budget.spend("hoa")
    with pytest.raises(TooMany) as refused:
        budget.spend("mai")
    assert refused.value.retry_after_s == 20 * 60 + 1
    clock.forward(minutes=20)
    budget.spend("mai")
