"""What needs the person, in words: each with the reason, what to do and whom to call."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from loa.controller.core.alerts import Alert, AlertKind, Contact
from loa.controller.core.people import Address
from loa.controller.core.today import Standing
from loa.controller.services.today import Today
from loa.controller.web import catalogue
from loa.controller.web.localtime import clock
from loa.controller.web.phrases import more_names, waiting_for_you
from loa.controller.web.places import capital, keep_together
from loa.controller.web.situation import when
from loa.controller.web.words import _, lazy, ngettext
from loa.protocol.health import Concern

MOST_ALONE = 3
"""More of one kind than this become one line."""
MOST_NAMES = 3
_ADDRESSES: Mapping[Address, str] = {
    Address.ONG: lazy("ông"),
    Address.BA: lazy("bà"),
    Address.ANH: lazy("anh"),
    Address.CHI: lazy("chị"),
}
_CONCERNS: Mapping[Concern, str] = {
    Concern.HOT: lazy("máy nóng quá"),
    Concern.UNDER_VOLTAGE: lazy("nguồn điện yếu"),
    Concern.DISK_WORN: lazy("thẻ nhớ sắp mòn"),
    Concern.DISK_ERRORS: lazy("thẻ nhớ có lỗi"),
    Concern.DISK_SHORT: lazy("thẻ nhớ sắp đầy"),
    Concern.MEMORY_SHORT: lazy("máy thiếu bộ nhớ"),
    Concern.CLOCK_OFF: lazy("đồng hồ sai giờ"),
    Concern.SIGNAL_WEAK: lazy("sóng 4G yếu"),
    Concern.BUDGET_SHORT: lazy("SIM sắp hết dung lượng"),
}
_NAMED = (*catalogue.KINDS_IN_NAMES, "loa ")


@dataclass(frozen=True, slots=True)
class Task:
    """One line of what needs the person."""

    id: str
    icon: str
    tone: str
    title: str
    text: str
    href: str
    call: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Links:
    """Where lines lead, among the addresses that are served."""

    served: Collection[str]

    def page(self, *wanted: str) -> str:
        """The first that is there."""
        return next((one for one in wanted if one in self.served), "")

    def node(self, node: str) -> str:
        """The page of a node, or the log of today of it."""
        if any(one.startswith("/nodes/{") for one in self.served):
            return f"/nodes/{node}"
        return f"/log?day=today&area={node}"

    def nodes(self) -> str:
        """The page of all nodes."""
        return self.page("/nodes", "/log")


def tasks(day: Today, links: Links) -> list[Task]:
    """What waits for a decision first, then what is broken, the most urgent kind first."""
    by_kind = {kind: [one for one in day.alerts if one.kind is kind] for kind in AlertKind}
    found = [
        *_approvals(day, by_kind[AlertKind.TO_APPROVE], links),
        *_inbox(day, links),
        *_returned(day, links),
    ]
    for kind, (icon, tone, one_of, many_of) in _KINDS.items():
        alerts = by_kind[kind]
        if len(alerts) > MOST_ALONE:
            found.append(_together(alerts, links, icon=icon, tone=tone, title=many_of(len(alerts))))
        else:
            found += [
                _alone(alert, links, icon=icon, tone=tone, words=one_of(day, alert)) for alert in alerts
            ]
    return found


def _approvals(day: Today, alerts: list[Alert], links: Links) -> Iterator[Task]:
    if not alerts:
        return
    waiting = [one for one in day.occurrences if one.standing is Standing.WAITING]
    mine = {alert.subject for alert in alerts}
    first = next((one for one in waiting if one.bulletin in mine and one.from_at > day.now), None)
    text = (
        _("Sớm nhất: phát lúc %(time)s hôm nay", time=clock(first.from_at, day.tz))
        if first
        else _names(f"“{alert.name}”" for alert in alerts)
    )
    yield Task(
        "approve", "hourglass", "", waiting_for_you(len(alerts)), text, links.page("/approvals", "/bulletins")
    )


def _inbox(day: Today, links: Links) -> Iterator[Task]:
    href = links.page("/inbox")
    if day.inbox and href:
        title = ngettext("%(num)s tin cấp trên chờ bạn chọn", "%(num)s tin cấp trên chờ bạn chọn", day.inbox)
        yield Task("inbox", "inbox", "", title, _("Tin thông thường chỉ phát khi xã chọn."), href)


def _returned(day: Today, links: Links) -> Iterator[Task]:
    if day.returned:
        title = ngettext(
            "%(num)s bản tin của bạn bị trả lại", "%(num)s bản tin của bạn bị trả lại", day.returned
        )
        yield Task("returned", "turn", "warn", title, _("Sửa và gửi lại."), links.page("/bulletins"))


def _alone(alert: Alert, links: Links, *, icon: str, tone: str, words: tuple[str, str]) -> Task:
    title, text = words
    is_node = alert.kind is not AlertKind.NOT_SOUNDED
    href = links.node(alert.subject) if is_node else "/log?day=today"
    call, phone = call_of(alert.call) if alert.call else ("", "")
    return Task(f"{alert.kind}-{alert.subject}", icon, tone, title, text, href, call, phone)


def _together(alerts: list[Alert], links: Links, *, icon: str, tone: str, title: str) -> Task:
    is_node = alerts[0].kind is not AlertKind.NOT_SOUNDED
    names = _names(keep_together(alert.name) for alert in alerts)
    return Task(str(alerts[0].kind), icon, tone, title, names, links.nodes() if is_node else "/log?day=today")


def _names(names: Iterator[str]) -> str:
    every = list(names)
    first, more = ", ".join(every[:MOST_NAMES]), len(every) - MOST_NAMES
    return more_names(first, more) if more > 0 else first


def call_of(contact: Contact) -> tuple[str, str]:
    """What the link says, and the number."""
    address = _ADDRESSES.get(contact.address) if contact.address else None
    who = f"{address} {contact.name}" if address else contact.name
    return _("Gọi %(who)s", who=who), contact.phone


def _loa(alert: Alert) -> str:
    name = keep_together(alert.name)
    return capital(name) if alert.name.lower().startswith(_NAMED) else _("Loa %(name)s", name=name)


def _silent(day: Today, alert: Alert) -> tuple[str, str]:
    text = _("Máy phát, loa im từ %(time)s. Cần người lên cột xem dây.", time=when(day, alert.since))
    return _("%(loa)s không kêu", loa=_loa(alert)), text


def _failed(day: Today, alert: Alert) -> tuple[str, str]:
    title = ngettext(
        "“%(title)s” không phát ở %(num)s cụm loa",
        "“%(title)s” không phát ở %(num)s cụm loa",
        alert.nodes,
        title=alert.name,
    )
    at = _("Lượt %(time)s.", time=when(day, alert.since))
    why = str(catalogue.WHY.get(alert.reason, ""))
    return title, f"{at} {why}." if why and "{" not in why else at


def _diverges(day: Today, alert: Alert) -> tuple[str, str]:
    text = _("Từ %(time)s. Mở trang của loa để xem cần làm gì.", time=when(day, alert.since))
    return _("%(loa)s giữ lệnh khác với máy chủ", loa=_loa(alert)), text


def _lost(day: Today, alert: Alert) -> tuple[str, str]:
    text = _("Từ %(time)s. Loa vẫn phát theo lịch đã nhận.", time=when(day, alert.since))
    return _("%(loa)s mất liên lạc", loa=_loa(alert)), text


def _stopped(day: Today, alert: Alert) -> tuple[str, str]:
    text = _("Từ %(time)s. Loa im đến khi có người cho phát lại.", time=when(day, alert.since))
    return _("%(loa)s bị bấm nút dừng", loa=_loa(alert)), text


def _machine(day: Today, alert: Alert) -> tuple[str, str]:
    del day
    words = ", ".join(str(_CONCERNS[one]) for one in alert.concerns)
    return _("%(loa)s cần xem máy", loa=_loa(alert)), f"{capital(words)}."


_Words = Callable[[Today, Alert], tuple[str, str]]
_KINDS: Mapping[AlertKind, tuple[str, str, _Words, Callable[[int], str]]] = {
    AlertKind.HORN_SILENT: (
        "horn-off",
        "bad",
        _silent,
        lambda num: ngettext("%(num)s loa không kêu", "%(num)s loa không kêu", num),
    ),
    AlertKind.NOT_SOUNDED: (
        "cross",
        "bad",
        _failed,
        lambda num: ngettext("%(num)s lượt phát không vang lên", "%(num)s lượt phát không vang lên", num),
    ),
    AlertKind.NODE_DIVERGES: (
        "shield",
        "bad",
        _diverges,
        lambda num: ngettext(
            "%(num)s cụm loa giữ lệnh khác với máy chủ", "%(num)s cụm loa giữ lệnh khác với máy chủ", num
        ),
    ),
    AlertKind.NODE_LOST: (
        "waves-off",
        "bad",
        _lost,
        lambda num: ngettext("%(num)s cụm loa mất liên lạc", "%(num)s cụm loa mất liên lạc", num),
    ),
    AlertKind.NODE_STOPPED: (
        "octagon",
        "",
        _stopped,
        lambda num: ngettext("%(num)s cụm loa bị bấm nút dừng", "%(num)s cụm loa bị bấm nút dừng", num),
    ),
    AlertKind.MACHINE: (
        "alarm",
        "warn",
        _machine,
        lambda num: ngettext("%(num)s máy cần xem", "%(num)s máy cần xem", num),
    ),
}
