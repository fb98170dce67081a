"""The Vietnamese words for codes: what services refuse, what became of an occurrence, names of closed sets.

Codes are stable and English; whatever has no words of its own here is told in general words with its code, so
that a person can read it out on the telephone.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from loa.protocol.kinds import BroadcastClass
from loa.protocol.reasons import Reason


class Look(NamedTuple):
    """A state as people see it: word, icon and colour, never colour alone."""

    word: str
    icon: str
    look: str


WEEKDAYS = ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ Nhật")
WEEKDAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

CLASSES: Mapping[str, str] = {
    BroadcastClass.NORMAL: "Thông thường",
    BroadcastClass.PRIORITY: "Ưu tiên",
    BroadcastClass.EMERGENCY: "Khẩn cấp",
}
FIELDS: Mapping[str, str] = {
    "health": "Y tế, dân số",
    "agriculture": "Nông nghiệp",
    "environment": "Môi trường",
    "disaster": "Phòng chống thiên tai",
    "security": "An ninh, trật tự",
    "education": "Giáo dục",
    "utilities": "Điện, nước",
    "land": "Đất đai, thuế",
    "culture": "Văn hóa, xã hội",
    "military": "Quân sự",
    "news": "Thời sự",
    "other": "Việc khác",
}
KINDS: Mapping[str, str] = {
    "province": "tỉnh",
    "district": "huyện",
    "commune": "xã",
    "village": "thôn",
    "node": "cụm loa",
    "zone": "nhóm loa",
}
BULLETIN_STATES: Mapping[str, Look] = {
    "draft": Look("Bản nháp", "pencil", "wait"),
    "submitted": Look("Chờ duyệt", "hourglass", "wait"),
    "approved": Look("Đã duyệt", "tick", "ok"),
    "returned": Look("Trả lại", "turn", "warn"),
}

PLAYING = Look("Đang phát", "bars", "on")
PLAYED = Look("Đã phát", "tick", "ok")
TO_COME = Look("Sẽ phát", "calendar", "act")
NOT_PLAYED = Look("Không phát", "cross", "bad")
REFUSED = Look("Bị từ chối", "moon", "bad")
SHORT = Look("Phát thiếu", "half", "warn")
LATE = Look("Phát trễ", "clock", "warn")
STOPPED = Look("Đã dừng", "octagon", "off")
UNKNOWN = Look("Không kiểm được", "question", "unknown")
LOST = Look("Mất liên lạc", "waves-off", "bad")

OUTCOMES: Mapping[str, Look] = {
    "expected": TO_COME,
    "missed": UNKNOWN,
    Reason.COMPLETE: PLAYED,
    Reason.PARTLY: SHORT,
    Reason.EXPIRED: NOT_PLAYED,
    Reason.DISPLACED: NOT_PLAYED,
    Reason.INTERRUPTED: SHORT,
    Reason.LAST_END: NOT_PLAYED,
    Reason.QUIET_HOURS: REFUSED,
    Reason.INTO_QUIET_HOURS: REFUSED,
    Reason.MINUTES_USED_UP: REFUSED,
    Reason.SILENCED: STOPPED,
    Reason.WITHDRAWN: STOPPED,
    Reason.LEARNT_TOO_LATE: NOT_PLAYED,
    Reason.CONFLICTING_BODY: NOT_PLAYED,
    Reason.SOUND_MISSING: NOT_PLAYED,
    Reason.POWER_LOST: NOT_PLAYED,
    Reason.PLAYER_FAILED: NOT_PLAYED,
}
WHY: Mapping[str, str] = {
    Reason.COMPLETE: "Đủ {planned}",
    Reason.PARTLY: "Vào giữa chừng cho kịp giờ, phát {played} trên {planned}",
    Reason.EXPIRED: "Quá giờ được phép bắt đầu",
    Reason.DISPLACED: "Tin khác phát lâu nên không còn giờ",
    Reason.INTERRUPTED: "Tin khẩn cấp chen vào, không phát lại phần còn lại",
    Reason.LAST_END: "Không kịp xong trước giờ phải hết",
    Reason.QUIET_HOURS: "Giờ yên tĩnh",
    Reason.INTO_QUIET_HOURS: "Bản tin lấn sang giờ yên tĩnh",
    Reason.MINUTES_USED_UP: "Đã hết số phút được phát trong ngày",
    Reason.SILENCED: "Có lệnh dừng loa",
    Reason.WITHDRAWN: "Lịch phát đã được rút",
    Reason.LEARNT_TOO_LATE: "Loa nhận tin khi đã quá giờ",
    Reason.CONFLICTING_BODY: "Hai bản tin trùng mã",
    Reason.SOUND_MISSING: "Loa chưa tải được bản thu",
    Reason.POWER_LOST: "Loa mất điện lúc đến giờ",
    Reason.PLAYER_FAILED: "Bộ phát âm thanh của loa bị lỗi",
}
PLAYED_PART = "Phát {played} trên {planned}"
LATE_BY = "Trễ {late}, đủ {planned}"
DUE_SOON = "Phát lúc {at}"
NOT_REPORTED_YET = "Đã đến giờ, chờ loa báo về"
MISSED_HELD = "Loa đã nhận bản tin nhưng chưa báo về. Loa vẫn phát theo lịch đã nhận."
MISSED_NOT_HELD = "Loa chưa báo đã nhận bản tin này"
PLAYING_NOW = "Đang phát, còn {left}"

RUNGS = ("Đã lên lịch", "Loa đã nhận", "Máy đã phát", "Micrô đã nghe thấy")
MARKS: Mapping[str, tuple[str, str]] = {
    "yes": ("tick", "có"),
    "partly": ("half", "một phần"),
    "no": ("cross", "không"),
    "unknown": ("question", "không có cách kiểm"),
    "none": ("minus", "chưa tới"),
}
OUTCOME_FILTER: Mapping[str, str] = {
    "expected": "Sẽ phát",
    "complete": "Đã phát",
    "missed": "Không kiểm được",
    "interrupted": "Phát thiếu: tin khẩn cấp chen vào",
    "partly": "Phát thiếu: vào giữa chừng",
    "silenced": "Đã dừng: lệnh dừng loa",
    "withdrawn": "Đã dừng: rút lịch phát",
    "quiet_hours": "Bị từ chối: giờ yên tĩnh",
    "into_quiet_hours": "Bị từ chối: lấn giờ yên tĩnh",
    "minutes_used_up": "Bị từ chối: hết số phút trong ngày",
    "displaced": "Không phát: tin khác lấn giờ",
    "expired": "Không phát: quá giờ bắt đầu",
    "last_end": "Không phát: không kịp xong",
    "learnt_too_late": "Không phát: nhận tin muộn",
    "sound_missing": "Không phát: thiếu bản thu",
    "power_lost": "Không phát: mất điện",
    "player_failed": "Không phát: lỗi bộ phát",
}
