"""The clock's own rules: who may set it, how long it holds, and what no message can do."""

from dataclasses import replace
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from loa.node_agent.core.clock import DRIFT, LIMIT_S, Facts, Setting, follow, raise_to, take_answer
from loa.protocol.reasons import ClockSource, ClockState

TRUE_S = 1_800_000_000.0
"""The epoch at boot: true time is this plus the boot time."""
UNSET = Setting(offset_s=0.0)
BY_ANSWER = take_answer(UNSET, at_s=TRUE_S + 9.95, round_trip_s=0.1, boot_s=10.0)
MONTH_S = 30 * 86_400.0

offsets = st.floats(-1e9, 1e9)
spans = st.floats(0.0, MONTH_S)


def facts(
    boot_s: float,
    *,
    system_s: float = TRUE_S,
    ntp_error_s: float | None = None,
    battery_s: float | None = None,
) -> Facts:
    """With `system_s` and `battery_s` as what the two clocks showed at boot."""
    return Facts(
        boot_s=boot_s,
        system_s=system_s + boot_s,
        ntp_error_s=ntp_error_s,
        battery_s=None if battery_s is None else battery_s + boot_s,
    )


def followed(before: Setting, seen: Facts, known_s: float = TRUE_S - 1000) -> Setting:
    return follow(before, seen, known_s=known_s)


def test_a_clock_that_nobody_vouches_for_is_untrusted_for_ever() -> None:
    setting = followed(UNSET, facts(5.0))
    assert setting.source is None
    assert setting.state_at(5.0) is setting.state_at(MONTH_S) is ClockState.UNTRUSTED


def test_ntp_is_followed_and_holds_when_it_is_lost_until_two_seconds_are_used_up() -> None:
    setting = followed(UNSET, facts(5.0, ntp_error_s=0.5))
    assert (setting.offset_s, setting.state_at(5.0)) == (TRUE_S, ClockState.TRUSTED)
    lost = followed(setting, facts(10.0))
    until_s = 5.0 + (LIMIT_S - 0.5) / DRIFT
    assert lost.state_at(10.0) is ClockState.HOLDING
    assert lost.state_at(until_s - 1) is ClockState.HOLDING
    assert lost.state_at(until_s + 1) is ClockState.UNTRUSTED


def test_a_system_clock_that_a_hand_sets_is_not_followed_when_nobody_vouches_for_it() -> None:
    setting = followed(UNSET, facts(5.0, ntp_error_s=0.01))
    by_hand = followed(setting, facts(6.0, system_s=TRUE_S + 3600))
    assert by_hand.offset_s == TRUE_S


def test_ntp_that_is_not_sure_to_two_seconds_does_not_vouch() -> None:
    assert followed(UNSET, facts(5.0, ntp_error_s=2.5)).state_at(5.0) is ClockState.UNTRUSTED


def test_what_ntp_said_before_holds_by_our_drift_not_by_the_kernels() -> None:
    setting = followed(UNSET, facts(0.0, ntp_error_s=0.01))
    later = followed(setting, facts(2000.0, ntp_error_s=1.01))
    assert later.error_at(2000.0) == 0.01 + DRIFT * 2000


def test_a_battery_clock_vouches_for_the_system_clock_that_agrees() -> None:
    setting = followed(UNSET, facts(5.0, battery_s=TRUE_S - 1.2))
    assert (setting.source, setting.offset_s) == (ClockSource.BATTERY, TRUE_S)
    assert setting.state_at(5.0) is ClockState.TRUSTED


def test_where_the_system_clock_disagrees_the_battery_is_believed() -> None:
    setting = followed(UNSET, facts(5.0, system_s=0.0, battery_s=TRUE_S))
    assert setting.offset_s == TRUE_S


def test_a_battery_clock_read_in_whole_seconds_does_not_make_the_time_go_to_and_fro() -> None:
    setting = followed(UNSET, facts(5.0, system_s=TRUE_S + 2.2, battery_s=TRUE_S))
    for number, jitter_s in enumerate((0.4, -0.4, 0.45, -0.3, 0.0)):
        setting = followed(setting, facts(6.0 + number, system_s=TRUE_S + 2.2, battery_s=TRUE_S + jitter_s))
        assert setting.offset_s == TRUE_S


def test_a_battery_clock_that_shows_nonsense_is_not_believed() -> None:
    early, late = TRUE_S - 2000, TRUE_S + 6 * 366 * 86_400
    for shown_s in (0.0, early, late):
        setting = followed(UNSET, facts(5.0, system_s=shown_s, battery_s=shown_s))
        assert setting.state_at(5.0) is ClockState.UNTRUSTED


def test_an_answer_sets_an_untrusted_clock_to_half_the_round_trip() -> None:
    assert abs(BY_ANSWER.offset_s - TRUE_S) < 1e-6
    assert BY_ANSWER.error_at(10.0) == 0.05
    assert BY_ANSWER.state_at(10.0) is ClockState.TRUSTED
    assert BY_ANSWER.state_at(10.0 + 3 * 3600) is ClockState.HOLDING
    assert BY_ANSWER.state_at(10.0 + 8 * 3600) is ClockState.UNTRUSTED


@given(offsets, st.floats(0.0, 60.0), st.sampled_from(("ntp", "battery")))
def test_no_answer_sets_a_clock_that_ntp_or_a_battery_keeps(
    ahead_s: float, round_trip_s: float, keeper: str
) -> None:
    seen = facts(5.0, ntp_error_s=0.1) if keeper == "ntp" else facts(5.0, battery_s=TRUE_S)
    setting = followed(UNSET, seen)
    answer_s = TRUE_S + 6.0 + ahead_s
    assert take_answer(setting, at_s=answer_s, round_trip_s=round_trip_s, boot_s=6.0) == setting


@given(offsets)
def test_no_answer_sets_a_clock_that_holds_after_ntp(ahead_s: float) -> None:
    lost = followed(followed(UNSET, facts(5.0, ntp_error_s=0.01)), facts(6.0))
    after = take_answer(lost, at_s=TRUE_S + 7.0 + ahead_s, round_trip_s=0.02, boot_s=7.0)
    assert abs(after.offset_s - TRUE_S) <= 0.05


def test_a_slow_answer_tells_the_time_roughly_and_leaves_the_clock_untrusted() -> None:
    slow = take_answer(UNSET, at_s=TRUE_S + 5, round_trip_s=10.0, boot_s=10.0)
    assert slow.state_at(10.0) is ClockState.UNTRUSTED
    assert abs(slow.offset_s - TRUE_S) <= slow.error_at(10.0) == 5.0
    better = take_answer(slow, at_s=TRUE_S + 11.5, round_trip_s=0.5, boot_s=12.0)
    assert better.state_at(12.0) is ClockState.TRUSTED


def test_an_answer_that_fits_confirms_without_moving_the_time() -> None:
    later_s = 10.0 + 2 * 3600
    again = take_answer(BY_ANSWER, at_s=TRUE_S + later_s - 0.4, round_trip_s=0.6, boot_s=later_s)
    assert again.offset_s == BY_ANSWER.offset_s
    assert again.state_at(later_s) is ClockState.TRUSTED
    assert abs(again.offset_s - TRUE_S) <= again.error_at(later_s) < BY_ANSWER.error_at(later_s)


def test_an_answer_that_is_twice_as_certain_is_taken_over_and_a_slightly_better_one_is_not() -> None:
    rough = take_answer(UNSET, at_s=TRUE_S + 10.0, round_trip_s=0.06, boot_s=10.0)
    better = take_answer(rough, at_s=TRUE_S + 10.995, round_trip_s=0.04, boot_s=11.0)
    assert better.offset_s == rough.offset_s
    quick = take_answer(rough, at_s=TRUE_S + 11.998, round_trip_s=0.004, boot_s=12.0)
    assert abs(quick.offset_s - TRUE_S) < 1e-6
    assert quick.error_s == 0.002


def test_an_answer_that_contradicts_the_answer_before_it_sets_the_clock() -> None:
    right = take_answer(BY_ANSWER, at_s=TRUE_S + 3600 + 100, round_trip_s=0.1, boot_s=100.0)
    assert abs(right.offset_s - TRUE_S - 3600) < 0.1


@given(offsets, st.floats(0.0, 10.0), st.floats(0.0, 1.0), spans)
def test_its_error_is_never_greater_than_it_says(
    wrong_s: float, round_trip_s: float, share: float, later_s: float
) -> None:
    """However the round trip is shared between there and back, and with a crystal at the limit."""
    boot_s = 100.0
    said_s = TRUE_S + boot_s - round_trip_s * share
    setting = take_answer(
        replace(UNSET, offset_s=wrong_s), at_s=said_s, round_trip_s=round_trip_s, boot_s=boot_s
    )
    drifted_s = (
        setting.offset_s - TRUE_S + (DRIFT * later_s if setting.offset_s > TRUE_S else -DRIFT * later_s)
    )
    assert abs(drifted_s) <= setting.error_at(boot_s + later_s) + 1e-5


@given(st.floats(0.0, 2 * TRUE_S))
def test_what_somebody_genuine_said_only_raises_a_clock_that_nobody_can_rely_on(at_s: float) -> None:
    assert raise_to(BY_ANSWER, at_s, 20.0) == BY_ANSWER
    raised = raise_to(UNSET, at_s, 20.0)
    assert raised.offset_s == max(UNSET.offset_s, at_s - 20.0)
    assert (raised.error_s, raised.state_at(20.0)) == (inf, ClockState.UNTRUSTED)
