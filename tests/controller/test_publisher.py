"""The publisher over a real database, a fake courier and a real journal."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from loa.controller.adapters.silence_journal import FileSilenceJournal
from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.rollouts import Status
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.services.metrics import Metrics
from loa.controller.services.publisher import Publisher
from loa.controller.store import rollouts
from loa.controller.store.configs import config_body_of
from loa.controller.store.database import Database
from loa.controller.store.nodes import node_row
from loa.controller.store.programmes import body_of
from loa.controller.store.tables import RolloutRow
from loa.node_agent.core.belief import Belief
from loa.protocol.codec import unpack_config, unpack_programme
from loa.protocol.ids import AreaId, NodeId, StopId, sha256_hex
from loa.protocol.keys import KeyRing
from loa.protocol.kinds import BroadcastClass
from loa.protocol.programme import Config, NodeSettings, ProgrammePointer, Urgent
from loa.protocol.reports import Held
from loa.protocol.topics import Channel, Topic
from loa.protocol.units import to_ms
from tests.controller.air import Times, place, silence, withdraw
from tests.controller.factories import Town
from tests.controller.keepers import NODE, Keepers
from tests.fakes.courier import FakeCourier
from tests.waiting import wait_for

URGENT = Topic(Channel.URGENT, COMMUNE)
PROGRAMME = Topic(Channel.PROGRAMME, COMMUNE)
AREAS = frozenset({COMMUNE})
EMERGENCY = BroadcastClass.EMERGENCY


@dataclass
class Station:
    """A publisher at work."""

    town: Town
    journal: FileSilenceJournal
    courier: FakeCourier
    metrics: Metrics = field(default_factory=Metrics)
    expected: list[frozenset[AreaId]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.publisher = self.another()

    def another(self, lull_s: float = 5.0) -> Publisher:
        return Publisher(
            db=self.town.db,
            clock=self.town.clock,
            key=self.courier.key,
            courier=self.courier,
            journal=self.journal,
            metrics=self.metrics,
            expect=self.expected.append,
            lull_s=lull_s,
            calm_s=0.0,
        )

    def pointer(self) -> ProgrammePointer:
        found = wait_for(lambda: self.courier.messages(PROGRAMME) or None, what="a programme")[-1]
        assert isinstance(found, ProgrammePointer)
        return found

    def urgent(self) -> Urgent:
        found = self.courier.last(URGENT)
        assert isinstance(found, Urgent)
        return found

    def idle(self) -> None:
        """Wait until the publisher has done all that was asked before."""
        before = len(self.expected)
        self.publisher.programme_changed(AREAS)
        wait_for(lambda: len(self.expected) > before, what="the publisher's rest")


@pytest.fixture
def station(db: Database, tmp_path: Path) -> Iterator[Station]:
    town = Town(db).build()
    journal = FileSilenceJournal(tmp_path / "silences.journal")
    made = Station(town, journal, FakeCourier(key=town.key))
    made.publisher.start()
    yield made
    made.publisher.stop()
    journal.close()


def test_a_placed_broadcast_goes_out_as_a_pointer_to_a_signed_body(station: Station) -> None:
    entry = place(station.town, COMMUNE)
    station.publisher.programme_changed(AREAS)
    pointer = station.pointer()
    with station.town.db.look() as session:
        body = body_of(session, COMMUNE)
    assert body is not None
    assert sha256_hex(body) == pointer.sha256
    assert len(body) == pointer.size_bytes
    programme = unpack_programme(body, COMMUNE, KeyRing([station.courier.key.public]))
    assert [one.id for one in programme.entries] == [entry.id]
    assert programme.version == pointer.version >= to_ms(station.town.clock.now())
    assert station.expected[-1] == AREAS


def test_the_same_contents_are_not_issued_twice(station: Station) -> None:
    place(station.town, COMMUNE)
    station.publisher.programme_changed(AREAS)
    first = station.pointer()
    station.idle()
    assert station.courier.messages(PROGRAMME) == [first]


def test_versions_grow_though_the_clock_stands_still(station: Station) -> None:
    place(station.town, COMMUNE)
    station.publisher.programme_changed(AREAS)
    first = station.pointer()
    place(station.town, COMMUNE, title="Thông báo khác")
    station.idle()
    assert station.pointer().version == first.version + 1


def test_an_emergency_is_on_air_when_the_call_returns(station: Station) -> None:
    entry = place(station.town, COMMUNE, class_=EMERGENCY)
    station.publisher.urgent_changed(AREAS)
    assert [one.id for one in station.urgent().entries] == [entry.id]


def test_an_emergency_leaves_beside_what_is_urgent_already(station: Station) -> None:
    before = place(station.town, COMMUNE, class_=EMERGENCY, title="Lũ thứ nhất")
    station.publisher.urgent_changed(AREAS)
    entry = place(station.town, COMMUNE, class_=EMERGENCY, title="Lũ thứ hai")
    station.publisher.emergency(AREAS, entry, None)
    assert {one.id for one in station.urgent().entries} == {before.id, entry.id}


def test_what_memory_did_not_know_is_mended_afterwards(station: Station) -> None:
    gone = place(station.town, COMMUNE, class_=EMERGENCY, title="Lũ đã rút")
    station.publisher.urgent_changed(AREAS)
    station.idle()
    withdrawal = withdraw(station.town, gone.id)
    entry = place(station.town, COMMUNE, class_=EMERGENCY)
    station.publisher.emergency(AREAS, entry, None)
    wait_for(lambda: station.urgent().withdrawals or None, what="the withdrawal that memory did not know")
    assert [one.id for one in station.urgent().entries] == [entry.id]
    assert [one.id for one in station.urgent().withdrawals] == [withdrawal]


def test_an_emergency_that_is_over_does_not_leave_again_beside_a_new_one(station: Station) -> None:
    before = place(station.town, COMMUNE, class_=EMERGENCY, title="Lũ thứ nhất")
    station.publisher.emergency(AREAS, before, station.town.clock.now() + timedelta(minutes=2))
    assert [one.id for one in station.urgent().entries] == [before.id]
    station.idle()
    station.town.clock.forward(minutes=2)
    entry = place(station.town, COMMUNE, class_=EMERGENCY, title="Lũ thứ hai")
    station.publisher.emergency(AREAS, entry, None)
    assert entry.id in {one.id for one in station.urgent().entries}
    first_sent = [one for one in station.courier.messages(URGENT) if isinstance(one, Urgent)]
    with_new = next(one for one in first_sent if entry.id in {other.id for other in one.entries})
    assert [one.id for one in with_new.entries] == [entry.id]


def test_what_is_over_takes_no_room_from_a_new_emergency(station: Station) -> None:
    higher = Times(authority=30)
    for number in range(8):
        place(station.town, COMMUNE, class_=EMERGENCY, title=f"Lũ đã rút {number}", times=higher)
    station.publisher.urgent_changed(AREAS)
    station.idle()
    station.town.clock.forward(days=1)
    entry = place(station.town, COMMUNE, class_=EMERGENCY, title="Lũ mới")
    station.publisher.emergency(AREAS, entry, None)
    assert [one.id for one in station.urgent().entries] == [entry.id]


def test_an_ordinary_broadcast_is_not_urgent(station: Station) -> None:
    place(station.town, COMMUNE)
    station.publisher.urgent_changed(AREAS)
    assert station.urgent().entries == ()


def test_a_withdrawn_emergency_leaves_the_urgent_message(station: Station) -> None:
    entry = place(station.town, COMMUNE, class_=EMERGENCY)
    withdrawal = withdraw(station.town, entry.id)
    station.publisher.urgent_changed(AREAS)
    assert station.urgent().entries == ()
    assert [one.id for one in station.urgent().withdrawals] == [withdrawal]


def test_a_withdrawal_is_urgent_for_an_hour_and_stays_in_the_programme(station: Station) -> None:
    entry = place(station.town, COMMUNE)
    withdraw(station.town, entry.id)
    station.town.clock.forward(hours=1, seconds=1)
    station.publisher.urgent_changed(AREAS)
    assert station.urgent().withdrawals == ()
    station.publisher.programme_changed(AREAS)
    station.pointer()
    with station.town.db.look() as session:
        body = body_of(session, COMMUNE) or b""
    programme = unpack_programme(body, COMMUNE, KeyRing([station.courier.key.public]))
    assert len(programme.withdrawals) == 1


def test_a_silence_goes_out_with_the_emergencies_known_before(station: Station) -> None:
    entry = place(station.town, COMMUNE, class_=EMERGENCY)
    station.publisher.urgent_changed(AREAS)
    noted = silence(station.journal, station.town.clock.now(), COMMUNE)
    station.publisher.silenced(COMMUNE)
    assert station.urgent().silences == (noted,)
    assert [one.id for one in station.urgent().entries] == [entry.id]


def test_what_does_not_fit_is_left_to_the_programme_and_counted(station: Station) -> None:
    station.idle()
    for number in range(8):
        place(station.town, COMMUNE, class_=EMERGENCY, title=f"Lũ khẩn cấp {number}")
    kept = silence(station.journal, station.town.clock.now(), COMMUNE)
    station.publisher.urgent_changed(AREAS)
    payload = station.courier.sent[-1][1]
    assert len(payload) <= 4096
    assert station.urgent().silences == (kept,)
    left_out = 8 - len(station.urgent().entries)
    assert 0 < left_out < 8
    assert f"loa_urgent_left_out_total {left_out}.0".encode() in station.metrics.page()


def test_everything_is_sent_again_on_connect(station: Station) -> None:
    place(station.town, COMMUNE, class_=EMERGENCY)
    station.courier.connected = False
    station.publisher.urgent_changed(AREAS)
    station.idle()
    assert not station.courier.retained
    station.courier.connected = True
    station.publisher.connected()
    wait_for(lambda: str(PROGRAMME) in station.courier.retained, what="the programme")
    assert len(station.urgent().entries) == 1


def test_a_node_that_lacks_something_has_it_sent_again_once_in_a_while(station: Station) -> None:
    place(station.town, COMMUNE)
    station.publisher.urgent_changed(AREAS)
    station.publisher.programme_changed(AREAS)
    pointer = station.pointer()
    station.idle()
    before = len(station.courier.sent)
    for _ in range(20):
        station.publisher.heard({COMMUNE: Held()})
    wait_for(lambda: len(station.courier.sent) >= before + 2, what="urgent and pointer again")
    station.idle()
    assert len(station.courier.sent) == before + 2
    assert station.pointer() == pointer


def test_a_node_that_has_everything_makes_nobody_send(station: Station) -> None:
    place(station.town, COMMUNE)
    station.publisher.programme_changed(AREAS)
    station.pointer()
    station.idle()
    before = len(station.courier.sent)
    station.publisher.heard({COMMUNE: station.publisher.current(COMMUNE)})
    station.idle()
    assert len(station.courier.sent) == before


def test_after_a_restored_backup_nodes_listen_again(station: Station) -> None:
    """They hold versions that this controller does not remember; it must lead again."""
    place(station.town, COMMUNE)
    station.publisher.programme_changed(AREAS)
    station.pointer()
    ahead = to_ms(station.town.clock.now() + timedelta(days=3))
    station.publisher.heard({COMMUNE: Held(programme=ahead, urgent=ahead)})
    assert station.urgent().version == ahead + 1
    wait_for(lambda: station.pointer().version == ahead + 1, what="a programme that leads")


def test_no_node_can_use_up_the_versions(station: Station) -> None:
    place(station.town, COMMUNE)
    station.publisher.programme_changed(AREAS)
    first = station.pointer()
    station.publisher.heard({COMMUNE: Held(programme=2**53 - 1, urgent=2**53 - 1)})
    station.idle()
    assert station.pointer() == first


def test_a_restart_finds_what_was_not_sent_and_leaves_the_rest(station: Station) -> None:
    place(station.town, COMMUNE)
    station.publisher.programme_changed(AREAS)
    station.publisher.urgent_changed(AREAS)
    first = station.pointer()
    station.idle()
    station.publisher.stop()
    place(station.town, VILLAGES[0], class_=EMERGENCY)  # committed, then the power failed
    station.publisher = station.another()
    station.publisher.start()
    village = Topic(Channel.URGENT, VILLAGES[0])
    wait_for(lambda: bool(station.courier.messages(village)), what="the emergency")
    station.idle()
    assert station.courier.messages(PROGRAMME) == [first]


def test_a_node_gets_its_areas_policy_zone_and_settings(station: Station) -> None:
    station.town.node("loa-1")
    who = station.town.user("binh", (COMMUNE, Role.TECHNICIAN))
    with station.town.db.work() as work:
        station.town.nodes.change_settings(work, who, NodeId("loa-1"), {"billing_day": 20})
    station.town.zone("vung-lu", "loa-1")
    config = _config(station, NodeId("loa-1"), lambda config: config.areas[-2:] == ("vung-lu", "loa-1"))
    assert config.areas[0] == "vinh-phuc"
    assert VILLAGES[0] in config.areas
    assert config.policy.versions
    assert config.settings == NodeSettings(billing_day=20)


def test_the_papers_in_force_travel_in_the_configuration(station: Station) -> None:
    keepers = Keepers(station.town)
    keepers.appoint()
    keepers.renew()
    config = _config(station, NODE, lambda config: config.papers is not None)
    assert config.papers == keepers.bound()
    believed = Belief(NODE, KeyRing([station.courier.key.public]), keepers.root.public)
    assert believed.bind(None, config).areas == config.areas


def test_a_released_press_travels_in_the_configuration(station: Station) -> None:
    node, press = NodeId("loa-1"), StopId("1" * 32)
    station.town.node(node)
    with station.town.db.work() as work:
        node_row(work.session, node).released = press
    station.publisher.config_changed(frozenset({AreaId(node)}))
    wait_for(lambda: bool(station.courier.messages(Topic(Channel.CONFIG, node))), what="the configuration")
    with station.town.db.look() as session:
        body = config_body_of(session, node) or b""
    config = unpack_config(body, node, KeyRing([station.courier.key.public]))
    assert config.settings.released == press


def test_a_node_is_pointed_to_a_release_until_its_rollout_is_halted(station: Station) -> None:
    node, now = NodeId("loa-1"), station.town.clock.now()
    station.town.node(node)
    facts: dict[str, object] = {"sha256": "a" * 64, "version": "0.2.0", "size_bytes": 9, "manifest": "{}"}
    row = RolloutRow(
        release_sha256="a" * 64,
        area_id=COMMUNE,
        status=Status.RUNNING,
        reason="",
        stage=0,
        stages=1,
        stage_began_at=now,
        observe_s=0,
        stop_at_pct=5,
        spread_s=60,
        created_by="quan",
        created_at=now,
    )
    with station.town.db.work() as work:
        rollouts.add_release(work.session, {**facts, "added_by": "quan", "added_at": now})
        number = rollouts.add_rollout(work.session, row, [[node]])
    release = _config(station, node, lambda config: config.release is not None).release
    assert release is not None
    assert (release.rollout, release.version, release.spread_ms) == (number, "0.2.0", 60_000)
    with station.town.db.work() as work:
        rollouts.rollout_row(work.session, number).status = Status.HALTED
    _config(station, node, lambda config: config.release is None)


def _config(station: Station, node: NodeId, is_it: Callable[[Config], bool]) -> Config:
    """The configuration that is meant: the publisher may have made one before when it started."""
    station.publisher.config_changed(frozenset({AreaId(node)}))
    keys = KeyRing([station.courier.key.public])

    def look() -> Config | None:
        with station.town.db.look() as session:
            body = config_body_of(session, node)
        config = unpack_config(body, node, keys) if body else None
        return config if config is not None and is_it(config) else None

    return wait_for(look, what="the configuration")


def test_a_node_gets_the_hour_of_its_self_test(station: Station) -> None:
    station.town.node("loa-1")
    technician = Person("binh", "Bình", frozenset({Grant(COMMUNE, Role.TECHNICIAN)}))
    with station.town.db.work() as work:
        station.town.nodes.schedule_self_test(work, technician, NodeId("loa-1"), "06:30")
    station.publisher.config_changed(frozenset({AreaId("loa-1")}))

    def hour() -> str | None:
        with station.town.db.look() as session:
            body = config_body_of(session, NodeId("loa-1"))
        if not body:
            return None
        keys = KeyRing([station.courier.key.public])
        return unpack_config(body, NodeId("loa-1"), keys).settings.self_test_at

    wait_for(lambda: hour() == "06:30", what="the configuration names the hour")


def test_a_retired_node_leaves_nothing_with_the_broker(station: Station) -> None:
    station.publisher.config_changed(frozenset({AreaId("gone")}))
    topic = Topic(Channel.CONFIG, AreaId("gone"))
    wait_for(lambda: (topic, b"") in station.courier.sent, what="the empty message")


def test_an_emergency_withdrawn_long_ago_does_not_come_back(station: Station) -> None:
    entry = place(station.town, COMMUNE, class_=EMERGENCY, times=Times(starts_in=timedelta(hours=4)))
    withdraw(station.town, entry.id)
    station.town.clock.forward(hours=2)
    station.publisher.urgent_changed(AREAS)
    assert station.urgent().entries == ()
