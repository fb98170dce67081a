from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from loa.audio.bending import REACH, bend
from loa.audio.player import FADE_MS, RATE_HZ, Began, Cue, Ended, Ending, Failed, Late, PlayerEvent

Samples = NDArray[np.int16]
"""(frames,) int16, mono, 48 kHz."""

_FADE_FRAMES = RATE_HZ * FADE_MS // 1000
_NUDGE_FRAMES = RATE_HZ // 2000
"""Half a millisecond off: the next blocks are bent until sound and clock are together again."""
_BEND_FRAMES = 480
"""At most one frame in so many is gained or lost: 3.6 cents, less than anybody hears in speech."""
_JUMP_FRAMES = RATE_HZ * 60 // 1000
"""So far off (a starved decoder, a clock that was set) the sound jumps to its place."""
_FULL_SCALE = 32_767
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS = 1_000_000_000


class Sound(Protocol):
    """A recording that is being decoded ahead; its frames come out once, in order."""

    @property
    def position(self) -> int:
        """Number, within the recording, of the frame that `read` gives next."""
        ...

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        ...

    @property
    def failure(self) -> str | None:
        """Why it ended, if not because the recording was over."""
        ...

    def read(self, frames: int) -> Samples:
        """The next frames, as many as are ready and at most `frames`; never waits."""
        ...

    def close(self) -> None:
        """Release the decoder."""
        ...


@dataclass(slots=True)
class Voice:
    """A cue with its sound and how far it has come."""

    cue: Cue
    sound: Sound | None = None
    begun: bool = False
    done: bool = False
    played_frames: int = 0
    shift_frames: int = 0
    gain: float = 1.0
    fade_in: bool = False
    last_ns: int = 0
    bending: bool = False
    before: NDArray[np.float32] = field(default_factory=lambda: np.zeros(REACH, np.float32))
    """The samples of the sound that came last, before any gain."""
    cut_as: Ending = Ending.REMOVED

    @property
    def offset_frames(self) -> int:
        """Where in the recording the cue starts."""
        return self.cue.offset_ms * RATE_HZ // 1000

    @property
    def stop_ns(self) -> int:
        """When it stops (epoch): what began late ends as much later, as far as its cue lets it."""
        stop_ns, latest = to_ns(self.cue.stop_at), self.cue.may_last_until
        if self.cue.late is not Late.SHIFT or latest is None:
            return stop_ns
        return max(stop_ns, min(stop_ns + ns_of(self.shift_frames), to_ns(latest)))


class Mixer:
    """Works out, block by block, what sounds. Pure: time and sounds come in, samples and events go out."""

    def __init__(self, emit: Callable[[PlayerEvent], None]) -> None:
        self._emit = emit
        self._silence: Samples = np.zeros(0, np.int16)

    def render(self, start_ns: int, frames: int, voices: Sequence[Voice], cut: Sequence[Voice]) -> Samples:
        """The block whose first frame sounds at `start_ns` (epoch) according to `voices`, in order of start.

        `cut` are voices to be faded out now. The result may be shared between calls: do not write to it.
        """
        if not cut and not any(_concerns(voice, start_ns, frames) for voice in voices):
            return self.silent(frames)
        block = np.zeros(frames, np.float32)
        for voice in cut:
            self._cut(voice, start_ns, block)
        free = 0
        for number, voice in enumerate(voices):
            if not voice.done:
                following = voices[number + 1] if number + 1 < len(voices) else None
                free = max(free, self._play(voice, following, start_ns, block, free))
        return np.clip(block, -_FULL_SCALE, _FULL_SCALE).astype(np.int16)

    def silent(self, frames: int) -> Samples:
        """A block of silence; not to be written to."""
        if len(self._silence) != frames:
            self._silence = np.zeros(frames, np.int16)
        return self._silence

    def finish(self, voice: Voice, at_ns: int, reason: Ending) -> None:
        """Note that `voice` sounds no more, and say so if it ever did."""
        voice.done = True
        if voice.begun:
            at = from_ns(at_ns)
            self._emit(Ended(voice.cue, at, voice.played_frames * 1000 // RATE_HZ, reason))

    def _cut(self, voice: Voice, start_ns: int, block: NDArray[np.float32]) -> None:
        if voice.begun and not voice.done and voice.sound is not None:
            length = min(_FADE_FRAMES, len(block))
            tail = voice.sound.read(length)
            ramp = np.linspace(1, 0, length, dtype=np.float32)[: len(tail)]
            block[: len(tail)] += tail * ramp * np.float32(voice.gain)
            voice.played_frames += len(tail)
            self.finish(voice, start_ns + ns_of(len(tail)), voice.cut_as)
        voice.done = True

    def _play(
        self, voice: Voice, following: Voice | None, start_ns: int, block: NDArray[np.float32], free: int
    ) -> int:
        """Put in what sounds of it, from frame `free` on; up to which frame it keeps out what follows."""
        frames = len(block)
        first, stop = _start_frame(voice, start_ns), frame_at(voice.stop_ns, start_ns)
        displaced = frames + _FADE_FRAMES if following is None else _start_frame(following, start_ns)
        if following is not None and following.cue.start_at >= voice.cue.stop_at:
            displaced = max(displaced, stop)
        end = min(stop, displaced)
        begin = max(free, first)
        if begin < min(end, frames) and voice.sound is not None:
            wanted = voice.offset_frames + (begin - first) - voice.shift_frames
            self._place(voice, wanted, block[begin : min(end, frames)], start_ns + ns_of(begin))
            _fade_out(block, end)
        if end <= frames and first < frames and not voice.done:
            reason = Ending.STOP_AT if stop <= displaced else Ending.DISPLACED
            self._reach_end(voice, start_ns + ns_of(max(0, end)), reason)
        if not voice.begun:
            return 0
        return frame_at(voice.last_ns, start_ns) if voice.done else end

    def _reach_end(self, voice: Voice, at_ns: int, reason: Ending) -> None:
        if not voice.begun and reason is Ending.STOP_AT:
            self._emit(Failed(voice.cue, from_ns(at_ns), "nothing of it was decoded in time"))
        self.finish(voice, at_ns, reason)

    def _place(self, voice: Voice, wanted: int, space: NDArray[np.float32], at_ns: int) -> None:
        """Fill `space`, which begins at `at_ns`, from frame `wanted` on, as far as it is ready."""
        sound = voice.sound
        if sound is None:
            return
        room, take = self._align(voice, sound, wanted, len(space))
        chunk = sound.read(take) if take else np.zeros(0, np.int16)
        skipped = len(space) - room
        if len(chunk):
            if not voice.begun:
                self._begin(voice, wanted + skipped, sound.position - len(chunk), at_ns + ns_of(skipped))
            shaped = _shape(voice, chunk, room if len(chunk) == take else min(len(chunk), room))
            space[skipped : skipped + len(shaped)] += shaped
            voice.played_frames += len(shaped)
            voice.last_ns = at_ns + ns_of(skipped + len(shaped))
        if len(chunk) < take:
            self._run_dry(voice, sound, at_ns)

    def _align(self, voice: Voice, sound: Sound, wanted: int, frames: int) -> tuple[int, int]:
        """Bring the sound to frame `wanted`; how many of the last places it fills, with how many frames."""
        if not voice.begun and voice.cue.late is Late.SHIFT:
            return frames, frames
        ahead = sound.position - wanted
        if voice.begun and abs(ahead) <= _JUMP_FRAMES:
            return frames, frames - _bend_by(voice, ahead, frames)
        voice.bending = False
        voice.fade_in = True
        _skip(sound, -ahead)
        still_ahead = sound.position - wanted
        room = max(0, frames - still_ahead) if still_ahead >= 0 else 0
        return room, room

    def _begin(self, voice: Voice, wanted: int, position: int, at_ns: int) -> None:
        voice.begun = True
        voice.shift_frames = wanted - position
        voice.gain = _gain(voice.cue)
        voice.fade_in = position > 0
        self._emit(Began(voice.cue, from_ns(at_ns), position * 1000 // RATE_HZ))

    def _run_dry(self, voice: Voice, sound: Sound, at_ns: int) -> None:
        voice.fade_in = True
        if not sound.ended:
            return
        failure = sound.failure
        if failure is None and not voice.begun:
            failure = "the recording is over before the place where it should begin"
        if failure is not None:
            self._emit(Failed(voice.cue, from_ns(at_ns), failure))
        self.finish(voice, voice.last_ns, Ending.FINISHED if failure is None else Ending.FAILED)


def to_ns(at: datetime) -> int:
    """Nanoseconds since the epoch, exact to the microsecond of `at`."""
    delta = at - _EPOCH
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1000


def from_ns(at_ns: int) -> datetime:
    """The aware UTC instant, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=at_ns // 1000)


def ns_of(frames: int) -> int:
    """How long `frames` sound, in nanoseconds."""
    return frames * _NS // RATE_HZ


def frame_at(at_ns: int, start_ns: int) -> int:
    """The frame, counted from one that sounds at `start_ns`, which sounds nearest to `at_ns`."""
    return ((at_ns - start_ns) * RATE_HZ + _NS // 2) // _NS


def _concerns(voice: Voice, start_ns: int, frames: int) -> bool:
    return not voice.done and _start_frame(voice, start_ns) < frames


def _start_frame(voice: Voice, start_ns: int) -> int:
    return frame_at(to_ns(voice.cue.start_at), start_ns)


def _gain(cue: Cue) -> float:
    return float(10 ** (cue.gain_db / 20))


def _skip(sound: Sound, frames: int) -> None:
    while frames > 0 and (gone := len(sound.read(min(frames, RATE_HZ)))):
        frames -= gone


def _bend_by(voice: Voice, ahead: int, frames: int) -> int:
    """How many frames to gain in this block: none until the sound is off, then until it is right."""
    voice.bending = abs(ahead) > _NUDGE_FRAMES or (voice.bending and ahead != 0)
    if not voice.bending:
        return 0
    most = min(abs(ahead), frames // _BEND_FRAMES)
    return most if ahead > 0 else -most


def _shape(voice: Voice, chunk: Samples, frames: int) -> NDArray[np.float32]:
    """The chunk in so many frames, at the voice's gain; a change of gain and a jump are ramped."""
    gain, target = voice.gain, _gain(voice.cue)
    voice.gain = target
    straight = chunk.astype(np.float32)
    shaped = straight if frames == len(chunk) else bend(voice.before, straight, frames)
    voice.before = np.concatenate((voice.before, straight[-REACH:]))[-REACH:]
    length = min(_FADE_FRAMES, frames)
    if voice.fade_in:
        voice.fade_in = False
        shaped[:length] *= np.linspace(0, 1, length, dtype=np.float32)
    if gain != target:
        shaped[:length] *= np.linspace(gain, target, length, dtype=np.float32)
        shaped[length:] *= np.float32(target)
    elif target != 1.0:
        shaped *= np.float32(target)
    return shaped


def _fade_out(block: NDArray[np.float32], end: int) -> None:
    """Fade what stands in the block so that it is gone at frame `end`, which may lie in the next block."""
    first = max(0, end - _FADE_FRAMES)
    last = min(end, len(block))
    if first < last:
        left = np.arange(end - first, end - last, -1, dtype=np.float32)
        block[first:last] *= left / _FADE_FRAMES
