"""What holds for all of the API: who asks, refusals as problems, limits, requests sent again."""

import ssl

import pytest

from loa.controller.api.etags import etag, revision_of
from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.errors import ControllerError, DiskFull, Stale
from loa.protocol.bearer import make_token
from loa.protocol.codes import NodeCode, fingerprint
from loa.protocol.ids import NodeId
from loa.protocol.keys import SigningKey
from tests.controller.site import Client, Site
from tests.fakes.controller import START
from tests.passwords import PASSWORD

VILLAGE = {"name": "Thôn Mới", "kind": "village", "parent": COMMUNE}


@pytest.fixture
def admin(site: Site) -> Client:
    return site.user("quan", (COMMUNE, Role.ADMIN))


@pytest.fixture
def browser(site: Site) -> Client:
    """Signed in with a cookie; its CSRF token is not sent by itself."""
    site.user("an", (COMMUNE, Role.ADMIN))
    client = site.client()
    answer = client.post("/sessions", {"user": "an", "password": PASSWORD})
    assert answer.status_code == 201
    return client


def csrf(browser: Client) -> str:
    return str(browser.get("/me").json()["csrf"])


def test_signing_in_sets_a_cookie_that_scripts_cannot_read(site: Site) -> None:
    site.user("lan", (COMMUNE, Role.OFFICIAL))
    answer = site.client().post("/sessions", {"user": "lan", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=lax", "path=/"))
    assert answer.json()["roles"] == [{"area": COMMUNE, "role": "official"}]
    assert answer.headers["cache-control"] == "no-store"


def test_a_browser_s_write_needs_the_csrf_token(browser: Client) -> None:
    without = browser.post("/areas", VILLAGE)
    wrong = browser.post("/areas", VILLAGE, x_csrf_token="x")
    right = browser.post("/areas", VILLAGE, x_csrf_token=csrf(browser))
    assert [one.status_code for one in (without, wrong, right)] == [403, 403, 201]
    assert without.json()["code"] == "csrf"


def test_a_cookie_beside_a_wrong_token_does_not_help(browser: Client) -> None:
    assert browser.ask("GET", "/me", authorization="Bearer x").status_code == 401


def test_signing_out_ends_the_session(browser: Client) -> None:
    cookies = dict(browser.cookies)
    assert browser.ask("DELETE", "/sessions/current", x_csrf_token=csrf(browser)).status_code == 204
    browser.cookies.update(cookies)
    answer = browser.get("/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_over")


def test_a_program_s_token_is_shown_once_and_revoked_at_once(site: Site, admin: Client) -> None:
    made = admin.post("/tokens", {"name": "thống kê", "days": 30}).json()["token"]
    program = site.client(made)
    assert program.get("/me").json()["user"] == "quan"
    [token] = [one for one in admin.get("/tokens").json()["items"] if one["name"] == "thống kê"]
    assert made not in str(token)
    assert admin.ask("DELETE", f"/tokens/{token['id']}").status_code == 204
    assert program.get("/me").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/areas", 401, "not_signed_in"),
        ("GET", "/nowhere", 404, "no_such_address"),
        ("DELETE", "/sessions", 405, "method_not_allowed"),
        ("POST", "/sessions", 422, "invalid_request"),
    ],
)
def test_refusals_are_problems(site: Site, method: str, path: str, status: int, code: str) -> None:
    answer = site.client().ask(method, path)
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "detail"} <= set(problem)


def test_a_malformed_body_is_told_where_and_never_what(site: Site) -> None:
    answer = site.client().post("/sessions", {"user": "lan", "password": ["bi mat"]})
    [fault] = answer.json()["faults"]
    assert fault["where"] == ["body", "password"]
    assert "bi mat" not in answer.text


def test_other_areas_do_not_exist_for_a_stranger(site: Site) -> None:
    stranger = site.user("la", (VILLAGES[0], Role.OFFICIAL))
    hidden, none = stranger.get(f"/areas/{COMMUNE}"), stranger.get("/areas/khong-co")
    assert [hidden.status_code, hidden.json()["code"]] == [none.status_code, none.json()["code"]]
    assert hidden.status_code == 404


@pytest.mark.parametrize("declares", [True, False])
def test_a_body_over_the_limit_is_refused(site: Site, *, declares: bool) -> None:
    big = {"user": "lan", "password": "x" * (site.settings.request_limit_bytes + 1)}
    headers = {} if declares else {"transfer_encoding": "chunked"}
    answer = site.client().post("/sessions", big, **headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_an_unforeseen_failure_says_nothing_of_its_insides(site: Site) -> None:
    @site.app.get("/api/v1/boom")
    def boom() -> None:
        raise ZeroDivisionError("secret")

    answer = site.client().get("/boom")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("error", "status", "fact"),
    [
        (Stale(revision=3, saved_by="mai", saved_at=START), 412, ("saved_by", "mai")),
        (DiskFull(), 507, ("code", "disk_full")),
    ],
)
def test_facts_travel_as_members(
    site: Site, error: ControllerError, status: int, fact: tuple[str, str]
) -> None:
    @site.app.get("/api/v1/boom")
    def boom() -> None:
        raise error

    answer = site.client().get("/boom")
    assert answer.status_code == status
    assert answer.json()[fact[0]] == fact[1]


def test_a_request_sent_again_with_its_key_does_its_work_once(admin: Client) -> None:
    first = admin.post("/areas", VILLAGE, idempotency_key="k1")
    again = admin.post("/areas", VILLAGE, idempotency_key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    assert admin.post("/areas", VILLAGE).status_code == 409


def test_a_key_is_good_for_one_request(admin: Client) -> None:
    admin.post("/areas", VILLAGE, idempotency_key="k1")
    other = admin.post("/areas", VILLAGE | {"name": "Thôn Khác"}, idempotency_key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refused_request_may_be_sent_again_with_its_key(admin: Client) -> None:
    assert admin.post("/areas", VILLAGE | {"parent": "khong-co"}, idempotency_key="k1").status_code == 404
    assert admin.post("/areas", VILLAGE, idempotency_key="k1").status_code == 201


def test_keys_of_two_people_are_two_keys(site: Site, admin: Client) -> None:
    other = site.user("an", (COMMUNE, Role.ADMIN))
    assert admin.post("/areas", VILLAGE, idempotency_key="k1").status_code == 201
    assert other.post("/areas", VILLAGE, idempotency_key="k1").status_code == 409


def test_lists_go_on_at_their_cursor(admin: Client) -> None:
    first = admin.get("/areas?limit=3").json()
    rest = admin.get(f"/areas?limit=3&cursor={first['next_cursor']}").json()
    found = [area["id"] for area in (*first["items"], *rest["items"])]
    assert (found, rest["next_cursor"]) == (sorted([COMMUNE, *VILLAGES]), None)


def test_a_node_enrols_and_opens_its_own_requests(site: Site, admin: Client) -> None:
    code = admin.post("/nodes", {"name": "Cụm 1", "parent": VILLAGES[0]}).json()
    key = SigningKey.generate()
    answer = site.client().post("/enrolments", {"code": code["code"], "key_x": key.public.x}).json()
    assert answer["controller_keys"] == [site.controller.key.public.x]
    assert (answer["node"], answer["mqtt"]["port"]) == ("cum-1", site.settings.broker_port)
    shown = site.client().get("/authority").json()
    assert answer["authority"] == shown["certificate"]
    parts = NodeCode.read(code["code"])
    assert parts is not None
    assert parts.fingerprint == fingerprint(ssl.PEM_cert_to_DER_cert(shown["certificate"]))
    token = make_token(NodeId("cum-1"), now=site.controller.clock.now(), key=key)
    own = site.client().ask(
        "GET", f"/nodes/cum-1/config/{'0' * 64}", loa_node="cum-1", authorization=f"Bearer {token}"
    )
    assert (own.status_code, own.json()["code"] != "not_signed_in") == (404, True)
    assert admin.get("/nodes/cum-1").json()["enrolled_at"] is not None


def test_the_audit_is_read_page_by_page(admin: Client) -> None:
    for name in ("Thôn Một", "Thôn Hai", "Thôn Ba"):
        admin.post("/areas", VILLAGE | {"name": name})
    first = admin.get("/audit?limit=2").json()
    rest = admin.get(f"/audit?limit=200&cursor={first['next_cursor']}").json()
    acts = [one["subject"] for one in (*first["items"], *rest["items"]) if one["act"] == "area.added"]
    assert acts[:3] == ["thon-ba", "thon-hai", "thon-mot"]


def test_a_revision_is_named_by_its_etag() -> None:
    assert [etag(3), revision_of('"3"'), revision_of("3")] == ['"3"', 3, 3]


@pytest.mark.parametrize("given", [None, "", "*", '"x"', 'W/"3"', '"-1"', '"99999999999999999999"'])
def test_what_is_no_etag_of_ours_is_refused(given: str | None) -> None:
    with pytest.raises(ControllerError) as refused:
        revision_of(given)
    assert refused.value.status in {422, 428}
