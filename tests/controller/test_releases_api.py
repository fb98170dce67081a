"""Releases and rollouts as programs and nodes see them."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from loa.controller.core.access import Role
from loa.controller.core.sample import COMMUNE
from loa.controller.main import application, build
from loa.controller.settings import Settings
from loa.protocol.bearer import make_token
from loa.protocol.ids import NodeId, sha256_hex
from loa.protocol.keys import SigningKey
from tests.controller.factories import PROVINCE
from tests.controller.site import Client, Site
from tests.protocol.bundles import RELEASE_KEY, make_bundle, make_manifest

BUNDLE = make_bundle()
SHA256 = sha256_hex(BUNDLE)
NODE = NodeId("loa-1")
ROOT_KEY = SigningKey.generate()


@pytest.fixture
def site(site: Site) -> Site:
    """One whose nodes believe a release key."""
    site.controller.db.close()
    settings = Settings(
        data_dir=site.settings.data_dir, release_keys=(RELEASE_KEY.public.x,), root_key=ROOT_KEY.public.x
    )
    controller = build(settings)
    return Site(controller, application(controller, settings), settings)


@pytest.fixture
def admin(site: Site) -> Client:
    return site.user("quan", (PROVINCE, Role.ADMIN))


@pytest.fixture
def node_key(site: Site) -> SigningKey:
    return site.node(NODE)


def upload(client: Client, bundle: bytes = BUNDLE) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(client.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url=client.base, headers=client.headers
        ) as sender:
            return await sender.post("/releases", files={"file": bundle})

    return asyncio.run(send())


def as_node(site: Site, key: SigningKey) -> dict[str, str]:
    token = make_token(NODE, now=site.controller.clock.now(), key=key)
    return {"authorization": f"Bearer {token}", "loa_node": NODE}


def order(client: Client, **more: object) -> httpx.Response:
    return client.post("/rollouts", {"release": SHA256, "area": PROVINCE, **more})


def test_a_bundle_larger_than_other_requests_is_taken_in(admin: Client) -> None:
    content = bytes(5_000_000)
    manifest = make_manifest()
    wheel = manifest.wheels[0].model_copy(update={"sha256": sha256_hex(content), "size_bytes": len(content)})
    large = make_bundle(manifest.model_copy(update={"wheels": (wheel,)}), contents=[content])
    answer = upload(admin, large)
    assert (answer.status_code, answer.json()["sha256"]) == (201, sha256_hex(large))
    assert [one["version"] for one in admin.get("/releases").json()["items"]] == ["0.2.0"]


def test_an_unsigned_bundle_is_refused_with_what_to_do(admin: Client) -> None:
    answer = upload(admin, make_bundle(key=SigningKey.generate()))
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["reason"]) == (422, "bad_release", "unknown_key")
    assert "LOA_RELEASE_KEYS" in answer.json()["detail"]


def test_a_node_fetches_by_range_what_it_is_to_run_and_nothing_else(
    site: Site, admin: Client, node_key: SigningKey
) -> None:
    upload(admin)
    path = f"/releases/{SHA256}/content"
    node = site.client()
    assert node.ask("GET", path, **as_node(site, node_key)).status_code == 404
    assert order(admin).status_code == 201
    part = node.ask("GET", path, range="bytes=100-", **as_node(site, node_key))
    assert (part.status_code, part.content) == (206, BUNDLE[100:])
    assert node.ask("GET", path, **as_node(site, SigningKey.generate())).status_code == 401
    assert site.user("mai", (PROVINCE, Role.OFFICIAL)).get(path).status_code == 403


def test_a_rollout_shows_its_stages_and_its_nodes(site: Site, admin: Client, node_key: SigningKey) -> None:
    del node_key
    site.node("loa-2")
    upload(admin)
    made = order(admin).json()
    assert (made["status"], made["stage"], made["version"]) == ("running", 0, "0.2.0")
    assert [one["counts"] for one in made["stages"]] == [{"waiting": 1}, {"waiting": 1}]
    nodes = admin.get(f"/rollouts/{made['id']}/nodes?limit=1").json()
    assert [(one["node"], one["standing"]) for one in nodes["items"]] == [(NODE, "waiting")]
    rest = admin.get(f"/rollouts/{made['id']}/nodes?cursor={nodes['next_cursor']}").json()["items"]
    assert [one["node"] for one in rest] == ["loa-2"]
    assert order(admin).json()["code"] == "rollout_running"
    halted = admin.post(f"/rollouts/{made['id']}/halt").json()
    assert (halted["status"], halted["reason"]) == ("halted", "halted by quan")
    assert admin.post(f"/rollouts/{made['id']}/halt").json() == halted
    assert [one["id"] for one in admin.get("/rollouts").json()["items"]] == [made["id"]]


def test_a_rollout_elsewhere_is_nobody_s_business(site: Site, admin: Client, node_key: SigningKey) -> None:
    del node_key
    upload(admin)
    made = order(admin).json()
    other = site.user("an", (COMMUNE, Role.ADMIN))
    assert other.get(f"/rollouts/{made['id']}").status_code == 404
    assert other.get("/rollouts").json()["items"] == []


def test_a_node_learns_the_release_keys_and_the_root_when_it_enrols(site: Site, admin: Client) -> None:
    code = admin.post("/nodes", {"id": "moi", "name": "Mới", "parent": COMMUNE}).json()["code"]
    key = SigningKey.generate()
    answer = site.client().post("/enrolments", {"code": code, "key_x": key.public.x})
    assert answer.json()["release_keys"] == [RELEASE_KEY.public.x]
    assert answer.json()["root_key"] == ROOT_KEY.public.x


def test_release_keys_are_a_list_in_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_RELEASE_KEYS", json.dumps([RELEASE_KEY.public.x]))
    assert Settings(data_dir=tmp_path).release_keys == (RELEASE_KEY.public.x,)
