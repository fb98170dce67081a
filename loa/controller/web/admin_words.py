"""What administration says: roles, acts of the audit trail, refusals."""

from datetime import datetime

from loa.controller.core.access import Role
from loa.controller.errors import ControllerError
from loa.controller.web.catalogue import say
from loa.controller.web.localtime import clock, full_day, today
from loa.controller.web.words import _, lazy
from loa.protocol.when import DEFAULT_TZ

ROLES = {
    Role.OFFICIAL: lazy("Soạn bản tin"),
    Role.APPROVER: lazy("Duyệt bản tin"),
    Role.SUPERVISOR: lazy("Giám sát"),
    Role.TECHNICIAN: lazy("Kỹ thuật"),
    Role.ADMIN: lazy("Quản trị"),
}
ROLE_HINTS = {
    Role.OFFICIAL: lazy("Viết, thu, gửi duyệt; chọn tin cấp trên"),
    Role.APPROVER: lazy("Chịu trách nhiệm cho phát, phát khẩn cấp"),
    Role.SUPERVISOR: lazy("Chỉ xem: nhật ký, bản tin"),
    Role.TECHNICIAN: lazy("Lắp, kiểm tra, chỉnh cụm loa"),
    Role.ADMIN: lazy("Người dùng, địa bàn, quy chế; không cho phát"),
}
SUBJECTS = {
    "area": lazy("Địa bàn"),
    "zone": lazy("Nhóm loa"),
    "user": lazy("Người dùng"),
    "role": lazy("Vai trò"),
    "session": lazy("Đăng nhập"),
    "token": lazy("Chương trình"),
    "node": lazy("Cụm loa"),
    "bulletin": lazy("Bản tin"),
    "broadcast": lazy("Lịch phát"),
    "inbox": lazy("Tin cấp trên"),
    "silence": lazy("Lệnh dừng"),
    "recording": lazy("Bản thu"),
    "standing": lazy("Bản tin sẵn"),
    "release": lazy("Phần mềm cụm loa"),
    "rollout": lazy("Cập nhật cụm loa"),
    "backup": lazy("Bản sao"),
    "factor": lazy("Bước xác nhận thứ hai"),
    "recovery": lazy("Lấy lại tài khoản"),
    "feed": lazy("Lịch cho máy khác"),
    "passkey": lazy("Khóa cá nhân"),
    "trust": lazy("Sổ người duyệt"),
}
ACTS = {
    "area.added": lazy("Thêm địa bàn"),
    "area.changed": lazy("Sửa địa bàn"),
    "area.moved": lazy("Chuyển địa bàn"),
    "zone.changed": lazy("Chọn cụm loa của nhóm"),
    "area.located": lazy("Ghi số hộ, ranh, vị trí"),
    "area.closed": lazy("Đóng địa bàn"),
    "area.merged": lazy("Ghép địa bàn"),
    "area.split": lazy("Tách địa bàn"),
    "area.merged_undone": lazy("Hoàn tác ghép"),
    "area.split_undone": lazy("Hoàn tác tách"),
    "user.added": lazy("Thêm người"),
    "user.changed": lazy("Sửa tài khoản"),
    "user.invited": lazy("Mở đường dẫn mời"),
    "user.sessions_ended": lazy("Đăng xuất mọi nơi"),
    "user.own_password": lazy("Tự chọn mật khẩu"),
    "user.own_profile": lazy("Tự sửa tài khoản"),
    "session.opened": lazy("Đăng nhập"),
    "session.closed": lazy("Đăng xuất"),
    "session.ended": lazy("Đăng xuất một nơi"),
    "session.others_ended": lazy("Đăng xuất mọi nơi khác"),
    "session.code_refused": lazy("Gõ sai mã bước thứ hai"),
    "factor.added": lazy("Đặt bước xác nhận thứ hai"),
    "factor.removed": lazy("Bỏ bước xác nhận thứ hai"),
    "factor.codes_renewed": lazy("Tạo mã giấy mới"),
    "factor.code_used": lazy("Dùng một mã giấy"),
    "recovery.opened": lazy("Mở việc lấy lại tài khoản"),
    "recovery.confirmed": lazy("Xác nhận lấy lại tài khoản"),
    "recovery.cancelled": lazy("Huỷ lấy lại tài khoản"),
    "recovery.used": lazy("Lấy lại tài khoản"),
    "role.given": lazy("Giao vai trò"),
    "role.taken": lazy("Thôi vai trò"),
    "bulletin.created": lazy("Soạn bản tin"),
    "bulletin.saved": lazy("Sửa bản tin"),
    "bulletin.submitted": lazy("Gửi duyệt"),
    "bulletin.returned": lazy("Trả lại bản tin"),
    "bulletin.approved": lazy("Duyệt bản tin"),
    "bulletin.half_approved": lazy("Ký duyệt, chờ người thứ hai"),
    "passkey.added": lazy("Tạo khóa cá nhân"),
    "passkey.removed": lazy("Bỏ khóa cá nhân"),
    "trust.appointed": lazy("Cử người giữ khóa"),
    "keys.renewed": lazy("Đổi khóa của máy chủ"),
    "trust.root_succeeded": lazy("Đổi khóa gốc"),
    "trust.composed": lazy("Lập sổ người duyệt và quy chế"),
    "trust.signed": lazy("Ký sổ người duyệt hoặc quy chế"),
    "trust.in_force": lazy("Sổ người duyệt hoặc quy chế có hiệu lực"),
    "bulletin.deleted": lazy("Bỏ bản tin"),
    "node.code": lazy("Mở mã cho cụm loa"),
    "node.enrolled": lazy("Cụm loa nhận máy chủ"),
    "node.retired": lazy("Thôi dùng cụm loa"),
    "node.changed": lazy("Sửa cụm loa"),
    "node.released": lazy("Cho loa phát lại"),
    "node.self_test": lazy("Phát tiếng ngắn"),
    "node.identity_kept": lazy("Nhận là đúng máy của mình"),
    "node.identity_refused": lazy("Từ chối máy lạ"),
    "area.ordered": lazy("Xếp thứ tự tin ưu tiên"),
    "broadcast.approved": lazy("Duyệt cho phát"),
    "broadcast.withdrawn": lazy("Rút lịch phát"),
    "inbox.chosen": lazy("Chọn tin cấp trên"),
    "inbox.left": lazy("Không phát tin cấp trên"),
    "recording.kept": lazy("Thêm bản thu"),
    "standing.changed": lazy("Đổi tin có sẵn"),
    "feed.made": lazy("Tạo địa chỉ lịch"),
    "feed.revoked": lazy("Bỏ địa chỉ lịch"),
    "token.made": lazy("Tạo mã cho chương trình"),
    "token.revoked": lazy("Bỏ mã của chương trình"),
    "release.added": lazy("Thêm bản phần mềm"),
    "rollout.started": lazy("Bắt đầu cập nhật cụm loa"),
    "rollout.next_stage": lazy("Cập nhật sang đợt sau"),
    "rollout.done": lazy("Cập nhật xong"),
    "rollout.halted": lazy("Dừng cập nhật cụm loa"),
    "silence.issued": lazy("Dừng loa"),
    "backup.made": lazy("Tạo bản sao"),
    "backup.downloaded": lazy("Tải bản sao"),
}
SAID = {
    "bad_area_id": lazy("Tên này không ghi được mã. Gõ tên có chữ cái."),
    "area_exists": lazy("Đã có nơi trùng tên. Thêm chữ cho khác, ví dụ: Xóm Mới 2."),
    "bad_place": lazy("Cấp này không đặt được ở đó. Ví dụ: thôn ở trong xã."),
    "below_itself": lazy("Nơi này nằm trong nơi kia. Chọn hai nơi cạnh nhau."),
    "unlike_areas": lazy("Chỉ ghép hai nơi cùng cấp, ví dụ hai xã."),
    "area_closed": lazy("Nơi này đã đóng. Chọn nơi khác."),
    "area_not_empty": lazy("Trong nơi này còn thôn hoặc cụm loa. Chuyển chúng đi trước."),
    "root_area": lazy("Nơi trên cùng không tách được."),
    "nothing_left": lazy("Chọn vài nơi tách ra, và để lại ít nhất một nơi."),
    "name_missing": lazy("Gõ tên."),
    "changed_since": lazy("Những nơi ấy đã được đổi tiếp, nên không trả lại được. Chuyển từng nơi bằng tay."),
    "undone_already": lazy("Việc này đã hoàn tác rồi."),
    "policy_changes_past": lazy("Quy chế mới chỉ có hiệu lực từ sau lúc này. Chọn ngày giờ khác."),
    "bad_user_id": lazy("Tên đăng nhập chỉ có chữ thường không dấu, chữ số và dấu gạch. Ví dụ: hoa-nv."),
    "user_exists": lazy("Đã có người dùng tên này. Chọn tên khác."),
    "weak_password": lazy("Mật khẩu cần ít nhất 10 ký tự và không trùng tên đăng nhập."),
    "needs_two": lazy("Người này đã có mật khẩu riêng. Lấy lại tài khoản cần hai người quản trị."),
    "reason_missing": lazy("Ghi lý do, để sau này đọc lại sổ."),
    "recovery_open": lazy("Đã có người mở việc này. Một người quản trị khác xác nhận."),
    "no_recovery": lazy("Việc lấy lại này đã hết hạn hoặc đã huỷ. Mở lại từ đầu."),
    "own_recovery": lazy("Cần một người quản trị khác làm bước này."),
    "recovery_confirmed": lazy("Đã có người xác nhận rồi. Muốn làm lại thì huỷ trước."),
    "own_account": lazy("Bạn không tự đóng tài khoản của mình. Nhờ người quản trị khác."),
    "own_role": lazy("Bạn không tự bỏ quyền quản trị của mình. Nhờ người quản trị khác."),
    "backup_running": lazy("Đang tạo một bản sao. Chờ xong đã."),
    "nodes_outside": lazy("Nhóm chỉ gồm cụm loa trong nơi của nhóm. Bỏ cụm loa ở nơi khác."),
    "too_many_zones": lazy("Có cụm loa đã ở quá nhiều nhóm. Bớt nhóm của nó trước."),
    "is_a_node": lazy("Đây là cụm loa. Thôi dùng nó ở trang Cụm loa."),
}


def refusal(error: ControllerError) -> str:
    """The refusal in words."""
    return SAID.get(error.code) or say(error.code, error.facts)


def moment(at: datetime, tz: str = DEFAULT_TZ) -> str:
    """Day with its year, and time: what is kept for years is read years later."""
    return f"{full_day(today(at, tz))} · {clock(at, tz)}"


def say_act(act: str) -> str:
    """An act of the audit trail; by its subject where it has no words of its own."""
    if act in ACTS:
        return ACTS[act]
    subject, _dot, what = act.partition(".")
    return _("%(subject)s: %(what)s", subject=SUBJECTS.get(subject, subject), what=what)
