"""Compares what is captured with what is played, while it sounds."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from loa.audio.deck import OpenSound
from loa.audio.decoder import DecodedFile
from loa.audio.ear import FRAME_NS, Ear
from loa.audio.evidence import (
    FRAME_MS,
    LEAST_FRAMES,
    WINDOW_FRAMES,
    Bands,
    Finding,
    Limits,
    Tally,
    bands_of,
    thin,
)
from loa.audio.mixer import Samples, Sound, to_ns
from loa.audio.player import RATE_HZ, Began, Cue, Ended, PlayerEvent
from loa.node_agent import logs
from loa.node_agent.ports import Timekeeper

WINDOW_NS = WINDOW_FRAMES * FRAME_NS
_SLACK_NS = 400_000_000
"""What capturing takes, beside the delays that are looked at."""
_EARLY = timedelta(seconds=2)
_LINGER_S = 5.0
"""So long ears stay open after the last sound."""
_GIVE_UP_NS = 2_000_000_000
"""Judging a sound never lasts longer than this beyond its time: its report goes out without."""
_MOST_TALLIES = 64
_STEP_NS = 100_000_000
"""Once the clock was set by more than this, the time of a window of before does not lead to it any more."""
_LOOKS = 3
"""A busy machine may come between the looks at two clocks; hardly each time."""
_UNSETTLED_NS = 2_000_000_000
"""So long after that, the player may tell of something by the clock of before."""
_FRAME = RATE_HZ * FRAME_MS // 1000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """An ear, and what counts as there for it."""

    name: str
    """`rendered` or `heard`."""
    ear: Ear
    limits: Limits
    is_chosen: bool = False
    """Whether the machine's owner named it, so that its failing has to be told."""


@dataclass(slots=True)
class _Watch:
    """One cue that sounds, or has just ended."""

    cue: Cue
    sound: Sound
    next_ns: int
    """Where the next window begins."""
    end_ns: int
    read: list[Samples] = field(default_factory=list)


class Witness:
    """Has the windows of what sounds judged by every listener. For one thread; never waits."""

    def __init__(
        self,
        *,
        clock: Timekeeper,
        listeners: Sequence[Listener] = (),
        open_sound: OpenSound = DecodedFile,
    ) -> None:
        self._listeners = listeners
        self._open_sound = open_sound
        self._clock = clock
        self._cues: tuple[Cue, ...] = ()
        self._watches: list[_Watch] = []
        self._tallies: dict[str, dict[str, Tally]] = {}
        self._listens_until_s = 0.0
        self._is_open = False
        self._ahead_ns: int | None = None
        self._set_at_ns = -_UNSETTLED_NS
        self._wait_ns = max((one.limits.last_ms for one in listeners), default=0) * 1_000_000 + _SLACK_NS

    def expect(self, cues: Iterable[Cue]) -> None:
        """This is what is to sound in the near future."""
        if self._listeners:
            self._cues = tuple(cues)

    def note(self, event: PlayerEvent) -> None:
        """The player says that something began or ended."""
        if not self._listeners:
            return
        self._mind_the_clock()
        match event:
            case Began():
                if self._is_of_this_clock(event.at):
                    self._begin(event)
            case Ended():
                for watch in self._watches:
                    if _name(watch.cue) == _name(event.cue):
                        watch.end_ns = min(watch.end_ns, to_ns(event.at))
            case _:
                return

    def turn(self) -> None:
        """Judge the windows for which all has been captured. Quick when nothing sounds."""
        if not self._listeners:
            return
        self._mind_the_clock()
        now = self._clock.now()
        near = any(cue.start_at - _EARLY <= now <= cue.stop_at for cue in self._cues)
        self._mind_the_ears(wanted=near or bool(self._watches))
        for watch in [one for one in self._watches if self._judge(one, to_ns(now))]:
            watch.sound.close()
            self._watches.remove(watch)

    def is_busy(self, occurrence: str) -> bool:
        """Whether windows of it are still to be judged; not for longer than a bounded time after its end."""
        return any(watch.cue.occurrence == occurrence for watch in self._watches)

    def findings(self, occurrence: str) -> dict[str, Finding]:
        """What each listener found of it, by name; nothing where no window was judged. Forgets it."""
        tallies = self._tallies.pop(occurrence, {})
        found = {name: tally.finding() for name, tally in tallies.items()}
        return {name: finding for name, finding in found.items() if finding is not None}

    def troubles(self) -> dict[str, str]:
        """Which of the ears that somebody chose capture nothing, and why."""
        chosen = [one for one in self._listeners if one.is_chosen]
        return {one.name: trouble for one in chosen if (trouble := one.ear.trouble) is not None}

    def close(self) -> None:
        """Listen no more."""
        for watch in self._watches:
            watch.sound.close()
        self._watches.clear()
        for one in self._listeners:
            one.ear.close()

    def _mind_the_clock(self) -> None:
        """Judge no more of what sounds once the clock was set: it was captured by the one of before."""
        ahead_ns, self._ahead_ns = self._ahead_ns, min(self._look() for _ in range(_LOOKS))[1]
        if ahead_ns is None or abs(self._ahead_ns - ahead_ns) <= _STEP_NS:
            return
        self._set_at_ns = self._monotonic_ns()
        for watch in self._watches:
            watch.sound.close()
        self._watches.clear()

    def _look(self) -> tuple[int, int]:
        """How long two looks at the clocks took, and how far the wall clock is ahead of the other."""
        before_ns = self._monotonic_ns()
        ahead_ns = to_ns(self._clock.now()) - before_ns
        return self._monotonic_ns() - before_ns, ahead_ns

    def _is_of_this_clock(self, at: datetime) -> bool:
        is_settled = self._monotonic_ns() - self._set_at_ns >= _UNSETTLED_NS
        return is_settled or abs(to_ns(at) - to_ns(self._clock.now())) < _UNSETTLED_NS // 2

    def _monotonic_ns(self) -> int:
        return int(self._clock.monotonic() * 1_000_000_000)

    def _begin(self, event: Began) -> None:
        cue = event.cue
        try:
            sound = self._open_sound(cue.path, event.offset_ms * RATE_HZ // 1000)
        except OSError as failure:
            logs.say(_log, "not_witnessed", occurrence=cue.occurrence, detail=failure)
            return
        self._watches.append(_Watch(cue, sound, next_ns=to_ns(event.at), end_ns=to_ns(cue.stop_at)))
        if cue.occurrence not in self._tallies:
            while len(self._tallies) >= _MOST_TALLIES:
                self._tallies.pop(next(iter(self._tallies)))
            self._tallies[cue.occurrence] = {one.name: Tally(one.limits) for one in self._listeners}

    def _mind_the_ears(self, *, wanted: bool) -> None:
        now_s = self._clock.monotonic()
        if wanted:
            self._listens_until_s = now_s + _LINGER_S
            self._is_open = True
            for one in self._listeners:
                one.ear.open()
        elif self._is_open and now_s >= self._listens_until_s:
            self._is_open = False
            for one in self._listeners:
                one.ear.close()

    def _judge(self, watch: _Watch, now_ns: int) -> bool:
        """Judge what can be judged; whether nothing is left of it."""
        while watch.next_ns + LEAST_FRAMES * FRAME_NS <= watch.end_ns:
            window_end_ns = min(watch.next_ns + WINDOW_NS, watch.end_ns)
            if now_ns < window_end_ns + self._wait_ns:
                return False
            frames = (window_end_ns - watch.next_ns) // FRAME_NS
            recorded = self._read(watch, frames)
            if recorded is None:
                return watch.sound.ended or now_ns > watch.end_ns + self._wait_ns + _GIVE_UP_NS
            self._compare(watch, recorded)
            watch.next_ns += WINDOW_NS
        return True

    def _read(self, watch: _Watch, frames: int) -> Bands | None:
        """The next window of the recording; None if it is not decoded yet, or over."""
        lacking = frames * _FRAME - sum(map(len, watch.read))
        if lacking > 0 and len(block := watch.sound.read(lacking)):
            watch.read.append(block)
            lacking -= len(block)
        if lacking > 0 and not watch.sound.ended:
            return None
        samples, watch.read = np.concatenate(watch.read or [np.zeros(0, np.int16)]), []
        return bands_of(thin(samples)) if len(samples) >= LEAST_FRAMES * _FRAME else None

    def _compare(self, watch: _Watch, recorded: Bands) -> None:
        tallies = self._tallies.get(watch.cue.occurrence, {})
        for one in self._listeners:
            from_ns = watch.next_ns + one.limits.first_ms * 1_000_000
            captured = one.ear.bands(from_ns, len(recorded) + one.limits.lags - 1)
            if one.name in tallies:
                tallies[one.name].add(recorded, captured, gain_db=watch.cue.gain_db)


def _name(cue: Cue) -> tuple[str, datetime, int]:
    """What stays of a cue when its end or its level is changed."""
    return cue.occurrence, cue.start_at, cue.offset_ms
