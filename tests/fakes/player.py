from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from queue import Queue

from loa.audio.player import (
    Began,
    Cue,
    Ended,
    Ending,
    Failed,
    Late,
    PlayerEvent,
    PlayerStatus,
)

LEAP = timedelta(seconds=1)


class FakePlayer:
    """A `Player` without sound, in simulated time: `advance` lets it pass and fills the queue of events.

    A recording sounds until its cue's stop, or as long as `lengths_ms` says for its file name; names in
    `broken` fail.
    """

    def __init__(self, now: datetime, *, lengths_ms: dict[str, int] | None = None) -> None:
        self.time = now.astimezone(UTC)
        self.events: Queue[PlayerEvent] = Queue()
        self.plans: list[tuple[Cue, ...]] = []
        self.broken: set[str] = set()
        self.closed = False
        self.clock: Callable[[], datetime] | None = None
        """Follows a clock that is set, if it is told which."""
        self._lengths_ms = lengths_ms or {}
        self._plan: dict[tuple[object, ...], Cue] = {}
        self._began: dict[tuple[object, ...], Began] = {}
        self._done: set[tuple[object, ...]] = set()

    def set_plan(self, cues: Sequence[Cue]) -> None:
        if self.clock is not None and abs(self.clock() - self.time) > LEAP:
            self._leap(self.clock())
        self.plans.append(tuple(cues))
        plan = {_key(cue): cue for cue in cues}
        for key in [key for key in self._plan if key not in plan]:
            self._end(key, self.time, Ending.CLOSED if self.closed else Ending.REMOVED)
            self._done.discard(key)
        self._done |= {key for key in plan if key not in self._plan and plan[key].stop_at <= self.time}
        self._plan = plan

    def _leap(self, to: datetime) -> None:
        """No time passes: what sounds has sounded for as long as before."""
        by, self.time = to - self.time, to
        self._began = {key: replace(one, at=one.at + by) for key, one in self._began.items()}

    def status(self) -> PlayerStatus:
        sounding = [self._plan[key] for key in self._began if key not in self._done]
        return PlayerStatus(
            sounding=sounding[-1] if sounding else None,
            sync_degraded=False,
            underflows=0,
            missed_events=0,
            broken=None,
        )

    def close(self) -> None:
        self.closed = True
        self.set_plan([])

    def advance(self, to: datetime) -> None:
        """Let time pass until `to`; what happens on the way is put into the queue in order."""
        while self.time <= to:
            moments = [moment for key in self._plan for moment in self._moments(key)]
            self._settle()
            following = [moment for moment in moments if self.time < moment <= to]
            if not following:
                break
            self.time = min(following)
            self._settle()
        self.time = max(self.time, to)

    def _moments(self, key: tuple[object, ...]) -> list[datetime]:
        cue = self._plan[key]
        return [] if key in self._done else [cue.start_at, cue.stop_at, self._over_at(key)]

    def _over_at(self, key: tuple[object, ...]) -> datetime:
        cue = self._plan[key]
        length_ms = self._lengths_ms.get(cue.path.name)
        if length_ms is None:
            return cue.stop_at
        began = self._began.get(key)
        zero_at = cue.start_at if began is None else began.at
        offset_ms = cue.offset_ms if began is None else began.offset_ms
        return zero_at + timedelta(milliseconds=max(0, length_ms - offset_ms))

    def _settle(self) -> None:
        waiting = sorted((cue.start_at, key) for key, cue in self._plan.items() if cue.start_at <= self.time)
        for number, (_, key) in enumerate(waiting):
            if key in self._done:
                continue
            cue = self._plan[key]
            if self.time >= min(cue.stop_at, self._over_at(key)):
                over = self._over_at(key) < cue.stop_at
                self._end(key, self.time, Ending.FINISHED if over else Ending.STOP_AT)
            elif number + 1 < len(waiting):
                self._end(key, self.time, Ending.DISPLACED)
            elif key not in self._began:
                self._begin(key, cue)

    def _begin(self, key: tuple[object, ...], cue: Cue) -> None:
        if cue.path.name in self.broken:
            self._done.add(key)
            self.events.put(Failed(cue, self.time, f"there is no file {cue.path}"))
            return
        missed = timedelta(0) if cue.late is Late.SHIFT else self.time - cue.start_at
        began = Began(cue, self.time, cue.offset_ms + missed // timedelta(milliseconds=1))
        self._began[key] = began
        self.events.put(began)

    def _end(self, key: tuple[object, ...], at: datetime, reason: Ending) -> None:
        began = self._began.pop(key, None)
        if began is not None and key not in self._done:
            self.events.put(Ended(self._plan[key], at, (at - began.at) // timedelta(milliseconds=1), reason))
        self._done.add(key)


def _key(cue: Cue) -> tuple[object, ...]:
    return cue.occurrence, cue.path, cue.start_at, cue.offset_ms, cue.late
