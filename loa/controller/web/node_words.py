"""What is said of a node: its situation in a sentence, what to do about it, and the names of closed sets."""

from collections.abc import Mapping
from dataclasses import dataclass

from loa.controller.core.rollouts import Standing, Status
from loa.controller.core.situations import Situation
from loa.controller.errors import ControllerError
from loa.controller.web import catalogue
from loa.controller.web.catalogue import Look, say
from loa.controller.web.words import lazy
from loa.protocol.kinds import StandingMessage
from loa.protocol.reasons import ClockSource, SelfTestOutcome

BAD, WARN, OK, ACT = "bad", "warn", "ok", "act"


@dataclass(frozen=True, slots=True)
class Saying:
    """A situation in words: the badge, the sentence after the node's name, and what to do."""

    look: Look
    edge: str
    """Of the notice: bad, warn, ok, act."""
    title: str
    text: str
    calls: bool = False
    """Whether somebody has to go there or be called."""


_NEEDS_LOOK = Look(lazy("Cần xem"), "alarm", "warn")
_SILENT = Look(lazy("Loa im"), "horn-off", "bad")
_IDLE = Look(lazy("Có kết nối"), "tick", "ok")
_NOT_YET = Look(lazy("Chưa kết nối"), "hourglass", "wait")
_RETIRED = Look(lazy("Đã nghỉ"), "minus", "off")

SAYINGS: Mapping[Situation, Saying] = {
    Situation.RETIRED: Saying(
        _RETIRED,
        ACT,
        lazy("đã nghỉ hẳn"),
        lazy("Không lịch phát nào gửi đến đây nữa. Nhật ký cũ vẫn còn."),
    ),
    Situation.WAITING: Saying(
        _NOT_YET,
        ACT,
        lazy("chưa kết nối lần nào"),
        lazy("Bật điện máy ở cột, rồi nhập mã kết nối. Mã dùng được một lần."),
    ),
    Situation.CUT_OFF: Saying(
        _NOT_YET,
        WARN,
        lazy("đã bị cắt kết nối, chờ kết nối lại"),
        lazy("Máy cũ còn phát theo lịch đã nhận. Lấy mã mới rồi nhập vào đúng máy ở cột."),
        calls=True,
    ),
    Situation.NEVER_HEARD: Saying(
        _NOT_YET,
        WARN,
        lazy("đã nhận mã nhưng chưa báo về"),
        lazy("Thường xong trong một phút. Nếu lâu hơn, xem mạng của máy ở cột."),
        calls=True,
    ),
    Situation.STOPPED: Saying(
        Look(lazy("Đã dừng"), "octagon", "off"),
        BAD,
        lazy("có người bấm nút dừng ở cột"),
        lazy("Loa im cho đến khi lãnh đạo xã hoặc kỹ thuật cho phát lại. Hỏi rõ vì sao họ bấm."),
        calls=True,
    ),
    Situation.AHEAD: Saying(
        _NEEDS_LOOK,
        BAD,
        lazy("giữ lệnh mà máy chủ không ra"),
        lazy("Có thể ai đó có khóa của máy chủ, hoặc máy chủ vừa khôi phục bản sao cũ. Báo người quản trị."),
        calls=True,
    ),
    Situation.BEHIND: Saying(
        _NEEDS_LOOK,
        BAD,
        lazy("không nhận lệnh mới"),
        lazy(
            "Thường do tải về không được. Mạng tốt mà vẫn vậy thì máy đang từ chối lệnh: báo người quản trị."
        ),
        calls=True,
    ),
    Situation.LOST: Saying(
        catalogue.LOST,
        BAD,
        lazy("mất liên lạc"),
        lazy("Loa vẫn phát theo lịch đã nhận. Thường do mất điện hoặc SIM hết tiền. Cần người ra xem."),
        calls=True,
    ),
    Situation.SILENT: Saying(
        _SILENT,
        BAD,
        lazy("máy phát nhưng loa không kêu"),
        lazy("Thường do dây đứt hoặc ampli hỏng. Cần người lên cột xem dây."),
        calls=True,
    ),
    Situation.NO_OUTPUT: Saying(
        _SILENT,
        BAD,
        lazy("máy không thấy bộ ra âm thanh"),
        lazy("Không bản tin nào kêu được. Cần người mở hộp xem dây của bộ ra âm thanh."),
        calls=True,
    ),
    Situation.CLOCK_UNTRUSTED: Saying(
        Look(lazy("Chưa có giờ"), "clock", "bad"),
        BAD,
        lazy("chưa có giờ đúng"),
        lazy("Chỉ tin khẩn cấp được phát cho đến khi có giờ. Có mạng là máy tự lấy giờ."),
        calls=True,
    ),
    Situation.TWO_MACHINES: Saying(
        _NEEDS_LOOK,
        BAD,
        lazy("hai máy cùng nhận là cụm loa này"),
        lazy("Thẻ nhớ đã bị sao sang máy khác. Tắt một máy. Nếu không rõ máy nào đúng, hãy từ chối cả hai."),
        calls=True,
    ),
    Situation.OTHER_MACHINE: Saying(
        _NEEDS_LOOK,
        WARN,
        lazy("một máy khác đang chạy thay"),
        lazy("Nếu bạn vừa thay máy thì bấm Đúng máy của mình. Nếu không ai thay, hãy từ chối."),
        calls=True,
    ),
    Situation.OTHER_CARD: Saying(
        _NEEDS_LOOK,
        WARN,
        lazy("thẻ nhớ đã thay hoặc bị xóa"),
        lazy("Nhật ký chưa gửi của thẻ cũ có thể thiếu. Nếu bạn vừa thay thẻ thì bấm Đúng máy của mình."),
        calls=True,
    ),
    Situation.CHAIN_BROKEN: Saying(
        _NEEDS_LOOK,
        WARN,
        lazy("báo cáo không nối tiếp nhau"),
        lazy("Báo cáo mới không khớp với những gì đã lưu của loa. Nhờ kỹ thuật viên đối chiếu nhật ký phát."),
        calls=True,
    ),
    Situation.DISK_ERRORS: Saying(
        _NEEDS_LOOK,
        BAD,
        lazy("thẻ nhớ có lỗi"),
        lazy("Thẻ có thể hỏng bất cứ lúc nào. Thay thẻ mới trong tuần này."),
        calls=True,
    ),
    Situation.UNDER_VOLTAGE: Saying(
        _NEEDS_LOOK,
        WARN,
        lazy("nguồn điện yếu"),
        lazy("Máy có thể tắt giữa chừng, thẻ nhớ dễ hỏng. Thay bộ nguồn hoặc dây nguồn."),
        calls=True,
    ),
    Situation.HOT: Saying(
        _NEEDS_LOOK,
        WARN,
        lazy("hộp máy quá nóng"),
        lazy("Máy chạy chậm lại khi nóng. Xem hộp có bị nắng chiếu hoặc bịt lỗ thoáng không."),
        calls=True,
    ),
    Situation.DISK_WORN: Saying(
        _NEEDS_LOOK,
        WARN,
        lazy("thẻ nhớ sắp hết tuổi"),
        lazy("Thẻ đã ghi gần hết số lần cho phép. Thay thẻ trong tháng này."),
        calls=True,
    ),
    Situation.NO_ROOM: Saying(
        _NEEDS_LOOK,
        WARN,
        lazy("hết chỗ chứa bản thu"),
        lazy("Có bản tin sắp phát chưa tải về được. Rút bớt lịch phát dài, hoặc thay thẻ lớn hơn."),
        calls=True,
    ),
    Situation.DISK_SHORT: Saying(
        _NEEDS_LOOK,
        WARN,
        lazy("đĩa sắp đầy"),
        lazy("Còn dưới 200 MB. Cần người xem thứ gì đã chiếm chỗ."),
        calls=True,
    ),
    Situation.MEMORY_SHORT: Saying(
        _NEEDS_LOOK,
        WARN,
        lazy("máy sắp hết bộ nhớ"),
        lazy("Máy có thể khởi động lại giữa bản tin. Báo kỹ thuật xem."),
        calls=True,
    ),
    Situation.CLOCK_OFF: Saying(
        _NEEDS_LOOK,
        WARN,
        lazy("đồng hồ lệch"),
        lazy("Loa có thể phát sớm hoặc muộn. Máy tự chỉnh khi có mạng tốt."),
        calls=True,
    ),
    Situation.BUDGET_SHORT: Saying(
        _NEEDS_LOOK,
        WARN,
        lazy("SIM sẽ hết dung lượng trước cuối tháng"),
        lazy("Hết dung lượng thì loa mất liên lạc. Nạp thêm, hoặc bớt bản tin dài."),
        calls=True,
    ),
    Situation.SIGNAL_WEAK: Saying(
        _NEEDS_LOOK,
        WARN,
        lazy("sóng di động yếu"),
        lazy("Bản tin mới tải chậm. Thử đổi hướng ăng-ten hoặc đổi nhà mạng."),
        calls=True,
    ),
    Situation.LATE: Saying(
        Look(lazy("Báo chậm"), "clock", "warn"),
        WARN,
        lazy("báo về chậm"),
        lazy("Thường do sóng chập chờn. Nếu vẫn không báo, trang này sẽ ghi là mất liên lạc."),
    ),
    Situation.SILENCED: Saying(
        Look(lazy("Đang im"), "octagon", "off"),
        ACT,
        lazy("đang im theo lệnh dừng"),
        lazy("Hết giờ giữ im thì loa phát lại theo lịch."),
    ),
    Situation.SOUNDING: Saying(catalogue.PLAYING, OK, lazy("đang phát"), lazy("Loa đang phát theo lịch.")),
    Situation.FETCHING: Saying(
        _IDLE,
        OK,
        lazy("chạy tốt, đang tải bản thu"),
        lazy("Bản thu được tải trước giờ phát. Không cần làm gì."),
    ),
    Situation.FINE: Saying(_IDLE, OK, lazy("chạy tốt, chưa tới giờ phát"), lazy("Không cần làm gì.")),
}

SELF_TESTS: Mapping[SelfTestOutcome, Look] = {
    SelfTestOutcome.PASSED: Look(lazy("Đã kêu, máy nghe lại thấy tiếng"), "tick", "ok"),
    SelfTestOutcome.SILENT: Look(lazy("Máy đã phát nhưng không nghe thấy tiếng"), "horn-off", "bad"),
    SelfTestOutcome.UNPROVEN: Look(
        lazy("Máy đã phát, nhưng cụm loa này không có tai nghe để kiểm"), "question", "unknown"
    ),
    SelfTestOutcome.INTERRUPTED: Look(lazy("Bị ngắt vì tới giờ phát hoặc có lệnh dừng"), "half", "warn"),
    SelfTestOutcome.BUSY: Look(lazy("Chưa kêu được vì loa đang phát bản tin"), "clock", "warn"),
    SelfTestOutcome.QUIET_HOURS: Look(lazy("Không kêu vì đang giờ yên tĩnh"), "moon", "warn"),
    SelfTestOutcome.SILENCED: Look(lazy("Không kêu vì đang có lệnh dừng"), "octagon", "off"),
    SelfTestOutcome.PLAYER_FAILED: Look(lazy("Bộ phát âm thanh của máy bị lỗi"), "cross", "bad"),
}
CLOCK_SOURCES: Mapping[ClockSource, str] = {
    ClockSource.NTP: lazy("lấy giờ từ mạng"),
    ClockSource.BATTERY: lazy("lấy giờ từ pin trong máy"),
    ClockSource.ANSWER: lazy("lấy giờ từ máy chủ"),
}
STANDING: Mapping[StandingMessage, str] = {
    StandingMessage.SIREN: lazy("còi báo động"),
    StandingMessage.EVACUATION: lazy("sơ tán"),
    StandingMessage.STORM: lazy("bão"),
    StandingMessage.FLOOD: lazy("lũ, ngập"),
    StandingMessage.FIRE: lazy("cháy"),
    StandingMessage.ALL_CLEAR: lazy("hết nguy hiểm"),
    StandingMessage.TEST: lazy("thử loa"),
}
STANDINGS: Mapping[Standing, Look] = {
    Standing.WAITING: Look(lazy("Chờ tới lượt"), "hourglass", "wait"),
    Standing.ON_TRIAL: Look(lazy("Đang chạy thử"), "turn", "act"),
    Standing.KEPT: Look(lazy("Đã cập nhật"), "tick", "ok"),
    Standing.ROLLED_BACK: Look(lazy("Tự quay về bản cũ"), "turn", "warn"),
    Standing.FAILED: Look(lazy("Không cài được, vẫn chạy bản cũ"), "cross", "bad"),
    Standing.REFUSED: Look(lazy("Máy không nhận, vẫn chạy bản cũ"), "shield", "bad"),
}
STATUSES: Mapping[Status, Look] = {
    Status.RUNNING: Look(lazy("Đang cập nhật"), "turn", "act"),
    Status.HALTED: Look(lazy("Đã dừng cập nhật"), "octagon", "warn"),
    Status.DONE: Look(lazy("Đã xong"), "tick", "ok"),
}

_REFUSALS: Mapping[str, str] = {
    "not_stopped": lazy("Loa này không báo là có ai bấm nút dừng. Tải lại trang."),
    "node_retired": lazy("Cụm loa này đã nghỉ hẳn. Muốn dùng tiếp thì thêm cụm loa mới."),
    "area_exists": lazy("Đã có nơi hoặc cụm loa trùng tên này. Thêm thôn hoặc số vào tên."),
    "bad_place": lazy("Cụm loa không đặt ở đây được. Chọn thôn hoặc xã."),
    "area_closed": lazy("Nơi này đã ngừng dùng. Chọn nơi khác."),
    "bad_release": lazy("Tệp này không đúng chữ ký hoặc bị hỏng. Lấy lại tệp từ người làm phần mềm."),
    "rollout_running": lazy("Ở đây đang có một lần cập nhật khác. Đợi xong, hoặc dừng lần ấy trước."),
    "no_nodes": lazy("Nơi này chưa có cụm loa nào. Chọn nơi khác."),
}


def refusal(error: ControllerError) -> str:
    """Why something about a node was refused, and what to do."""
    own = _REFUSALS.get(error.code)
    return say(error.code, error.facts) if own is None else str(own)
