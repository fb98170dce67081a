import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from queue import Full, Queue
from threading import Condition, Thread

from loa.audio.clock import Clock
from loa.audio.mixer import Mixer, Samples, Sound, Voice, frame_at, ns_of, to_ns
from loa.audio.player import RATE_HZ, Cue, Ending, Failed, Late, PlayerEvent

OpenSound = Callable[[Path, int], Sound]
"""Opens a recording for decoding from a frame on; raises OSError when that is impossible."""

_PREROLL_S = 3.0
_LATE_OPENING_S = 0.05
"""What opening a decoder takes at least: a cue that is late already joins this much further on."""
_LOOK_AGAIN_S = 0.5
_NS = 1_000_000_000
_MOVED_FRAMES = RATE_HZ // 2
"""What was rendered ahead, and what a busy machine takes to hand over a plan."""
_NEVER_NS = 2**63

_log = logging.getLogger(__name__)

_Key = tuple[str, Path, int, int, Late]


class Deck:
    """The plan with its opened sounds, shared by every output.

    `render` belongs to the output's thread, the rest to any. A thread of its own opens decoders ahead of
    their start and releases those that are done.
    """

    def __init__(self, *, clock: Clock, open_sound: OpenSound, max_events: int) -> None:
        self.events: Queue[PlayerEvent] = Queue(max_events)
        self.missed_events = 0
        self.broken: str | None = None
        """Why no decoder is opened any more."""
        self._clock = clock
        self._open_sound = open_sound
        self._mixer = Mixer(self._emit)
        self._changed = Condition()
        self._voices: dict[_Key, Voice] = {}
        self._order: tuple[Voice, ...] = ()
        self._cut: list[Voice] = []
        self._retired: list[Sound] = []
        self._closed = False
        self._quiet_until_ns = 0
        """Nothing sounds before; kept so that silence costs next to nothing."""
        self._stagehand = Thread(target=self._run, name="loa-deck", daemon=True)
        self._stagehand.start()

    def set_plan(self, cues: Sequence[Cue]) -> None:
        """See `Player.set_plan`."""
        now = self._clock.now()
        with self._changed:
            kept = {_key(cue): cue for cue in cues}
            gone = {key: self._voices.pop(key) for key in list(self._voices) if key not in kept}
            for key, cue in kept.items():
                if key not in self._voices and (moved := _moved(gone, cue, now)) is not None:
                    self._voices[key] = gone.pop(moved)
                voice = self._voices.setdefault(key, Voice(cue, done=cue.stop_at <= now))
                voice.cue = cue
            self._cut += gone.values()
            self._order = tuple(sorted(self._voices.values(), key=lambda voice: voice.cue.start_at))
            self._quiet_until_ns = 0
            self._changed.notify()

    def render(self, start_ns: int, frames: int) -> Samples:
        """The block whose first frame sounds at `start_ns`; read-only, never waits for a decoder."""
        if start_ns + ns_of(frames) < self._quiet_until_ns:
            return self._mixer.silent(frames)
        with self._changed:
            cut, self._cut = self._cut, []
            block = self._mixer.render(start_ns, frames, self._order, cut)
            self._retire([*cut, *self._order])
            waiting = [voice for voice in self._order if not voice.done]
            self._quiet_until_ns = to_ns(waiting[0].cue.start_at) if waiting else _NEVER_NS
            return block

    def sounding(self) -> Cue | None:
        """The cue that is heard now."""
        with self._changed:
            heard = [voice.cue for voice in self._order if voice.begun and not voice.done]
            return heard[-1] if heard else None

    def fade_away(self) -> None:
        """Take everything out of the plan because the player closes."""
        with self._changed:
            for voice in self._order:
                voice.cut_as = Ending.CLOSED
        self.set_plan([])

    def close(self, at_ns: int) -> None:
        """End every voice at `at_ns` and release the decoders; the output must have stopped."""
        with self._changed:
            for voice in [*self._cut, *self._order]:
                if not voice.done:
                    self._mixer.finish(voice, at_ns, Ending.CLOSED)
            self._retire([*self._cut, *self._order])
            self._closed = True
            self._changed.notify()
        self._stagehand.join()

    def _retire(self, voices: Sequence[Voice]) -> None:
        for voice in voices:
            if voice.done and voice.sound is not None:
                self._retired.append(voice.sound)
                voice.sound = None
                self._changed.notify()

    def _emit(self, event: PlayerEvent) -> None:
        try:
            self.events.put_nowait(event)
        except Full:
            self.missed_events += 1
            _log.error("player event lost, nobody takes them: %s", event)

    def _run(self) -> None:
        try:
            self._serve()
        except Exception as failure:  # noqa: BLE001 -- the root of a thread
            self.broken = repr(failure)
            _log.exception("decoders can no longer be opened")

    def _serve(self) -> None:
        while not self._closed or self._retired:
            with self._changed:
                retired, self._retired = self._retired, []
                due = [voice for voice in self._order if self._is_due(voice)]
            for sound in retired:
                sound.close()
            for voice in due:
                self._open(voice)
            with self._changed:
                if not self._retired and not self._closed:
                    self._changed.wait(_LOOK_AGAIN_S)

    def _is_due(self, voice: Voice) -> bool:
        ahead_ns = to_ns(voice.cue.start_at) - to_ns(self._clock.now())
        return not voice.done and voice.sound is None and ahead_ns <= _PREROLL_S * _NS

    def _open(self, voice: Voice) -> None:
        first = voice.offset_frames + self._missed_frames(voice.cue)
        try:
            sound = self._open_sound(voice.cue.path, first)
        except OSError as failure:
            self._give_up(voice, str(failure))
            return
        with self._changed:
            if voice.done or self._closed:
                self._retired.append(sound)
            else:
                voice.sound = sound

    def _missed_frames(self, cue: Cue) -> int:
        late_ns = to_ns(self._clock.now()) - to_ns(cue.start_at)
        if late_ns <= 0 or cue.late is Late.SHIFT:
            return 0
        return (late_ns * RATE_HZ) // _NS + int(_LATE_OPENING_S * RATE_HZ)

    def _give_up(self, voice: Voice, detail: str) -> None:
        with self._changed:
            voice.done = True
            self._emit(Failed(voice.cue, self._clock.now(), detail))


def _key(cue: Cue) -> _Key:
    return cue.occurrence, cue.path, to_ns(cue.start_at), cue.offset_ms, cue.late


def _moved(gone: Mapping[_Key, Voice], cue: Cue, now: datetime) -> _Key | None:
    """The voice that sounds now what the cue wants now: the clock was set, and the plan with it."""
    since_frames = frame_at(to_ns(now), to_ns(cue.start_at))
    for key, voice in gone.items():
        is_same = replace(voice.cue, start_at=cue.start_at) == replace(
            cue,
            stop_at=voice.cue.stop_at,
            gain_db=voice.cue.gain_db,
            may_last_until=voice.cue.may_last_until,
        )
        if is_same and voice.begun and not voice.done and voice.sound is not None:
            wanted = voice.offset_frames + since_frames - voice.shift_frames
            if abs(voice.sound.position - wanted) <= _MOVED_FRAMES:
                return key
    return None
