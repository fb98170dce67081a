"""The Vietnamese words for codes: what services refuse, what became of an occurrence, names of closed sets.

Codes are stable and English; whatever has no words of its own here is told in general words with its code, so
that a person can read it out on the telephone.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from loa.controller.core.notices import NoticeCode
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
KINDS_IN_NAMES = (
    "tỉnh ",
    "thành phố ",
    "huyện ",
    "quận ",
    "thị xã ",
    "xã ",
    "phường ",
    "thị trấn ",
    "đặc khu ",
    "thôn ",
    "xóm ",
    "bản ",
    "ấp ",
    "tổ ",
    "khu ",
    "cụm ",
    "nhóm ",
)
"""How a name begins that says itself what it names."""
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
SILENT = Look("Loa không ra tiếng", "horn-off", "bad")
PARTLY_SILENT = Look("Có lúc mất tiếng", "half", "warn")
NOT_HEARD = Look("Không nghe thấy", "horn-off", "bad")
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
    Reason.CLOCK_UNTRUSTED: NOT_PLAYED,
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
    Reason.CLOCK_UNTRUSTED: "Loa chưa có giờ đúng lúc đến giờ phát",
}
RENDERED_NOTHING = "Máy đã phát nhưng đường ra không có tiếng. Xem lại nút tắt tiếng, âm lượng, dây nối."
RENDERED_PART = "Máy đã phát nhưng đường ra chỉ có tiếng {passed} trên {judged} giây đã đo"
HEARD_NOTHING = "Máy đã phát nhưng micrô không nghe thấy. Xem lại tăng âm, loa và dây loa."
HEARD_PART = "Máy đã phát nhưng micrô chỉ nghe thấy {passed} trên {judged} giây đã đo"
PLAYED_PART = "Phát {played} trên {planned}"
SIREN_INSTEAD = "Còi báo động phát thay {siren}"
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
    "not_rendered": "Loa không ra tiếng",
    "not_heard": "Micrô không nghe thấy",
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
    "clock_untrusted": "Không phát: loa chưa có giờ đúng",
}


class Words(NamedTuple):
    """A notice about a plan: icon, what happens, why."""

    icon: str
    title: str
    why: str


NOTICES: Mapping[NoticeCode, Words] = {
    NoticeCode.NO_AUDIENCE: Words("place", "Chưa chọn nơi nhận", "Về bước Ở đâu, chọn ít nhất một nơi."),
    NoticeCode.NOT_YOURS: Words(
        "shield", "Nơi nhận ngoài địa bàn của bạn: {areas}", "Về bước Ở đâu, bỏ nơi đó ra."
    ),
    NoticeCode.NO_TIME: Words("clock", "Chưa chọn giờ phát", "Chọn ngày và giờ."),
    NoticeCode.BAD_RECURRENCE: Words("calendar", "Lịch lặp này không chạy được", "Chọn lại ngày và giờ."),
    NoticeCode.LAST_END_TOO_EARLY: Words(
        "half", "{at}: không kịp phát hết", "Bản tin dài hơn khoảng giờ được phép."
    ),
    NoticeCode.TOO_FAR: Words("calendar", "Ngày phát cách nay hơn một năm", "Xem lại năm đã chọn."),
    NoticeCode.SOME_WITHOUT_NODES: Words(
        "horn-off", "{areas}: chưa có cụm loa", "Ở đó sẽ không ai nghe được. Nơi khác vẫn phát."
    ),
    NoticeCode.IN_THE_PAST: Words("clock", "{at}: giờ đã qua", "Chọn giờ sau lúc này."),
    NoticeCode.NEVER: Words("calendar", "Lịch này không có lần nào", "Từ nay về sau không ngày nào khớp."),
    NoticeCode.OVERLAPS_ITSELF: Words(
        "half", "{at}: lần sau đến khi lần trước chưa hết", "Chọn các giờ cách nhau hơn độ dài bản tin."
    ),
    NoticeCode.QUIET_HOURS: Words("moon", "{at}: loa sẽ không phát", "Lúc này là giờ yên tĩnh."),
    NoticeCode.INTO_QUIET_HOURS: Words(
        "moon", "{at}: loa sẽ không phát", "Bản tin dài nên lấn sang giờ yên tĩnh."
    ),
    NoticeCode.NO_NODES: Words("horn-off", "{areas}: chưa có cụm loa", "Ở đó sẽ không ai nghe được."),
    NoticeCode.WILL_NOT_SOUND: Words("cross", "{at}: {title} sẽ không phát đủ", "{reason}."),
    NoticeCode.DELAYED: Words("later", "{at}: tin của bạn lùi đến {new}", "“{by}” đi trước."),
    NoticeCode.DISPLACES: Words("later", "“{title}” lùi {delta}", "Từ {at} sang {new} vì tin này."),
    NoticeCode.TAKES_AWAY: Words("cross", "{at}: “{title}” sẽ không phát đủ", "Vì tin này. {reason}."),
    NoticeCode.INTERRUPTS: Words("alarm", "Chen vào “{title}”", "Bản tin đó phát tiếp sau khi tin này hết."),
    NoticeCode.ENDS_ON: Words("calendar", "Lịch này tự hết vào {at}", "Lịch không ghi ngày kết thúc."),
    NoticeCode.WAITS_FOR_CHOICE: Words(
        "hourglass", "{areas}: chờ xã chọn", "Tin thông thường của cấp trên chỉ phát khi xã chọn."
    ),
    NoticeCode.ATTENUATED: Words("horn", "{at}: loa phát nhỏ hơn {db} dB", "Giờ này phải phát nhỏ."),
}

ERRORS: Mapping[str, str] = {
    # people
    "wrong_name_or_password": "Tên đăng nhập hoặc mật khẩu chưa đúng",
    "too_many_attempts": "Thử sai nhiều lần. Chờ {retry_after_s} giây rồi thử lại.",
    "not_permitted": "Bạn chưa có quyền làm việc này. Hỏi người quản trị ở địa bàn của bạn.",
    "csrf": "Trang mở lâu quá nên chưa gửi được. Không mất gì, bấm lại lần nữa.",
    # bulletins
    "stale": "{saved_by} vừa sửa bản này. Mở lại để xem bản mới, rồi sửa tiếp.",
    "own_bulletin": "Bạn soạn bản này nên người khác phải duyệt",
    "wrong_state": "Bản này vừa được người khác quyết định. Bạn không cần làm gì.",
    "incomplete": "Bản tin còn thiếu vài chỗ. Xem lại các bước trước.",
    "text_not_read": "Chữ đã sửa sau khi máy đọc. Về bước Nói gì, bấm Tiếp tục để máy đọc lại.",
    "comment_missing": "Viết điều cần sửa để người soạn biết",
    "not_an_emergency": "Bản tin này không ở mức Khẩn cấp",
    "when": "Giờ phát này không được. Xem các ghi chú ở dưới và chọn giờ khác.",
    "empty_text": "Viết nội dung để máy đọc",
    "no_voice": "Máy chủ chưa cài giọng đọc. Báo người quản trị, hoặc tải tệp ghi âm lên.",
    "bad_silence_length": "Giữ im từ 1 phút đến 24 giờ. Chọn lại.",
    "no_such_recording": "Bản thu không còn. Tải tệp lên lại.",
    "database_busy": "Máy chủ đang bận. Không mất gì, thử lại sau vài giây.",
    "database_unavailable": "Máy chủ chưa lưu được. Loa vẫn phát đúng lịch. Thử lại sau 1 phút.",
    # sounds
    "empty": "Tệp trống, không có âm thanh. Chọn tệp khác.",
    "too_large": "Tệp lớn quá. Cắt ngắn, hoặc chọn tệp nhỏ hơn.",
    "not_audio": "Tệp này không phải âm thanh. Chọn tệp ghi âm, hoặc chép chữ vào ô Gõ chữ.",
    "truncated": "Tệp bị đứt giữa chừng. Gửi lại cả tệp, hoặc ghi âm lại.",
    "too_long": "Bản ghi dài quá. Cắt ngắn rồi gửi lại.",
    "silent": "Không nghe thấy gì trong tệp. Kiểm tra micrô rồi ghi lại.",
    "text_too_long": "Chữ dài quá, máy không đọc hết. Chia thành nhiều bản tin.",
    "voice_unknown": "Không có giọng đọc này. Chọn giọng khác.",
    "busy": "Máy chủ đang bận xử lý tệp khác. Thử lại sau 1 phút.",
    "tool_failed": "Máy chủ chưa xử lý được âm thanh này. Thử lại, nếu vẫn vậy thì báo kỹ thuật.",
    "tool_timeout": "Máy chủ xử lý lâu quá. Thử lại sau 1 phút.",
    "tool_missing": "Máy chủ thiếu phần mềm âm thanh. Báo người quản trị.",
    "disk_full": "Đĩa của máy chủ đã đầy nên chưa lưu được. Không mất gì, báo người quản trị rồi gửi lại.",
    # places and times
    "no_audience": "Chọn ít nhất một nơi nhận",
    "no_nodes": "Nơi nhận chưa có cụm loa nào. Chọn nơi khác.",
    "in_the_past": "Chọn giờ khác, vì giờ đã chọn qua rồi",
    "never": "Lịch này không có lần nào sắp tới. Chọn lại ngày.",
    "overlaps_itself": "Các lần phát chồng lên nhau. Chọn giờ cách xa hơn.",
    "quiet_hours": "Giờ này là giờ yên tĩnh, loa sẽ không phát. Chọn giờ khác.",
    "into_quiet_hours": "Bản tin lấn sang giờ yên tĩnh. Chọn giờ sớm hơn.",
    "area_unknown": "Nơi nhận này không có. Chọn lại.",
}
CAUTIONS: Mapping[str, str] = {
    "clipped": "Có đoạn ghi to quá nên bị vỡ tiếng. Nghe lại trước khi gửi.",
    "quiet": "Ghi nhỏ quá nên tiếng ồn nổi lên theo. Nghe lại trước khi gửi.",
    "level": "Độ to chưa chỉnh được đúng mức. Nghe lại trước khi gửi.",
}
PROBLEMS: Mapping[int, str] = {
    403: "Cần làm việc này thì hỏi người quản trị ở địa bàn của bạn. Mã lỗi: {code}.",
    404: "Địa chỉ này không có gì, hoặc không thuộc địa bàn của bạn.",
    413: "Quay lại, chọn tệp nhỏ hơn. Chữ đã gõ vẫn còn ở trang trước.",
    503: "Loa vẫn phát đúng lịch. Thử lại sau 1 phút. Mã lỗi: {code}.",
    507: "Loa vẫn phát đúng lịch. Báo người quản trị. Mã lỗi: {code}.",
}
PROBLEM = "Loa vẫn phát đúng lịch. Quay lại trang trước, hoặc thử lại sau 1 phút. Mã lỗi: {code}."
NOT_FOUND = "Không tìm thấy"
UNSAID = "Chưa làm được việc này. Mã lỗi: {code}."


def explain(status: int, code: str) -> str:
    """What to do about a refusal that has a page of its own."""
    return PROBLEMS.get(status, PROBLEM).format(code=code)


def say(code: str, facts: Mapping[str, Any]) -> str:
    """What to tell a person whom a service refused; general words with the code where it has none."""
    pattern = ERRORS.get(code)
    if pattern is None:
        return UNSAID.format(code=code)
    try:
        return pattern.format_map({name: str(value) for name, value in facts.items()})
    except KeyError:
        return UNSAID.format(code=code)
