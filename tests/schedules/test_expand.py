"""Recurrences in wall time, and the items made of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import process_time

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from loa.protocol.ids import occurrence_id
from loa.protocol.kinds import BroadcastClass
from loa.protocol.when import When
from loa.schedules.errors import RecurrenceError
from loa.schedules.expand import expand
from loa.schedules.localtime import from_wall, to_wall
from loa.schedules.model import Placed, Window
from loa.schedules.recurrence import starts
from tests.schedules.make import digest

NOVEMBER = Window(from_at=datetime(2026, 11, 1, tzinfo=UTC), until_at=datetime(2026, 12, 1, tzinfo=UTC))
BERLIN = "Europe/Berlin"


def walls(when: When, window: Window = NOVEMBER, limit: int | None = None) -> list[str]:
    return [f"{to_wall(start, when.tz):%m-%d %H:%M}" for start in starts(when, window, limit=limit)]


def year(number: int) -> Window:
    return Window(from_at=datetime(number, 1, 1, tzinfo=UTC), until_at=datetime(number + 1, 1, 1, tzinfo=UTC))


def test_a_single_time_is_wall_time_of_the_area() -> None:
    when = When(start_local="2026-11-23T05:30")
    assert starts(when, NOVEMBER) == [datetime(2026, 11, 22, 22, 30, tzinfo=UTC)]


def test_exdates_leave_out_and_rdates_add() -> None:
    when = When(
        start_local="2026-11-02T17:00",
        rrule="FREQ=WEEKLY;BYDAY=MO,TH;COUNT=4",
        exdates=("2026-11-05T17:00",),
        rdates=("2026-11-20T07:15", "2026-11-02T17:00"),
    )
    assert walls(when) == ["11-02 17:00", "11-09 17:00", "11-12 17:00", "11-20 07:15"]


def test_a_rule_without_end_is_bounded_by_the_window() -> None:
    when = When(start_local="2001-01-01T05:30", rrule="FREQ=DAILY;BYHOUR=5,17;BYMINUTE=30")
    assert len(starts(when, NOVEMBER)) == 60


@pytest.mark.parametrize(
    ("until", "last"),
    [("20261105", "11-05 17:00"), ("20261105T100000Z", "11-05 17:00"), ("20261105T165959", "11-04 17:00")],
)
def test_until_is_a_day_an_instant_or_a_wall_time(until: str, last: str) -> None:
    when = When(start_local="2026-11-01T17:00", rrule=f"FREQ=DAILY;UNTIL={until}")
    assert walls(when)[-1] == last


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-03-29T02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # skipped: 02:30 at +1 is 03:30 at +2
        ("2026-10-25T02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # twice: the first is at +2
    ],
)
def test_gaps_and_folds_follow_rfc_5545(start: str, expected: datetime) -> None:
    assert starts(When(tz=BERLIN, start_local=start), year(2026)) == [expected]


def test_a_daily_rule_keeps_its_wall_time_over_a_change_of_clocks() -> None:
    when = When(tz=BERLIN, start_local="2026-10-24T05:30", rrule="FREQ=DAILY;COUNT=3")
    assert [start.hour for start in starts(when, year(2026))] == [3, 4, 4]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;UNTIL=20991231",
        "FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29",
    ],
)
def test_a_rule_that_never_matches_comes_to_an_end_soon(rule: str) -> None:
    begin = process_time()
    assert starts(When(start_local="2001-01-01T05:30", rrule=rule), NOVEMBER, limit=5) == []
    assert process_time() - begin < 5


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("FREQ=SECONDLY", "FREQ=SECONDLY"),
        ("FREQ=MINUTELY;INTERVAL=30", "FREQ=MINUTELY"),
        ("FREQ=HOURLY;BYMINUTE=0,20,40", "72 starts a day"),
        ("FREQ=DAILY;BYHOUR=5,6;BYMINUTE=" + ",".join(map(str, range(30))), "60 starts a day"),
        ("FREQ=DAILY;BYEASTER=1", "not known"),
        ("FREQ=DAILY;BYSECOND=1", "not known"),
        ("DAILY", "not known"),
        ("BYHOUR=5", "lacks FREQ"),
        ("FREQ=DAILY;FREQ=WEEKLY", "given twice"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20261231", "COUNT and UNTIL"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0"),
        ("FREQ=DAILY;BYHOUR=24", "0 to 23"),
        ("FREQ=DAILY;UNTIL=20261345", "UNTIL|month|isoformat"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "needs FREQ"),
        ("FREQ=WEEKLY;BYDAY=2MO", "number its days"),
        ("FREQ=DAILY;BYSETPOS=1", "needs another"),
    ],
)
def test_a_rule_that_is_no_programme_is_refused_with_what_to_change(rule: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        When(start_local="2026-11-01T05:30", rrule=rule)


@pytest.mark.parametrize(
    "facts",
    [
        {"start_local": "2026-11-01"},
        {"start_local": "2026-11-01T05:30Z"},
        {"start_local": "2026-11-31T05:30"},
        {"start_local": "1999-12-31T05:30"},
        {"start_local": "2026-11-01T05:30", "tz": "Asia/Hanoi"},
        {"start_local": "2026-11-01T05:30", "tz": "../etc/passwd"},
        {
            "start_local": "2026-11-01T05:30",
            "rdates": [f"2026-11-02T{h:02}:{m:02}" for h in range(24) for m in (1, 2, 3)],
        },
    ],
)
def test_a_when_that_cannot_be_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        When.model_validate(facts)


def test_hours_that_never_fall_on_the_rhythm_are_an_error() -> None:
    with pytest.raises(RecurrenceError, match="matches nothing"):
        starts(When(start_local="2026-11-01T06:00", rrule="FREQ=HOURLY;INTERVAL=2;BYHOUR=5"), NOVEMBER)


RULES = st.builds(
    lambda freq, interval, *parts: ";".join([f"FREQ={freq}", f"INTERVAL={interval}", *filter(None, parts)]),
    st.sampled_from(["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 5),
    st.sampled_from(["", "BYDAY=MO,WE", "BYDAY=SU"]),
    st.sampled_from(["", "BYMONTH=2,11", "BYMONTH=11"]),
    st.sampled_from(["", "BYHOUR=5,17", "BYMINUTE=30"]),
    st.sampled_from(["", "BYSETPOS=1", "BYSETPOS=-1"]),
    st.sampled_from(["", "WKST=SU"]),
)
WALLS = st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 1)).map(lambda wall: f"{wall:%Y-%m-%dT%H:%M}")  # noqa: DTZ001 -- wall times are naive


@settings(max_examples=150, deadline=None)
@given(RULES, WALLS, st.none() | st.integers(1, 40))
def test_expansion_is_what_following_the_rule_from_its_start_gives(
    rule: str, start: str, limit: int | None
) -> None:
    try:
        when = When(start_local=start, rrule=rule)
        found = starts(when, NOVEMBER, limit=limit)
    except (ValidationError, RecurrenceError):
        return
    first = datetime.fromisoformat(start)
    every = rrulestr(f"{rule};UNTIL=20270101T000000", dtstart=first)
    expected = [from_wall(wall, when.tz) for wall in list(every)[:limit]]
    assert found == [one for one in expected if NOVEMBER.from_at <= one < NOVEMBER.until_at]


def placed(**facts: object) -> Placed:
    entry = Placed(
        broadcast_id=digest("b"),
        when=When(start_local="2026-11-02T10:00", rrule="FREQ=HOURLY;COUNT=6"),
        duration_ms=60_000,
        class_=BroadcastClass.EMERGENCY,
        authority=1,
        not_after_ms=7_200_000,
        last_end_ms=9_000_000,
        approved_at=NOVEMBER.from_at,
        issued_at=NOVEMBER.from_at,
    )
    return replace(entry, **facts)  # type: ignore[arg-type]  # each caller names fields of Placed


def test_a_repeat_may_begin_only_until_before_the_next() -> None:
    items = expand([placed()], NOVEMBER)
    gaps = [two.start_at - one.not_after_at for one, two in pairwise(items)]
    assert gaps == [timedelta(milliseconds=1)] * 5
    assert items[-1].not_after_at == items[-1].start_at + timedelta(hours=2)


def test_a_repeat_ends_before_the_next_also_at_the_edge_of_the_window() -> None:
    first = expand([placed()], NOVEMBER)[0]
    edge = Window(from_at=NOVEMBER.from_at, until_at=first.start_at + timedelta(milliseconds=1))
    assert expand([placed()], edge) == [first]


def test_an_item_is_named_by_its_broadcast_and_start_and_keeps_its_times() -> None:
    item = expand([placed()], NOVEMBER)[0]
    assert item.id == occurrence_id(digest("b"), item.start_at)
    assert item.last_end_at - item.start_at == timedelta(milliseconds=9_000_000)


def test_max_plays_counts_from_the_first_start_wherever_the_window_lies() -> None:
    late = Window(from_at=datetime(2026, 11, 2, 5, tzinfo=UTC), until_at=NOVEMBER.until_at)
    assert len(expand([placed(max_plays=3)], late)) == 1


def test_nothing_starts_at_or_after_expiry() -> None:
    expires_at = datetime(2026, 11, 2, 5, tzinfo=UTC)
    assert len(expand([placed(expires_at=expires_at)], NOVEMBER)) == 2


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10), st.integers(0, 10))
def test_windows_side_by_side_give_what_one_window_gives(first: int, second: int) -> None:
    a, b, c = (
        datetime(2026, 11, 2, 2, 30, tzinfo=UTC) + timedelta(hours=count)
        for count in (0, first, first + second)
    )
    parts = [Window(from_at=a, until_at=b), Window(from_at=b, until_at=c)]
    whole = Window(from_at=a, until_at=c)
    assert [item for window in parts for item in expand([placed()], window)] == expand([placed()], whole)


def test_a_single_start_may_have_milliseconds_a_recurrence_not() -> None:
    once = When(start_local="2026-11-01T05:30:00.250", tz="UTC")
    assert starts(once, NOVEMBER) == [datetime(2026, 11, 1, 5, 30, 0, 250_000, tzinfo=UTC)]
    with pytest.raises(ValidationError, match="whole second"):
        When(start_local="2026-11-01T05:30:00.250", rrule="FREQ=DAILY")
