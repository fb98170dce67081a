"""The rules of the schedule page: folding, words of times, recurrences, moving one start, calendars."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loa.controller.core.icalendar import LINE_OCTETS, Event, calendar, escape, fold
from loa.controller.core.moving import moved
from loa.controller.web import folding
from loa.controller.web.folding import DAY, FOLD, Band, Block, Gap, Lanes, Span, bands, day_parts, ticks
from loa.controller.web.forms import WhenForm, form_of, read_when, repaired, say_when
from loa.controller.web.times import read_time, time_words
from loa.protocol.when import When
from loa.schedules.localtime import from_wall, to_wall
from loa.schedules.model import Window
from loa.schedules.recurrence import starts

TZ = "Asia/Ho_Chi_Minh"
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
CLOCKS = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 5, 15, 30, 45]))
SPANS = st.builds(
    lambda begin, length: (begin, min(DAY, begin + length)), st.integers(0, DAY - 1), st.integers(1, 180)
)


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- times as people write and hear them ---


@pytest.mark.parametrize(
    ("typed", "clock"),
    [
        ("17:30", "17:30"),
        ("17h30", "17:30"),
        ("17h", "17:00"),
        ("1730", "17:30"),
        ("5 giờ 30 chiều", "17:30"),
        ("5 giờ rưỡi chiều", "17:30"),
        ("5h30 sáng", "05:30"),
        ("5 gio ruoi chieu", "17:30"),
        ("9 giờ 5 phút", None),
        ("9 giờ 05 phút", "09:05"),
        ("12h trưa", "12:00"),
        ("1 giờ trưa", "13:00"),
        ("12 giờ đêm", "00:00"),
        ("10h đêm", "22:00"),
        ("8.15 tối", "20:15"),
        ("5:30 pm", "17:30"),
        ("315", None),
        ("17", None),
        ("24:00", None),
        ("17:60", None),
        ("17h sáng", None),
        ("sáng", None),
        ("", None),
    ],
)
def test_a_time_is_read_as_it_is_said_and_never_guessed(typed: str, clock: str | None) -> None:
    assert read_time(typed) == clock


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        ("03:15", "3 giờ 15 sáng"),
        ("05:00", "5 giờ sáng"),
        ("00:10", "0 giờ 10 đêm"),
        ("12:00", "12 giờ trưa"),
        ("13:05", "1 giờ 05 chiều"),
        ("17:30", "5 giờ 30 chiều"),
        ("20:56", "8 giờ 56 tối"),
        ("22:30", "10 giờ 30 đêm"),
    ],
)
def test_a_time_is_said_with_the_part_of_the_day(clock: str, words: str) -> None:
    assert time_words(clock) == words


@given(st.times())
def test_what_is_said_of_a_time_reads_as_that_time(at: time) -> None:
    clock = f"{at:%H:%M}"
    assert read_time(time_words(clock)) == clock


# --- folding ---


def test_a_week_is_folded_as_it_is_drawn() -> None:
    found = bands([(300, 330), (330, 342), (660, 670), (1020, 1050), (1050, 1074)], [300, 1320])
    assert found == [
        Band(0, 300, folded=True),
        Band(300, 350, folded=False),
        Band(350, 660, folded=True),
        Band(660, 670, folded=False),
        Band(670, 1020, folded=True),
        Band(1020, 1080, folded=False),
        Band(1080, 1320, folded=True),
        Band(1320, 1440, folded=True),
    ]


@given(st.lists(SPANS, max_size=30), st.lists(st.integers(0, DAY), max_size=4))
def test_bands_cover_the_day_once_and_nothing_is_folded_away(
    busy: list[tuple[int, int]], around: list[int]
) -> None:
    found = bands(busy, around)
    edges = [edge for band in found for edge in (band.begin, band.end)]
    assert [edges[0], edges[-1]] == [0, DAY]
    assert edges[1:-1:2] == edges[2::2]
    for begin, end in busy:
        assert any(band.begin <= min(begin, DAY - 8) and end <= band.end for band in found if not band.folded)
    for band in found:
        begins_or_ends_the_day = band.begin == 0 or band.end == DAY
        cut = {band.begin, band.end} & set(around)
        assert not band.folded or begins_or_ends_the_day or cut or band.end - band.begin >= FOLD


@given(st.lists(SPANS, max_size=20), st.lists(SPANS, max_size=2))
def test_the_parts_of_a_day_are_as_high_as_their_band_and_hold_each_slot_once(
    busy: list[tuple[int, int]], quiet: list[tuple[int, int]]
) -> None:
    spans = [Span(begin, end, number) for number, (begin, end) in enumerate(busy)]
    shown: list[int] = []
    for band in bands(busy):
        if band.folded:
            continue
        height = 0
        for part in day_parts(spans, band, quiet):
            match part:
                case Lanes(lanes):
                    height += max(sum(inner.px for inner in lane) for lane in lanes)
                    shown += [inner.shown for lane in lanes for inner in lane if isinstance(inner, Block)]
                case Block(px, number):
                    height += px
                    shown.append(number)
                case Gap(px):
                    height += px
        assert height == (band.end - band.begin) * folding.PX_A_MINUTE
    assert sorted(shown) == list(range(len(busy)))


def test_a_gap_is_hatched_where_it_is_quiet() -> None:
    parts = day_parts([Span(1290, 1300, "a")], Band(1290, 1330, folded=False), [(1320, 1440)])
    assert parts == [Block(30, "a"), Gap(60, quiet=False), Gap(30, quiet=True)]


def test_hours_are_named_where_there_is_room() -> None:
    assert ticks([1020, 1050, 1058, 1061], Band(1020, 1080, folded=False)) == [1020, 1050]


# --- recurrences of the form ---


@given(DAYS, st.lists(CLOCKS, min_size=1, max_size=5, unique=True), st.sampled_from(["daily", "weekdays"]))
def test_any_times_of_a_day_recur_and_are_read_back(day: date, times: list[str], kind: str) -> None:
    form = WhenForm(kind=kind, date=day.isoformat(), times=tuple(sorted(times)), days=("MO", "TH", "SU"))
    when = read_when(form).when
    assert isinstance(when, When)
    every = _walls(when, day, 14)
    chosen = [day + timedelta(days=n) for n in range(14)]
    if kind == "weekdays":
        chosen = [one for one in chosen if one.weekday() in {0, 3, 6}]
    assert every == [datetime.combine(one, time.fromisoformat(at)) for one in chosen for at in sorted(times)]
    again = form_of(when, day)
    assert (again.kind, again.times) == (form.kind, form.times)


@pytest.mark.parametrize(
    ("day", "monthly", "found", "said"),
    [
        ("2026-06-11", "date", ["06-11", "07-11", "08-11"], "Ngày 11 hằng tháng, 17:30"),
        ("2026-06-11", "weekday", ["06-11", "07-09", "08-13"], "Thứ Năm lần thứ 2 mỗi tháng, 17:30"),
        ("2026-06-30", "weekday", ["06-30", "07-28", "08-25"], "Thứ Ba cuối mỗi tháng, 17:30"),
        ("2026-06-11", "last", ["06-30", "07-31", "08-31"], "Ngày cuối mỗi tháng, 17:30"),
        ("2026-08-31", "date", ["08-31", "10-31"], "Ngày 31 hằng tháng, 17:30"),
    ],
)
def test_a_month_counts_by_day_by_weekday_or_from_its_end(
    day: str, monthly: str, found: list[str], said: str
) -> None:
    when = read_when(WhenForm(kind="monthly", date=day, times=("17:30",), monthly=monthly)).when
    assert isinstance(when, When)
    every = _walls(when, date.fromisoformat(day), 85)
    assert [f"{at:%m-%d}" for at in every] == found
    assert say_when(when) == said
    assert form_of(when, date.min).monthly == monthly


def test_days_and_single_starts_are_left_out_and_read_back() -> None:
    form = WhenForm(
        kind="daily",
        date="2026-06-11",
        times=("05:30", "17:00"),
        until="2026-06-14",
        skips=("2026-06-12", "2026-06-13T17:00"),
        extras=("2026-06-12T09:00",),
    )
    when = read_when(form).when
    assert isinstance(when, When)
    found = [f"{at:%d %H:%M}" for at in _walls(when, date(2026, 6, 11), 9)]
    assert found == ["11 05:30", "11 17:00", "12 09:00", "13 05:30", "14 05:30", "14 17:00"]
    assert form_of(when, date.min) == form
    assert say_when(when).endswith("thêm 09:00 Thứ Sáu, 12/6, trừ Thứ Sáu, 12/6, 17:00 Thứ Bảy, 13/6")


def test_a_repair_of_an_added_start_leaves_the_rhythm_alone() -> None:
    form = WhenForm(kind="daily", date="2026-06-11", times=("17:30",), extras=("2026-06-12T22:30",))
    found = repaired(form, wall("2026-06-12T22:30"), wall("2026-06-12T21:50"))
    assert (found.times, found.extras) == (("17:30",), ("2026-06-12T21:50",))


# --- moving one start ---


RULES = st.sampled_from([None, "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=DAILY;COUNT=9", "FREQ=MONTHLY"])


@given(DAYS, CLOCKS, RULES, st.lists(st.tuples(DAYS, CLOCKS), max_size=3), st.data())
def test_moving_changes_one_start_and_moving_back_restores_all(
    day: date, clock: str, rule: str | None, others: list[tuple[date, str]], data: st.DataObject
) -> None:
    rdates = tuple(dict.fromkeys(f"{other}T{at}" for other, at in others))
    when = When(tz=TZ, start_local=f"{day}T{clock}", rrule=rule, rdates=rdates)
    before = _all(when)
    was = data.draw(st.sampled_from(sorted(before)))
    to_day, to_clock = data.draw(st.tuples(DAYS, CLOCKS))
    becomes = datetime.combine(to_day, time.fromisoformat(to_clock))
    after = moved(when, was, becomes)
    assert _all(after) == before - {was} | {becomes}
    if becomes not in before:
        assert _all(moved(after, becomes, was)) == before


def test_nothing_is_moved_where_nothing_starts() -> None:
    when = When(tz=TZ, start_local="2026-06-11T17:30", rrule="FREQ=DAILY")
    with pytest.raises(ValueError, match="nothing starts"):
        moved(when, wall("2026-06-11T17:31"), wall("2026-06-11T18:00"))


# --- calendars ---


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300))
@example("a" + "ế" * 40)
def test_a_folded_line_is_short_and_unfolds_to_itself(line: str) -> None:
    pieces = list(fold(line))
    assert all(len(piece.encode()) <= LINE_OCTETS for piece in pieces)
    assert all(piece.startswith(" ") for piece in pieces[1:])
    assert "".join([pieces[0], *(piece[1:] for piece in pieces[1:])]) == line


def test_text_cannot_break_out_of_its_value() -> None:
    assert escape("Họp, thôn; 1\\2\r\nEND:VEVENT") == "Họp\\, thôn\\; 1\\\\2\\nEND:VEVENT"


def test_a_calendar_is_told_in_utc_with_the_same_text_for_the_same_events() -> None:
    at = datetime(2026, 6, 11, 10, 30, tzinfo=UTC)
    event = Event(
        uid="a@loa",
        from_at=at,
        to_at=at + timedelta(minutes=8),
        stamp=at,
        summary="Tiêm phòng",
        description="Y tế",
        location="Lãng Công",
        category="Y tế",
    )
    text = calendar("Loa", [event], refresh_minutes=60)
    assert "DTSTART:20260611T103000Z\r\nDTEND:20260611T103800Z\r\n" in text
    assert text == calendar("Loa", [event], refresh_minutes=60)
    assert text.endswith("END:VCALENDAR\r\n")


def _walls(when: When, day: date, days: int) -> list[datetime]:
    begin = from_wall(datetime.combine(day, time()), when.tz)
    found = starts(when, Window(from_at=begin, until_at=begin + timedelta(days=days)))
    return [to_wall(at, when.tz) for at in found]


def _all(when: When) -> set[datetime]:
    return set(_walls(when, date(2025, 12, 31), 760))
