"""The four rungs of evidence of one line in sentences."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.report import Standing, standing
from loa.controller.store.tables import LogRow
from loa.controller.web import catalogue
from loa.controller.web.ears import HEARD, RENDERED
from loa.controller.web.localtime import clock, clock_seconds, decimal, spell, today
from loa.controller.web.log_lines import Reader, Rung, rungs_of
from loa.controller.web.loudness import Comparison, comparison
from loa.controller.web.words import _, lazy
from loa.protocol.reasons import Reason
from loa.protocol.reports import Evidence, Sensed


@dataclass(frozen=True, slots=True)
class Approval:
    """Who let it sound, and when."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """A rung with its words."""

    rung: Rung
    title: str
    text: str
    comparison: Comparison | None = None


def steps_of(entry: LogRow, reader: Reader, approval: Approval | None, *, is_on: bool) -> list[Step]:
    """Always four, from the plan to the ear."""
    rungs = rungs_of(entry, reader.now, is_on=is_on)
    evidence = Evidence.from_bytes(entry.evidence) if entry.evidence else None
    played = _played(entry, reader, rungs[2].mark, evidence)
    texts = (
        _planned(entry, reader, approval),
        _received(entry, reader, rungs[1].mark, evidence),
        played,
        _heard(entry, rungs[3].mark, evidence),
    )
    drawn = (None, None, comparison(evidence, RENDERED), comparison(evidence, HEARD))
    titles = [
        _TITLES.get((number, rung.mark)) or catalogue.RUNGS[number] for number, rung in enumerate(rungs)
    ]
    return [
        Step(rung, str(title), text, one)
        for rung, title, text, one in zip(rungs, titles, texts, drawn, strict=True)
    ]


def counts_as(entry: LogRow, now: datetime) -> str:
    """How reports count it, in a sentence."""
    kind = standing(
        entry.outcome,
        played=bool(entry.played_ms),
        rendered=entry.rendered,
        heard=entry.heard,
        due=entry.planned_at <= now,
    )
    return _COUNTS[kind]


def _planned(entry: LogRow, reader: Reader, approval: Approval | None) -> str:
    ends_at = entry.planned_at + timedelta(milliseconds=entry.duration_ms)
    span = _(
        "%(start)s đến %(end)s.", start=clock(entry.planned_at, reader.tz), end=clock(ends_at, reader.tz)
    )
    if approval is None:
        return span
    by = _("%(name)s duyệt %(at)s.", name=approval.name, at=_moment(approval.at, reader.tz))
    return f"{span} {by}"


def _received(entry: LogRow, reader: Reader, mark: str, evidence: Evidence | None) -> str:
    at = evidence.delivered_at if evidence and evidence.delivered_at else entry.delivered_at
    if mark == "yes":
        said = f"{_moment(at, reader.tz)}. " if at else ""
        if evidence is None:
            return said + _("Loa đã nhận lịch. Loa không báo thêm về bản thu.")
        return said + (
            _("Bản thu và chữ ký đúng.") if evidence.verified else _("Bản thu hoặc chữ ký không khớp.")
        )
    if mark == "partly":
        return _("Loa nhận tin khi đã quá giờ phát.")
    return _("Loa chưa báo về nên không biết.") if mark == "unknown" else _("Chưa tới giờ.")


def _played(entry: LogRow, reader: Reader, mark: str, evidence: Evidence | None) -> str:
    if mark in {"none", "unknown"} and not entry.started_at:
        return _("Chưa tới giờ.") if mark == "none" else _("Loa chưa báo về nên không biết.")
    if not entry.played_ms or not entry.started_at or not entry.ended_at:
        why = catalogue.WHY.get(entry.outcome, entry.outcome)
        words = {"played": spell(0), "planned": spell(entry.duration_ms), "late": spell(0)}
        return _("Không phát. %(why)s.", why=str(why).format_map(words))
    span = _(
        "%(start)s đến %(end)s,",
        start=clock_seconds(entry.started_at, reader.tz),
        end=clock_seconds(entry.ended_at, reader.tz),
    )
    return " ".join((span, _length(entry), _fit(evidence.rendered_by if evidence else None)))


def _length(entry: LogRow) -> str:
    played, planned = spell(entry.played_ms or 0), spell(entry.duration_ms)
    late = decimal((entry.late_ms or 0) / 1000)
    if entry.outcome == Reason.COMPLETE:
        return _("đủ %(planned)s, trễ %(late)s giây.", planned=planned, late=late)
    return _(
        "phát %(played)s trên %(planned)s, trễ %(late)s giây.", played=played, planned=planned, late=late
    )


def _fit(by: Sensed | None) -> str:
    if by is None:
        return _("Không đo được tiếng ra khỏi máy.")
    return _(
        "Tiếng trong máy khớp bản thu %(passed)s trên %(judged)s giây đã đo.",
        passed=by.passed,
        judged=by.judged,
    )


def _heard(entry: LogRow, mark: str, evidence: Evidence | None) -> str:
    if not entry.played_ms:
        return _("Chưa có tiếng để nghe.")
    by = evidence.heard_by if evidence else None
    if mark == "unknown":
        return _("Cụm loa này không có micrô, nên không ai biết chắc bà con có nghe thấy.")
    if by is None:
        return _("Micrô nghe thấy.") if entry.heard else _("Micrô không nghe thấy.")
    if not by.passed:
        return _("Micrô ở cột chỉ thu tiếng ồn nền trong %(judged)s giây đã đo.", judged=by.judged)
    return _("Micrô nghe thấy %(passed)s trên %(judged)s giây đã đo.", passed=by.passed, judged=by.judged)


def _moment(at: datetime, tz: str) -> str:
    day = today(at, tz)
    return f"{day.day}/{day.month}, {clock(at, tz)}"


_TITLES = {
    (1, "no"): lazy("Loa chưa nhận"),
    (1, "unknown"): lazy("Chưa biết loa đã nhận chưa"),
    (1, "partly"): lazy("Loa nhận muộn"),
    (2, "no"): lazy("Máy không phát"),
    (2, "partly"): lazy("Máy phát thiếu"),
    (2, "unknown"): lazy("Chưa biết máy đã phát chưa"),
    (2, "none"): lazy("Máy chưa phát"),
    (3, "no"): lazy("Không nghe thấy"),
    (3, "partly"): lazy("Nghe thấy một phần"),
    (3, "unknown"): lazy("Không có cách kiểm"),
    (3, "none"): lazy("Chưa nghe"),
}
_COUNTS = {
    Standing.HEARD: lazy("Tính là đã vang lên trong báo cáo."),
    Standing.UNHEARD: lazy("Tính là không kiểm được trong báo cáo, không tính là đã vang lên."),
    Standing.UNREPORTED: lazy("Tính là không kiểm được trong báo cáo, không tính là đã vang lên."),
    Standing.SHORT: lazy("Tính là phát thiếu trong báo cáo."),
    Standing.SILENT: lazy("Tính là không nghe thấy trong báo cáo. Dây hoặc ampli có thể hỏng."),
    Standing.NOT_PLAYED: lazy("Tính là không phát trong báo cáo."),
    Standing.KEPT_SILENT: lazy("Không tính vào tỉ lệ của báo cáo, vì có lệnh hoặc quy định cho loa im."),
    Standing.TO_COME: lazy("Chưa tính vào báo cáo, vì chưa tới giờ."),
}
