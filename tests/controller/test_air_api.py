"""STOP, log, incidents, bodies, events and probes over HTTP."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from loa.controller.adapters.events import EventHub
from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.ports import EventKind
from loa.controller.store.programmes import store_programme
from loa.controller.store.reports import insert_reports
from loa.protocol.bearer import make_token
from loa.protocol.codec import pack
from loa.protocol.ids import AreaId, NodeId, sha256_hex
from loa.protocol.programme import Programme, ProgrammePointer
from loa.protocol.units import SizeBytes
from tests.controller.site import Client, Site
from tests.waiting import eventually

STOP = f"/areas/{COMMUNE}/silences"
NOW = datetime.now(UTC)


def node_headers(node: str, token: str) -> dict[str, str]:
    return {"loa_node": node, "authorization": f"Bearer {token}"}


@pytest.fixture
def official(site: Site) -> Client:
    return site.user("lan", (COMMUNE, Role.OFFICIAL))


def test_stop_answers_with_the_silence_and_whether_it_is_on_air(official: Client) -> None:
    answer = official.post(STOP, {"minutes": 30})
    assert answer.status_code == 201
    silence = answer.json()
    assert (silence["area"], silence["by"], silence["on_air"]) == (COMMUNE, "lan", False)
    lasting = datetime.fromisoformat(silence["until_at"]) - datetime.fromisoformat(silence["from_at"])
    assert lasting == timedelta(minutes=30)
    assert [one["id"] for one in official.get(STOP).json()["items"]] == [silence["id"]]


def test_stop_needs_no_words(official: Client) -> None:
    assert official.post(STOP).status_code == 201


@pytest.mark.parametrize("minutes", [0, -1, 1441, "long"])
def test_stop_with_a_strange_length_is_refused(official: Client, minutes: object) -> None:
    assert official.post(STOP, {"minutes": minutes}).status_code == 422


def test_stop_needs_somebody_of_the_area(site: Site) -> None:
    stranger = site.user("hoa", (VILLAGES[0], Role.OFFICIAL))
    assert site.client().post(STOP).status_code == 401
    assert stranger.post(STOP).status_code == 404


def test_a_silence_cannot_be_taken_back(official: Client) -> None:
    official.post(STOP)
    assert official.ask("DELETE", STOP).status_code == 405


def test_stop_is_answered_with_the_database_gone(site: Site, official: Client) -> None:
    site.controller.rights.renew()
    site.controller.db.close()
    database = site.settings.data_dir / "loa.db"
    database.rename(database.with_suffix(".away"))
    for rest in site.settings.data_dir.glob("loa.db-*"):
        rest.unlink()
    database.mkdir()
    assert official.get("/me").status_code == 503
    assert official.post(STOP).status_code == 201
    assert len(official.get(STOP).json()["items"]) == 1
    assert site.client("loa_guessed").post(STOP).status_code == 401


def test_probes_tell_what_is_wrong(site: Site) -> None:
    client = site.client()
    client.base = "https://loa.test"
    assert client.get("/healthz").json() == {"alive": True}
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert any("broker" in reason for reason in ready.json()["reasons"])
    assert "loa_broker_connected 0.0" in client.get("/metrics").text


def test_incidents_come_page_by_page_to_those_who_may_read(site: Site, official: Client) -> None:
    site.node("loa-1")
    stranger = site.user("hoa", ("thon-phu-cuong", Role.OFFICIAL))
    rows = [
        {
            "node_id": "loa-1",
            "journal_id": "b" * 32,
            "number": number,
            "kind": "refusal" if number % 2 else "problem",
            "at": NOW,
            "received_at": NOW.replace(microsecond=0),
            "body": json.dumps({"reason": "bad_signature", "number": number}),
        }
        for number in range(1, 6)
    ]
    with site.controller.db.work() as work:
        insert_reports(work.session, rows)
    assert stranger.get("/incidents").json()["items"] == []
    first = official.get("/incidents?limit=3").json()
    rest = official.get(f"/incidents?limit=3&cursor={first['cursor']}").json()
    numbers = [one["report"]["number"] for one in (*first["items"], *rest["items"])]
    assert numbers == [5, 4, 3, 2, 1]
    assert rest["cursor"] is None
    assert len(official.get("/incidents?kind=refusal").json()["items"]) == 3
    assert official.get("/incidents?cursor=nonsense").status_code == 422


def packed_programme(site: Site) -> bytes:
    programme = Programme(area=COMMUNE, version=7, issued_at=NOW)
    body = pack(programme, site.controller.key)
    pointer = ProgrammePointer(
        area=COMMUNE, version=7, sha256=sha256_hex(body), size_bytes=SizeBytes(len(body)), issued_at=NOW
    )
    with site.controller.db.work() as work:
        store_programme(work.session, pointer, body)
    return body


def test_a_node_fetches_the_programmes_of_its_areas_and_no_others(site: Site) -> None:
    key = site.node("loa-1")
    body = packed_programme(site)
    token = make_token(NodeId("loa-1"), now=datetime.now(UTC), key=key)
    path = f"/areas/{COMMUNE}/programme/{sha256_hex(body)}"
    answer = site.client().ask("GET", path, **node_headers("loa-1", token))
    assert (answer.status_code, answer.content) == (200, body)
    assert answer.headers["etag"] == f'"{sha256_hex(body)}"'
    assert "immutable" in answer.headers["cache-control"]
    elsewhere = f"/areas/thon-phu-cuong/programme/{sha256_hex(body)}"
    assert site.client().ask("GET", elsewhere, **node_headers("loa-1", token)).status_code == 404
    outdated = f"/areas/{COMMUNE}/programme/{'0' * 64}"
    assert site.client().ask("GET", outdated, **node_headers("loa-1", token)).status_code == 404
    assert site.client().get(path).status_code == 401


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=0-99999999", 206, slice(0, None)),
        ("bytes=99999999-", 416, slice(0, 0)),
        ("bytes=5-2", 416, slice(0, 0)),
        ("bytes=-0", 416, slice(0, 0)),
        ("bytes=1-2,4-5", 416, slice(0, 0)),
    ],
)
def test_a_node_fetches_the_rest_of_a_body(site: Site, asked: str, status: int, part: slice) -> None:
    key = site.node("loa-1")
    body = packed_programme(site)
    token = make_token(NodeId("loa-1"), now=datetime.now(UTC), key=key)
    path = f"/areas/{COMMUNE}/programme/{sha256_hex(body)}"
    answer = site.client().ask("GET", path, **node_headers("loa-1", token), range=asked)
    assert (answer.status_code, answer.content) == (status, body[part])


def test_people_read_the_programme_as_json(site: Site, official: Client) -> None:
    assert official.get(f"/areas/{COMMUNE}/programme").status_code == 404
    packed_programme(site)
    shown = official.get(f"/areas/{COMMUNE}/programme").json()
    assert (shown["area"], shown["version"], shown["entries"]) == (COMMUNE, 7, [])


def test_the_log_answers_with_lines_and_a_cursor(official: Client) -> None:
    assert official.get("/log").json() == {"items": [], "cursor": None}
    assert official.get("/log?limit=0").status_code == 422
    assert official.get("/log?cursor=nonsense").status_code == 422
    assert official.get("/log?area=vinh-phuc").status_code == 404


def test_events_of_ones_areas_arrive_as_they_happen(site: Site, official: Client) -> None:
    async def listen() -> str:
        transport = httpx.ASGITransport(site.app)
        heard = ""
        async with (
            httpx.AsyncClient(transport=transport, base_url=official.base) as client,
            client.stream("GET", "/events", headers=official.headers) as stream,
        ):
            async for piece in stream.aiter_text():
                heard += piece
        return heard

    async def tell() -> None:
        hub = site.controller.events
        assert isinstance(hub, EventHub)
        await eventually(lambda: bool(hub._listeners), what="the listening page")
        hub.announce(EventKind.LOG, VILLAGES[0], "own")
        hub.announce(EventKind.LOG, AreaId("vinh-phuc"), "not his")
        await eventually(lambda: not hub._gathered, what="all pages are told")
        hub.close()

    async def both() -> str:
        told = asyncio.create_task(tell())
        heard = await listen()
        await told
        return heard

    heard = asyncio.run(asyncio.wait_for(both(), 20))
    assert 'event: log\r\ndata: {"area": "thon-thong-nhat", "subject": "own"}' in heard
    assert "not his" not in heard


def test_events_are_for_those_who_are_signed_in(site: Site) -> None:
    assert site.client().get("/events").status_code == 401
