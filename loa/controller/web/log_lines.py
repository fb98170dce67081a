"""A line of the broadcast log as people read it: state, evidence in four rungs, the reason in plain words."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.expected import EXPECTED, MISSED
from loa.controller.store.tables import LogRow
from loa.controller.web import catalogue, ears, phrases
from loa.controller.web.catalogue import Look
from loa.controller.web.localtime import clock, clock_seconds, spell, weekday
from loa.protocol.kinds import BroadcastClass
from loa.protocol.reasons import Reason

LATE_MS = 1_000
"""What starts later than this is told as late: a neighbour's loudspeaker is heard to be apart."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One of the four rungs of evidence."""

    mark: str
    icon: str
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table, a card on the phone."""

    time: str
    day: str
    title: str
    href: str
    field: str
    class_: str
    node: str
    place: str
    rungs: tuple[Rung, ...]
    look: Look
    reason: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, when, and what is sounding meanwhile."""

    now: datetime
    tz: str
    one_day: bool = False
    """All lines are of one day, so that none needs to name it."""


def line_of(entry: LogRow, reader: Reader, *, node: str, href: str, sounding: Collection[str] = ()) -> Line:
    """The line; `sounding` names what this node says that it sounds now."""
    is_on = entry.outcome in {EXPECTED, MISSED} and entry.occurrence in sounding
    look = catalogue.PLAYING if is_on else look_of(entry, reader.now)
    return Line(
        time=clock(entry.planned_at, reader.tz),
        day="" if reader.one_day else weekday(entry.planned_at, reader.tz),
        title=entry.title,
        href=href,
        field=catalogue.FIELDS.get(entry.field, entry.field),
        class_="" if entry.class_ == BroadcastClass.NORMAL else catalogue.CLASSES.get(entry.class_, ""),
        node=node,
        place=entry.place.rpartition(" / ")[2],
        rungs=rungs_of(entry, reader.now, is_on=is_on),
        look=look,
        reason=reason_of(entry, reader, is_on=is_on),
    )


def look_of(entry: LogRow, now: datetime) -> Look:
    """The badge of what became of it; what cannot be known is never called heard, and never failed."""
    played = entry.played_ms or 0
    if entry.outcome == EXPECTED and entry.planned_at <= now:
        return catalogue.UNKNOWN
    if played and (lacking := ears.lacking_look(entry)) is not None:
        return lacking
    if entry.outcome == Reason.COMPLETE and (entry.late_ms or 0) > LATE_MS:
        return catalogue.LATE
    look = catalogue.OUTCOMES.get(entry.outcome, catalogue.UNKNOWN)
    return catalogue.SHORT if look is catalogue.NOT_PLAYED and played else look


def reason_of(entry: LogRow, reader: Reader, *, is_on: bool = False) -> str:
    """Why, in plain words."""
    ends_at = entry.planned_at + timedelta(milliseconds=entry.duration_ms)
    if is_on:
        left = max(0, round((ends_at - reader.now).total_seconds() * 1000))
        return catalogue.PLAYING_NOW.format(left=spell(left)) if left else phrases.PLAYING_LONGER
    if entry.outcome == EXPECTED:
        at = clock_seconds(entry.planned_at, reader.tz)
        return (
            catalogue.NOT_REPORTED_YET if entry.planned_at <= reader.now else catalogue.DUE_SOON.format(at=at)
        )
    if entry.outcome == MISSED:
        return catalogue.MISSED_HELD if entry.delivered_at else catalogue.MISSED_NOT_HELD
    return _told(entry)


def rungs_of(entry: LogRow, now: datetime, *, is_on: bool = False) -> tuple[Rung, ...]:
    """Planned, received, played, heard: always four, in this order."""
    marks = ("yes", _received(entry, now, is_on=is_on), _played(entry, now, is_on=is_on), _heard(entry))
    return tuple(
        Rung(mark, catalogue.MARKS[mark][0], f"{name}: {catalogue.MARKS[mark][1]}")
        for name, mark in zip(catalogue.RUNGS, marks, strict=True)
    )


def _told(entry: LogRow) -> str:
    if not entry.siren_ms:
        return _own(entry)
    siren = catalogue.SIREN_INSTEAD.format(siren=spell(entry.siren_ms))
    return f"{_own(entry)}. {siren}"


def _own(entry: LogRow) -> str:
    """What became of its own sound."""
    played, planned = entry.played_ms or 0, entry.duration_ms
    if played and (lacking := ears.lacking_words(entry)) is not None:
        return lacking
    words = {"played": spell(played), "planned": spell(planned), "late": spell(entry.late_ms or 0)}
    if entry.outcome == Reason.COMPLETE and (entry.late_ms or 0) > LATE_MS:
        return catalogue.LATE_BY.format_map(words)
    why = catalogue.WHY.get(entry.outcome, entry.outcome).format_map(words)
    if played and entry.outcome not in {Reason.COMPLETE, Reason.PARTLY}:
        why = f"{why}. {catalogue.PLAYED_PART.format_map(words)}"
    return why


def _received(entry: LogRow, now: datetime, *, is_on: bool) -> str:
    if entry.delivered_at or entry.played_ms or is_on:
        return "yes"
    if entry.outcome == Reason.LEARNT_TOO_LATE:
        return "partly"
    if entry.outcome == EXPECTED and entry.planned_at > now:
        return "none"
    return "unknown" if entry.outcome in {EXPECTED, MISSED} else "yes"


def _played(entry: LogRow, now: datetime, *, is_on: bool) -> str:
    if entry.outcome in {EXPECTED, MISSED}:
        return "none" if entry.planned_at > now and not is_on else "unknown"
    played = entry.played_ms or 0
    if played and entry.rendered is False:
        return ears.mark(ears.RENDERED, entry)
    if entry.outcome == Reason.COMPLETE:
        return "yes"
    return "partly" if played else "no"


def _heard(entry: LogRow) -> str:
    """Where something played and no microphone listens, nobody can know whether it was heard."""
    return ears.mark(ears.HEARD, entry) if entry.played_ms else "none"
