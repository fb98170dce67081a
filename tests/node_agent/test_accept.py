from datetime import datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.node_agent.core.accept import Duplicate, Fresh, Refused, Verdict, judge, sift
from loa.node_agent.core.adoption import adopt
from loa.protocol.broadcast import Entry
from loa.protocol.ids import AreaId
from loa.protocol.keys import SigningKey
from loa.protocol.policy import Policy, PolicyVersion
from loa.protocol.reasons import RefusalReason
from loa.protocol.trust import check_word
from loa.schedules.policy import default_policy, version_at
from tests.node_agent.makers import (
    AREA,
    NOON,
    OWN,
    RING,
    make_broadcast,
    make_config,
    make_entry,
    make_urgent,
    minutes,
    seconds,
)

STALE, FUTURE = RefusalReason.STALE, RefusalReason.FROM_THE_FUTURE
STRANGER = SigningKey.generate()


@pytest.mark.parametrize(
    ("version", "held", "issued_at", "expected"),
    [
        (1, 0, NOON, Fresh()),
        (7, 6, NOON + minutes(2), Fresh()),
        (7, 6, NOON + minutes(2) + seconds(1), FUTURE),
        (7, 7, NOON, Duplicate()),
        (7, 7, NOON + minutes(9), Duplicate()),
        (6, 7, NOON, STALE),
        (8, 7, NOON - minutes(60 * 24 * 90), Fresh()),
    ],
)
def test_a_message_is_judged_by_version_and_time(
    version: int, held: int, issued_at: datetime, expected: Verdict | RefusalReason
) -> None:
    verdict = judge(make_urgent(version=version, issued_at=issued_at), held=held, now=NOON)
    assert (verdict.reason if isinstance(verdict, Refused) else verdict) == expected


ELSEWHERE = make_entry(make_broadcast(NOON, audience=(AreaId("elsewhere"),)))
GENUINE = make_entry(make_broadcast(NOON))
OTHER = make_entry(make_broadcast(NOON, title="other"))
FORGED = make_entry(make_broadcast(NOON), key=STRANGER)
CHECK = partial(check_word, keys=RING)
EARLY = make_entry(make_broadcast(NOON), issued_at=NOON + minutes(5))
BORROWED = Entry(document=OTHER.document, approvals=GENUINE.approvals, issued_at=NOON)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (ELSEWHERE, RefusalReason.NOT_ADDRESSED_HERE),
        (FORGED, RefusalReason.UNAPPROVED),
        (BORROWED, RefusalReason.UNAPPROVED),
        (EARLY, RefusalReason.FROM_THE_FUTURE),
    ],
    ids=["elsewhere", "forged", "borrowed approval", "from the future"],
)
def test_a_bad_entry_is_left_and_the_others_are_taken(entry: Entry, reason: RefusalReason) -> None:
    taken, left = sift([GENUINE, entry, OTHER], areas=(AREA, OWN), check=CHECK, now=NOON)
    assert taken == [GENUINE, OTHER]
    assert [one.refused.reason for one in left] == [reason]


def test_an_entry_for_the_node_itself_is_addressed_here() -> None:
    entry = make_entry(make_broadcast(NOON, audience=(OWN,)))
    assert sift([entry], areas=(AREA, OWN), check=CHECK, now=NOON) == ([entry], [])


def versions(*hours: int) -> Policy:
    return Policy(
        versions=tuple(
            PolicyVersion(
                effective_from=NOON + minutes(60 * hour),
                quiet_source=f"rule of {hour} h",
                hours=default_policy().versions[0].hours,
            )
            for hour in sorted(set(hours))
        )
    )


_policies = st.lists(st.integers(-9, 9), min_size=1, max_size=4).map(lambda hours: versions(*hours))


@given(_policies, _policies, st.integers(-10, 10), st.integers(-12, 12))
def test_a_policy_that_arrives_changes_nothing_before_and_everything_after(
    held: Policy, arrived: Policy, at_hour: int, look_hour: int
) -> None:
    at, look = NOON + minutes(60 * at_hour), NOON + minutes(60 * look_hour)
    adopted = adopt(make_config(policy=held), make_config(version=2, policy=arrived), at).policy
    expected = version_at(held if look < at else arrived, look)
    assert version_at(adopted, look).quiet_source == expected.quiet_source


def test_the_first_policy_holds_as_it_comes() -> None:
    config = make_config(policy=versions(-5, 3))
    assert adopt(None, config, NOON) is config
