"""Keepers at work through the API: what waits, what it changes, whose signature counts."""

from collections.abc import Mapping
from typing import Any

import pytest

from loa.controller.core.access import Role
from loa.controller.core.passkeys import PersonalKey
from loa.controller.core.sample import COMMUNE
from loa.controller.main import application, build
from loa.controller.settings import Settings
from loa.controller.store.passkeys import add_passkey
from loa.protocol.base64url import from_base64url
from loa.protocol.charter import appoint
from loa.protocol.ids import AreaId
from loa.protocol.keys import SigningKey
from loa.protocol.passkey import RelyingParty
from tests.controller.site import Client, Site
from tests.passkeys import SoftPasskey

ROOT_KEY = SigningKey.generate()
CONSOLE = RelyingParty(id="localhost", origins=("https://localhost:8443",))
PASSKEYS = {user: SoftPasskey() for user in ("kim", "lam", "hoa")}


@pytest.fixture
def site(site: Site) -> Site:
    """One whose nodes believe a root key."""
    site.controller.db.close()
    settings = Settings(data_dir=site.settings.data_dir, root_key=ROOT_KEY.public.x)
    controller = build(settings)
    return Site(controller, application(controller, settings), settings)


@pytest.fixture
def people(site: Site) -> Mapping[str, Client]:
    """Kim and Lam keep the papers, Hoa approves, Quan administers; a node stands there."""
    roles = {"kim": Role.SUPERVISOR, "lam": Role.SUPERVISOR, "hoa": Role.APPROVER, "quan": Role.ADMIN}
    found = {user: site.user(user, (COMMUNE, role)) for user, role in roles.items()}
    site.node("loa-1")
    papers, db, at = site.controller.papers, site.controller.db, site.controller.clock.now()
    with db.work() as work:
        for number, (user, soft) in enumerate(PASSKEYS.items()):
            key = PersonalKey(
                id=f"{number:032x}", user_id=user, passkey=soft.public, name="Máy", created_at=at
            )
            add_passkey(work.session, key)
    with db.look() as session:
        wanted = papers.request(session, AreaId(COMMUNE), ("kim", "lam"))
    with db.work() as work:
        papers.take(work, "terminal", appoint(wanted, ROOT_KEY))
    return found


def trust(client: Client) -> dict[str, Any]:
    [found] = client.get("/trust").json()["items"]
    return dict(found)


def signature(user: str, paper: Mapping[str, Any]) -> dict[str, Any]:
    made = PASSKEYS[user].sign(from_base64url(paper["challenge"]), party=CONSOLE)
    return {"assertion": made.model_dump(mode="json")}


def test_two_keepers_sign_by_the_api_and_it_says_what_is_in_force(people: Mapping[str, Client]) -> None:
    kim, lam = people["kim"], people["lam"]
    before = trust(kim)
    assert (before["keepers"], before["in_force_since"], before["papers"]) == (["kim", "lam"], None, [])
    assert {"change": "node_added", "subject": "loa-1", "area": None, "people": 0} in before["lag"]
    assert kim.post(f"/areas/{COMMUNE}/papers").status_code == 204
    waiting = trust(kim)["papers"]
    assert {one["kind"] for one in waiting} == {"roster", "charter"}
    assert all(one["credentials"] == [PASSKEYS["kim"].credential] for one in waiting)
    said = []
    for user, keeper in (("kim", kim), ("lam", lam)):
        for paper in waiting:
            answer = keeper.post(f"/papers/{paper['id']}/signatures", signature(user, paper))
            said.append((answer.status_code, answer.json()["in_force"]))
    assert said == [(201, False), (201, False), (201, True), (201, True)]
    after = trust(lam)
    assert after["in_force_since"] is not None
    assert (after["papers"], after["lag"], after["nodes"], after["holding"]) == ([], [], ["loa-1"], [])


def test_others_cannot_sign_and_strangers_see_nothing(people: Mapping[str, Client]) -> None:
    kim, hoa, quan = people["kim"], people["hoa"], people["quan"]
    kim.post(f"/areas/{COMMUNE}/papers")
    paper = trust(quan)["papers"][0]  # keeps the people, so may read it
    assert paper["credentials"] == []
    path = f"/papers/{paper['id']}/signatures"
    assert quan.post(path, signature("hoa", paper)).status_code == 403
    assert kim.post(path, signature("hoa", paper)).status_code == 422
    assert hoa.get("/trust").json()["items"] == []
    assert hoa.post(path, signature("hoa", paper)).status_code == 404
    assert hoa.post(f"/areas/{COMMUNE}/papers").status_code == 404
