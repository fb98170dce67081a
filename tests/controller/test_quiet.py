"""When policies keep loudspeakers quiet."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from loa.controller.core.quiet import Quiet, quiet_stretches
from loa.controller.core.starts import Hours
from loa.protocol.kinds import BroadcastClass
from loa.schedules.model import Window
from loa.schedules.policy import default_policy

DAY = datetime(2026, 6, 11, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
WINDOW = Window(from_at=DAY, until_at=DAY + timedelta(days=1))
HERE, ELSEWHERE = (Hours(default_policy(), tz) for tz in ("Asia/Ho_Chi_Minh", "Asia/Tokyo"))
NORMAL, PRIORITY = BroadcastClass.NORMAL, BroadcastClass.PRIORITY


def hours(*stretches: Quiet) -> list[tuple[float, float]]:
    return [((one.from_at - DAY) / _HOUR, (one.to_at - DAY) / _HOUR) for one in stretches]


def test_a_day_is_quiet_at_both_ends_and_says_by_which_rule() -> None:
    morning, evening = quiet_stretches([HERE], [NORMAL], WINDOW)
    assert hours(morning, evening) == [(0, 5), (22, 24)]
    assert "yên tĩnh từ 22:00 đến 05:00" in morning.legal_source


def test_quiet_is_what_all_policies_and_classes_agree_on() -> None:
    both = quiet_stretches([HERE, ELSEWHERE], [NORMAL, PRIORITY], WINDOW)
    assert hours(*both) == [(0, 3), (22, 24)]


_HOUR = timedelta(hours=1)
