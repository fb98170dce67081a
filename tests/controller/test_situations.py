"""How a node is doing, in a sentence: a table from what is known of it to what is said."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loa.controller.core.health import Point
from loa.controller.core.identities import Identities, Verdict
from loa.controller.core.node_states import Judged, Why
from loa.controller.core.nodes import Node
from loa.controller.core.presence import Presence
from loa.controller.core.rollouts import Standing, Status
from loa.controller.core.situations import Seen, Situation, silent_since, situations
from loa.controller.web import node_words
from loa.controller.web.node_view import since_words
from loa.controller.web.node_words import SAYINGS
from loa.protocol.health import Concern, Health
from loa.protocol.ids import AreaId, BootId, NodeId, OccurrenceId, StopId
from loa.protocol.kinds import StandingMessage
from loa.protocol.programme import NodeSettings
from loa.protocol.reasons import ClockSource, ClockState, SelfTestOutcome
from loa.protocol.reports import Detail, Output, SelfTestReport, State, Stopped
from loa.protocol.when import DEFAULT_TZ

NOW = datetime(2026, 6, 11, 9, 42, tzinfo=UTC)
"""16:42 in Việt Nam."""
EARLIER = NOW - timedelta(hours=3)
PRESS = StopId("d" * 32)


def node(**facts: Any) -> Node:  # noqa: ANN401 -- fields of a node
    given: dict[str, Any] = {
        "id": NodeId("cum-1"),
        "name": "Đồng Chăm",
        "parent_id": AreaId("minh-tan"),
        "zones": (),
        "enrolled_at": NOW - timedelta(days=30),
        "retired_at": None,
        "has_key": True,
        "code_expires_at": None,
        "presence": Presence.CONNECTED,
        "presence_at": None,
        "state": None,
        "state_at": EARLIER,
        "settings": NodeSettings(),
        "concerns": (),
        "identities": Identities(),
    }
    return Node(**(given | facts))


def state(**facts: Any) -> State:  # noqa: ANN401 -- fields of a state
    given: dict[str, Any] = {
        "node": NodeId("cum-1"),
        "boot_id": BootId("c" * 32),
        "at": NOW,
        "detail": Detail.FULL,
        "clock": ClockState.TRUSTED,
        "output": Output(is_open=True),
    }
    return State(**(given | facts))


def report_of(outcome: SelfTestOutcome, at: datetime = NOW) -> SelfTestReport:
    return SelfTestReport(number=1, at=at, due_at=at, on_demand=True, outcome=outcome)


def seen(
    *,
    kept: dict[str, Any] | None = None,
    said: dict[str, Any] | None = None,
    **more: Any,  # noqa: ANN401 -- fields of what is seen
) -> Seen:
    return Seen(node=node(**(kept or {})), state=state(**(said or {})), **more)


def verdict(found: Verdict) -> dict[str, Any]:
    return {"identities": Identities(verdict=found, verdict_at=EARLIER)}


SILENT = Judged(EARLIER, Why.NOT_RENDERED)
TABLE: list[tuple[Seen, str, str, datetime | None]] = [
    (seen(), "Có kết nối", "chạy tốt, chưa tới giờ phát", None),
    (seen(said={"missing": 2}), "Có kết nối", "chạy tốt, đang tải bản thu", None),
    (
        seen(said={"sounding": OccurrenceId(f"{'a' * 64}@1781170920000")}),
        "Đang phát",
        "đang phát",
        None,
    ),
    (seen(silenced_until=NOW + timedelta(hours=1)), "Đang im", "đang im theo lệnh dừng", None),
    (seen(kept={"presence": Presence.LOST}), "Mất liên lạc", "mất liên lạc", EARLIER),
    (seen(kept={"presence": Presence.LATE}), "Báo chậm", "báo về chậm", EARLIER),
    (seen(heard=[SILENT]), "Loa im", "máy phát nhưng loa không kêu", EARLIER),
    (
        seen(self_test=report_of(SelfTestOutcome.SILENT)),
        "Loa im",
        "máy phát nhưng loa không kêu",
        NOW,
    ),
    (seen(said={"output": Output(is_open=False)}), "Loa im", "máy không thấy bộ ra âm thanh", None),
    (seen(said={"clock": ClockState.UNTRUSTED}), "Chưa có giờ", "chưa có giờ đúng", None),
    (
        seen(said={"stopped": Stopped(id=PRESS, at=EARLIER)}),
        "Đã dừng",
        "có người bấm nút dừng ở cột",
        EARLIER,
    ),
    (seen(said={"without_room": 1}), "Cần xem", "hết chỗ chứa bản thu", None),
    (seen(kept=verdict(Verdict.CARD_CLONED)), "Cần xem", "hai máy cùng nhận là cụm loa này", EARLIER),
    (seen(kept=verdict(Verdict.NODE_REPLACED)), "Cần xem", "một máy khác đang chạy thay", EARLIER),
    (seen(kept=verdict(Verdict.DISK_REPLACED)), "Cần xem", "thẻ nhớ đã thay hoặc bị xóa", EARLIER),
    (seen(kept={"concerns": (Concern.HOT,)}), "Cần xem", "hộp máy quá nóng", None),
    (
        seen(kept={"retired_at": EARLIER, "presence": Presence.LOST, "has_key": False}),
        "Đã nghỉ",
        "đã nghỉ hẳn",
        EARLIER,
    ),
    (seen(kept={"enrolled_at": None, "has_key": False}), "Chưa kết nối", "chưa kết nối lần nào", None),
    (seen(kept={"has_key": False}), "Chưa kết nối", "đã bị cắt kết nối, chờ kết nối lại", None),
]


@pytest.mark.parametrize(("known", "badge", "sentence", "since"), TABLE)
def test_a_node_is_told_in_a_sentence(known: Seen, badge: str, sentence: str, since: datetime | None) -> None:
    first = situations(known)[0]
    saying = SAYINGS[first.what]
    assert (saying.look.word, saying.title, first.since) == (badge, sentence, since)


def test_a_node_that_enrolled_and_said_nothing_is_told_as_that() -> None:
    (found,) = situations(Seen(node=node(state_at=None), state=None))
    assert found.what is Situation.NEVER_HEARD


def test_the_worst_comes_first_and_nothing_is_left_out() -> None:
    known = seen(
        kept={"presence": Presence.LOST, "concerns": (Concern.SIGNAL_WEAK, Concern.DISK_ERRORS)},
        said={"missing": 1},
        heard=[SILENT],
    )
    assert [one.what for one in situations(known)] == [
        Situation.LOST,
        Situation.SILENT,
        Situation.DISK_ERRORS,
        Situation.SIGNAL_WEAK,
    ]


def test_a_press_that_was_released_is_over() -> None:
    known = seen(
        kept={"settings": NodeSettings(released=PRESS)}, said={"stopped": Stopped(id=PRESS, at=EARLIER)}
    )
    assert [one.what for one in situations(known)] == [Situation.FINE]


def test_a_horn_is_silent_since_the_first_of_the_last_that_nobody_heard() -> None:
    def heard(*found: bool) -> list[Judged]:
        return [
            Judged(NOW - timedelta(hours=number), None if one else Why.NOT_HEARD)
            for number, one in enumerate(found)
        ]

    assert silent_since([], None) is None
    assert silent_since(heard(True, False, False), None) is None
    assert silent_since(heard(False, False, True, False), None) == NOW - timedelta(hours=1)
    assert silent_since(heard(False), report_of(SelfTestOutcome.PASSED, NOW + timedelta(hours=1))) is None
    assert silent_since(heard(True), report_of(SelfTestOutcome.UNPROVEN)) is None


def test_a_concern_is_told_since_the_hour_in_which_it_began() -> None:
    def point(hours: int, *concerns: Concern) -> Point:
        return Point(NOW - timedelta(hours=hours), Health(concerns=concerns), None)

    points = [point(5, Concern.HOT), point(4), point(3, Concern.HOT), point(1, Concern.HOT)]
    (found,) = situations(seen(kept={"concerns": (Concern.HOT,)}, points=points))
    assert found.since == NOW - timedelta(hours=3)


def test_since_when_names_the_day_unless_it_is_today() -> None:
    assert since_words(EARLIER, NOW, DEFAULT_TZ) == "Từ 13:42."
    assert since_words(NOW - timedelta(days=1), NOW, DEFAULT_TZ) == "Từ Thứ Tư, 10/6 · 16:42."


def test_everything_that_can_be_so_has_words() -> None:
    assert set(SAYINGS) == set(Situation)
    assert set(node_words.SELF_TESTS) == set(SelfTestOutcome)
    assert set(node_words.CLOCK_SOURCES) == set(ClockSource)
    assert set(node_words.STANDING) == set(StandingMessage)
    assert set(node_words.STANDINGS) == set(Standing)
    assert set(node_words.STATUSES) == set(Status)
    assert {one.value for one in Concern} <= {one.value for one in Situation}
    for found in Verdict:
        assert situations(seen(kept=verdict(found)))[0].what is not Situation.FINE
