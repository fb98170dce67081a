"""From the plan to cues for the player."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from loa.audio.player import Cue, Late
from loa.node_agent.core.plan import Plan
from loa.protocol.ids import RecordingId
from loa.protocol.kinds import BroadcastClass
from loa.schedules.model import Segment
from loa.schedules.policy import allowed_until, next_change, volume_cap

_MS = timedelta(milliseconds=1)


def make_cues(
    plan: Plan,
    from_at: datetime,
    until_at: datetime,
    *,
    running_since: datetime,
    path_of: Callable[[RecordingId], Path | None],
) -> list[Cue]:
    """The cues of all segments that sound between the two instants.

    A segment under a changing volume cap becomes a cue for each level. What `path_of` has no file for is
    left out. The same segment gives the same cues whenever it is asked for. A cue stays on the clock, but
    for the beginning of what this agent learnt too late for that: nothing of it gets lost.
    """
    near = (one for one in plan.segments if one.to_at > from_at and one.from_at < until_at)
    return [
        replace(cue, late=Late.SHIFT) if _begins_unforeseen(plan, segment, cue, running_since) else cue
        for segment in near
        for cue in _cues_of(plan, segment, path_of)
    ]


def _begins_unforeseen(plan: Plan, segment: Segment, cue: Cue, running_since: datetime) -> bool:
    known_at = plan.items[segment.item_id].known_at
    return cue.offset_ms == 0 and known_at == cue.start_at and known_at >= running_since


def _cues_of(plan: Plan, segment: Segment, path_of: Callable[[RecordingId], Path | None]) -> Iterator[Cue]:
    path = path_of(plan.source(segment.item_id).recording)
    if path is None:
        return
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
    """The stretch cut where the volume cap of the class changes: from, to, decibels."""
    found: list[tuple[datetime, datetime, float]] = []
    begin = from_at
    while begin < to_at:
        cap_db = float(volume_cap(plan.policy, class_, begin, plan.tz).cap_db)
        end = min(next_change(plan.policy, class_, begin, plan.tz), to_at)
        if found and found[-1][2] == cap_db:
            found[-1] = (found[-1][0], end, cap_db)
        else:
            found.append((begin, end, cap_db))
        begin = end
    return found
