"""Nobody gets anything of another commune: every route of the router itself, by its rule in `rights`."""

import asyncio
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.types import Message

from loa.controller.adapters.events import EventHub
from loa.controller.core.access import Person, Role
from loa.controller.core.reshapes import Before, Done, ReshapeKind
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.core.tree import AreaKind
from loa.controller.ports import EventKind
from loa.controller.services.areas import NewArea
from loa.controller.store.bulletins import add_recording
from loa.controller.store.folder import DataFolder
from loa.controller.store.reshapes import add_reshape
from loa.controller.store.tables import (
    BulletinRow,
    InboxRow,
    LogRow,
    RecordingRow,
    ReleaseRow,
    RolloutRow,
    SilenceRow,
    WithdrawalRow,
)
from loa.controller.store.trust_tables import PaperRow, PasskeyRow
from loa.protocol.ids import AreaId
from tests.controller.air import place
from tests.controller.factories import Town
from tests.controller.rights import AREA, RULES, THERE, Rule
from tests.controller.site import Client, Site, listening, open_site
from tests.passwords import PASSWORD
from tests.protocol.bundles import make_manifest

NAME = "Bimatten"
"""Stands in the name of everything that is none of the reader's business."""
NODE, USER, BULLETIN = "xala-cum", "xala-nguoi", "a1a" + "0" * 29
SILENCE, SHA = "5" * 32, "6" * 64
PASSKEY, PAPER = "7" * 32, "8" * 32
STREAM = "GET /api/v1/events"
MANIFEST = make_manifest().to_bytes().decode()
HASHED = re.compile(r"(/static)/[0-9a-f]+")
READERS = {"giam-sat": (Role.SUPERVISOR,), "moi-vai": tuple(Role)}
"""A supervisor of one commune, and somebody who may do everything there."""


@dataclass
class World:
    """The site, with a neighbouring commune that has one of everything."""

    site: Site
    ids: dict[str, str]
    clients: dict[str, Client]
    browsers: dict[str, Client]
    csrf: dict[str, str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    site = open_site(tmp_path_factory.mktemp("rights") / "data")
    ids = neighbour(site)
    made = World(site, ids, {}, {}, {})
    site.node("cum-nha", VILLAGES[0])
    for reader, roles in READERS.items():
        made.clients[reader] = site.user(reader, *((COMMUNE, role) for role in roles))
        browser = Client(site.app, base="https://loa.test")
        door = browser.get("/signin").text
        token = re.search(r'name="csrf" value="([^"]+)"', door)
        assert token
        browser.send("/signin", {"csrf": token[1], "user": reader, "password": PASSWORD})
        found = re.search(r'name="csrf" value="([^"]+)"', browser.get("/me").text)
        assert found, "signed in"
        made.browsers[reader], made.csrf[reader] = browser, found[1]
    yield made
    for part in reversed(site.controller.parts):
        if part.name in {"journal of silences", "database"}:
            part.stop()


def neighbour(site: Site) -> dict[str, str]:
    """One of everything in a commune beside ours; the values of the parameters of all routes."""
    controller = site.controller
    with controller.db.work() as work:
        for id_, kind, parent in ((AREA, AreaKind.COMMUNE, "song-lo"), (THERE, AreaKind.VILLAGE, AREA)):
            new = NewArea(id=id_, name=f"{kind} {NAME}", kind=kind, parent_id=AreaId(parent))
            controller.areas.insert(work, "test", new)
    site.node(NODE, THERE)
    site.user(USER, (AREA, Role.OFFICIAL), (AREA, Role.ADMIN))
    entry = place(Town(controller.db, key=controller.key), AreaId(AREA), title=f"Lịch {NAME}")
    with controller.db.look() as session:
        who = Person(USER, NAME, frozenset())
        token = controller.sessions.tokens(session, who)[0].id
    now = datetime.now(UTC)
    record(site, now)
    with controller.db.work() as work:
        work.session.add_all(rows(entry.id, now) + more_rows(entry.id, now))
        site.controller.audit.note(work, USER, "area.changed", area=AREA, subject=AREA, x=NAME)
        work.session.flush()
        before = Before(kind=AreaKind.COMMUNE, parent=AreaId("song-lo"), moved=(AreaId(THERE),))
        done = Done(kind=ReshapeKind.SPLIT, area=AreaId(AREA), other=AreaId(THERE), before=before)
        reshape = add_reshape(work.session, done, at=now, by=USER).id
        work.session.execute(rename())
    return {
        "area": AREA,
        "node": NODE,
        "user_id": USER,
        "page": "can-bo-xa",
        "bulletin_id": BULLETIN,
        "broadcast": entry.id,
        "silence": SILENCE,
        "sha256": SHA,
        "line": "1",
        "rollout": "1",
        "reshape": str(reshape),
        "token_id": token,
        "session_id": token,
        "name": "loa-20260101T000000Z.tar",
        "secret": "x" * 43,
        "upload_id": "6" * 32,
        "passkey_id": PASSKEY,
        "paper": PAPER,
        "filter_id": "6" * 32,
        "occurrence": f"{entry.id}@20260101T000000Z",
    }


def rename() -> Any:  # noqa: ANN401 -- a statement
    """Give all that is foreign the name that must not be seen."""
    from sqlalchemy import text  # noqa: PLC0415 -- only here

    return text("UPDATE areas SET name = :name WHERE id LIKE 'xala%'").bindparams(name=NAME)


def record(site: Site, now: datetime) -> None:
    """The neighbour's sound, with its file."""
    sound = RecordingRow(
        sha256=SHA,
        duration_ms=1_000,
        size_bytes=len(NAME),
        loudness_lufs=-18,
        true_peak_dbtp=-2,
        origin="upload",
        warnings="[]",
        created_by=USER,
        created_at=now,
    )
    with site.controller.db.work() as work:
        add_recording(work.session, sound, None)
    file = DataFolder(site.settings.data_dir).recordings / SHA[:2] / f"{SHA}.ogg"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(NAME)


def rows(broadcast: str, now: datetime) -> list[Any]:
    """Of the neighbour: a bulletin and a line of the log."""
    told: dict[str, Any] = {"area_id": AREA, "title": f"Tin {NAME}", "field": "health", "class_": "normal"}
    return [
        BulletinRow(
            id=BULLETIN,
            state="submitted",
            recording=SHA,
            plan='{"audience": ["' + AREA + '"], "when": null}',
            created_by=USER,
            created_at=now,
            updated_by=USER,
            updated_at=now,
            submitted_by=USER,
            submitted_at=now,
            **told,
        ),
        LogRow(
            id=1,
            occurrence=f"{broadcast}@20260101T000000Z",
            broadcast_id=broadcast,
            node_id=NODE,
            path=f"/vinh-phuc/song-lo/{AREA}/{THERE}/",
            place=NAME,
            planned_at=now - timedelta(minutes=5),
            duration_ms=1_000,
            outcome="sound_missing",
            **told,
        ),
    ]


def more_rows(broadcast: str, now: datetime) -> list[Any]:
    """Silence, inbox, withdrawal, release with rollout, audit."""
    return [
        PasskeyRow(id=PASSKEY, user_id=USER, credential="YmltYXQ", key="YmltYXQ", name=NAME, created_at=now),
        PaperRow(
            id=PAPER,
            area_id=AREA,
            kind="roster",
            appointment=1,
            document="{}",
            signatures="{}",
            composed_at=now,
            composed_by=USER,
        ),
        SilenceRow(
            id=SILENCE,
            counter=1,
            area_id=AREA,
            from_at=now,
            until_at=now + timedelta(hours=1),
            issued_at=now,
            authority=20,
            by=USER,
        ),
        InboxRow(area_id=AREA, broadcast_id=broadcast, state="waiting", received_at=now),
        WithdrawalRow(
            id="7" * 32, broadcast_id=broadcast, target=broadcast, issued_at=now, by=USER, reason=NAME
        ),
        ReleaseRow(
            sha256=SHA, version="9.9.9", size_bytes=1, manifest=MANIFEST, added_by="test", added_at=now
        ),
        RolloutRow(
            id=1,
            release_sha256=SHA,
            area_id=AREA,
            status="running",
            reason=NAME,
            stage=0,
            stages=1,
            stage_began_at=now,
            observe_s=60,
            stop_at_pct=10,
            spread_s=0,
            created_by=USER,
            created_at=now,
        ),
    ]


def routes_of(routes: Iterable[Any], prefix: str = "") -> Iterator[str]:
    """`METHOD /path` of all that the application answers."""
    for route in routes:
        if hasattr(route, "original_router"):
            yield from routes_of(route.original_router.routes, prefix + route.include_context.prefix)
        else:
            path = HASHED.sub(r"\1", prefix + route.path)
            for method in (getattr(route, "methods", None) or {"MOUNT"}) - {"HEAD"}:
                yield f"{method} {path}"


def ask(world: World, reader: str, key: str, rule: Rule, **other: str) -> httpx.Response:
    """The request of that reader with foreign identifiers, or with others."""
    method, path = key.split()
    filled = path.format_map(world.ids | ({"name": "storm"} if "standing" in path else {}) | other)
    sends = dict(rule.sends or {})
    if path.startswith("/api/"):
        body = sends if method in {"POST", "PUT", "PATCH"} else None
        return world.clients[reader].ask(method, filled.removeprefix("/api/v1"), body, if_match='"1"')
    if method == "POST":
        return world.browsers[reader].send(filled, {"csrf": world.csrf[reader], **sends})
    return world.browsers[reader].get(filled)


def of(*kinds: str) -> list[str]:
    return sorted(key for key, rule in RULES.items() if rule.kind in kinds)


def stranger(world: World) -> Client:
    return Client(world.site.app, base="https://loa.test")


def test_every_route_has_a_rule_and_every_rule_a_route(world: World) -> None:
    routes = set(routes_of(world.site.app.routes))
    assert routes - set(RULES) == set(), (
        "routes without a rule: give each a line in tests/controller/rights.py"
    )
    assert set(RULES) - routes == set(), "rules without a route"


@pytest.mark.parametrize("key", of("signed", "own", "asked", "house", "node"))
def test_whoever_is_not_signed_in_gets_nothing(world: World, key: str) -> None:
    method, path = key.split()
    filled, client = path.format_map(world.ids), stranger(world)
    if method == "POST" and not path.startswith("/api/"):
        answer = client.send(filled, dict(RULES[key].sends or {}))
    else:
        answer = client.ask(method, filled, dict(RULES[key].sends or {}) or None)
    if path.startswith("/api/"):
        assert answer.status_code in {401, 422, 428}, answer.text
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(("/signin", "/bulletins", "/log"))
    assert NAME not in answer.text


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("key", of("own"))
def test_a_foreign_identifier_is_not_found_and_tells_nothing(world: World, key: str, reader: str) -> None:
    answer = ask(world, reader, key, RULES[key])
    assert answer.status_code in {403, 404}, answer.text[:500]
    assert NAME not in answer.text
    if "{" in key:
        unknown = ask(world, reader, key, RULES[key], **unheard_of(world))
        assert unknown.status_code == answer.status_code, "a guess must not be confirmed"


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("key", of("asked"))
def test_a_form_about_a_foreign_place_is_shown_again_and_tells_nothing(
    world: World, key: str, reader: str
) -> None:
    answer = ask(world, reader, key, RULES[key])
    assert answer.status_code in {403, 404, 422}, answer.text[:500]
    assert NAME not in answer.text


def unheard_of(world: World) -> dict[str, str]:
    """Identifiers of the same shape that nothing has."""
    numbers = {"line": "99", "rollout": "99", "reshape": "99"}
    return {
        name: numbers.get(name, re.sub(r"[a-z0-9](?=[a-z0-9-]*$)", "b", value))
        for name, value in world.ids.items()
    }


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("key", [key for key in of("signed") if key.startswith("GET") and key != STREAM])
def test_lists_and_pages_show_no_foreign_row(world: World, key: str, reader: str) -> None:
    answer = ask(world, reader, key, RULES[key])
    assert answer.status_code in {200, 303, 403, 404}, answer.text[:500]
    assert NAME not in answer.text
    assert "xala" not in answer.text


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "query",
    [
        f"/log?area={AREA}",
        f"/log?node={NODE}",
        "/log?broadcast={broadcast}",
        f"/timeline?area={AREA}&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z",
        f"/incidents?area={AREA}",
        f"/incidents?node={NODE}",
        f"/areas?parent={AREA}",
        f"/nodes?area={AREA}",
        f"/bulletins?area={AREA}",
        f"/broadcasts?area={AREA}",
        f"/audit?area={AREA}",
        f"/audit?user={USER}",
        f"/audit?text={NAME}",
    ],
)
def test_no_filter_opens_a_foreign_area(world: World, query: str, reader: str) -> None:
    answer = world.clients[reader].get(query.format_map(world.ids))
    assert answer.status_code in {200, 404, 422}, answer.text
    assert NAME not in re.sub(r"text=\w+", "", answer.text)
    if answer.status_code == 200:
        assert answer.json()["items"] == []


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("key", of("house"))
def test_only_who_keeps_the_house_gets_in(world: World, key: str, reader: str) -> None:
    answer = ask(world, reader, key, RULES[key])
    assert answer.status_code in {403, 404}, answer.text[:300]
    assert "LOA_" not in answer.text


@pytest.mark.parametrize("key", of("first"))
def test_the_first_run_is_over(world: World, key: str) -> None:
    method, path = key.split()
    client = stranger(world)
    answer = client.get(path) if method == "GET" else client.send(path, {"code": "AAAAAAAA"})
    assert answer.status_code == 404


@pytest.mark.parametrize("key", of("node"))
def test_what_nodes_fetch_is_not_for_people_of_elsewhere(world: World, key: str) -> None:
    answer = ask(world, "moi-vai", key, RULES[key])
    assert answer.status_code in {401, 404}
    assert NAME not in answer.text


@pytest.mark.parametrize("key", of("secret"))
def test_a_secret_that_nobody_gave_opens_nothing(world: World, key: str) -> None:
    answer = ask(world, "moi-vai", key, RULES[key])
    assert answer.status_code in {403, 404, 422}
    assert NAME not in answer.text


@pytest.mark.parametrize("reader", READERS)
def test_live_events_tell_of_nothing_foreign(world: World, reader: str) -> None:
    heard = asyncio.run(listen(world, reader))
    assert "cum-nha" in heard, "own events arrive"
    assert "xala" not in heard


async def listen(world: World, reader: str) -> str:
    """What the reader's stream tells until it tells of our own node."""
    told, over, events = bytearray(), asyncio.Event(), world.site.controller.events
    assert isinstance(events, EventHub)
    bearer = world.clients[reader].headers["authorization"]

    async def receive() -> Message:
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        await asyncio.sleep(0)
        told.extend(message.get("body", b""))
        if b"listening" in message.get("body", b""):
            for kind in EventKind:
                events.announce(kind, AreaId(AREA), "xala")
                events.announce(kind, AreaId(NODE), NODE)
            events.announce(EventKind.NODE, AreaId("cum-nha"), "cum-nha")
        if b"cum-nha" in told:
            over.set()

    await listening(world.site, "authorization", bearer)(receive, send)
    return told.decode()


def test_the_table_would_see_a_leak(world: World) -> None:
    """The neighbour's own people do see the name, so that its absence elsewhere means something."""
    client = world.site.user("lang-gieng", (AREA, Role.APPROVER), (AREA, Role.ADMIN))
    seen = {
        path: NAME in client.get(path).text
        for path in ("/areas", "/bulletins", "/log", "/audit", "/rollouts", "/alerts", "/broadcasts")
    }
    assert all(seen.values()), json.dumps(seen)
    assert client.get(f"/recordings/{SHA}/content").text == NAME
