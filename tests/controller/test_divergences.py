"""A node that holds other orders than it was given is shown within two minutes of hearing from it."""

from datetime import datetime, timedelta

import pytest

from loa.controller.core.access import Role
from loa.controller.core.divergence import Divergence, Orders, diverges
from loa.controller.core.presence import Presence
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.services.divergences import Divergences
from loa.controller.services.metrics import Metrics
from loa.controller.store.configs import store_config
from loa.controller.store.database import Database
from loa.controller.store.nodes import node_row
from loa.controller.store.programmes import store_programme
from loa.protocol.ids import AreaId, BootId, NodeId
from loa.protocol.programme import ConfigPointer, ProgrammePointer
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Detail, Held, State
from loa.protocol.units import SizeBytes, to_ms
from tests.controller.factories import Town
from tests.controller.site import Site
from tests.fakes.controller import START, FakeEvents

NODE, NOW = NodeId("cum-1"), START
VILLAGE = VILLAGES[0]
MINUTE = timedelta(minutes=1)
ISSUED = NOW - 10 * MINUTE
GIVEN = Orders(to_ms(ISSUED), {VILLAGE: Held(programme=to_ms(ISSUED), urgent=to_ms(ISSUED))})
OLD, NEW, OWN = to_ms(ISSUED - 5 * MINUTE), to_ms(ISSUED + MINUTE), to_ms(ISSUED)


def told(config: int = OWN, programme: int = OWN, urgent: int = OWN) -> Orders:
    return Orders(config, {VILLAGE: Held(programme=programme, urgent=urgent)})


@pytest.mark.parametrize(
    ("orders", "found"),
    [
        (told(), None),
        (told(config=OLD), Divergence.BEHIND),
        (told(programme=OLD), Divergence.BEHIND),
        (told(urgent=OLD), Divergence.BEHIND),
        (Orders(OWN), Divergence.BEHIND),
        (told(config=NEW), Divergence.AHEAD),
        (told(programme=OLD, urgent=NEW), Divergence.AHEAD),
        (told(urgent=2**52), Divergence.AHEAD),
        (Orders(OWN, {**GIVEN.held, AreaId("elsewhere"): Held(programme=OLD)}), None),
    ],
)
def test_versions_are_compared_one_by_one(orders: Orders, found: Divergence | None) -> None:
    assert diverges(orders, GIVEN, heard_at=NOW, there_since=ISSUED - MINUTE, now=NOW) is found


@pytest.mark.parametrize(
    ("heard_at", "there_since", "now", "found"),
    [
        (ISSUED - MINUTE, ISSUED - MINUTE, NOW, None),  # not heard since
        (ISSUED + MINUTE, ISSUED - MINUTE, ISSUED + MINUTE, None),  # on its way
        (ISSUED + MINUTE, ISSUED - MINUTE, ISSUED + 2 * MINUTE, Divergence.BEHIND),
        (NOW, NOW, NOW + MINUTE, None),  # it has just come back
        (NOW, NOW, NOW + 2 * MINUTE, Divergence.BEHIND),
    ],
)
def test_what_may_be_on_its_way_is_no_difference(
    heard_at: datetime, there_since: datetime, now: datetime, found: Divergence | None
) -> None:
    late = told(programme=OLD)
    assert diverges(late, GIVEN, heard_at=heard_at, there_since=there_since, now=now) is found


def give(db: Database, at: datetime) -> None:
    """A configuration and a programme, both issued then."""
    version, sha256, size = to_ms(at), "a" * 64, SizeBytes(1)
    config = ConfigPointer(node=NODE, version=version, sha256=sha256, size_bytes=size, issued_at=at)
    programme = ProgrammePointer(area=VILLAGE, version=version, sha256=sha256, size_bytes=size, issued_at=at)
    with db.work() as work:
        store_config(work.session, config, b"c")
        store_programme(work.session, programme, b"p")


def hear(db: Database, at: datetime, orders: Orders) -> None:
    state = State(
        node=NODE,
        boot_id=BootId("c" * 32),
        at=at,
        detail=Detail.FULL,
        clock=ClockState.TRUSTED,
        config=orders.config,
        held=dict(orders.held),
    )
    with db.work() as work:
        row = node_row(work.session, NODE)
        row.state, row.state_at = state.to_bytes().decode(), at
        row.presence, row.presence_at = Presence.CONNECTED, ISSUED - MINUTE


def test_it_is_told_when_it_begins_and_when_it_ends(db: Database) -> None:
    town = Town(db).build()
    town.node(NODE, VILLAGE)
    events, metrics = FakeEvents(), Metrics()
    watch = Divergences(db=db, clock=town.clock, events=events, metrics=metrics)
    give(db, ISSUED)
    hear(db, town.clock.now(), told(programme=OLD, urgent=0))
    watch.watch()
    watch.watch()
    assert list(watch.since()) == [NODE]
    assert [one.subject for one in events.told] == [NODE]
    assert metrics.registry.get_sample_value("loa_nodes_diverging", {"how": "behind"}) == 1
    hear(db, town.clock.now(), told(urgent=0))
    watch.watch()
    assert watch.since() == {}
    assert metrics.registry.get_sample_value("loa_nodes_diverging", {"how": "behind"}) == 0


@pytest.mark.parametrize(
    ("orders", "words"),
    [(told(programme=OLD), "không nhận lệnh mới"), (told(config=NEW), "giữ lệnh mà máy chủ không ra")],
)
def test_its_page_and_home_say_so(site: Site, orders: Orders, words: str) -> None:
    site.node(NODE, VILLAGE)
    client = site.user("hanh", (COMMUNE, Role.OFFICIAL))
    client.base = "https://loa.test"
    shift = site.controller.clock.now() - NOW
    give(site.controller.db, ISSUED + shift)

    def shifted(version: int) -> int:
        return version + to_ms(NOW + shift) - to_ms(NOW)

    held = {area: Held(programme=shifted(one.programme), urgent=0) for area, one in orders.held.items()}
    hear(site.controller.db, NOW + shift, Orders(shifted(orders.config), held))
    assert words in client.get(f"/nodes/{NODE}").text
    site.controller.divergences.watch()
    assert "giữ lệnh khác với máy chủ" in client.get("/").text
