"""What ears and self-tests of nodes told: stored, shown, counted; and asking for a self-test."""

from datetime import timedelta

import pytest

from loa.controller.api.log import as_line
from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.sample import COMMUNE
from loa.controller.errors import Conflict, Forbidden
from loa.controller.services.log import Log, LogTimes
from loa.controller.store.configs import kept_configs
from loa.controller.store.database import Database
from loa.controller.store.log import LogFilter
from loa.protocol.ids import BroadcastId, NodeId, occurrence_id
from loa.protocol.reasons import Reason, SelfTestOutcome
from loa.protocol.reports import Evidence, Levels, PlayReport, SelfTestReport, Sensed
from loa.protocol.units import DurationMs
from tests.controller.factories import Town
from tests.controller.site import Client, Site
from tests.controller.test_ingest import NODE, Post

TECHNICIAN = Person("binh", "Bình", frozenset({Grant(COMMUNE, Role.TECHNICIAN)}))
OFFICIAL = Person("mai", "Mai", frozenset({Grant(COMMUNE, Role.OFFICIAL)}))
MUTED = Sensed(judged=8, passed=0, correlation=0.02, level_db=-120)
LEVELS = Levels(every_s=4, recorded=(-18, -22, -120), rendered=(-120, None, -120))
NOT_RENDERED = Evidence(verified=True, decoded=True, rendered=False, rendered_by=MUTED, levels=LEVELS)


@pytest.fixture
def post(db: Database) -> Post:
    return Post(Town(db).build())


def play(post: Post, number: int, evidence: Evidence | None) -> PlayReport:
    """Of a new broadcast each, which sounded whole as far as the node knows."""
    at = post.town.clock.now() + timedelta(minutes=number)
    return PlayReport(
        number=number,
        occurrence=occurrence_id(BroadcastId(f"{number:064x}"), at),
        planned_at=at,
        outcome=Reason.COMPLETE,
        played_ms=DurationMs(60_000),
        evidence=evidence,
    )


def self_test(post: Post, number: int, outcome: SelfTestOutcome, *, hours: float = 0) -> SelfTestReport:
    at = post.town.clock.now() + timedelta(hours=hours)
    return SelfTestReport(number=number, at=at, due_at=at, on_demand=True, outcome=outcome)


def test_evidence_is_in_the_line_of_the_log_and_can_be_asked_for(post: Post) -> None:
    post.report(play(post, 1, NOT_RENDERED), play(post, 2, Evidence(verified=True)), play(post, 3, None))
    silent, unmeasured, old = post.lines()
    assert (silent.rendered, silent.heard) == (False, None)
    assert as_line(silent).evidence == NOT_RENDERED
    assert (unmeasured.rendered, as_line(unmeasured).evidence) == (None, Evidence(verified=True))
    assert (old.rendered, as_line(old).evidence) == (None, None)
    log = Log(db=post.town.db, clock=post.town.clock, events=post.events, times=LogTimes())
    with post.town.db.look() as session:
        page = log.page(
            session, OFFICIAL, LogFilter(within=(), rendered=False), area=None, cursor=None, limit=9
        )
    assert [line.occurrence for line in page.lines] == [silent.occurrence]


def test_what_ears_found_is_counted(post: Post) -> None:
    sounded = Evidence(verified=True, rendered=True, heard=True)
    post.report(
        play(post, 1, NOT_RENDERED), play(post, 2, sounded), self_test(post, 3, SelfTestOutcome.PASSED)
    )
    told = post.metrics.page().decode()
    assert 'loa_evidence_total{ear="rendered",found="no"} 1.0' in told
    assert 'loa_evidence_total{ear="rendered",found="yes"} 1.0' in told
    assert 'loa_evidence_total{ear="heard",found="unmeasured"} 1.0' in told
    assert 'loa_self_tests_total{outcome="passed"} 1.0' in told


def test_the_last_self_test_of_a_node_is_kept(post: Post) -> None:
    post.report(self_test(post, 1, SelfTestOutcome.PASSED))
    later, latest = (
        self_test(post, 2, SelfTestOutcome.BUSY, hours=1),
        self_test(post, 3, SelfTestOutcome.SILENT, hours=2),
    )
    post.report(latest)
    post.report(later)
    post.report(self_test(post, 1, SelfTestOutcome.PASSED))
    with post.town.db.look() as session:
        kept = SelfTestReport.from_bytes(post.town.nodes.get(session, TECHNICIAN, NODE).self_test or "")
    assert kept.outcome is SelfTestOutcome.SILENT
    assert len(post.rows()) == 3
    assert not post.lines()


def test_a_technician_asks_for_a_self_test_and_the_node_is_told(db: Database) -> None:
    town = Town(db).build()
    town.node("loa-1")
    with town.db.work() as work:
        town.nodes.schedule_self_test(work, TECHNICIAN, NodeId("loa-1"), "06:30")
        town.nodes.ask_self_test(work, TECHNICIAN, NodeId("loa-1"))
    with town.db.look() as session:
        (kept,) = kept_configs(session, {NodeId("loa-1")})
    assert (kept.settings.self_test_at, kept.settings.self_test_asked_at) == ("06:30", town.clock.now())
    assert town.publisher.configs[-1] == {"loa-1"}
    with pytest.raises(Forbidden), town.db.work() as work:
        town.nodes.ask_self_test(work, OFFICIAL, NodeId("loa-1"))
    with town.db.work() as work:
        town.nodes.retire(work, TECHNICIAN, NodeId("loa-1"))
    with pytest.raises(Conflict), town.db.work() as work:
        town.nodes.ask_self_test(work, TECHNICIAN, NodeId("loa-1"))


def test_self_tests_over_the_api(site: Site) -> None:
    site.node("loa-1")
    technician: Client = site.user("binh", (COMMUNE, Role.TECHNICIAN))
    shown = technician.ask("PATCH", "/nodes/loa-1", {"self_test_at": "06:30"}).json()
    assert (shown["self_test_at"], shown["self_test_asked_at"], shown["self_test"]) == ("06:30", None, None)
    asked = technician.post("/nodes/loa-1/self-test")
    assert asked.status_code == 202
    assert asked.json()["self_test_asked_at"] is not None
    assert technician.ask("PATCH", "/nodes/loa-1", {"self_test_at": "never"}).json()["self_test_at"] is None
    refused = technician.ask("PATCH", "/nodes/loa-1", {"self_test_at": "25:00"})
    assert refused.status_code == 422
    assert site.user("mai", (COMMUNE, Role.OFFICIAL)).post("/nodes/loa-1/self-test").status_code == 403
