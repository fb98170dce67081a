"""Sentences that pages put together; `{…}` is filled in. Codes have theirs in the catalogue."""

from loa.controller.web.words import lazy, ngettext

# --- mistakes in forms ---
TITLE_MISSING = lazy("Viết tên bản tin để bà con và người duyệt nhận ra")
TEXT_MISSING = lazy("Viết nội dung để máy đọc")
FILE_MISSING = lazy("Chọn tệp ghi âm, hoặc chuyển sang Gõ chữ")
NOTHING_RECORDED = lazy("Ghi âm rồi bấm Xong, hoặc chuyển sang Gõ chữ")
AREA_MISSING = lazy("Chọn ít nhất một nơi nhận")
DATE_MISSING = lazy("Chọn ngày phát")
DAYS_MISSING = lazy("Chọn ít nhất một thứ trong tuần")
TIME_MISSING = lazy("Ghi giờ phát, ví dụ 17:30")
TIME_WRONG = lazy("“{typed}” không rõ là mấy giờ. Ghi như 17:30, hoặc 5 giờ 30 chiều")
TIMES_UNEVEN = lazy("Giờ lặp lại phải cùng số phút, ví dụ 05:30 và 17:30")
UNTIL_WRONG = lazy("Ngày kết thúc chưa đúng. Để trống nếu phát mãi.")
UNTIL_EARLY = lazy("Chọn ngày kết thúc sau ngày bắt đầu")
WHEN_WRONG = lazy("Ngày giờ này loa không hiểu được. Chọn lại.")
COMMENT_MISSING = lazy("Viết điều cần sửa để người soạn biết")
USER_MISSING = lazy("Ghi tên đăng nhập")
PASSWORD_MISSING = lazy("Ghi mật khẩu")
FORM_OLD = lazy("Trang mở lâu quá nên chưa gửi được. Không mất gì, bấm lại lần nữa.")

# --- times ---
WHEN_UNSET = lazy("chưa chọn")
WHEN_NOW = lazy("Ngay khi được duyệt")
WHEN_ONCE = "{day}, {times}"
WHEN_DAILY = lazy("Hằng ngày, {times}, từ {day}")
WHEN_WEEKDAYS = lazy("{days}, {times}, từ {day}")
WHEN_MONTHLY = lazy("Ngày {number} hằng tháng, {times}")
WHEN_MONTHLY_LAST = lazy("Ngày cuối mỗi tháng, {times}")
WHEN_MONTHLY_WEEKDAY = lazy("{weekday} lần thứ {week} mỗi tháng, {times}")
WHEN_MONTHLY_LAST_WEEKDAY = lazy("{weekday} cuối mỗi tháng, {times}")
WHEN_ALSO = lazy("{when}, thêm {days}")
WHEN_EXCEPT = lazy("{when}, trừ {days}")
WHEN_UNTIL = lazy("{when} đến hết {until}")
AND = lazy(" và ")
MONTHLY_SHORT = lazy("Tháng nào không có ngày ấy thì không phát.")
MONTHLY_HINT = lazy("{day}. Lặp vào ngày {number} mỗi tháng.")

# --- reach ---
REACH_NONE = lazy("Chưa chọn nơi nào")
REACH_NONE_HINT = lazy("Chọn thôn hoặc cụm loa ở danh sách bên cạnh.")
REACH_ALL_THERE = lazy("Các cụm loa này đều đang có liên lạc.")
REACH_NO_NODES = lazy("Nơi này chưa có cụm loa nào, nên sẽ không ai nghe được.")
REACH_UNKNOWN = lazy("{names} chưa từng báo về. Ở đó có thể không nghe được.")
FOLD_NODES = lazy("Từng cụm loa")

# --- the preview ---
MY_BULLETIN = lazy("Tin của bạn")
THIS_BULLETIN = lazy("Bản tin này")
SPAN = lazy("{start} đến {end}")
PRIORITY_FIRST = lazy("“{by}” là tin ưu tiên nên đi trước.")
EMERGENCY_FIRST = lazy("“{by}” là tin khẩn cấp nên đi trước.")
RUNS_OVER = lazy("{over} cuối lấn giờ yên tĩnh")
WILL_NOT_SOUND = lazy("Sẽ không phát")
OTHER_WILL_NOT_SOUND = lazy("{title}: sẽ không phát")
MOVED_TO = lazy("lùi {delta}, hết {end}")
QUIET_GAP = lazy("{start} đến {end}: im lặng")
PLACES_ONE = lazy("Ở {place}")
CHANGE_TO = lazy("Đổi sang {time}")
CHANGE_TO_DAY = lazy("Đổi sang {time}, {day}")
COST_TITLE = lazy("Tốn {total} 4G:")
COST_TEXT = lazy("{nodes} cụm loa, mỗi cụm tải {each}, bản thu chỉ tải một lần.")

COST_ESTIMATED = lazy("Ước tính, vì bản thu chưa làm xong.")

# --- bulletins ---
TITLE_UNNAMED = lazy("Bản tin chưa đặt tên")
BULLETINS = lazy("Bản tin của bạn")
GROUP_WAITING = lazy("Chờ duyệt")
GROUP_DRAFTS = lazy("Bản nháp và bản bị trả lại")
GROUP_APPROVED = lazy("Đã duyệt")
SAVED_BY = lazy("{who} lưu {at}")
SENT_BY = lazy("{who} gửi {at}")
VERSION_SENT = lazy("Phiên bản {revision}, gửi {at}")
VERSION_SAVED = lazy("Phiên bản {revision}, lưu {at}")
SUBMIT = lazy("Gửi để duyệt")
SENT_TITLE = lazy("Đã gửi để duyệt")
SENT_TEXT = lazy("Loa chỉ phát khi có người duyệt. Phát: {when}.")
APPROVED_TITLE = lazy("Đã duyệt")
APPROVED_TEXT = lazy("Loa phát: {when}, ở {places}.")
RETURNED_TITLE = lazy("Đã trả lại")
RETURNED_TEXT = lazy("“{comment}” Bản nháp vẫn còn. Sửa và gửi lại.")
FACT_WHEN, FACT_WHERE, FACT_LENGTH = lazy("Phát lúc"), lazy("Nơi nhận"), lazy("Dài")
FACT_CLASS, FACT_FIELD, FACT_AUTHOR = lazy("Mức độ"), lazy("Lĩnh vực"), lazy("Người soạn")
LOUDNESS_LOW, LOUDNESS_HIGH, LOUDNESS_GOOD = (
    lazy("quá nhỏ"),
    lazy("quá to"),
    lazy("vừa nghe"),
)
HEARD_WELL, HEARD_ROUGH = lazy("Nghe rõ"), lazy("Nên nghe lại")

# --- log ---
SUMMARY = "{place} · {day}"
EVERY_DAY = lazy("mọi ngày")
TODAY, YESTERDAY, WEEK = lazy("Hôm nay"), lazy("Hôm qua"), lazy("7 ngày qua")
EMPTY_TITLE = lazy("Không có lượt nào khớp")
EMPTY_TEXT = lazy("Không lượt phát nào khớp với các điều đã chọn.")
EMPTY_LINK = lazy("Bỏ lọc")
NOTHING_TITLE = lazy("Chưa có lượt phát nào")
NOTHING_TEXT = lazy("Khi bản tin được duyệt, mỗi lượt phát ở mỗi cụm loa là một dòng ở đây.")

# --- STOP ---
STOP_SOUNDING = lazy("Đang phát: {titles}, ở {nodes} cụm loa. Bản tin dừng hẳn, không tự phát lại.")
STOP_SILENT = lazy("Theo tin báo về, không loa nào đang phát. Dừng thì loa im đến giờ bạn chọn.")
UNTIL_ITEM, UNTIL_DAY = lazy("Hết bản tin này"), lazy("Hết hôm nay")
STOPPED_NOBODY = lazy("Nơi này chưa có cụm loa nào")
STOPPED_ALL = lazy("Cả {total} cụm loa đã im")
STOPPED_ALL_AFTER = lazy("Cả {total} cụm loa đã im sau {seconds} giây")
STOPPED_SOME = lazy("{silent} trên {total} cụm loa đã im")
STOPPED_SOME_AFTER = lazy("{silent} trên {total} cụm loa đã im sau {seconds} giây")
STOPPED_WHEN = lazy("Lệnh dừng ở {place} ghi lúc {at}.")
STOPPED_WAITING = lazy("{names} chưa trả lời. Trang này tự xem lại.")
STOPPED_LOST = lazy("{names} đang mất liên lạc nên chưa nhận được lệnh. Gọi người ở đó ra nghe tại chỗ.")
STOPPED_DONE, STOPPED_ORDERED = lazy("Loa đã dừng"), lazy("Đã ra lệnh dừng loa")
CELL_SILENT, CELL_SOUNDING, CELL_LOST, CELL_WAITING = (
    lazy("đã im"),
    lazy("đang phát"),
    lazy("mất liên lạc"),
    lazy("chưa trả lời"),
)
CELLS_LEGEND = lazy("Ô trống: đã im. Ô đặc: đang phát. Viền đứt: chưa trả lời. Ô gạch: mất liên lạc.")
STATION = lazy("Đài truyền thanh")
NOW_EMERGENCY, NOW_SOON = lazy("Ngay bây giờ"), lazy("Sớm nhất có thể")
SEE_LOG = lazy("Xem nhật ký phát")
PLAYING_LONGER = lazy("Đang phát")
UNTIL_QUARTER, UNTIL_HOUR = lazy("15 phút"), lazy("1 giờ")
STOPPED_NOT = lazy("{names} vẫn đang phát tin khẩn cấp của cấp trên, lệnh này không dừng được.")
STOP_YOUR_AREA = lazy("địa bàn của bạn")
STOP_NO_DATABASE = lazy("Máy chủ chưa đọc được dữ liệu, nhưng vẫn dừng loa được.")
QUIET_UNTIL = lazy("Yên tĩnh đến {end}")


def waiting_for_you(count: int) -> str:
    """What an approver has to do."""
    return ngettext("%(num)s bản tin chờ bạn duyệt", "%(num)s bản tin chờ bạn duyệt", count)


def reach(places: str, nodes: int) -> str:
    """Places, and how many nodes that is."""
    return ngettext("%(places)s · %(num)s cụm loa", "%(places)s · %(num)s cụm loa", nodes, places=places)


def node_count(count: int) -> str:
    """How many nodes, shortly, beside an area of the tree."""
    return ngettext("%(num)s loa", "%(num)s loa", count)


def more_names(names: str, more: int) -> str:
    """A few names of nodes, and how many are not named."""
    return ngettext("%(names)s và %(num)s cụm khác", "%(names)s và %(num)s cụm khác", more, names=names)


def more_areas(names: str, more: int) -> str:
    """A few names of areas, and how many are not named."""
    return ngettext("%(names)s và %(num)s nơi khác", "%(names)s và %(num)s nơi khác", more, names=names)


def fold_areas(count: int) -> str:
    """The word that unfolds a long list of areas."""
    return ngettext("Hiện %(num)s nơi bên trong", "Hiện %(num)s nơi bên trong", count)


def places_more(place: str, more: int) -> str:
    """One place by name, and how many others."""
    return ngettext("Ở %(place)s và %(num)s nơi khác", "Ở %(place)s và %(num)s nơi khác", more, place=place)
