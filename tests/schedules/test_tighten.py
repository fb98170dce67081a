"""The keepers' policy and the controller's together: what both allow, never more."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import AllowedHours, DailyMinutes, Policy, PolicyVersion, VolumeCap
from loa.protocol.units import GainDb
from loa.schedules.hours import WEEKDAYS
from loa.schedules.policy import allowed_until, default_policy, open_policy, volume_cap
from loa.schedules.tighten import tighten
from tests.schedules.make import TZ

MONDAY = datetime(2026, 6, 8, tzinfo=UTC)
NORMAL, EMERGENCY = BroadcastClass.NORMAL, BroadcastClass.EMERGENCY
WALLS = st.integers(0, 24 * 12).map(lambda fives: f"{fives // 12:02}:{fives % 12 * 5:02}")
CLASSES = st.frozensets(st.sampled_from(BroadcastClass), min_size=1)
DAYS = st.one_of(st.none(), st.frozensets(st.sampled_from(WEEKDAYS), min_size=1))


def has_length(window: Any) -> bool:  # noqa: ANN401 -- what the strategy draws
    return window["from_local"] not in {window["to_local"], "24:00"}


WINDOWS = st.fixed_dictionaries({"from_local": WALLS, "to_local": WALLS, "days": DAYS, "classes": CLASSES})
HOURS = WINDOWS.filter(has_length).map(lambda one: AllowedHours.model_validate(one | {"legal_source": "h"}))
CAPS = st.tuples(WINDOWS.filter(has_length), st.integers(-20, 0)).map(
    lambda one: VolumeCap.model_validate(one[0] | {"cap_db": one[1], "legal_source": "c"})
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    since = sorted(draw(st.sets(st.integers(-2, 6), min_size=1, max_size=2)))
    return Policy(
        versions=tuple(
            PolicyVersion(
                effective_from=MONDAY + timedelta(days=day),
                quiet_source="q",
                hours=tuple(draw(st.lists(HOURS, max_size=3))),
                caps=tuple(draw(st.lists(CAPS, max_size=2))),
            )
            for day in since
        )
    )


@given(policies(), policies(), st.integers(0, 9 * 24 * 12), st.sampled_from(BroadcastClass))
def test_allowed_is_what_both_allow_at_the_lower_volume(
    widest: Policy, own: Policy, fives: int, class_: BroadcastClass
) -> None:
    at = MONDAY + timedelta(minutes=5 * fives)
    both = tighten(widest, own)
    assert allowed(both, class_, at) == (allowed(widest, class_, at) and allowed(own, class_, at))
    caps = [volume_cap(one, class_, at, TZ).cap_db for one in (widest, own)]
    assert volume_cap(both, class_, at, TZ).cap_db == min(caps)


def allowed(policy: Policy, class_: BroadcastClass, at: datetime) -> bool:
    return allowed_until(policy, class_, at, TZ) is not None


@given(policies())
def test_the_same_twice_changes_nothing(policy: Policy) -> None:
    assert tighten(policy, policy) == policy


def test_minutes_of_both_count() -> None:
    def limited(minutes: int, source: str) -> Policy:
        (version,) = open_policy("demo").versions
        line = DailyMinutes(classes=frozenset({NORMAL}), minutes=minutes, legal_source=source)
        return Policy(versions=(version.model_copy(update={"minutes": (line,)}),))

    (version,) = tighten(limited(60, "keepers"), limited(90, "commune")).versions
    assert {line.minutes for line in version.minutes} == {60, 90}


@pytest.mark.parametrize(("widest", "own"), [(default_policy(), open_policy("demo"))])
def test_a_controller_that_opens_the_night_opens_nothing(widest: Policy, own: Policy) -> None:
    night, noon = MONDAY + timedelta(hours=20), MONDAY + timedelta(hours=5)
    both = tighten(widest, own)
    assert not allowed(both, NORMAL, night)
    assert allowed(both, NORMAL, noon)
    assert volume_cap(both, EMERGENCY, night, TZ).cap_db == GainDb(-6.0)
    (version,) = both.versions
    assert version.quiet_source.startswith("demo / Mặc định của Loa")
