"""Proof: reports held against the timeline."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from loa.controller.adapters.silence_journal import FileSilenceJournal
from loa.controller.core.access import Role
from loa.controller.core.judge import Stretch, Told, Verdict, judge
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.errors import NotFound
from loa.controller.services.log import Log, LogTimes
from loa.controller.services.proofs import Proofs
from loa.controller.store.database import Database
from loa.controller.store.tables import LogRow
from loa.protocol.ids import OccurrenceId
from loa.protocol.reasons import Reason
from loa.schedules.model import Outcome, Segment
from tests.controller.air import place, withdraw
from tests.controller.factories import Town
from tests.fakes.controller import FakeEvents

TEN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ITEM = OccurrenceId("a" * 64 + "@1")


def segment(from_s: float, to_s: float) -> Segment:
    return Segment(TEN + timedelta(seconds=from_s), TEN + timedelta(seconds=to_s), ITEM, 0)


def stretch(from_s: float, to_s: float) -> Stretch:
    return Stretch(TEN + timedelta(seconds=from_s), TEN + timedelta(seconds=to_s))


WHOLE = (segment(0, 60),)
CUT = (segment(0, 20), segment(50, 90))


@dataclass(frozen=True, slots=True)
class Case:
    demanded: tuple[Segment, ...]
    reason: str | None
    outcome: str
    sounded: tuple[Stretch, ...]
    verdict: Verdict
    lacking_s: float = 0
    beyond_s: float = 0


AS_CUT = (stretch(0, 20), stretch(50, 90))
CASES = (
    Case(WHOLE, "complete", "complete", (stretch(0.005, 60.005),), Verdict.AS_DEMANDED, 0.005, 0.005),
    Case(CUT, "complete", "complete", AS_CUT, Verdict.AS_DEMANDED),
    Case(CUT, "complete", "complete", (stretch(0, 60),), Verdict.DIFFERENT, 30, 30),
    Case(WHOLE, "complete", "complete", (stretch(1.5, 60),), Verdict.DIFFERENT, 1.5),
    Case(WHOLE, "complete", "power_lost", (stretch(0, 30),), Verdict.DIFFERENT, 30),
    Case(WHOLE, "complete", "sound_missing", (), Verdict.SILENT, 60),
    Case((), "withdrawn", "complete", (stretch(0, 60),), Verdict.UNDEMANDED, 0, 60),
    Case((), None, "complete", (stretch(0, 60),), Verdict.UNDEMANDED, 0, 60),
    Case((), "withdrawn", "withdrawn", (), Verdict.AS_DEMANDED),
    Case((), "withdrawn", "silenced", (), Verdict.DIFFERENT),
    Case(WHOLE, "complete", "missed", (), Verdict.UNREPORTED, 60),
    Case(WHOLE, "complete", "expected", (), Verdict.PENDING, 60),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.verdict}-{case.outcome}")
def test_a_line_is_judged_by_its_timeline(case: Case) -> None:
    ends = None if case.reason is None else Outcome(Reason(case.reason), TEN)
    found = judge(case.demanded, ends, Told(outcome=case.outcome, stretches=case.sounded))
    assert found.verdict is case.verdict
    assert found.lacking_ms == case.lacking_s * 1000
    assert found.beyond_ms == case.beyond_s * 1000


@pytest.fixture
def town(db: Database) -> Town:
    made = Town(db).build()
    made.node("loa-1", VILLAGES[0])
    return made


def only_line(town: Town, outcome: str, pieces: str = "[]") -> int:
    Log(db=town.db, clock=town.clock, events=FakeEvents(), times=LogTimes()).expect(frozenset({COMMUNE}))
    with town.db.work() as work:
        line = work.session.exec(select(LogRow)).one()
        line.outcome, line.pieces = outcome, pieces
        return line.id or 0


def test_the_proof_recomputes_the_nodes_own_timeline(town: Town, tmp_path: Path) -> None:
    place(town, COMMUNE)
    pieces = '[{"from_at":"2026-11-23T02:00:00.004Z","to_at":"2026-11-23T02:00:25.004Z","offset_ms":0}]'
    line = only_line(town, "complete", pieces)
    minh = town.user("minh", (COMMUNE, Role.SUPERVISOR))
    stranger = town.user("hoa", (VILLAGES[1], Role.OFFICIAL))
    journal = FileSilenceJournal(tmp_path / "silences")
    proofs = Proofs(journal=journal)
    with town.db.look() as session:
        found = proofs.of(session, minh, line)
        with pytest.raises(NotFound):
            proofs.of(session, stranger, line)
        with pytest.raises(NotFound):
            proofs.of(session, minh, line + 1)
    assert (found.verdict, found.demanded_reason) == (Verdict.AS_DEMANDED, Reason.COMPLETE)
    journal.close()


def test_what_sounded_though_it_was_withdrawn_is_seen(town: Town, tmp_path: Path) -> None:
    entry = place(town, COMMUNE)
    withdraw(town, entry.id)
    pieces = '[{"from_at":"2026-11-23T02:00:00Z","to_at":"2026-11-23T02:00:25Z","offset_ms":0}]'
    line = only_line(town, "complete", pieces)
    minh = town.user("minh", (COMMUNE, Role.SUPERVISOR))
    journal = FileSilenceJournal(tmp_path / "silences")
    with town.db.look() as session:
        found = Proofs(journal=journal).of(session, minh, line)
    journal.close()
    assert (found.verdict, found.beyond_ms) == (Verdict.UNDEMANDED, 25_000)


def test_what_no_ear_found_is_silent_whatever_was_played() -> None:
    def verdict(*, rendered: bool | None) -> Verdict:
        told = Told(outcome="complete", stretches=(stretch(0, 60),), rendered=rendered)
        outcome = Outcome(Reason.COMPLETE, TEN + timedelta(seconds=60))
        return judge(WHOLE, outcome, told).verdict

    assert verdict(rendered=False) is Verdict.SILENT
    assert verdict(rendered=True) is verdict(rendered=None) is Verdict.AS_DEMANDED
