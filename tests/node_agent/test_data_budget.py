from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loa.node_agent.core.data_budget import Usage, count, look_ahead
from loa.node_agent.core.readings import Uplink
from loa.protocol.ids import BootId
from loa.protocol.units import SizeBytes
from loa.schedules.billing import Month, month_at

HANOI = "Asia/Ho_Chi_Minh"
MB = 1_000_000
BOOT, NEXT_BOOT = BootId("a" * 32), BootId("b" * 32)
NOVEMBER = Month(date(2026, 11, 1), date(2026, 12, 1))


@pytest.mark.parametrize(
    ("day", "billing_day", "begins", "ends"),
    [
        ("2026-11-25", 1, "2026-11-01", "2026-12-01"),
        ("2026-11-25", 25, "2026-11-25", "2026-12-25"),
        ("2026-11-24", 25, "2026-10-25", "2026-11-25"),
        ("2026-01-05", 20, "2025-12-20", "2026-01-20"),
        ("2026-12-31", 15, "2026-12-15", "2027-01-15"),
        ("2026-02-28", 31, "2026-02-28", "2026-03-31"),
        ("2026-02-27", 31, "2026-01-31", "2026-02-28"),
        ("2028-02-29", 30, "2028-02-29", "2028-03-30"),
    ],
)
def test_a_month_goes_from_billing_day_to_billing_day(
    day: str, billing_day: int, begins: str, ends: str
) -> None:
    month = month_at(date.fromisoformat(day), billing_day)
    assert (month.begins.isoformat(), month.ends.isoformat()) == (begins, ends)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 31))
def test_months_hold_their_days_and_leave_none_out(day: date, billing_day: int) -> None:
    month = month_at(day, billing_day)
    assert month.begins <= day < month.ends
    assert timedelta(days=28) <= month.ends - month.begins <= timedelta(days=31)
    assert month_at(month.ends, billing_day).begins == month.ends


def usage(used: int = 0, **marks: tuple[BootId, int]) -> Usage:
    made = {name: {"boot_id": boot, "bytes_since_boot": at} for name, (boot, at) in marks.items()}
    return Usage.model_validate({"since": NOVEMBER.begins, "used_bytes": used, "marks": made})


def counted(before: Usage, at: int, boot: BootId = BOOT, interface: str = "wwan0") -> int:
    return count(before, Uplink(interface, SizeBytes(at)), boot, NOVEMBER).used_bytes


@pytest.mark.parametrize(
    ("before", "at", "boot", "interface", "used"),
    [
        (usage(), 5_000, BOOT, "wwan0", 0),
        (usage(100, wwan0=(BOOT, 5_000)), 5_700, BOOT, "wwan0", 800),
        (usage(100, wwan0=(BOOT, 5_000)), 5_000, BOOT, "wwan0", 100),
        (usage(100, wwan0=(BOOT, 5_000)), 300, NEXT_BOOT, "wwan0", 400),
        (usage(100, wwan0=(BOOT, 5_000)), 9_000, NEXT_BOOT, "wwan0", 9_100),
        (usage(100, wwan0=(BOOT, 5_000)), 40, BOOT, "wwan0", 140),
        (usage(100, wwan0=(BOOT, 5_000)), 7_000, BOOT, "eth0", 100),
    ],
    ids=["first sight", "more", "nothing", "new boot", "new boot, past the mark", "modem anew", "other way"],
)
def test_what_the_counter_has_gained_is_added(
    before: Usage, at: int, boot: BootId, interface: str, used: int
) -> None:
    assert counted(before, at, boot, interface) == used


@given(st.lists(st.tuples(st.integers(0, 10**9), st.booleans()), max_size=30))
def test_over_reboots_nothing_is_counted_twice_or_left_out(steps: list[tuple[int, bool]]) -> None:
    now = count(usage(), Uplink("wwan0", SizeBytes(0)), BOOT, NOVEMBER)
    counter, boots = 0, 0
    for gained, reboots in steps:
        if reboots:
            counter, boots = 0, boots + 1
        counter += gained
        now = count(now, Uplink("wwan0", SizeBytes(counter)), BootId(f"{boots:032x}"), NOVEMBER)
    # the boot of the first mark has the name of none of the later ones, so its first step counts from 0
    assert now.used_bytes == sum(gained for gained, _ in steps)


def test_a_new_month_begins_at_nothing_and_a_wrong_clock_forgets_nothing() -> None:
    before = usage(900, wwan0=(BOOT, 5_000))
    up = Uplink("wwan0", SizeBytes(5_010))
    december = Month(date(2026, 12, 1), date(2027, 1, 1))
    assert count(before, up, BOOT, december).used_bytes == 10
    october = count(before, up, BOOT, Month(date(2026, 10, 1), date(2026, 11, 1)))
    assert (october.since, october.used_bytes) == (date(2026, 10, 1), 910)
    assert count(before, up, BOOT, None).used_bytes == 910


def at(day: int, hour: int = 0) -> datetime:
    """In November, by the clocks of Hà Nội."""
    return datetime(2026, 11, day, hour, tzinfo=UTC) - timedelta(hours=7)


@pytest.mark.parametrize(
    ("used", "budget", "now", "forecast", "runs_out_on"),
    [
        (10 * MB, 100 * MB, at(11), 30 * MB, None),
        (10 * MB, None, at(11), 30 * MB, None),
        (50 * MB, 100 * MB, at(11), 150 * MB, date(2026, 11, 21)),
        (100 * MB, 100 * MB, at(11), 300 * MB, date(2026, 11, 11)),
        (120 * MB, 100 * MB, at(11), 360 * MB, date(2026, 11, 11)),
        (4 * MB, 100 * MB, at(1, 1), 120 * MB, date(2026, 11, 26)),
        (0, 100 * MB, at(20), 0, None),
        (100 * MB + 1, 100 * MB, at(30, 23), 100_139_083, date(2026, 11, 30)),
    ],
    ids=["lasts", "no budget", "runs out", "just out", "long out", "first hour", "nothing", "last hour"],
)
def test_the_forecast_goes_on_at_the_rate_so_far(
    used: int, budget: int | None, now: datetime, forecast: int, runs_out_on: date | None
) -> None:
    outlook = look_ahead(used, budget, NOVEMBER, now, HANOI)
    assert (outlook.forecast_bytes, outlook.runs_out_on) == (forecast, runs_out_on)


USED, BUDGET = st.integers(0, 10**11), st.integers(1, 10**11)
NOW = st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 30, 23, 59)).map(  # noqa: DTZ001 -- wall time
    lambda wall: wall.replace(tzinfo=UTC) - timedelta(hours=7)
)


@given(USED, BUDGET, NOW)
def test_a_day_is_named_exactly_when_the_forecast_exceeds_the_budget(
    used: int, budget: int, now: datetime
) -> None:
    outlook = look_ahead(used, budget, NOVEMBER, now, HANOI)
    assert outlook.forecast_bytes >= used
    assert (outlook.runs_out_on is not None) == (outlook.forecast_bytes > budget)
    if outlook.runs_out_on is not None:
        assert (now + timedelta(hours=7)).date() <= outlook.runs_out_on < NOVEMBER.ends


@given(USED, USED, BUDGET, NOW)
def test_who_has_used_more_runs_out_no_later(less: int, more: int, budget: int, now: datetime) -> None:
    assume(less <= more)
    sooner = look_ahead(more, budget, NOVEMBER, now, HANOI).runs_out_on
    later = look_ahead(less, budget, NOVEMBER, now, HANOI).runs_out_on
    assert later is None or (sooner is not None and sooner <= later)
