"""The words for codes: what services refuse, what became of an occurrence, names of closed sets.

Codes are stable and English; whatever has no words of its own here is told in general words with its code, so
that a person can read it out on the telephone.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from loa.controller.core.notices import NoticeCode
from loa.controller.web.words import lazy, ngettext
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reasons import Reason


class Look(NamedTuple):
    """A state as people see it: word, icon and colour, never colour alone."""

    word: str
    icon: str
    look: str


WEEKDAYS = (
    lazy("Thứ Hai"),
    lazy("Thứ Ba"),
    lazy("Thứ Tư"),
    lazy("Thứ Năm"),
    lazy("Thứ Sáu"),
    lazy("Thứ Bảy"),
    lazy("Chủ Nhật"),
)
WEEKDAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

CLASSES: Mapping[str, str] = {
    BroadcastClass.NORMAL: lazy("Thông thường"),
    BroadcastClass.PRIORITY: lazy("Ưu tiên"),
    BroadcastClass.EMERGENCY: lazy("Khẩn cấp"),
}
FIELDS: Mapping[str, str] = {
    "health": lazy("Y tế, dân số"),
    "agriculture": lazy("Nông nghiệp"),
    "environment": lazy("Môi trường"),
    "disaster": lazy("Phòng chống thiên tai"),
    "security": lazy("An ninh, trật tự"),
    "education": lazy("Giáo dục"),
    "utilities": lazy("Điện, nước"),
    "land": lazy("Đất đai, thuế"),
    "culture": lazy("Văn hóa, xã hội"),
    "military": lazy("Quân sự"),
    "news": lazy("Thời sự"),
    "other": lazy("Việc khác"),
}
KINDS: Mapping[str, str] = {
    "province": lazy("tỉnh"),
    "district": lazy("huyện"),
    "commune": lazy("xã"),
    "village": lazy("thôn"),
    "node": lazy("cụm loa"),
    "zone": lazy("nhóm loa"),
}
AREA_TITLE = lazy("{kind} {name}")
KIND_COUNTS: Mapping[str, Callable[[int], str]] = {
    "province": lambda count: ngettext("%(num)s tỉnh", "%(num)s tỉnh", count),
    "district": lambda count: ngettext("%(num)s huyện", "%(num)s huyện", count),
    "commune": lambda count: ngettext("%(num)s xã", "%(num)s xã", count),
    "village": lambda count: ngettext("%(num)s thôn", "%(num)s thôn", count),
    "node": lambda count: ngettext("%(num)s cụm loa", "%(num)s cụm loa", count),
    "zone": lambda count: ngettext("%(num)s nhóm loa", "%(num)s nhóm loa", count),
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
KINDS_TO_LEAVE_OUT = ("thôn ", "xóm ", "bản ", "ấp ", "làng ", "buôn ")
"""What need not be said before each of a list of villages."""
BULLETIN_STATES: Mapping[str, Look] = {
    "draft": Look(lazy("Bản nháp"), "pencil", "wait"),
    "submitted": Look(lazy("Chờ duyệt"), "hourglass", "wait"),
    "approved": Look(lazy("Đã duyệt"), "tick", "ok"),
    "returned": Look(lazy("Trả lại"), "turn", "warn"),
}

PLAYING = Look(lazy("Đang phát"), "bars", "on")
PLAYED = Look(lazy("Đã phát"), "tick", "ok")
TO_COME = Look(lazy("Sẽ phát"), "calendar", "act")
NOT_PLAYED = Look(lazy("Không phát"), "cross", "bad")
REFUSED = Look(lazy("Bị từ chối"), "moon", "bad")
SHORT = Look(lazy("Phát thiếu"), "half", "warn")
LATE = Look(lazy("Phát trễ"), "clock", "warn")
STOPPED = Look(lazy("Đã dừng"), "octagon", "off")
UNKNOWN = Look(lazy("Không kiểm được"), "question", "unknown")
SILENT = Look(lazy("Loa không ra tiếng"), "horn-off", "bad")
PARTLY_SILENT = Look(lazy("Có lúc mất tiếng"), "half", "warn")
NOT_HEARD = Look(lazy("Không nghe thấy"), "horn-off", "bad")
LOST = Look(lazy("Mất liên lạc"), "waves-off", "bad")
DRILL = Look(lazy("Diễn tập"), "flag", "drill")

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
    Reason.COMPLETE: lazy("Đủ {planned}"),
    Reason.PARTLY: lazy("Vào giữa chừng cho kịp giờ, phát {played} trên {planned}"),
    Reason.EXPIRED: lazy("Quá giờ được phép bắt đầu"),
    Reason.DISPLACED: lazy("Tin khác phát lâu nên không còn giờ"),
    Reason.INTERRUPTED: lazy("Tin khẩn cấp chen vào, không phát lại phần còn lại"),
    Reason.LAST_END: lazy("Không kịp xong trước giờ phải hết"),
    Reason.QUIET_HOURS: lazy("Giờ yên tĩnh"),
    Reason.INTO_QUIET_HOURS: lazy("Bản tin lấn sang giờ yên tĩnh"),
    Reason.MINUTES_USED_UP: lazy("Đã hết số phút được phát trong ngày"),
    Reason.SILENCED: lazy("Có lệnh dừng loa"),
    Reason.WITHDRAWN: lazy("Lịch phát đã được rút"),
    Reason.LEARNT_TOO_LATE: lazy("Loa nhận tin khi đã quá giờ"),
    Reason.CONFLICTING_BODY: lazy("Hai bản tin trùng mã"),
    Reason.SOUND_MISSING: lazy("Loa chưa tải được bản thu"),
    Reason.POWER_LOST: lazy("Loa mất điện lúc đến giờ"),
    Reason.PLAYER_FAILED: lazy("Bộ phát âm thanh của loa bị lỗi"),
    Reason.CLOCK_UNTRUSTED: lazy("Loa chưa có giờ đúng lúc đến giờ phát"),
}
RENDERED_NOTHING = lazy(
    "Máy đã phát nhưng đường ra không có tiếng. Xem lại nút tắt tiếng, âm lượng, dây nối."
)
RENDERED_PART = lazy("Máy đã phát nhưng đường ra chỉ có tiếng {passed} trên {judged} giây đã đo")
HEARD_NOTHING = lazy("Máy đã phát nhưng micrô không nghe thấy. Xem lại tăng âm, loa và dây loa.")
HEARD_PART = lazy("Máy đã phát nhưng micrô chỉ nghe thấy {passed} trên {judged} giây đã đo")
PLAYED_PART = lazy("Phát {played} trên {planned}")
SIREN_INSTEAD = lazy("Còi báo động phát thay {siren}")
LATE_BY = lazy("Trễ {late}, đủ {planned}")
DUE_SOON = lazy("Phát lúc {at}")
NOT_REPORTED_YET = lazy("Đã đến giờ, chờ loa báo về")
MISSED_HELD = lazy("Loa đã nhận bản tin nhưng chưa báo về. Loa vẫn phát theo lịch đã nhận.")
MISSED_NOT_HELD = lazy("Loa chưa báo đã nhận bản tin này")
PLAYING_NOW = lazy("Đang phát, còn {left}")

RUNGS = (lazy("Đã lên lịch"), lazy("Loa đã nhận"), lazy("Máy đã phát"), lazy("Micrô đã nghe thấy"))
MARKS: Mapping[str, tuple[str, str]] = {
    "yes": ("tick", lazy("có")),
    "partly": ("half", lazy("một phần")),
    "no": ("cross", lazy("không")),
    "unknown": ("question", lazy("không có cách kiểm")),
    "none": ("minus", lazy("chưa tới")),
}
OUTCOME_FILTER: Mapping[str, str] = {
    "expected": lazy("Sẽ phát"),
    "complete": lazy("Đã phát"),
    "not_rendered": lazy("Loa không ra tiếng"),
    "not_heard": lazy("Micrô không nghe thấy"),
    "missed": lazy("Không kiểm được"),
    "interrupted": lazy("Phát thiếu: tin khẩn cấp chen vào"),
    "partly": lazy("Phát thiếu: vào giữa chừng"),
    "silenced": lazy("Đã dừng: lệnh dừng loa"),
    "withdrawn": lazy("Đã dừng: rút lịch phát"),
    "quiet_hours": lazy("Bị từ chối: giờ yên tĩnh"),
    "into_quiet_hours": lazy("Bị từ chối: lấn giờ yên tĩnh"),
    "minutes_used_up": lazy("Bị từ chối: hết số phút trong ngày"),
    "displaced": lazy("Không phát: tin khác lấn giờ"),
    "expired": lazy("Không phát: quá giờ bắt đầu"),
    "last_end": lazy("Không phát: không kịp xong"),
    "learnt_too_late": lazy("Không phát: nhận tin muộn"),
    "sound_missing": lazy("Không phát: thiếu bản thu"),
    "power_lost": lazy("Không phát: mất điện"),
    "player_failed": lazy("Không phát: lỗi bộ phát"),
    "clock_untrusted": lazy("Không phát: loa chưa có giờ đúng"),
}


class Words(NamedTuple):
    """A notice about a plan: icon, what happens, why."""

    icon: str
    title: str
    why: str


NOTICES: Mapping[NoticeCode, Words] = {
    NoticeCode.NO_AUDIENCE: Words(
        "place", lazy("Chưa chọn nơi nhận"), lazy("Về bước Ở đâu, chọn ít nhất một nơi.")
    ),
    NoticeCode.NOT_YOURS: Words(
        "shield", lazy("Nơi nhận ngoài địa bàn của bạn: {areas}"), lazy("Về bước Ở đâu, bỏ nơi đó ra.")
    ),
    NoticeCode.NO_TIME: Words("clock", lazy("Chưa chọn giờ phát"), lazy("Chọn ngày và giờ.")),
    NoticeCode.BAD_RECURRENCE: Words(
        "calendar", lazy("Lịch lặp này không chạy được"), lazy("Chọn lại ngày và giờ.")
    ),
    NoticeCode.LAST_END_TOO_EARLY: Words(
        "half", lazy("{at}: không kịp phát hết"), lazy("Bản tin dài hơn khoảng giờ được phép.")
    ),
    NoticeCode.TOO_FAR: Words(
        "calendar", lazy("Ngày phát cách nay hơn một năm"), lazy("Xem lại năm đã chọn.")
    ),
    NoticeCode.SOME_WITHOUT_NODES: Words(
        "horn-off", lazy("{areas}: chưa có cụm loa"), lazy("Ở đó sẽ không ai nghe được. Nơi khác vẫn phát.")
    ),
    NoticeCode.IN_THE_PAST: Words("clock", lazy("{at}: giờ đã qua"), lazy("Chọn giờ sau lúc này.")),
    NoticeCode.NEVER: Words(
        "calendar", lazy("Lịch này không có lần nào"), lazy("Từ nay về sau không ngày nào khớp.")
    ),
    NoticeCode.OVERLAPS_ITSELF: Words(
        "half",
        lazy("{at}: lần sau đến khi lần trước chưa hết"),
        lazy("Chọn các giờ cách nhau hơn độ dài bản tin."),
    ),
    NoticeCode.QUIET_HOURS: Words(
        "moon", lazy("{at}: loa sẽ không phát"), lazy("Lúc này là giờ yên tĩnh, đến {quiet_until}.")
    ),
    NoticeCode.INTO_QUIET_HOURS: Words(
        "moon",
        lazy("{at}: loa sẽ không phát"),
        lazy("Bản tin dài {length} nên lấn sang giờ yên tĩnh ({quiet_from} đến {quiet_until})."),
    ),
    NoticeCode.NO_NODES: Words(
        "horn-off", lazy("{areas}: chưa có cụm loa"), lazy("Ở đó sẽ không ai nghe được.")
    ),
    NoticeCode.WILL_NOT_SOUND: Words("cross", lazy("{at}: {title} sẽ không phát đủ"), "{reason}."),
    NoticeCode.DELAYED: Words("later", lazy("{at}: tin của bạn lùi đến {new}"), lazy("“{by}” đi trước.")),
    NoticeCode.DISPLACES: Words(
        "later", lazy("“{title}” lùi {delta}"), lazy("Từ {at} sang {new} vì tin này.")
    ),
    NoticeCode.TAKES_AWAY: Words(
        "cross", lazy("{at}: “{title}” sẽ không phát đủ"), lazy("Vì tin này. {reason}.")
    ),
    NoticeCode.INTERRUPTS: Words(
        "alarm", lazy("Chen vào “{title}”"), lazy("Bản tin đó phát tiếp sau khi tin này hết.")
    ),
    NoticeCode.ENDS_ON: Words(
        "calendar", lazy("Lịch này tự hết vào {day}"), lazy("Lịch không ghi ngày kết thúc.")
    ),
    NoticeCode.WAITS_FOR_CHOICE: Words(
        "hourglass", lazy("{areas}: chờ xã chọn"), lazy("Tin thông thường của cấp trên chỉ phát khi xã chọn.")
    ),
    NoticeCode.ATTENUATED: Words(
        "horn", lazy("{at}: loa phát nhỏ hơn {db} dB"), lazy("Giờ này phải phát nhỏ.")
    ),
}

ERRORS: Mapping[str, str] = {
    # people
    "wrong_name_or_password": lazy("Tên đăng nhập hoặc mật khẩu chưa đúng"),
    "too_much_work": lazy("Bạn tạo nhiều bản thu quá. Chờ {retry_after_s} giây rồi thử lại."),
    "wrong_code": lazy("Mã chưa đúng hoặc đã dùng. Chờ ứng dụng hiện mã kế tiếp."),
    "no_such_recovery": lazy("Tên hoặc mã chưa đúng, hoặc đã quá một ngày."),
    "too_many_attempts": lazy("Thử sai nhiều lần. Chờ {retry_after_s} giây rồi thử lại."),
    "not_permitted": lazy("Bạn chưa có quyền làm việc này. Hỏi người quản trị ở địa bàn của bạn."),
    "csrf": lazy("Trang mở lâu quá nên chưa gửi được. Không mất gì, bấm lại lần nữa."),
    # bulletins
    "stale": lazy("{saved_by} vừa sửa bản này. Mở lại để xem bản mới, rồi sửa tiếp."),
    "own_bulletin": lazy("Bạn soạn bản này nên người khác phải duyệt. Căn cứ: {legal_source}"),
    "passkey_needed": lazy("Loa ở đây chỉ tin chữ ký bằng khóa cá nhân. Mở bản tin rồi ký."),
    "not_on_roster": lazy("Khóa của bạn chưa có trong sổ người duyệt. Nhờ người giữ khóa ký sổ mới."),
    "document_changed": lazy("Bản tin hay giờ phát vừa thay đổi. Xem lại rồi ký lại."),
    "signed_long_ago": lazy("Để lâu quá 10 phút nên chữ ký hết hạn. Ký lại."),
    "class_not_admitted": lazy("Quy chế cụm loa không cho phát mức này"),
    "papers_broken": lazy("Sổ người duyệt trên máy chủ bị hỏng. Báo người quản trị."),
    "wrong_state": lazy("Bản này vừa được người khác quyết định. Bạn không cần làm gì."),
    "incomplete": lazy("Bản tin còn thiếu vài chỗ. Xem lại các bước trước."),
    "text_not_read": lazy("Chữ đã sửa sau khi máy đọc. Về bước Nói gì, bấm Tiếp tục để máy đọc lại."),
    "no_such_start": lazy("Lượt phát này vừa được đổi giờ. Mở lại lịch phát để xem."),
    "comment_missing": lazy("Viết điều cần sửa để người soạn biết"),
    "alarms_not_yours": lazy("Bạn chưa có quyền phát khẩn cấp. Gọi chủ tịch hoặc phó chủ tịch xã."),
    "standing_not_ready": lazy("Tin này đang được chuẩn bị. Chọn Gõ nội dung khác, hoặc chờ vài phút."),
    "idempotency_key_reused": lazy("Tin trước ở trang này đã phát rồi. Xem lại, rồi giữ nút lần nữa."),
    "drill_no_emergency": lazy("Diễn tập không ở mức Khẩn cấp. Chọn mức khác."),
    "drill_not_announced": lazy("Bản thu chưa nói đây là diễn tập. Để máy đọc lại."),
    "announced_as_drill": lazy("Bản thu này nói là diễn tập nên không phát thật được. Để máy đọc lại."),
    "siren_in_drill": lazy("Diễn tập không có còi hụ. Chọn tin khác."),
    "not_a_drill": lazy("Bản tin này không phải diễn tập"),
    "not_an_emergency": lazy("Bản tin này không ở mức Khẩn cấp"),
    "when": lazy("Giờ phát này không được. Xem các ghi chú ở dưới và chọn giờ khác."),
    "empty_text": lazy("Viết nội dung để máy đọc"),
    "no_voice": lazy("Máy chủ chưa cài giọng đọc. Báo người quản trị, hoặc tải tệp ghi âm lên."),
    "bad_silence_length": lazy("Giữ im từ 1 phút đến 24 giờ. Chọn lại."),
    "no_such_recording": lazy("Bản thu không còn. Tải tệp lên lại."),
    "too_many_filters": lazy("Bạn đã lưu {most} bộ lọc. Bỏ bớt một bộ rồi lưu bộ mới."),
    "bad_filter_name": lazy("Đặt tên cho bộ lọc, nhiều nhất 80 chữ"),
    "database_busy": lazy("Máy chủ đang bận. Không mất gì, thử lại sau vài giây."),
    "database_unavailable": lazy("Máy chủ chưa lưu được. Loa vẫn phát đúng lịch. Thử lại sau 1 phút."),
    # sounds
    "empty": lazy("Tệp trống, không có âm thanh. Chọn tệp khác."),
    "too_large": lazy("Tệp lớn quá. Cắt ngắn, hoặc chọn tệp nhỏ hơn."),
    "not_audio": lazy("Tệp này không phải âm thanh. Chọn tệp ghi âm, hoặc chép chữ vào ô Gõ chữ."),
    "truncated": lazy("Tệp bị đứt giữa chừng. Gửi lại cả tệp, hoặc ghi âm lại."),
    "too_long": lazy("Bản ghi dài quá. Cắt ngắn rồi gửi lại."),
    "silent": lazy("Không nghe thấy gì trong tệp. Kiểm tra micrô rồi ghi lại."),
    "text_too_long": lazy("Chữ dài quá, máy không đọc hết. Chia thành nhiều bản tin."),
    "voice_unknown": lazy("Không có giọng đọc này. Chọn giọng khác."),
    "busy": lazy("Máy chủ đang bận xử lý tệp khác. Thử lại sau 1 phút."),
    "tool_failed": lazy("Máy chủ chưa xử lý được âm thanh này. Thử lại, nếu vẫn vậy thì báo kỹ thuật."),
    "tool_timeout": lazy("Máy chủ xử lý lâu quá. Thử lại sau 1 phút."),
    "tool_missing": lazy("Máy chủ thiếu phần mềm âm thanh. Báo người quản trị."),
    "disk_full": lazy(
        "Đĩa của máy chủ đã đầy nên chưa lưu được. Không mất gì, báo người quản trị rồi gửi lại."
    ),
    # places and times
    "no_audience": lazy("Chọn ít nhất một nơi nhận"),
    "no_nodes": lazy("Nơi nhận chưa có cụm loa nào. Chọn nơi khác."),
    "in_the_past": lazy("Chọn giờ khác, vì giờ đã chọn qua rồi"),
    "never": lazy("Lịch này không có lần nào sắp tới. Chọn lại ngày."),
    "overlaps_itself": lazy("Các lần phát chồng lên nhau. Chọn giờ cách xa hơn."),
    "quiet_hours": lazy("Giờ này là giờ yên tĩnh, loa sẽ không phát. Chọn giờ khác."),
    "into_quiet_hours": lazy("Bản tin lấn sang giờ yên tĩnh. Chọn giờ sớm hơn."),
    "area_unknown": lazy("Nơi nhận này không có. Chọn lại."),
}
CAUTIONS: Mapping[str, str] = {
    "clipped": lazy("Có đoạn ghi to quá nên bị vỡ tiếng. Nghe lại trước khi gửi."),
    "quiet": lazy("Ghi nhỏ quá nên tiếng ồn nổi lên theo. Nghe lại trước khi gửi."),
    "level": lazy("Độ to chưa chỉnh được đúng mức. Nghe lại trước khi gửi."),
}
PROBLEMS: Mapping[int, str] = {
    403: lazy("Cần làm việc này thì hỏi người quản trị ở địa bàn của bạn. Mã lỗi: {code}."),
    404: lazy("Địa chỉ này không có gì, hoặc không thuộc địa bàn của bạn."),
    413: lazy("Quay lại, chọn tệp nhỏ hơn. Chữ đã gõ vẫn còn ở trang trước."),
    503: lazy("Loa vẫn phát đúng lịch. Thử lại sau 1 phút. Mã lỗi: {code}."),
    507: lazy("Loa vẫn phát đúng lịch. Báo người quản trị. Mã lỗi: {code}."),
}
PROBLEM = lazy("Loa vẫn phát đúng lịch. Quay lại trang trước, hoặc thử lại sau 1 phút. Mã lỗi: {code}.")
NOT_FOUND = lazy("Không tìm thấy")
UNSAID = lazy("Chưa làm được việc này. Mã lỗi: {code}.")


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
