"""A policy in words, and what a new version changes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from loa.controller.core.approving import own_approval_in
from loa.controller.web.catalogue import CLASSES
from loa.controller.web.localtime import decimal
from loa.controller.web.words import _
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import PolicyVersion

ORDER = (BroadcastClass.NORMAL, BroadcastClass.PRIORITY, BroadcastClass.EMERGENCY)


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of a policy."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Change:
    """A rule that comes or goes."""

    comes: bool
    text: str


def say_rules(version: PolicyVersion) -> tuple[Rule, ...]:
    """All rules of a version, with the legal source of each."""
    return tuple(_rules(version))


def say_changes(old: PolicyVersion, new: PolicyVersion) -> tuple[Change, ...]:
    """What goes and what comes; empty if nothing changes."""
    before = [rule.text for rule in _rules(old)]
    after = [rule.text for rule in _rules(new)]
    return (
        *(Change(comes=False, text=text) for text in before if text not in after),
        *(Change(comes=True, text=text) for text in after if text not in before),
    )


def _rules(version: PolicyVersion) -> Iterator[Rule]:
    for hours in version.hours:
        text = _(
            "%(who)s được phát từ %(a)s đến %(b)s",
            who=_who(hours.classes),
            a=hours.from_local,
            b=hours.to_local,
        )
        yield Rule(text + _days(hours.days), hours.legal_source)
    for klass in ORDER[:2]:
        if not any(klass in hours.classes for hours in version.hours):
            yield Rule(_("%(who)s không được phát giờ nào", who=_who({klass})), version.quiet_source)
    for minutes in version.minutes:
        text = _(
            "%(who)s phát nhiều nhất %(count)s phút mỗi ngày",
            who=_who(minutes.classes),
            count=minutes.minutes,
        )
        yield Rule(text, minutes.legal_source)
    for cap in version.caps:
        text = _(
            "%(who)s nhỏ đi %(db)s dB từ %(a)s đến %(b)s",
            who=_who(cap.classes),
            db=decimal(-cap.cap_db, 0),
            a=cap.from_local,
            b=cap.to_local,
        )
        yield Rule(text + _days(cap.days), cap.legal_source)
    yield Rule(_("Khẩn cấp phát được mọi giờ"), version.quiet_source)
    own = own_approval_in(version)
    yield Rule(
        _("Người có quyền duyệt được duyệt cả bản mình soạn")
        if own.allowed
        else _("Người soạn không tự duyệt, người khác phải duyệt"),
        own.legal_source,
    )


def _who(classes: Iterable[BroadcastClass]) -> str:
    chosen = set(classes)
    return ", ".join(str(CLASSES[klass]) for klass in ORDER if klass in chosen)


def _days(days: Iterable[str] | None) -> str:
    if days is None:
        return ""
    names = {
        "mo": _("T2"),
        "tu": _("T3"),
        "we": _("T4"),
        "th": _("T5"),
        "fr": _("T6"),
        "sa": _("T7"),
        "su": _("CN"),
    }
    chosen = set(days)
    return _(", vào %(days)s", days=", ".join(word for code, word in names.items() if code in chosen))
