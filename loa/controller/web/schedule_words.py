"""What the schedule says: states of slots as people see them, headings, filters."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from loa.controller.core.schedule import Proof, Slot, SlotState
from loa.controller.web import catalogue
from loa.controller.web.catalogue import CLASSES, FIELDS, Look
from loa.controller.web.localtime import clock, spell
from loa.controller.web.words import _, lazy, ngettext
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reasons import Reason
from loa.protocol.units import to_ms

SHORT_DAYS = (lazy("T2"), lazy("T3"), lazy("T4"), lazy("T5"), lazy("T6"), lazy("T7"), lazy("CN"))
VIEWS: Mapping[str, str] = {"day": lazy("Ngày"), "week": lazy("Tuần"), "month": lazy("Tháng")}
STATES: Mapping[str, str] = {
    "approved": lazy("Đã duyệt"),
    "submitted": lazy("Chờ duyệt"),
    "draft": lazy("Bản nháp"),
    "moved": lazy("Lùi giờ"),
    "silent": lazy("Không phát hoặc loa im"),
}
NOT_REPORTED = Look(lazy("Chờ loa báo về"), "clock", "off")
SOME_SILENT = Look(lazy("Phát thiếu"), "half", "warn")
_QUIET = {Reason.QUIET_HOURS, Reason.INTO_QUIET_HOURS, Reason.MINUTES_USED_UP}
_LATE_MS = 1000
"""Pages show minutes, and a second is the least that moves one."""


def look_of(slot: Slot, now: datetime) -> Look:
    """The state of a slot as people see it."""
    if slot.state is not SlotState.APPROVED:
        return catalogue.BULLETIN_STATES[slot.state]
    if slot.sounds and slot.from_at <= now < slot.to_at:
        return catalogue.PLAYING
    if slot.to_at <= now and slot.proof is not None:
        return _proved(slot.proof)
    if slot.sounds:
        return NOT_REPORTED if slot.to_at <= now else catalogue.TO_COME
    if slot.reason in _QUIET:
        return catalogue.REFUSED
    return catalogue.STOPPED if slot.reason is Reason.SILENCED else catalogue.NOT_PLAYED


def _proved(proof: Proof) -> Look:
    if proof.silent:
        return SOME_SILENT if proof.sounded or proof.short else catalogue.NOT_PLAYED
    if proof.stopped:
        return catalogue.STOPPED
    if proof.short:
        return catalogue.SHORT
    if proof.sounded:
        return catalogue.PLAYED
    return catalogue.UNKNOWN if proof.unknown else NOT_REPORTED


def delay_ms(slot: Slot) -> int:
    """How much later than planned it begins; 0 for less than a second."""
    late = to_ms(slot.from_at) - to_ms(slot.planned_at)
    return late if slot.sounds and late >= _LATE_MS else 0


def notes_of(slot: Slot, look: Look, place: str) -> Sequence[str]:
    """What stands below a title: where, how long, and what is unusual about it."""
    length = spell(slot.duration_ms)
    found = [place, _("khoảng %(length)s", length=length) if slot.estimated else length]
    silent = slot.proof.silent if slot.proof else 0
    unknown = slot.proof.unknown if slot.proof else 0
    if silent:
        found.append(ngettext("%(num)s cụm loa im", "%(num)s cụm loa im", silent))
    if unknown and look is not catalogue.UNKNOWN:
        found.append(ngettext("%(num)s cụm loa không kiểm được", "%(num)s cụm loa không kiểm được", unknown))
    if delay := delay_ms(slot):
        found.append(_("lùi %(delta)s", delta=spell(delay)))
    if slot.otherwise:
        found.append(ngettext("%(num)s cụm loa giờ khác", "%(num)s cụm loa giờ khác", slot.otherwise))
    return found


def why_of(slot: Slot) -> str:
    """Why it does not sound, with the rule; empty for what sounds."""
    if slot.sounds:
        return ""
    why = str(catalogue.WHY.get(slot.reason, slot.reason)).partition("{")[0].rstrip(" ,")
    if slot.by_title:
        why = _("%(why)s: “%(by)s”", why=why, by=slot.by_title)
    return _("%(why)s. Căn cứ: %(source)s", why=why, source=slot.legal_source) if slot.legal_source else why


def sentence_of(slot: Slot, look: Look, tz: str) -> str:
    """All of a block in one line, for those who rest on it or listen."""
    span = _("%(start)s đến %(end)s", start=clock(slot.from_at, tz), end=clock(slot.to_at, tz))
    parts = [slot.title, span, str(look.word), why_of(slot)]
    if slot.class_ is not BroadcastClass.NORMAL:
        parts.append(str(CLASSES[slot.class_]))
    if delay := delay_ms(slot):
        parts.append(_("lùi %(delta)s", delta=spell(delay)))
    return " · ".join(part for part in parts if part)


def describe(slot: Slot) -> tuple[str, str]:
    """Description and category of an event in a calendar of a telephone."""
    field = str(FIELDS.get(slot.field, slot.field))
    nodes = ngettext("%(num)s cụm loa", "%(num)s cụm loa", slot.nodes)
    return " · ".join((field, str(CLASSES[slot.class_]), nodes)), field


def fits_state(slot: Slot, look: Look, wanted: str) -> bool:
    """Whether a slot is of the state that was filtered for; empty fits all."""
    match wanted:
        case "approved" | "submitted":
            return slot.state == wanted
        case "draft":
            return slot.state in {SlotState.DRAFT, SlotState.RETURNED}
        case "moved":
            return delay_ms(slot) > 0
        case "silent":
            return look.look == "bad" or look is SOME_SILENT
        case _:
            return True
