"""The home page in words and lines: headings, places, tasks, the ribbon; by tables, without a database."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loa.controller.core.alerts import Alert, AlertKind, Contact
from loa.controller.core.node_states import Condition, NodeState
from loa.controller.core.people import Address
from loa.controller.core.presence import LastWord, Presence
from loa.controller.core.today import Fate, Occurrence, Planned, Standing, standing_of
from loa.controller.core.tree import AreaKind, Place, Tree
from loa.controller.services.today import Today
from loa.controller.web import home_day, situation
from loa.controller.web.day_ribbon import FOLD_PX, LEAST_PX, TICK_PX, WIDTH_PX, Mark, Ribbon, draw
from loa.controller.web.home_tasks import Links, tasks
from loa.controller.web.places import Places
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.reasons import Reason
from loa.schedules.model import Window

MIDNIGHT = datetime(2026, 6, 10, 17, tzinfo=UTC)
"""Of Thursday 11/6 in Việt Nam."""
DAY = (MIDNIGHT, MIDNIGHT + timedelta(days=1))
NOW = MIDNIGHT + timedelta(hours=16, minutes=42)
COMMUNE = AreaId("xa")
VILLAGES = (AreaId("a"), AreaId("b"), AreaId("c"), AreaId("d"))
PIXEL = 100 / WIDTH_PX


def clock(text: str) -> datetime:
    hours, minutes = map(int, text.split(":"))
    return MIDNIGHT + timedelta(hours=hours, minutes=minutes)


def places() -> Places:
    areas = [Place(COMMUNE, "Xã Lãng Công", AreaKind.COMMUNE, None, 20, None, None)]
    areas += [Place(area, f"Thôn {area}", AreaKind.VILLAGE, COMMUNE, 10, None, None) for area in VILLAGES]
    areas += [
        Place(AreaId(f"n{area}"), f"Chùa {area}", AreaKind.NODE, area, 0, None, None) for area in VILLAGES
    ]
    nodes = {NodeId(f"n{area}") for area in VILLAGES}
    return Places(tree=Tree({one.id: one for one in areas}, nodes, {}), roots=[COMMUNE], heard={})


def occurrence(
    at: str,
    minutes: int = 8,
    standing: Standing = Standing.TO_COME,
    *,
    title: str = "Tiêm phòng",
    class_: str = "normal",
) -> Occurrence:
    return Occurrence(
        id=f"{title}@{at}",
        bulletin="",
        title=title,
        class_=class_,
        from_at=clock(at),
        to_at=clock(at) + timedelta(minutes=minutes),
        duration_ms=minutes * 60_000,
        audience=(COMMUNE,),
        nodes=4,
        fates={Fate.TO_COME: 4},
        sounding=3 if standing is Standing.PLAYING else 0,
        standing=standing,
    )


def day(
    *found: Occurrence,
    presence: Presence = Presence.CONNECTED,
    nodes: int = 4,
    silenced: str = "",
    alerts: tuple[Alert, ...] = (),
    tomorrow: tuple[Occurrence, ...] = (),
    roots: tuple[AreaId, ...] = (COMMUNE,),
) -> Today:
    names = [NodeId(f"n{area}") for area in VILLAGES[:nodes]]
    return Today(
        now=NOW,
        tz="Asia/Ho_Chi_Minh",
        window=Window(from_at=DAY[0], until_at=DAY[1]),
        tree=places().tree,
        roots=roots,
        heard={node: LastWord(presence, None, NOW) for node in names},
        occurrences=found,
        next_ones=tomorrow,
        quiet=(),
        silenced_until=clock(silenced) if silenced else None,
        alerts=alerts,
        conditions={node: Condition(NodeState.IDLE) for node in names},
        returned=0,
        inbox=0,
    )


PLAYING = occurrence("16:40", standing=Standing.PLAYING)
LATER = occurrence("17:00")


@pytest.mark.parametrize(
    ("seen", "count", "wide", "narrow"),
    [
        (day(PLAYING), 3, "Đang phát. Có 3 việc cần bạn xem", "Đang phát, 3 việc cần xem"),
        (day(PLAYING), 0, "Đang phát", "Đang phát"),
        (
            day(occurrence("16:40", standing=Standing.PLAYING, class_="emergency")),
            0, "Đang phát tin khẩn cấp", "Đang phát tin khẩn cấp",
        ),
        (
            day(LATER), 1,
            "Loa đang nghỉ, lượt sau lúc 17:00. Có 1 việc cần bạn xem",
            "Loa đang nghỉ, lượt sau lúc 17:00, 1 việc cần xem",
        ),
        (day(occurrence("05:00", standing=Standing.PLAYED)), 0, *["Hôm nay đã phát xong"] * 2),
        (day(), 0, "Hôm nay không có lịch phát", "Hôm nay không có lịch phát"),
        (day(LATER, silenced="16:46"), 0, "Loa đang dừng đến 16:46", "Loa đang dừng đến 16:46"),
        (day(LATER, presence=Presence.LOST), 0, *["Không cụm loa nào đang kết nối"] * 2),
        (day(nodes=0), 0, "Chưa có cụm loa nào", "Chưa có cụm loa nào"),
        (day(nodes=0, roots=()), 0, *["Bạn chưa được giao địa bàn nào"] * 2),
    ],
)  # fmt: skip
def test_the_heading_is_the_situation(seen: Today, count: int, wide: str, narrow: str) -> None:
    assert situation.heading(seen, count) == situation.Heading(wide, narrow)


@pytest.mark.parametrize(
    ("audience", "said"),
    [
        ((COMMUNE,), "Cả xã"),
        (VILLAGES, "Cả xã"),
        (VILLAGES[:3], "Cả xã, trừ thôn d"),
        (VILLAGES[:2], "2 thôn"),
        (VILLAGES[:1], "Thôn a"),
        ((AreaId("na"),), "Chùa a"),
        ((AreaId("gone"),), ""),
    ],
)
def test_places_are_told_as_people_would(audience: tuple[AreaId, ...], said: str) -> None:
    assert situation.where(places(), audience) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "sắp hết"), (5, "còn \u20075 giây"), (220, "còn 3 phút 40 giây"), (1230, "còn 20 phút")],
)
def test_the_time_left_keeps_its_width(seconds: int, said: str) -> None:
    assert situation.time_left(NOW + timedelta(seconds=seconds), NOW) == said


def test_the_card_tells_what_sounds_how_far_it_is_and_what_is_next() -> None:
    seen = day(PLAYING, LATER)
    card = situation.card(seen, places())
    assert card is not None
    assert (card.reach, card.where, card.span) == ("3 trên 4 cụm loa", "Cả xã", "16:40 đến 16:48")
    assert (card.share, card.left) == (25.0, "còn 6 phút \u20070 giây")
    assert situation.after(seen) == ("17:00", "Tiêm phòng")


def test_after_the_day_tomorrow_is_named() -> None:
    seen = day(tomorrow=(occurrence("29:00"),))
    card = situation.card(seen, places())
    assert card is not None
    assert card.span == "05:00 ngày mai đến 05:08"
    assert situation.after(seen) is None


def lost(number: int, **more: object) -> Alert:
    return Alert(
        kind=AlertKind.NODE_LOST,
        area=AreaId(f"n{number}"),
        subject=f"n{number}",
        name=f"Suối Chùa {number}",
        place="Thôn",
        since=clock("14:05"),
        **more,  # type: ignore[arg-type]  # what the test names
    )


def test_a_lost_node_is_told_with_since_when_and_whom_to_call() -> None:
    contact = Contact(name="Lê Văn Tám", address=Address.ONG, phone="0912 345 678")
    (task,) = tasks(day(alerts=(lost(2, call=contact),)), Links({"/nodes", "/nodes/{node}"}))
    assert task.title == "Loa Suối Chùa\u00a02 mất liên lạc"
    assert task.text.startswith("Từ 14:05.")
    assert (task.call, task.phone, task.href) == ("Gọi ông Lê Văn Tám", "0912 345 678", "/nodes/n2")


def test_many_of_a_kind_are_one_line() -> None:
    (task,) = tasks(day(alerts=tuple(lost(number) for number in range(5))), Links({"/nodes"}))
    assert task.title == "5 cụm loa mất liên lạc"
    assert task.text.endswith("và 2 cụm khác")
    assert task.href == "/nodes"


@pytest.mark.parametrize(
    ("fates", "sounding", "standing"),
    [
        ({Fate.TO_COME: 3}, 0, Standing.TO_COME),
        ({Fate.TO_COME: 3}, 1, Standing.PLAYING),
        ({Fate.AWAITED: 2, Fate.TO_COME: 0}, 0, Standing.AWAITED),
        ({Fate.PLAYED: 3}, 0, Standing.PLAYED),
        ({Fate.PLAYED: 2, Fate.AWAITED: 1}, 0, Standing.PLAYED),
        ({Fate.PLAYED: 13, Fate.SILENT: 1}, 0, Standing.LACKING),
        ({Fate.PLAYED: 13, Fate.FAILED: 1}, 0, Standing.LACKING),
        ({Fate.SILENT: 2}, 0, Standing.SILENT),
        ({Fate.SHORT: 1, Fate.PLAYED: 1}, 0, Standing.SHORT),
        ({Fate.UNKNOWN: 2}, 0, Standing.UNKNOWN),
        ({Fate.UNKNOWN: 1, Fate.FAILED: 1}, 0, Standing.NOT_PLAYED),
        ({Fate.REFUSED: 2}, 0, Standing.REFUSED),
        ({Fate.STOPPED: 2}, 0, Standing.STOPPED),
    ],
)
def test_what_some_lack_is_not_hidden_behind_what_others_have(
    fates: dict[Fate, int], sounding: int, standing: Standing
) -> None:
    assert standing_of(fates, sounding, None) is standing


@pytest.mark.parametrize(
    ("reason", "standing"),
    [
        (Reason.COMPLETE, Standing.TO_COME),
        (Reason.INTO_QUIET_HOURS, Standing.REFUSED),
        (Reason.WITHDRAWN, Standing.STOPPED),
        (Reason.DISPLACED, Standing.NOT_PLAYED),
    ],
)
def test_the_lay_out_tells_what_will_not_sound(reason: Reason, standing: Standing) -> None:
    assert standing_of({Fate.TO_COME: 2}, 0, Planned(NOW, NOW, reason, None)) is standing


# --- the ribbon ---

QUIET = [(DAY[0], clock("5:00")), (clock("21:00"), DAY[1])]
HOURS = [(clock(f"{hour}:00"), f"{hour}:00") for hour in range(25)]


def ribbon(*marks: tuple[str, int, str]) -> Ribbon:
    made = [Mark(clock(at), clock(at) + timedelta(minutes=minutes), kind) for at, minutes, kind in marks]
    return draw(made, QUIET, DAY, NOW, HOURS)


THURSDAY = (("5:00", 60, "played"), ("6:00", 20, "played"), ("11:00", 8, "lacking"), ("16:40", 6, "now"),
            ("17:00", 30, "coming"), ("17:30", 8, "coming"), ("17:38", 8, "waiting"))  # fmt: skip


def test_the_day_of_the_pictures_is_four_stretches_with_its_hours_named() -> None:
    line = ribbon(*THURSDAY)
    assert len(line.stretches) == 4
    assert [tick.word for tick in sorted(line.ticks, key=lambda tick: tick.x)] == [
        "5:00",
        "11:00",
        "17:00",
        "21:00",
    ]
    assert [bar.kind for bar in line.blocks] == [kind for _at, _minutes, kind in THURSDAY]
    assert all(fold.width == pytest.approx(FOLD_PX * PIXEL, abs=0.01) for fold in line.folds)


def test_the_needle_stands_in_what_sounds_now() -> None:
    line = ribbon(*THURSDAY)
    now = next(bar for bar in line.blocks if bar.kind == "now")
    assert now.x < line.needle < now.x + now.width


def test_a_short_item_is_seen_beside_a_long_one() -> None:
    line = ribbon(("8:00", 480, "played"), ("17:00", 1, "coming"))
    assert line.blocks[1].width == pytest.approx(LEAST_PX * PIXEL, abs=0.01)
    assert line.blocks[0].width > 10 * line.blocks[1].width


def test_what_sounds_within_something_longer_does_not_cut_it_short() -> None:
    line = ribbon(("8:00", 300, "played"), ("9:00", 10, "coming"))
    long, short = line.blocks
    assert long.x + long.width > short.x + short.width + 10
    assert len(line.stretches) == len(ribbon(("8:00", 300, "played")).stretches)


def test_an_empty_day_still_has_its_nights_and_the_needle() -> None:
    line = ribbon()
    assert len(line.nights) == 2
    assert not line.blocks
    assert 0 < line.needle < 100


MINUTES = st.tuples(st.integers(0, 1439), st.integers(1, 240), st.just("played"))


@given(st.lists(MINUTES, max_size=40), st.integers(0, 1439))
def test_whatever_the_day_the_line_is_whole(found: list[tuple[int, int, str]], at: int) -> None:
    marks = [
        Mark(MIDNIGHT + timedelta(minutes=begin), MIDNIGHT + timedelta(minutes=begin + length), kind)
        for begin, length, kind in found
    ]
    line = draw(marks, QUIET, DAY, MIDNIGHT + timedelta(minutes=at), HOURS)
    assert line.stretches[-1].x + line.stretches[-1].width == pytest.approx(100, abs=0.05)
    assert all(bar.x >= -0.01 and bar.x + bar.width <= 100.01 for bar in line.blocks)
    assert sorted(line.knots) == list(line.knots)
    assert all(one <= other + 0.01 for (_a, one), (_b, other) in pairwise(line.knots))
    ticks = sorted(tick.x for tick in line.ticks)
    assert all(other - one >= TICK_PX * PIXEL - 0.01 for one, other in pairwise(ticks))
    order = sorted(line.blocks, key=lambda bar: bar.x)
    assert [bar.x for bar in order] == sorted(bar.x for bar in line.blocks)


@example([0, 1, 2, 3, 6, 9, 10, 11, 14, 17, 20, 23, 46])
@given(st.lists(st.integers(0, 47), unique=True, max_size=20))
def test_items_that_do_not_overlap_keep_their_least_width(halves: list[int]) -> None:
    marks = [(f"{half // 2}:{30 * (half % 2):02}", 5, "coming") for half in halves]
    line = ribbon(*marks)
    assert all(bar.width >= LEAST_PX * PIXEL - 0.01 for bar in line.blocks)


def test_the_list_says_what_the_ribbon_draws() -> None:
    seen = day(
        occurrence("05:00", standing=Standing.PLAYED, title="Sáng"),
        PLAYING,
        LATER,
        occurrence("17:38", standing=Standing.WAITING, title="Đợt 2"),
    )
    shown = home_day.view(seen, places())
    assert [row.title for row in shown.past] == ["Sáng"]
    assert [(row.time, row.looks[0].word) for row in shown.ahead] == [
        ("17:00", "Sẽ phát"),
        ("17:38", "Chờ duyệt"),
    ]
    assert shown.sentence == (
        "Hôm nay, tính theo lượt: 1 đã phát, 1 đang phát, 1 sẽ phát, 1 chờ duyệt. Bây giờ là 16:42."
    )
