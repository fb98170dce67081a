"""Sign-ins that fail are counted and told, without what was typed and without end."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from loa.controller.core.access import Person, Role
from loa.controller.core.sample import COMMUNE
from loa.controller.errors import TooMany, Unauthenticated
from loa.controller.services.failed_sign_ins import LINES_A_MINUTE, FailedSignIns, Step
from loa.controller.services.metrics import Metrics
from loa.controller.services.sessions import Browser
from loa.controller.store.database import Database
from tests.controller.doors import Phone
from tests.controller.factories import PASSWORD, Town
from tests.fakes.controller import FakeClock

AWAY = Browser(source="203.0.113.9")
SECRET = "mat-khau-go-nham-o"


@pytest.fixture
def town(sqlite_db: Database) -> Town:
    town = Town(sqlite_db).build()
    town.user("hoa", (COMMUNE, Role.OFFICIAL))
    return town


def counted(metrics: Metrics, step: Step) -> float:
    return metrics.registry.get_sample_value("loa_sign_ins_failed_total", {"step": step}) or 0.0


Lines = Callable[[], list[Mapping[str, Any]]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """What was logged of sign-ins since the last look; a logger that was used before keeps its processors."""

    def look() -> list[Mapping[str, Any]]:
        told = [record.msg for record in caplog.records if isinstance(record.msg, Mapping)]
        caplog.clear()
        return [line for line in told if str(line["event"]).startswith("sign_in.")]

    return look


def fails(town: Town, user: str, password: str) -> None:
    with pytest.raises((Unauthenticated, TooMany)):
        town.sessions.sign_in(user, password, AWAY)


def test_a_wrong_password_is_a_line_with_who_and_from_where(town: Town, lines: Lines) -> None:
    fails(town, "hoa", SECRET)
    [line] = lines()
    assert (line["step"], line["user"], line["source"]) == (Step.PASSWORD, "hoa", AWAY.source)
    assert SECRET not in str(line)
    assert counted(town.metrics, Step.PASSWORD) == 1


def test_what_was_typed_for_a_name_and_is_none_is_not_told(town: Town, lines: Lines) -> None:
    fails(town, SECRET, "")
    [line] = lines()
    assert line["user"] is None
    assert SECRET not in str(line)


def test_who_is_slowed_down_is_counted_apart(town: Town) -> None:
    for _ in range(30):
        fails(town, "hoa", SECRET)
    assert counted(town.metrics, Step.SLOWED) > 0
    assert counted(town.metrics, Step.PASSWORD) + counted(town.metrics, Step.SLOWED) == 30


def test_a_wrong_code_is_told_too(town: Town) -> None:
    Phone(town, Person("hoa", "Hoa", frozenset()))
    half = town.sessions.sign_in("hoa", PASSWORD, AWAY)
    assert half.is_half
    with pytest.raises(Unauthenticated):
        town.sessions.complete(half.secret, "000000", AWAY)
    assert counted(town.metrics, Step.CODE) == 1


def test_a_flood_writes_few_lines_and_counts_all(lines: Lines) -> None:
    clock, metrics = FakeClock(), Metrics()
    failed = FailedSignIns(clock=clock, metrics=metrics)
    for _ in range(1_000):
        failed.note(Step.PASSWORD, AWAY.source, None)
    clock.forward(minutes=1)
    failed.note(Step.PASSWORD, AWAY.source, None)
    told = [line["event"] for line in lines()]
    assert told.count("sign_in.failed") == LINES_A_MINUTE + 1
    assert told.count("sign_in.failed_often") == 1
    assert counted(metrics, Step.PASSWORD) == 1_001
