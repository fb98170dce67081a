"""When the amplifier has to be on, so that no syllable is lost and its relay does not chatter."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from loa.audio.player import Cue, Late

Shifts = Mapping[tuple[str, datetime], timedelta]
"""By how much the cue of an occurrence, that would begin at an instant, begins later."""


@dataclass(frozen=True, slots=True)
class Span:
    """On from an instant until before another."""

    on_at: datetime
    off_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long before a sound the amplifier is on, and how long after one it stays on."""

    lead: timedelta
    hold: timedelta


def spans(cues: Iterable[Cue], timing: Timing) -> list[Span]:
    """When to be on, in order of time; what touches is one."""
    found: list[Span] = []
    for cue in sorted(cues, key=lambda cue: cue.start_at):
        span = Span(cue.start_at - timing.lead, cue.stop_at + timing.hold)
        if found and span.on_at <= found[-1].off_at:
            found[-1] = Span(found[-1].on_at, max(found[-1].off_at, span.off_at))
        else:
            found.append(span)
    return found


def shifts(cues: Iterable[Cue], *, before: Shifts, now: datetime, ready_at: datetime) -> Shifts:
    """The cues whose first syllable would sound before the amplifier is ready, and by how much they wait.

    Only beginnings wait; what joins in the middle keeps to the clock. What was decided stays decided.
    """
    found: dict[tuple[str, datetime], timedelta] = {}
    for cue in cues:
        name = (cue.occurrence, cue.start_at)
        begins = cue.offset_ms == 0 and (cue.start_at >= now or cue.late is Late.SHIFT)
        if name in before:
            found[name] = before[name]
        elif begins and cue.start_at < ready_at:
            found[name] = ready_at - cue.start_at
    return found


def shifted(cues: Sequence[Cue], by: Shifts) -> list[Cue]:
    """The cues as the player takes them."""
    return [_shifted(cue, by.get((cue.occurrence, cue.start_at))) for cue in cues]


def _shifted(cue: Cue, by: timedelta | None) -> Cue:
    if by is None:
        return cue
    stop_at = max(cue.stop_at, min(cue.stop_at + by, cue.may_last_until or cue.stop_at))
    return replace(cue, start_at=min(cue.start_at + by, stop_at), stop_at=stop_at)
