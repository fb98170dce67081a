"""The table of tricky cases, one line each; quiet 22:00-05:00 unless a line says otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations

import pytest

from loa.protocol.kinds import AfterInterruption, Late
from loa.protocol.policy import Policy
from loa.schedules.model import Item, Silence, Withdrawal
from loa.schedules.timeline import lay_out
from tests.schedules.make import TZ, at, drawn, item, policy, silence, told, version, withdrawal

HIGHER = 90


@dataclass
class Case:
    """Named items, what else is said, and what is expected to sound and to be told."""

    items: dict[str, Item]
    sounds: str
    told: dict[str, str] = field(default_factory=dict)
    withdrawals: Sequence[Withdrawal] = ()
    silences: Sequence[Silence] = ()
    policy: Policy = field(default_factory=policy)


def named(*items: tuple[str, Item]) -> dict[str, Item]:
    return dict(items)


def given(name: str, start: str, length: float = 5, **facts: object) -> tuple[str, Item]:
    return name, item(name, start, length, **facts)


RELAY = {"whole": False, "after_interruption": AfterInterruption.REJOIN, "last_end": "10:30"}

CASES = {
    "equal emergencies follow each other": Case(
        named(given("e1", "10:00", 10), given("e2", "10:05", 5, issued="09:00")),
        "e1 10:00-10:10, e2 10:10-10:15",
    ),
    "a higher emergency interrupts an emergency, and both resume": Case(
        named(given("n", "10:00", 20), given("e1", "10:05", 10), given("e2", "10:10", 5, authority=HIGHER)),
        "n 10:00-10:05, e1 10:05-10:10, e2 10:10-10:15, e1 10:15-10:20 +5, n 10:20-10:35 +5",
    ),
    "a waiting priority precedes a suspended normal": Case(
        named(given("n", "10:00", 20), given("e", "10:05", 5), given("p", "10:07", 10)),
        "n 10:00-10:05, e 10:05-10:10, p 10:10-10:20, n 10:20-10:35 +5",
    ),
    "a relay rejoins the clock": Case(
        named(given("n", "10:00", 30, **RELAY), given("e", "10:05", 5), given("p", "10:07", 10)),
        "n 10:00-10:05, e 10:05-10:10, p 10:10-10:20, n 10:20-10:30 +20",
        {"n": "partly 10:30"},
    ),
    "a rest that would run into quiet hours stays away": Case(
        named(given("n", "21:35", 25, last_end="22:10"), given("e", "21:45", 10)),
        "n 21:35-21:45, e 21:45-21:55",
        {"n": "into_quiet_hours 21:55"},
    ),
    "a relay is trimmed by quiet hours": Case(
        named(given("n", "21:45", 30, whole=False)), "n 21:45-22:00", {"n": "quiet_hours 22:00"}
    ),
    "shorter and patient ones get their turn, the impatient is displaced": Case(
        named(
            given("n1", "09:00", 60),
            given("n2", "09:30", 30, na="10:00"),
            given("n3", "09:31", na="09:45"),
            given("n4", "09:40", 5),
        ),
        "n1 09:00-10:00, n2 10:00-10:30, n4 10:30-10:35",
        {"n3": "displaced 09:45 n1"},
    ),
    "what is issued late begins late or expires": Case(
        named(
            given("n1", "10:00", 10, na="10:10", issued="10:07"),
            given("n2", "10:00", 10, na="10:10", issued="10:11"),
        ),
        "n1 10:07-10:17",
        {"n2": "expired 10:11"},
    ),
    "STOP ends what sounds, refuses what becomes due, and lets a new emergency pass": Case(
        named(
            given("n1", "09:55", 10),
            given("n2", "10:10"),
            given("n3", "10:40", 5),
            given("e", "10:05", 3, issued="10:05", approved="10:05"),
        ),
        "n1 09:55-10:00, e 10:05-10:08, n3 10:40-10:45",
        {"n1": "silenced 10:00", "n2": "silenced 10:10"},
        silences=[silence("10:00", "10:30")],
    ),
    "STOP ends what waits": Case(
        named(given("n1", "10:00", 30), given("n2", "10:05", 5)),
        "n1 10:00-10:10",
        {"n1": "silenced 10:10", "n2": "silenced 10:10"},
        silences=[silence("10:10", "10:20")],
    ),
    "STOP cannot precede its issue": Case(
        named(given("n", "09:55", 10)),
        "n 09:55-10:01",
        {"n": "silenced 10:01"},
        silences=[silence("09:50", "10:30", "10:01")],
    ),
    "STOP refuses what was approved before it and issued after it": Case(
        named(given("n", "17:00", issued="12:00")),
        "",
        {"n": "silenced 17:00"},
        silences=[silence("10:00", "23:00")],
    ),
    "after a withdrawn emergency the interrupted resumes": Case(
        named(given("n", "10:00", 20), given("e", "10:05", 10)),
        "n 10:00-10:05, e 10:05-10:08, n 10:08-10:23 +5",
        {"e": "withdrawn 10:08"},
        withdrawals=[withdrawal(item("e", "10:05").id, "10:08")],
    ),
    "minutes a day are reserved whole and refuse beginnings": Case(
        named(given("n", "09:00", 40), given("e", "09:10", 5), given("p", "09:12", 30, na="10:00")),
        "n 09:00-09:10, e 09:10-09:15, n 09:15-09:45 +10",
        {"p": "minutes_used_up 10:00"},
        policy=policy(version(("05:00", "22:00"), limit=60)),
    ),
    "minutes given back let the next one begin": Case(
        named(given("n", "09:00", 40), given("e", "09:10", 20), given("p", "09:05", 30)),
        "n 09:00-09:10, e 09:10-09:30, n 09:30-09:40 +10, p 09:40-10:10",
        {"n": "withdrawn 09:40"},
        withdrawals=[withdrawal(item("n", "09:00").id, "09:40")],
        policy=policy(version(("05:00", "22:00"), limit=60)),
    ),
    "repeats of an emergency do not queue up behind a higher one": Case(
        named(
            given("e0", "10:00", 35, authority=HIGHER),
            given("e1", "10:00", 4, na="10:09"),
            given("e2", "10:10", 4, na="10:19"),
            given("e3", "10:20", 4, na="10:29"),
            given("e4", "10:30", 4, na="10:39"),
            given("e5", "10:40", 4, na="10:49"),
        ),
        "e0 10:00-10:35, e4 10:35-10:39, e5 10:40-10:44",
        {"e1": "displaced 10:09 e0", "e2": "displaced 10:19 e0", "e3": "displaced 10:29 e0"},
    ),
    "an emergency learnt late interrupts from its arrival on": Case(
        named(given("n", "09:50", 30), given("e", "10:00", 2, issued="10:00", known="10:10")),
        "n 09:50-10:10, e 10:10-10:12, n 10:12-10:22 +20",
    ),
    "what is learnt late joins its neighbours": Case(
        named(given("n", "10:00", 30, known="10:10", late=Late.JOIN)),
        "n 10:10-10:30 +10",
        {"n": "partly 10:30"},
    ),
    "what is learnt late is skipped": Case(
        named(given("n", "10:00", 30, known="10:10", late=Late.SKIP)), "", {"n": "learnt_too_late 10:10"}
    ),
    "the night of Tết is one window": Case(
        named(given("n", "23:40", 40)),
        "n 23:40-00:20",
        policy=policy(version(("00:00", "01:00"), ("05:00", "24:00"))),
    ),
    "an emergency at the very end interrupts nothing": Case(
        named(given("n", "10:00", 10), given("e", "10:10")), "n 10:00-10:10, e 10:10-10:15"
    ),
    "a policy that narrows cuts at its effect": Case(
        named(given("n", "10:00", 20)),
        "n 10:00-10:05",
        {"n": "quiet_hours 10:05"},
        policy=policy(
            version(("05:00", "22:00")), version(("05:00", "10:00"), ("11:00", "22:00"), since=at("10:05"))
        ),
    ),
    "priority goes first in the commune's order and cuts nothing off": Case(
        named(
            given("n1", "09:50", 20),
            given("p1", "10:00", 5),
            given("n2", "10:00", 5),
            given("p2", "10:05", 5, order=-1),
        ),
        "n1 09:50-10:10, p2 10:10-10:15, p1 10:15-10:20, n2 10:20-10:25",
    ),
    "at 03:15 only an emergency sounds": Case(
        named(given("e", "03:15", 5), given("p", "03:15", 5, na="04:15")),
        "e 03:15-03:20",
        {"p": "quiet_hours 04:15"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_case_sounds_as_expected_in_any_order_of_input(name: str) -> None:
    case = CASES[name]
    names = {thing.id: label for label, thing in case.items.items()}
    for items in list(permutations(case.items.values()))[:24]:
        timeline = lay_out(items, case.withdrawals, case.silences, case.policy, TZ)
        assert drawn(timeline, names) == case.sounds
        assert told(timeline, names) == case.told
