"""What needs a person, in words: for pages and for mails."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loa.controller.core.alerts import Alert, AlertKind, Contact
from loa.controller.core.people import Address, User
from loa.controller.services.recovery_mails import Letter
from loa.controller.web import catalogue
from loa.controller.web.localtime import weekday_time
from loa.controller.web.words import _, lazy
from loa.protocol.health import Concern
from loa.protocol.when import DEFAULT_TZ

ADDRESSES = {
    Address.ONG: lazy("ông"),
    Address.BA: lazy("bà"),
    Address.ANH: lazy("anh"),
    Address.CHI: lazy("chị"),
}
CONCERNS = {
    Concern.HOT: lazy("hộp máy quá nóng"),
    Concern.UNDER_VOLTAGE: lazy("điện nguồn yếu"),
    Concern.DISK_WORN: lazy("thẻ nhớ sắp hết tuổi thọ"),
    Concern.DISK_ERRORS: lazy("thẻ nhớ có lỗi"),
    Concern.DISK_SHORT: lazy("thẻ nhớ sắp đầy"),
    Concern.MEMORY_SHORT: lazy("máy thiếu bộ nhớ"),
    Concern.CLOCK_OFF: lazy("đồng hồ lệch"),
    Concern.SIGNAL_WEAK: lazy("sóng 4G yếu"),
    Concern.BUDGET_SHORT: lazy("SIM sắp hết dung lượng tháng này"),
}
ICONS = {
    AlertKind.HORN_SILENT: ("horn-off", "bad"),
    AlertKind.NOT_SOUNDED: ("cross", "bad"),
    AlertKind.NODE_DIVERGES: ("shield", "bad"),
    AlertKind.NODE_LOST: ("waves-off", "bad"),
    AlertKind.NODE_STOPPED: ("octagon", "warn"),
    AlertKind.TO_APPROVE: ("hourglass", "act"),
    AlertKind.MACHINE: ("alarm", "warn"),
}


@dataclass(frozen=True, slots=True)
class AlertLine:
    """A notice: what happened, then what to do."""

    icon: str
    look: str
    title: str
    text: str
    href: str


def say_alert(alert: Alert, tz: str = DEFAULT_TZ) -> AlertLine:
    """One alert as a notice."""
    icon, look = ICONS[alert.kind]
    title, text, href = _SAYERS[alert.kind](alert, tz)
    if alert.call is not None:
        text = f"{text} {call(alert.call)}"
    return AlertLine(icon, look, title, text, href)


def call(contact: Contact) -> str:
    """Whom to call, addressed as the person wishes."""
    return _("Gọi %(who)s, %(phone)s.", who=addressed(contact.name, contact.address), phone=contact.phone)


def addressed(name: str, address: Address | None) -> str:
    """The name with the form of address; the name alone where nobody told one."""
    return f"{ADDRESSES[address]} {name}" if address else name


def compose_mail(base_url: str) -> Callable[[User, Sequence[Alert]], tuple[str, str]]:
    """How a digest reads; links lead to the console at that address."""

    def compose(user: User, alerts: Sequence[Alert]) -> tuple[str, str]:
        lines = [say_alert(one) for one in alerts]
        subject = _("Loa: %(count)s việc cần người xem", count=len(lines))
        hello = _("Chào %(who)s,", who=addressed(user.name, user.address))
        items = [f"- {line.title}\n  {line.text}\n  {base_url}{line.href}" for line in lines]
        end = _("Thôi nhận thư này: %(page)s", page=f"{base_url}/me")
        return subject, "\n\n".join([hello, *items, end]) + "\n"

    return compose


def compose_recovery(base_url: str) -> Callable[[Letter], tuple[str, str]]:
    """How the notice of a recovery reads, for the person and for the others."""

    def compose(letter: Letter) -> tuple[str, str]:
        recovery, reader, person = letter.recovery, letter.reader, letter.person
        at = weekday_time(recovery.opened_at, DEFAULT_TZ)
        if reader.id == person.id:
            subject = _("Loa: có người mở khôi phục tài khoản của bạn")
            ask = _("Nếu bạn không nhờ, hủy ngay ở %(page)s.", page=f"{base_url}/me")
        else:
            subject = _("Loa: khôi phục tài khoản của %(who)s", who=person.name)
            page = f"{base_url}/admin/people/{person.id}"
            ask = _("Hỏi lại %(who)s. Nếu không phải, hủy ở %(page)s.", who=person.name, page=page)
        hello = _("Chào %(who)s,", who=addressed(reader.name, reader.address))
        told = _(
            "%(by)s mở khôi phục tài khoản của %(who)s lúc %(at)s. Lý do: %(why)s. Ai có đủ hai nửa mã sẽ "
            "đặt được mật khẩu mới.",
            by=letter.opened_by,
            who=person.name,
            at=at,
            why=recovery.reason,
        )
        return subject, f"{hello}\n\n{told}\n\n{ask}\n"

    return compose


def _lost(alert: Alert, tz: str) -> tuple[str, str, str]:
    at = weekday_time(alert.since, tz)
    title = _("%(node)s mất liên lạc từ %(at)s", node=alert.name, at=at)
    return (
        title,
        _("%(place)s. Loa vẫn phát theo lịch đã nhận.", place=alert.place),
        f"/nodes/{alert.subject}",
    )


def _diverges(alert: Alert, tz: str) -> tuple[str, str, str]:
    title = _("%(node)s giữ lệnh khác với máy chủ", node=alert.name)
    at = weekday_time(alert.since, tz)
    return title, _("%(place)s, từ %(at)s.", place=alert.place, at=at), f"/nodes/{alert.subject}"


def _silent(alert: Alert, tz: str) -> tuple[str, str, str]:
    title = _("%(node)s: máy phát nhưng loa không kêu", node=alert.name)
    at = weekday_time(alert.since, tz)
    text = _("%(place)s, từ %(at)s. Cần người lên cột xem dây.", place=alert.place, at=at)
    return title, text, f"/nodes/{alert.subject}"


def _failed(alert: Alert, tz: str) -> tuple[str, str, str]:
    title = _("Không phát: %(title)s", title=alert.name)
    at = weekday_time(alert.since, tz)
    text = _("%(at)s, %(count)s cụm loa ở %(place)s.", at=at, count=alert.nodes, place=alert.place)
    why = catalogue.WHY.get(alert.reason)
    return title, f"{text} {why}." if why and "{" not in why else text, "/log?day=&outcome=" + alert.reason


def _pressed(alert: Alert, tz: str) -> tuple[str, str, str]:
    title = _("%(node)s im vì có người bấm nút dừng", node=alert.name)
    at = weekday_time(alert.since, tz)
    text = _("%(place)s, từ %(at)s. Xong việc thì cho loa phát lại.", place=alert.place, at=at)
    return title, text, f"/nodes/{alert.subject}"


def _approve(alert: Alert, tz: str) -> tuple[str, str, str]:
    title = _("Chờ bạn duyệt: %(title)s", title=alert.name)
    at = weekday_time(alert.since, tz)
    return title, _("%(place)s, gửi lúc %(at)s.", place=alert.place, at=at), f"/bulletins/{alert.subject}"


def _machine(alert: Alert, _tz: str) -> tuple[str, str, str]:
    told = ", ".join(str(CONCERNS[one]) for one in alert.concerns)
    return f"{alert.name}: {told}", f"{alert.place}.", f"/nodes/{alert.subject}"


_SAYERS = {
    AlertKind.NODE_DIVERGES: _diverges,
    AlertKind.NODE_LOST: _lost,
    AlertKind.HORN_SILENT: _silent,
    AlertKind.NOT_SOUNDED: _failed,
    AlertKind.NODE_STOPPED: _pressed,
    AlertKind.TO_APPROVE: _approve,
    AlertKind.MACHINE: _machine,
}
