"""Which emergencies an answer shows to be of now, and what of the past is put right after a leap."""

from datetime import datetime, timedelta

import pytest

from loa.node_agent.core.gate import Named, cleared
from loa.node_agent.core.leaps import Leap, Unsure, right_config
from loa.node_agent.core.plan import Plan, make_plan
from loa.node_agent.core.shelf import Seen, Shelf
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import Policy
from loa.protocol.reports import Held
from loa.schedules.model import Window
from loa.schedules.policy import open_policy
from tests.node_agent.makers import AREA, NOON, OWN, SOUND, make_broadcast, make_config, make_entry, minutes

HELD = {AREA: Held(urgent=7)}
YEAR = timedelta(days=365)
HOUR = timedelta(hours=1)


def planned(class_: BroadcastClass) -> tuple[Plan, Shelf]:
    entry = make_entry(make_broadcast(NOON, class_=class_))
    shelf = Shelf(entries={entry.id: Seen(entry, NOON)})
    window = Window(from_at=NOON - HOUR, until_at=NOON + HOUR)
    return make_plan(shelf, {SOUND: NOON}, make_config(), window), shelf


@pytest.mark.parametrize(
    ("named", "is_cleared"),
    [
        (Named(at=NOON + minutes(1), current=HELD), True),
        (None, False),
        (Named(at=NOON + minutes(1), current={AREA: Held(urgent=8)}), False),
        (Named(at=NOON + minutes(1), current={AREA: Held(programme=7)}), False),
        (Named(at=NOON + minutes(1), current={OWN: Held(urgent=7)}), False),
        (Named(at=NOON + YEAR, current=HELD), False),
        (Named(at=NOON - YEAR, current=HELD), False),
    ],
)
def test_an_answer_clears_what_it_names_in_its_window(named: Named | None, *, is_cleared: bool) -> None:
    plan, shelf = planned(BroadcastClass.EMERGENCY)
    assert cleared(plan, shelf, HELD, named) == (set(plan.items) if is_cleared else set())


def test_no_answer_clears_a_scheduled_item() -> None:
    plan, shelf = planned(BroadcastClass.NORMAL)
    assert not cleared(plan, shelf, HELD, Named(at=NOON, current=HELD))


BACK = Leap(was=NOON + HOUR, now=NOON, since=NOON + minutes(50))
FORWARD = Leap(was=NOON, now=NOON + HOUR, since=NOON - minutes(10))


@pytest.mark.parametrize(
    ("leap", "stamped", "right"),
    [
        (BACK, NOON + minutes(55), NOON - minutes(5)),
        (BACK, NOON + minutes(20), NOON - minutes(10)),
        (BACK, NOON - minutes(20), NOON - minutes(20)),
        (FORWARD, NOON - minutes(5), NOON + minutes(55)),
        (FORWARD, NOON - minutes(20), NOON - minutes(20)),
    ],
)
def test_what_was_learnt_in_this_run_keeps_its_age(leap: Leap, stamped: datetime, right: datetime) -> None:
    assert leap.right(stamped) == right


def test_a_policy_that_came_by_a_fast_clock_holds_from_when_it_came() -> None:
    (open_one,) = open_policy("Tests sound at any hour.").versions
    came_at, planned_at = NOON + minutes(55), NOON + 2 * HOUR
    versions = tuple(
        open_one.model_copy(update={"effective_from": at}) for at in (NOON - YEAR, came_at, planned_at)
    )
    config = right_config(make_config(policy=Policy(versions=versions)), came_at, BACK)
    starts = [version.effective_from for version in config.policy.versions]
    assert starts == [NOON - YEAR, NOON - minutes(5), planned_at]


def test_the_times_of_an_unsure_clock_are_known_by_the_clock_as_it_is_set() -> None:
    unsure = Unsure()
    unsure.begin(NOON)
    leap = Leap(was=NOON + minutes(5), now=NOON + HOUR, since=NOON, was_set=False)
    unsure.move(leap)
    unsure.end(leap.now)
    covered = [unsure.covers(NOON + minutes(number)) for number in (2, 54, 56, 61)]
    assert covered == [False, False, True, False]
