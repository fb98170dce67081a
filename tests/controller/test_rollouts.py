"""Releases and rollouts over both databases: who is told what, what nodes tell, and what comes of it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from loa.controller.core.access import Person, Role
from loa.controller.core.presence import Presence
from loa.controller.core.rollouts import News, Standing, Status, news_of
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.errors import Conflict, Forbidden, Invalid, NotFound
from loa.controller.services.releases import Release, Releases
from loa.controller.services.rollouts import Order, Rollout, Rollouts
from loa.controller.store import rollouts as store
from loa.controller.store.database import Database
from loa.controller.store.heard import store_presences
from loa.controller.store.rollouts import NodeUpdate
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.keys import SigningKey
from loa.protocol.programme import ReleasePointer
from loa.protocol.reasons import RefusalReason, UpdateOutcome
from loa.protocol.reports import RefusalReport, UpdateReport
from tests.controller.factories import PROVINCE, Town
from tests.fakes.controller import START, FakeEvents
from tests.protocol.bundles import RELEASE_RING, make_bundle

NODES = tuple(NodeId(f"loa-{number}") for number in range(4))
HERE, THERE = AreaId(VILLAGES[0]), AreaId(VILLAGES[1])


class Workshop:
    """Two villages with two nodes each, and an administrator."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.town = Town(db).build()
        for number, node in enumerate(NODES):
            self.town.node(node, VILLAGES[number // 2])
        self.db, self.clock = db, self.town.clock
        self.admin: Person = self.town.user("quan", (PROVINCE, Role.ADMIN))
        audit = self.town.audit
        self.releases = Releases(db=db, clock=self.clock, audit=audit, folder=folder, keys=RELEASE_RING)
        self.rollouts = Rollouts(
            db=db, clock=self.clock, audit=audit, publisher=self.town.publisher, events=FakeEvents()
        )
        self.release = self.add(make_bundle())

    def add(self, bundle: bytes, who: Person | None = None) -> Release:
        with self.releases.receive() as incoming:
            incoming.write(bundle)
            return self.releases.finish(who or self.admin, incoming)

    def start(self, *stages: list[AreaId], who: Person | None = None, area: AreaId = PROVINCE) -> Rollout:
        order = Order(
            release=self.release.sha256,
            area=area,
            stages=stages,
            observe=timedelta(hours=1),
            stop_at_pct=5,
            spread=timedelta(minutes=30),
        )
        with self.db.work() as work:
            return self.rollouts.start(work, who or self.admin, order)

    def told(self) -> dict[NodeId, ReleasePointer]:
        with self.db.look() as session:
            return store.pointers(session, NODES)

    def tell(self, node: NodeId, standing: Standing, rollout: int | None = 1, detail: str = "") -> None:
        with self.db.work() as work:
            news = News(node, self.release.sha256, rollout, standing, detail, "0.2.0")
            store.note(work.session, [news], self.clock.now())

    def get(self, rollout: int = 1) -> Rollout:
        with self.db.look() as session:
            return self.rollouts.get(session, self.admin, rollout)

    def standings(self, rollout: int = 1) -> list[str]:
        with self.db.look() as session:
            lines = self.rollouts.lines(session, self.admin, rollout, standing=None, after="", limit=9)
        return [one.standing for one in lines]


def areas(*nodes: NodeId) -> frozenset[AreaId]:
    return frozenset(AreaId(node) for node in nodes)


@pytest.fixture
def workshop(db: Database, tmp_path: Path) -> Workshop:
    return Workshop(db, tmp_path / "releases")


def test_a_release_is_kept_under_its_digest_and_can_be_added_again(workshop: Workshop) -> None:
    again = workshop.add(make_bundle())
    assert again == workshop.release
    assert workshop.releases.content(again.sha256, workshop.admin).read_bytes() == make_bundle()
    assert [one.version for one in workshop.releases.find(workshop.admin)] == ["0.2.0"]


@pytest.mark.parametrize("bundle", [b"", make_bundle(key=SigningKey.generate()), make_bundle()[:-1_500]])
def test_what_nodes_would_refuse_is_refused_here(workshop: Workshop, bundle: bytes, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="LOA_RELEASE_KEYS"):
        workshop.add(bundle)
    assert len(list((tmp_path / "releases").iterdir())) == 1, "nothing of it stays"


def test_a_node_knows_its_last_rollout_and_whether_its_turn_has_come(workshop: Workshop) -> None:
    technician = workshop.town.user("long", (HERE, Role.TECHNICIAN))

    def of(node: NodeId) -> NodeUpdate | None:
        with workshop.db.look() as session:
            return workshop.rollouts.of_node(session, technician, node)

    assert of(NODES[0]) is None
    workshop.start([AreaId(NODES[0])], [AreaId(NODES[1])], area=HERE)
    workshop.tell(NODES[0], Standing.FAILED, detail="no space")
    first, second = of(NODES[0]), of(NODES[1])
    assert first is not None
    assert (first.version, first.standing, first.detail) == ("0.2.0", Standing.FAILED, "no space")
    assert second is not None
    assert (first.is_told, second.is_told) == (True, False)
    with pytest.raises(NotFound):
        of(NODES[2])


@pytest.mark.parametrize("role", [Role.APPROVER, Role.TECHNICIAN, Role.SUPERVISOR])
def test_only_an_administrator_updates(workshop: Workshop, role: Role) -> None:
    other = workshop.town.user("an", (PROVINCE, role))
    with pytest.raises(Forbidden):
        workshop.add(make_bundle(), other)
    with pytest.raises(Forbidden):
        workshop.start(who=other)
    workshop.start()
    with workshop.db.look() as session, pytest.raises(NotFound):
        workshop.rollouts.get(session, other, 1)


def test_an_administrator_of_a_commune_updates_that_commune(workshop: Workshop) -> None:
    other = workshop.town.user("an", (COMMUNE, Role.ADMIN))
    with pytest.raises(NotFound):
        workshop.start(who=other)
    assert workshop.start(who=other, area=AreaId(COMMUNE)).status is Status.RUNNING


def test_only_nodes_of_the_stage_are_told_and_may_fetch(workshop: Workshop) -> None:
    workshop.start([HERE], [THERE])
    told = workshop.told()
    assert set(told) == set(NODES[:2])
    pointer = told[NODES[0]]
    assert (pointer.rollout, pointer.version, pointer.spread_ms) == (1, "0.2.0", 1_800_000)
    assert workshop.town.publisher.configs[-1] == areas(*NODES[:2])
    sha256 = workshop.release.sha256
    assert workshop.releases.content(sha256, NODES[0]).exists()
    with pytest.raises(NotFound):
        workshop.releases.content(sha256, NODES[3])


def test_a_stage_that_is_well_for_long_enough_is_followed_by_the_next(workshop: Workshop) -> None:
    workshop.start([HERE], [THERE])
    for node in NODES[:2]:
        workshop.tell(node, Standing.ON_TRIAL)
        workshop.tell(node, Standing.KEPT)
    workshop.rollouts.advance()
    assert workshop.get().stage == 0
    workshop.clock.forward(hours=1)
    workshop.rollouts.advance()
    assert (workshop.get().stage, set(workshop.told())) == (1, set(NODES))
    assert workshop.town.publisher.configs[-1] == areas(*NODES[2:])
    for node in NODES[2:]:
        workshop.tell(node, Standing.KEPT)
    workshop.rollouts.advance()
    assert workshop.get().status is Status.DONE


def test_the_first_node_is_one_that_is_there(workshop: Workshop) -> None:
    with workshop.db.work() as work:
        store_presences(work.session, {NODES[2]: Presence.CONNECTED}, workshop.clock.now())
    workshop.start()
    assert set(workshop.told()) == {NODES[2]}


def test_a_failure_halts_it_and_spares_those_that_had_not_begun(workshop: Workshop) -> None:
    workshop.start([HERE], [THERE])
    workshop.tell(NODES[0], Standing.ROLLED_BACK, detail="it did not report within 5 minutes")
    workshop.rollouts.advance()
    found = workshop.get()
    assert (found.status, found.ended_at) == (Status.HALTED, workshop.clock.now())
    assert "1 of 1 nodes that finished: 1 rolled_back" in found.reason
    assert found.reasons == [(Standing.ROLLED_BACK, "it did not report within 5 minutes", 1)]
    assert set(workshop.told()) == {NODES[0]}
    assert workshop.town.publisher.configs[-1] == areas(*NODES[:2])
    with workshop.db.look() as session:
        acts = [one.act for one in workshop.town.audit.find(session, workshop.admin, before=None, limit=3)]
    assert acts[:2] == ["rollout.halted", "rollout.started"]


def test_an_older_report_that_comes_again_changes_nothing(workshop: Workshop) -> None:
    workshop.start([HERE])
    for standing in (Standing.ON_TRIAL, Standing.ROLLED_BACK, Standing.ON_TRIAL, Standing.KEPT):
        workshop.tell(NODES[0], standing)
    assert workshop.standings() == ["rolled_back", "waiting"]


def test_a_refusal_counts_for_the_last_rollout_of_the_bundle(workshop: Workshop) -> None:
    workshop.start([HERE])
    with workshop.db.work() as work:
        workshop.rollouts.halt(work, workshop.admin, 1)
    workshop.start([HERE])
    workshop.tell(NODES[1], Standing.REFUSED, None, "stale: version 0.2.0 is not above 0.3.0")
    assert (workshop.standings(1), workshop.standings(2)) == (["waiting"] * 2, ["waiting", "refused"])
    assert {node: one.rollout for node, one in workshop.told().items()} == dict.fromkeys(NODES[:2], 2)


def test_two_rollouts_do_not_run_on_the_same_nodes(workshop: Workshop) -> None:
    workshop.start([HERE])
    workshop.start([THERE])
    with pytest.raises(Conflict) as caught:
        workshop.start([THERE], [HERE])
    assert caught.value.code == "rollout_running"


def test_an_order_that_means_nothing_is_refused(workshop: Workshop) -> None:
    with pytest.raises(Invalid):
        workshop.start([PROVINCE], area=HERE)
    with pytest.raises(Invalid):
        workshop.start([AreaId("nowhere")])
    workshop.release = replace(workshop.release, sha256="0" * 64)
    with pytest.raises(NotFound):
        workshop.start()


def test_reports_are_read_as_news() -> None:
    update = UpdateReport(
        number=1,
        at=START,
        rollout=3,
        sha256="a" * 64,
        version="0.2.0",
        runs="0.1.0",
        outcome=UpdateOutcome.ROLLED_BACK,
        detail="x",
    )
    assert news_of(NODES[0], update) == News(NODES[0], "a" * 64, 3, Standing.ROLLED_BACK, "x", "0.1.0")
    refused = RefusalReport(
        number=2,
        at=START,
        topic="loa/v1/nodes/n/config",
        reason=RefusalReason.STALE,
        detail="old",
        sha256="a" * 64,
    )
    assert news_of(NODES[0], refused) == News(NODES[0], "a" * 64, None, Standing.REFUSED, "stale: old", "")
    elsewhere = refused.model_copy(update={"topic": "loa/v1/areas/a/urgent"})
    assert news_of(NODES[0], elsewhere) is None
