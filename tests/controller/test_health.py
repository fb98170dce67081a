"""What nodes tell of their machines: kept, drawn hour by hour, counted, shown where to be minded."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from loa.controller.core.access import Role
from loa.controller.core.health import Point, concerns_of, fold
from loa.controller.core.presence import merge
from loa.controller.core.sample import COMMUNE
from loa.controller.services.metrics import Metrics
from loa.controller.services.presence import Presences, Said
from loa.controller.services.retention import Periods, Retention
from loa.controller.store.database import Database
from loa.controller.store.health import points_of
from loa.controller.store.nodes import find_nodes
from loa.protocol.health import Concern, Health
from loa.protocol.ids import BootId, NodeId, OccurrenceId, StopId
from loa.protocol.reasons import ClockState
from loa.protocol.reports import Detail, Output, State, Stopped
from tests.controller.factories import Town
from tests.controller.site import Client, Site
from tests.fakes.controller import FakeEvents

NODE, OTHER = NodeId("cum-1"), NodeId("cum-2")
AT = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)
LATER = AT + timedelta(days=365)
SOUNDING = OccurrenceId(f"{'a' * 64}@1795482000000")


def state(
    at: datetime, health: Health | None = None, detail: Detail = Detail.FULL, node: NodeId = NODE
) -> State:
    """As it came over the wire."""
    made = State(
        node=node,
        boot_id=BootId("c" * 32),
        at=at,
        detail=detail,
        clock=ClockState.TRUSTED,
        health=health,
        free_bytes=None if health is None else 77,
    )
    return State.from_bytes(made.to_bytes())


class Ward:
    """Two nodes, and what they say of themselves."""

    def __init__(self, db: Database) -> None:
        self.town = Town(db).build()
        for node in (NODE, OTHER):
            self.town.node(node)
        self.metrics, self.events = Metrics(), FakeEvents()
        self.presences = Presences(db=db, clock=self.town.clock, events=self.events, metrics=self.metrics)

    @property
    def now(self) -> datetime:
        return self.town.clock.now()

    def hear(
        self, health: Health | None, *, node: NodeId = NODE, retained: bool = False, off_s: int = 0
    ) -> None:
        said_at = self.now - timedelta(seconds=off_s)
        detail = Detail.FULL if health else Detail.COMPACT
        self.presences.note([Said(state(said_at, health, detail, node), retained=retained)])

    def points(self, node: NodeId = NODE) -> list[Point]:
        with self.town.db.look() as session:
            return points_of(session, node, AT - timedelta(days=365), LATER, 1_000)

    def concerned(self, *, concerned: bool | None = True) -> dict[str, tuple[Concern, ...]]:
        with self.town.db.look() as session:
            found = find_nodes(
                session, areas=[COMMUNE], presence=None, concerned=concerned, after="", limit=10
            )
        return {node.id: node.concerns for node in found}


@pytest.fixture
def ward(db: Database) -> Ward:
    return Ward(db)


def test_what_a_node_minds_stands_with_it_until_it_minds_it_no_more(ward: Ward) -> None:
    ward.hear(Health(temperature_c=85, concerns=(Concern.HOT, Concern.SIGNAL_WEAK)))
    ward.hear(Health(temperature_c=40), node=OTHER)
    assert ward.concerned() == {NODE: (Concern.HOT, Concern.SIGNAL_WEAK)}
    assert ward.concerned(concerned=False) == {OTHER: ()}
    assert set(ward.concerned(concerned=None)) == {NODE, OTHER}
    ward.hear(None)
    assert ward.concerned() == {NODE: (Concern.HOT, Concern.SIGNAL_WEAK)}, "compact says nothing"
    told = len(ward.events.told)
    ward.hear(Health(temperature_c=40))
    assert ward.concerned() == {}
    assert len(ward.events.told) == told + 1, "pages that show it are told"


def test_a_clock_that_is_off_is_seen_by_when_its_word_arrives(ward: Ward) -> None:
    ward.hear(None, off_s=59)
    assert ward.concerned() == {}
    ward.hear(None, off_s=3_600)
    assert ward.concerned() == {NODE: (Concern.CLOCK_OFF,)}
    ward.hear(None, off_s=3_600, retained=True)
    assert ward.concerned() == {NODE: (Concern.CLOCK_OFF,)}, "nobody knows when that was said"
    ward.hear(None, off_s=-2)
    assert ward.concerned() == {}


def test_an_hour_keeps_its_last_values_and_its_worst(ward: Ward) -> None:
    hour = ward.now.replace(minute=0, second=0, microsecond=0)
    ward.hear(Health(temperature_c=85, under_voltage=True, concerns=(Concern.HOT,), signal_pct=50))
    ward.hear(Health(temperature_c=60, under_voltage=False, concerns=(Concern.SIGNAL_WEAK,), signal_pct=10))
    ward.hear(Health(temperature_c=33), node=OTHER)
    worst = Health(
        temperature_c=85, under_voltage=True, concerns=(Concern.HOT, Concern.SIGNAL_WEAK), signal_pct=10
    )
    assert ward.points() == [Point(hour, worst, 77)]
    ward.town.clock.forward(hours=1)
    ward.hear(Health(temperature_c=50))
    assert [point.health.temperature_c for point in ward.points()] == [85, 50]
    assert [point.health.temperature_c for point in ward.points(OTHER)] == [33]


def test_what_the_broker_had_kept_is_no_new_point(ward: Ward) -> None:
    ward.hear(Health(temperature_c=50), retained=True)
    assert ward.points() == []


def test_a_stranger_leaves_no_trace(ward: Ward) -> None:
    ward.hear(Health(temperature_c=50), node=NodeId("nobody"))
    assert ward.points(NodeId("nobody")) == []


def test_a_series_is_forgotten_after_its_period(ward: Ward) -> None:
    ward.hear(Health(temperature_c=50))
    ward.town.clock.forward(days=89)
    ward.hear(Health(temperature_c=51))
    ward.town.clock.forward(days=2)
    Retention(db=ward.town.db, clock=ward.town.clock, periods=Periods()).tidy()
    assert [point.health.temperature_c for point in ward.points()] == [51]


def test_nodes_are_counted_by_what_to_mind_and_not_by_name(ward: Ward) -> None:
    for node in (NODE, OTHER):
        ward.hear(Health(concerns=(Concern.HOT,)), node=node)
    ward.presences.age()
    page = ward.metrics.page()
    assert b'loa_nodes_concerned{concern="hot"} 2.0' in page
    assert page.count(b"\nloa_nodes_concerned{") == len(Concern)


def test_a_compact_state_ends_what_it_leaves_out_and_keeps_what_only_a_full_one_tells() -> None:
    full = state(AT, Health(temperature_c=50)).model_copy(update={"sounding": SOUNDING, "unsent": 3})
    merged = merge(full, state(AT, detail=Detail.COMPACT))
    assert (merged.sounding, merged.unsent) == (None, 0)
    assert (merged.health, merged.free_bytes) == (Health(temperature_c=50), 77)


def test_a_concern_of_a_newer_node_costs_nothing_else() -> None:
    text = state(AT, Health(concerns=(Concern.HOT,))).to_bytes().replace(b'"hot"', b'"stolen","hot"')
    health = State.from_bytes(text).health
    assert health is not None
    assert health.concerns == (Concern.HOT,)


def test_a_sensor_that_fell_silent_is_not_remembered_as_well() -> None:
    before = Point(AT, Health(temperature_c=50, under_voltage=True), 7)
    assert fold(before, Point(AT, Health(), 6)) == Point(AT, Health(temperature_c=50), 6)
    assert fold(None, before) == before
    assert concerns_of(state(AT), None) == ()


@pytest.fixture
def technician(site: Site) -> Client:
    site.node(NODE)
    return site.user("binh", (COMMUNE, Role.TECHNICIAN))


def note(site: Site, *said: State) -> None:
    presences = Presences(
        db=site.controller.db, clock=site.controller.clock, events=FakeEvents(), metrics=Metrics()
    )
    presences.note([Said(one, retained=False) for one in said])


def test_the_api_gives_the_last_values_and_the_series(site: Site, technician: Client) -> None:
    now = site.controller.clock.now()
    note(site, state(now, Health(temperature_c=82.5, concerns=(Concern.HOT,))))
    node = technician.get(f"/nodes/{NODE}").json()
    assert node["concerns"] == ["hot"]
    assert node["state"]["health"]["temperature_c"] == 82.5
    assert [one["id"] for one in technician.get("/nodes?concerned=true").json()["items"]] == [NODE]
    assert technician.get("/nodes?concerned=false").json()["items"] == []
    series = technician.get(f"/nodes/{NODE}/health").json()
    assert [hour["health"]["temperature_c"] for hour in series["hours"]] == [82.5]
    assert (series["hours"][0]["free_bytes"], series["more"]) == (77, False)
    past = technician.get(f"/nodes/{NODE}/health?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z")
    assert past.json()["hours"] == []
    assert technician.get(f"/nodes/{NODE}/health?since=yesterday").status_code == 422
    assert technician.get("/nodes/nobody/health").status_code == 404
    assert site.client().get(f"/nodes/{NODE}/health").status_code == 401


def test_pages_are_told_when_a_button_is_pressed_or_the_output_is_gone(db: Database) -> None:
    ward = Ward(db)
    ward.hear(None)
    told = len(ward.events.told)

    def say(**facts: object) -> int:
        ward.presences.note([Said(state(ward.now).model_copy(update=facts), retained=False)])
        return len(ward.events.told) - told

    assert say() == 0
    assert say(stopped=Stopped(id=StopId("d" * 32), at=ward.now)) == 1
    assert say(stopped=Stopped(id=StopId("d" * 32), at=ward.now), output=Output(is_open=False)) == 2
    assert say(clock=ClockState.HOLDING) == 3
    assert say(clock=ClockState.HOLDING, missing=3) == 3


def test_the_sims_month_and_the_volume_are_settings_of_the_node(site: Site, technician: Client) -> None:
    def change(settings: Mapping[str, object], status: int = 200) -> dict[str, object]:
        answer = technician.ask("PATCH", f"/nodes/{NODE}", {"settings": settings})
        assert answer.status_code == status, answer.text
        return dict(answer.json().get("settings", {}))

    assert change({"billing_day": 20, "month_budget_bytes": 500_000_000})["billing_day"] == 20
    changed = change({"billing_day": 5})
    assert (changed["billing_day"], changed["month_budget_bytes"]) == (5, 500_000_000)
    assert change({"month_budget_bytes": None})["month_budget_bytes"] is None
    assert change({"volume_db": -6})["volume_db"] == -6
    assert change({"billing_day": 6})["volume_db"] == -6
    for wrong in ({"billing_day": 0}, {"billing_day": 32}, {"month_budget_bytes": 0}, {"budget": 1}):
        change(wrong, 422)
    for loud in (3, -41):
        change({"volume_db": loud}, 422)
    official = site.user("mai", (COMMUNE, Role.OFFICIAL))
    assert official.ask("PATCH", f"/nodes/{NODE}", {"settings": {"billing_day": 9}}).status_code == 403
