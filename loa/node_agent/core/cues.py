"""From the plan to cues for the player."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from loa.audio.player import Cue, Late
from loa.node_agent.core.plan import Plan
from loa.node_agent.core.stand_ins import name_of_stand_in
from loa.protocol.broadcast import RecordingSource
from loa.protocol.ids import RecordingId
from loa.protocol.kinds import BroadcastClass
from loa.schedules.model import Segment, Window
from loa.schedules.policy import allowed_until, next_change, volume_cap

PathOf = Callable[[RecordingId], Path | None]
"""Where the file of a recording is, None where there is none."""
_MS = timedelta(milliseconds=1)


def make_cues(
    plan: Plan, from_at: datetime, until_at: datetime, *, running_since: datetime, path_of: PathOf
) -> list[Cue]:
    """The cues of all segments that sound between the two instants.

    A segment under a changing volume cap becomes a cue for each level. What `path_of` has no file for is
    left out; in place of an emergency the siren sounds. The same segment gives the same cues whenever it is
    asked for. A cue stays on the clock, but for the beginning of what this agent learnt too late for that:
    nothing of it gets lost.
    """
    near = Window(from_at=from_at, until_at=until_at)
    cues: list[Cue] = []
    for segment in _near(plan.segments, near):
        path = path_of(plan.source(segment.item_id).recording)
        if path is not None:
            own = _cues_of(plan, segment, path)
            cues += [_unless_unforeseen(plan, segment, cue, running_since) for cue in own]
        elif plan.items[segment.item_id].class_ is BroadcastClass.EMERGENCY:
            cues += _sirens_of(plan, segment, near, path_of)
    for segment in _near(plan.sirens, near):
        cues += _sirens_of(plan, segment, near, path_of)
    return cues


def _near(segments: Iterable[Segment], near: Window) -> Iterator[Segment]:
    return (one for one in segments if one.to_at > near.from_at and one.from_at < near.until_at)


def _unless_unforeseen(plan: Plan, segment: Segment, cue: Cue, running_since: datetime) -> Cue:
    known_at = plan.items[segment.item_id].known_at
    unforeseen = cue.offset_ms == 0 and known_at == cue.start_at and known_at >= running_since
    return replace(cue, late=Late.SHIFT) if unforeseen else cue


def _sirens_of(plan: Plan, segment: Segment, near: Window, path_of: PathOf) -> list[Cue]:
    """The siren from its beginning again and again, on the clock of the segment; none where it is missing."""
    path = path_of(plan.siren.recording) if plan.siren else None
    if path is None or plan.siren is None:
        return []
    name = name_of_stand_in(segment.item_id)
    rounds = _rounds(segment, plan.siren, near)
    return [replace(cue, occurrence=name) for one in rounds for cue in _cues_of(plan, one, path)]


def _rounds(segment: Segment, siren: RecordingSource, near: Window) -> Iterator[Segment]:
    """The segment cut where the siren begins anew, as far as it is near; offsets are those of the siren."""
    length = siren.duration_ms * _MS
    zero_at = segment.from_at - segment.offset_ms * _MS
    for number in count((max(segment.from_at, near.from_at) - zero_at) // length):
        begins_at = zero_at + number * length
        if begins_at >= min(segment.to_at, near.until_at):
            return
        from_at = max(begins_at, segment.from_at)
        to_at = min(begins_at + length, segment.to_at)
        yield Segment(from_at, to_at, segment.item_id, (from_at - begins_at) // _MS)


def _cues_of(plan: Plan, segment: Segment, path: Path) -> Iterator[Cue]:
    class_ = plan.items[segment.item_id].class_
    for begin, end, gain_db in levels(plan, class_, segment.from_at, segment.to_at):
        yield Cue(
            occurrence=segment.item_id,
            path=path,
            start_at=begin,
            stop_at=end,
            offset_ms=segment.offset_ms + (begin - segment.from_at) // _MS,
            gain_db=gain_db,
            may_last_until=_latest_end(plan, segment) if end == segment.to_at else None,
        )


def _latest_end(plan: Plan, segment: Segment) -> datetime | None:
    """Until when the sound may go on if it began late; None where the timeline cuts it."""
    item = plan.items[segment.item_id]
    length_ms = (segment.to_at - segment.from_at) // _MS
    if segment.offset_ms + length_ms < plan.source(segment.item_id).duration_ms:
        return None
    allowed = allowed_until(plan.policy, item.class_, segment.to_at - _MS, plan.tz)
    return item.last_end_at if allowed is None else min(item.last_end_at, allowed)


def levels(
    plan: Plan, class_: BroadcastClass, from_at: datetime, to_at: datetime
) -> list[tuple[datetime, datetime, float]]:
    """The stretch cut where the volume of the class changes: from, to, decibels.

    Of the policy's caps and the node's own volume the lowest holds; an emergency has only the policy's.
    """
    own_db = 0.0 if class_ is BroadcastClass.EMERGENCY else plan.volume_db
    found: list[tuple[datetime, datetime, float]] = []
    begin = from_at
    while begin < to_at:
        cap_db = min(own_db, float(volume_cap(plan.policy, class_, begin, plan.tz).cap_db))
        end = min(next_change(plan.policy, class_, begin, plan.tz), to_at)
        if found and found[-1][2] == cap_db:
            found[-1] = (found[-1][0], end, cap_db)
        else:
            found.append((begin, end, cap_db))
        begin = end
    return found
