"""A day as a person sees it at a glance: what became of each occurrence, and how the nodes are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from loa.controller.core.expected import EXPECTED, MISSED
from loa.protocol.ids import AreaId
from loa.protocol.reasons import Reason


class Fate(StrEnum):
    """What became of one occurrence on one node."""

    TO_COME = "to_come"
    AWAITED = "awaited"
    """Its time has come, and nobody has reported yet."""
    PLAYED = "played"
    SHORT = "short"
    SILENT = "silent"
    """The node played it, and an ear missed it: the horn is dead."""
    FAILED = "failed"
    REFUSED = "refused"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    """Nobody reported in time; never counted as heard, and never as failed."""


class Standing(StrEnum):
    """What became of one occurrence on all nodes together."""

    PLAYING = "playing"
    PLAYED = "played"
    LACKING = "lacking"
    """It sounded, but some nodes were silent or failed."""
    SHORT = "short"
    SILENT = "silent"
    NOT_PLAYED = "not_played"
    REFUSED = "refused"
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    AWAITED = "awaited"
    TO_COME = "to_come"
    MOVED = "moved"
    """To come, but later than planned."""
    WAITING = "waiting"
    """Nobody has approved it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Lines of the log that are alike: one occurrence, one result."""

    occurrence: str
    broadcast: str
    title: str
    class_: str
    planned_at: datetime
    duration_ms: int
    outcome: str
    rendered: bool | None
    heard: bool | None
    lines: int
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Planned:
    """Where the nodes' own computation puts an occurrence, and why nowhere."""

    from_at: datetime
    to_at: datetime
    reason: Reason
    legal_source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One occurrence of today on the nodes that the person looks after."""

    id: str
    bulletin: str
    title: str
    class_: str
    from_at: datetime
    to_at: datetime
    duration_ms: int
    audience: tuple[AreaId, ...]
    nodes: int
    fates: Mapping[Fate, int]
    sounding: int
    """Nodes that sound it now, those whose horn is dead left out."""
    standing: Standing
    reason: Reason | None = None
    """Why the nodes will not sound it."""
    legal_source: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """How many nodes say that they sound an occurrence now, and how many of them nobody hears."""

    sounding: int = 0
    unheard: int = 0


@dataclass(frozen=True, slots=True)
class About:
    """What the broadcast of an occurrence is; the bulletin is empty for who may not read it."""

    bulletin: str = ""
    audience: tuple[AreaId, ...] = ()


_SOUNDED = {Reason.COMPLETE, Reason.PARTLY, Reason.INTERRUPTED}
_REFUSED = {Reason.QUIET_HOURS, Reason.INTO_QUIET_HOURS, Reason.MINUTES_USED_UP}
_STOPPED = {Reason.SILENCED, Reason.WITHDRAWN}
_UNSOUNDED: Mapping[str, Fate] = {
    MISSED: Fate.UNKNOWN,
    **dict.fromkeys(_REFUSED, Fate.REFUSED),
    **dict.fromkeys(_STOPPED, Fate.STOPPED),
}
_DONE = (Fate.PLAYED, Fate.SHORT, Fate.SILENT)


def fate_of(line: Counted, now: datetime) -> Fate:
    """What became of these lines."""
    if line.outcome == EXPECTED:
        return Fate.TO_COME if line.planned_at > now else Fate.AWAITED
    if line.outcome not in _SOUNDED:
        return _UNSOUNDED.get(line.outcome, Fate.FAILED)
    if line.rendered is False or line.heard is False:
        return Fate.SILENT
    return Fate.PLAYED if line.outcome == Reason.COMPLETE else Fate.SHORT


def standing_of(fates: Mapping[Fate, int], sounding: int, planned: Planned | None) -> Standing:
    """The one word for all nodes; what some lack is never hidden behind what others have."""
    counts = {fate: count for fate, count in fates.items() if count}
    if sounding:
        return Standing.PLAYING
    if any(fate in counts for fate in _DONE):
        return _sounded(counts)
    if counts.get(Fate.TO_COME) or counts.get(Fate.AWAITED):
        return _expected(counts, planned)
    order = (Fate.FAILED, Fate.REFUSED, Fate.STOPPED)
    found = next((fate for fate in order if fate in counts), Fate.UNKNOWN)
    return Standing.NOT_PLAYED if found is Fate.FAILED else Standing(found.value)


def _sounded(counts: Mapping[Fate, int]) -> Standing:
    if set(counts) == {Fate.SILENT}:
        return Standing.SILENT
    if Fate.SILENT in counts or Fate.FAILED in counts:
        return Standing.LACKING
    return Standing.SHORT if Fate.SHORT in counts else Standing.PLAYED


def _expected(counts: Mapping[Fate, int], planned: Planned | None) -> Standing:
    if planned is not None and planned.reason in _REFUSED:
        return Standing.REFUSED
    if planned is not None and planned.reason in _STOPPED:
        return Standing.STOPPED
    if planned is not None and planned.reason not in _SOUNDED:
        return Standing.NOT_PLAYED
    return Standing.AWAITED if Fate.AWAITED in counts else Standing.TO_COME


def occurrence_of(
    lines: Sequence[Counted], planned: Planned | None, said: Said, about: About, now: datetime
) -> Occurrence:
    """One occurrence from its lines (at least one), the lay-out, and what nodes say now."""
    first = lines[0]
    fates = {fate: sum(one.lines for one in lines if fate_of(one, now) is fate) for fate in Fate}
    standing = standing_of(fates, said.sounding, planned)
    from_at, to_at = _span(lines, planned)
    if standing in {Standing.TO_COME, Standing.AWAITED} and from_at > max(now, first.planned_at):
        standing = Standing.MOVED
    refused = planned if planned and standing in {Standing.REFUSED, Standing.NOT_PLAYED} else None
    return Occurrence(
        id=first.occurrence,
        bulletin=about.bulletin,
        title=first.title,
        class_=first.class_,
        from_at=from_at,
        to_at=to_at,
        duration_ms=first.duration_ms,
        audience=about.audience,
        nodes=sum(one.lines for one in lines),
        fates=fates,
        sounding=said.sounding - said.unheard,
        standing=standing,
        reason=refused.reason if refused else None,
        legal_source=refused.legal_source if refused else None,
    )


def _span(lines: Sequence[Counted], planned: Planned | None) -> tuple[datetime, datetime]:
    began = [one.started_at for one in lines if one.started_at]
    ended = [one.ended_at for one in lines if one.ended_at]
    if began and ended and max(ended) > min(began):
        return min(began), max(ended)
    if planned is not None and planned.to_at > planned.from_at:
        return planned.from_at, planned.to_at
    first = lines[0]
    return first.planned_at, first.planned_at + timedelta(milliseconds=first.duration_ms)
