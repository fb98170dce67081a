"""On a bulletin's page: what it said before, and what the communes did with it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loa.controller.core.access import Act, may
from loa.controller.core.bulletin_versions import Part, Version, VersionAct, changes
from loa.controller.core.bulletins import Bulletin
from loa.controller.core.inbox import InboxState
from loa.controller.errors import ControllerError
from loa.controller.services.inbox import Answer
from loa.controller.web.catalogue import Look
from loa.controller.web.console import Console, Visit
from loa.controller.web.inbox_page import LOOKS
from loa.controller.web.localtime import weekday_time
from loa.controller.web.words import lazy, ngettext
from loa.protocol.ids import BroadcastId

_ACTS: Mapping[VersionAct, str] = {
    VersionAct.SAVED: lazy("{who} lưu {at}"),
    VersionAct.SUBMITTED: lazy("{who} gửi duyệt {at}"),
    VersionAct.RETURNED: lazy("{who} trả lại {at}"),
}
_PARTS: Mapping[Part, str] = {
    Part.TITLE: lazy("tên"),
    Part.TEXT: lazy("lời đọc"),
    Part.RECORDING: lazy("âm thanh"),
    Part.AUDIENCE: lazy("nơi nhận"),
    Part.WHEN: lazy("giờ phát"),
    Part.CLASS: lazy("mức độ"),
    Part.FIELD: lazy("lĩnh vực"),
}
_CHANGED = lazy("Đổi: {parts}.")
_UNCHANGED = lazy("Không đổi gì.")
_FIRST = lazy("Bản đầu tiên.")


@dataclass(frozen=True, slots=True)
class Told:
    """One version in words."""

    revision: int
    title: str
    changed: str
    comment: str
    text: str
    is_now: bool


@dataclass(frozen=True, slots=True)
class Answers:
    """What the communes did, the sum first."""

    title: str
    lines: Sequence[tuple[str, Look]]


def versions(console: Console, visit: Visit, bulletin: Bulletin) -> Sequence[Told]:
    """The newest first; none while there is only one."""
    with console.controller.db.look() as session:
        kept = console.controller.bulletins.versions(session, visit.person, bulletin.id)
    names = console.person_names({one.by for one in kept})
    told = [
        _told(names, one, before, is_now=one.draft == bulletin.draft)
        for before, one in zip([None, *kept], kept, strict=False)
    ]
    return told[::-1] if len(told) > 1 else ()


def answers(console: Console, visit: Visit, bulletin: Bulletin) -> Answers | None:
    """For the issuer's people, where it was sent to communes; else None."""
    if bulletin.broadcast is None:
        return None
    try:
        with console.controller.db.look() as session:
            found = console.controller.inbox.answers(session, visit.person, BroadcastId(bulletin.broadcast))
    except ControllerError:
        return None
    if not found:
        return None
    lines = [(visit.places.name(one.area), LOOKS[one.state]) for one in found]
    return Answers(_sum(found), lines)


def may_withdraw(visit: Visit, bulletin: Bulletin) -> bool:
    """Whether the person may take what it became off the air."""
    path = [place.id for place in visit.places.tree.path(bulletin.draft.area)]
    return bulletin.broadcast is not None and may(visit.person, Act.WITHDRAW, path)


def _told(names: Mapping[str, str], one: Version, before: Version | None, *, is_now: bool) -> Told:
    return Told(
        revision=one.revision,
        title=_ACTS[one.act].format(who=names[one.by], at=weekday_time(one.at)),
        changed=_changed(one, before),
        comment=one.comment or "",
        text=one.draft.text or "",
        is_now=is_now,
    )


def _changed(one: Version, before: Version | None) -> str:
    if before is None:
        return _FIRST
    parts = [str(_PARTS[part]) for part in changes(before.draft, one.draft)]
    return _CHANGED.format(parts=", ".join(parts)) if parts else _UNCHANGED


def _sum(found: Sequence[Answer]) -> str:
    counts = Counter(one.state for one in found)
    total = len(found)
    carried = counts[InboxState.PLACED] + counts[InboxState.PLAYING]
    if carried == total:
        return ngettext("Phát ở %(num)s xã, không cần chọn", "Phát ở %(num)s xã, không cần chọn", total)
    return ngettext(
        "%(chosen)s trên %(num)s xã đã chọn, %(left)s không phát, %(open)s chưa trả lời",
        "%(chosen)s trên %(num)s xã đã chọn, %(left)s không phát, %(open)s chưa trả lời",
        total,
        chosen=counts[InboxState.CHOSEN],
        left=counts[InboxState.LEFT],
        open=counts[InboxState.WAITING],
    )
