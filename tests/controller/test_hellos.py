"""A hello is answered with the time and the versions of the node's own areas."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.services.hellos import Greeting, Hellos
from loa.controller.services.identities import IdentityWatch
from loa.controller.services.metrics import Metrics
from loa.controller.store.database import Database
from loa.controller.store.tables import NodeRow
from loa.protocol.ids import AreaId, BootId, JournalId, NodeId, Nonce
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Answer, Held, Hello
from loa.protocol.topics import Channel, Topic
from tests.controller.factories import Town
from tests.fakes.controller import FakeEvents
from tests.fakes.courier import FakeCourier

NODE = NodeId("loa-1")
CURRENT = Held(programme=7, urgent=5)


@dataclass
class Versions:
    """What the publisher knows, and what it was told."""

    heard_areas: list[dict[AreaId, Held]] = field(default_factory=list)
    heard_configs: list[tuple[NodeId, int, int]] = field(default_factory=list)

    def current(self, _area: AreaId) -> Held:
        return CURRENT

    def heard(self, areas: dict[AreaId, Held]) -> None:
        self.heard_areas.append(areas)

    def heard_config(self, node: NodeId, version: int, ours: int) -> None:
        self.heard_configs.append((node, version, ours))


@dataclass
class Desk:
    town: Town
    courier: FakeCourier = field(default_factory=FakeCourier)
    versions: Versions = field(default_factory=Versions)
    waited_s: float = 0.0

    def say(self, *hellos: Hello) -> None:
        made = Hellos(
            db=self.town.db,
            clock=self.town.clock,
            courier=self.courier,
            publisher=self.versions,
            metrics=Metrics(),
            identities=IdentityWatch(db=self.town.db, clock=self.town.clock, events=FakeEvents()),
        )
        now_s = time.monotonic()
        made.answer([Greeting(one, now_s - self.waited_s) for one in hellos])


@pytest.fixture
def desk(db: Database) -> Desk:
    town = Town(db).build()
    town.node(NODE)
    town.zone("vung-lu", NODE)
    with db.work() as work:
        row = work.session.get(NodeRow, NODE)
        assert row is not None
        row.config_version = 12
    return Desk(town)


def hello(desk: Desk, node: NodeId = NODE, held: dict[AreaId, Held] | None = None) -> Hello:
    return Hello(
        node=node,
        boot_id=BootId("c" * 32),
        journal_id=JournalId("b" * 32),
        nonce=Nonce("e" * 32),
        sent_at=desk.town.clock.now(),
        clock=ClockState.UNTRUSTED,
        config=3,
        held=held or {},
        agent="0.1",
    )


def test_the_answer_has_nonce_time_and_the_versions_of_the_nodes_areas(desk: Desk) -> None:
    desk.say(hello(desk))
    answer = desk.courier.last(Topic(Channel.ANSWER, NODE))
    assert isinstance(answer, Answer)
    assert (answer.nonce, answer.at, answer.config) == ("e" * 32, desk.town.clock.now(), 12)
    assert set(answer.current) == {"vinh-phuc", "song-lo", COMMUNE, VILLAGES[0], "vung-lu", NODE}
    assert answer.current[COMMUNE] == CURRENT


def test_the_answer_says_how_long_the_hello_waited(desk: Desk) -> None:
    desk.waited_s = 0.5
    desk.say(hello(desk))
    answer = desk.courier.last(Topic(Channel.ANSWER, NODE))
    assert isinstance(answer, Answer)
    assert 500 <= answer.waited_ms < 5_000


def test_the_publisher_hears_what_the_node_holds_of_its_own_areas_alone(desk: Desk) -> None:
    held = {AreaId("thon-minh-tan"): Held(programme=99), COMMUNE: Held(programme=6)}
    desk.say(hello(desk, held=held))
    [areas] = desk.versions.heard_areas
    assert areas[COMMUNE] == Held(programme=6)
    assert areas[AreaId("vung-lu")] == Held()
    assert "thon-minh-tan" not in areas
    assert desk.versions.heard_configs == [(NODE, 3, 12)]


def test_every_hello_is_answered(desk: Desk) -> None:
    desk.town.node("loa-2")
    desk.say(hello(desk), hello(desk, NodeId("loa-2")), hello(desk))
    assert [str(topic) for topic, _ in desk.courier.sent] == [
        f"loa/v1/nodes/{node}/answer" for node in (NODE, "loa-2", NODE)
    ]


def test_a_hello_by_a_clock_that_shows_1970_is_answered(desk: Desk) -> None:
    long_ago = datetime(1970, 1, 1, tzinfo=UTC)
    desk.say(hello(desk).model_copy(update={"sent_at": long_ago}))
    answer = desk.courier.last(Topic(Channel.ANSWER, NODE))
    assert isinstance(answer, Answer)
    assert answer.at == desk.town.clock.now()


def test_the_time_is_read_when_all_else_is_ready(desk: Desk) -> None:
    class Slow(Versions):
        def current(self, _area: AreaId) -> Held:
            desk.town.clock.forward(seconds=1)
            return CURRENT

    desk.versions = Slow()
    desk.say(hello(desk))
    answer = desk.courier.last(Topic(Channel.ANSWER, NODE))
    assert isinstance(answer, Answer)
    assert answer.at == desk.town.clock.now()
