"""The form of a policy: rows of texts, and the version that they ask for."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from starlette.datastructures import FormData

from loa.controller.web.bodies import text_of, texts_of
from loa.controller.web.forms import Errors, read_date
from loa.controller.web.localtime import day_starts
from loa.controller.web.times import read_time
from loa.controller.web.words import lazy
from loa.protocol.kinds import BroadcastClass
from loa.protocol.policy import AllowedHours, DailyMinutes, OwnApproval, Policy, PolicyVersion, VolumeCap
from loa.protocol.units import GainDb, to_whole_ms

MOST_ROWS = 40
ALONE = "alone"
"""The choice that lets authors approve."""
BAD_ROW = lazy("Xem lại dòng này: giờ viết như 05:30, số phút và số dB là số, và có căn cứ.")
BAD_DAY = lazy("Chọn ngày và giờ có hiệu lực, ví dụ 05:00.")
NO_SOURCE = lazy("Ghi căn cứ cho phép tự duyệt, ví dụ số và ngày của quy chế.")


@dataclass(slots=True)
class Typed:
    """The form as it stands: rows of texts."""

    day: str = ""
    clock: str = "00:00"
    quiet_source: str = ""
    hours: list[dict[str, Any]] = field(default_factory=list)
    minutes: list[dict[str, Any]] = field(default_factory=list)
    caps: list[dict[str, Any]] = field(default_factory=list)
    own: str = ""
    own_source: str = ""


def typed_of(version: PolicyVersion) -> Typed:
    """The form that says what a version says; each list ends with an empty row."""
    empty: dict[str, Any] = {"classes": set(), "from": "", "to": "", "amount": "", "source": "", "days": ""}

    def rows(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*found, empty][:MOST_ROWS]

    return Typed(
        quiet_source=version.quiet_source,
        hours=rows([_window(one) for one in version.hours]),
        minutes=rows(
            [
                {"classes": set(one.classes), "amount": str(one.minutes), "source": one.legal_source}
                for one in version.minutes
            ]
        ),
        caps=rows([_window(one) | {"amount": f"{-one.cap_db:g}"} for one in version.caps]),
        own=ALONE if version.own_approval is not None and version.own_approval.allowed else "",
        own_source=version.own_approval.legal_source if version.own_approval else "",
    )


def read_form(form: FormData) -> Typed:
    """What was typed, rows that are wholly empty left out but one."""
    typed = Typed(
        day=text_of(form, "day"),
        clock=text_of(form, "clock"),
        quiet_source=text_of(form, "quiet_source"),
        own=text_of(form, "own"),
        own_source=text_of(form, "own_source"),
    )
    for kind, rows in (("hours", typed.hours), ("minutes", typed.minutes), ("caps", typed.caps)):
        for number in range(MOST_ROWS):
            prefix = f"{kind}-{number}-"
            row: dict[str, Any] = {
                name: text_of(form, prefix + name) for name in ("from", "to", "amount", "source", "days")
            }
            row["classes"] = set(texts_of(form, prefix + "class"))
            if row["from"] or row["to"] or row["amount"] or row["classes"]:
                rows.append(row)
    return typed


def version_of(typed: Typed, tz: str) -> tuple[PolicyVersion | None, Errors]:
    """The version that the form asks for, or the mistakes."""
    errors: Errors = {}
    day, clock = read_date(typed.day), read_time(typed.clock)
    if day is None or clock is None:
        errors["day"] = BAD_DAY
    made: dict[str, list[Any]] = {"hours": [], "minutes": [], "caps": []}
    for kind, rows in (("hours", typed.hours), ("minutes", typed.minutes), ("caps", typed.caps)):
        for number, row in enumerate(rows):
            try:
                made[kind].append(_line(kind, row))
            except (ValidationError, ValueError):
                errors[f"{kind}-{number}-source"] = BAD_ROW
    if not typed.quiet_source:
        errors["quiet_source"] = BAD_ROW
    if typed.own == ALONE and not typed.own_source:
        errors["own_source"] = NO_SOURCE
    if errors or day is None or clock is None:
        return None, errors
    at = day_starts(day, tz) + timedelta(hours=int(clock[:2]), minutes=int(clock[3:]))
    return _built(at, typed, made), errors


def with_version(policy: Policy, version: PolicyVersion) -> Policy:
    """The policy with this version; one that begins at the same instant makes room."""
    others = [one for one in policy.versions if one.effective_from != version.effective_from]
    return Policy(versions=tuple(sorted([*others, version], key=lambda one: one.effective_from)))


def _built(at: datetime, typed: Typed, made: dict[str, list[Any]]) -> PolicyVersion:
    own = OwnApproval(allowed=typed.own == ALONE, legal_source=typed.own_source) if typed.own_source else None
    return PolicyVersion(
        effective_from=to_whole_ms(at),
        quiet_source=typed.quiet_source,
        hours=tuple(made["hours"]),
        caps=tuple(made["caps"]),
        minutes=tuple(made["minutes"]),
        own_approval=own,
    )


def _line(kind: str, row: dict[str, Any]) -> AllowedHours | DailyMinutes | VolumeCap:
    classes = frozenset(BroadcastClass(one) for one in row["classes"])
    if kind == "minutes":
        return DailyMinutes(classes=classes, legal_source=row["source"], minutes=int(row["amount"]))
    days = frozenset(row.get("days", "").split(",")) if row.get("days") else None
    span: dict[str, Any] = {"from_local": _wall(row["from"]), "to_local": _wall(row["to"]), "days": days}
    if kind == "hours":
        return AllowedHours(classes=classes, legal_source=row["source"], **span)
    cap_db = GainDb(-abs(float(row["amount"].replace(",", "."))))
    return VolumeCap(classes=classes, legal_source=row["source"], cap_db=cap_db, **span)


def _wall(text: str) -> str:
    return text if text == "24:00" else read_time(text) or text


def _window(one: AllowedHours | VolumeCap) -> dict[str, Any]:
    return {
        "classes": set(one.classes),
        "from": one.from_local,
        "to": one.to_local,
        "source": one.legal_source,
        "days": ",".join(sorted(one.days)) if one.days is not None else "",
    }
