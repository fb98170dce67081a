"""What is old goes, what must stay stays."""

from datetime import timedelta

import pytest
from sqlmodel import select

from loa.controller.services.retention import Periods, Retention
from loa.controller.store.database import Database
from loa.controller.store.reports import insert_reports
from loa.controller.store.tables import ReportRow
from tests.fakes.controller import FakeClock

DAYS = 400


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def store(db: Database, clock: FakeClock, kinds: list[str]) -> None:
    rows = [
        {
            "node_id": "loa-1",
            "journal_id": "b" * 32,
            "number": number,
            "kind": kind,
            "at": clock.now(),
            "received_at": clock.now(),
            "body": "{}",
        }
        for number, kind in enumerate(kinds, 1)
    ]
    with db.work() as work:
        insert_reports(work.session, rows)


def left(db: Database) -> list[str]:
    with db.look() as session:
        return sorted(session.exec(select(ReportRow.kind)))


def test_plays_go_after_their_period_and_incidents_stay(db: Database, clock: FakeClock) -> None:
    store(db, clock, ["play", "refusal", "problem", "play"])
    retention = Retention(db=db, clock=clock, periods=Periods(plays=timedelta(days=DAYS)))
    clock.forward(days=DAYS)
    retention.tidy()
    assert left(db) == ["play", "play", "problem", "refusal"]
    clock.forward(seconds=1)
    retention.tidy()
    assert left(db) == ["problem", "refusal"]


def test_more_than_one_transaction_takes_all(db: Database, clock: FakeClock) -> None:
    store(db, clock, ["play"] * 2_300)
    clock.forward(days=DAYS + 1)
    Retention(db=db, clock=clock, periods=Periods()).tidy()
    assert left(db) == []
