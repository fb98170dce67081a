import logging
from collections.abc import Callable, Sequence
from queue import Queue
from threading import Event
from typing import Any, Protocol

from loa.audio.clock import Clock
from loa.audio.dac_timeline import DacTimeline, StreamTime
from loa.audio.deck import Deck, OpenSound
from loa.audio.decoder import DecodedFile
from loa.audio.mixer import Samples, to_ns
from loa.audio.player import RATE_HZ, Cue, PlayerEvent, PlayerStatus

BLOCK_MS = 18
"""Three blocks wait in the card, so that a STOP is heard within four; the shorter, the dearer."""
_BLOCKS_AHEAD = 2
_FADE_AWAY_S = 1.0
_STUCK_AFTER_S = 3.0
"""A card that asks for no samples for so long hangs, and is opened anew."""

_log = logging.getLogger(__name__)


class Stream(Protocol):
    """The part of `sounddevice.OutputStream` that is used."""

    @property
    def latency(self) -> float:
        """Seconds from the callback to the ear."""
        ...

    def start(self) -> None:
        """Begin to call back."""
        ...

    def close(self) -> None:
        """End the callbacks and release the device."""
        ...


class CallbackTime(Protocol):
    """PortAudio's times of a callback, in seconds of the stream's clock."""

    @property
    def currentTime(self) -> float:  # noqa: N802 -- PortAudio's name
        """When the callback was called."""
        ...

    @property
    def outputBufferDacTime(self) -> float:  # noqa: N802 -- PortAudio's name
        """When the first frame of the block leaves the converter."""
        ...


class CallbackFlags(Protocol):
    """PortAudio's flags of a callback."""

    @property
    def output_underflow(self) -> bool:
        """Whether the output ran dry before this block."""
        ...


Callback = Callable[[Samples, int, CallbackTime, CallbackFlags], None]
OpenStream = Callable[[Callback, Callable[[], None]], Stream]
"""Opens an output: what fills its blocks, and what is called when it has ended."""


class SoundDevicePlayer:
    """A `Player` on a sound card: the stream is always open, samples are placed by the converter's time."""

    def __init__(
        self,
        *,
        clock: Clock,
        open_stream: OpenStream,
        open_sound: OpenSound = DecodedFile,
        max_events: int = 1024,
    ) -> None:
        self._clock = clock
        self._deck = Deck(clock=clock, open_sound=open_sound, max_events=max_events)
        self._timeline = DacTimeline()
        self._underflows = 0
        self._broken: str | None = None
        self._closing = False
        self._faded = Event()
        self._asked_at_s = clock.monotonic()
        self._stream = open_stream(self._fill, self._ended)
        self._stream.start()

    @property
    def events(self) -> Queue[PlayerEvent]:
        """See `Player.events`."""
        return self._deck.events

    def set_plan(self, cues: Sequence[Cue]) -> None:
        """See `Player.set_plan`."""
        self._deck.set_plan(cues)

    def status(self) -> PlayerStatus:
        """See `Player.status`."""
        if self._broken is None and self._clock.monotonic() > self._asked_at_s + _STUCK_AFTER_S:
            self._broken = f"the sound card has asked for nothing for {_STUCK_AFTER_S:g} s"
        return PlayerStatus(
            sounding=self._deck.sounding(),
            sync_degraded=self._timeline.sync_degraded,
            underflows=self._underflows,
            missed_events=self._deck.missed_events,
            broken=self._broken or self._deck.broken,
        )

    def close(self) -> None:
        """See `Player.close`."""
        if self._closing:
            return
        self._deck.fade_away()
        self._closing = True
        if self._broken is None:
            self._faded.wait(_FADE_AWAY_S)
        self._stream.close()
        self._deck.close(to_ns(self._clock.now()))

    def _fill(self, block: Samples, frames: int, time: CallbackTime, flags: CallbackFlags) -> None:
        """The output's callback: never waits, and never raises into PortAudio."""
        closing = self._closing
        self._asked_at_s = self._clock.monotonic()
        try:
            start_ns = self._timeline.place(
                to_ns(self._clock.now()),
                StreamTime(time.currentTime, time.outputBufferDacTime),
                latency_s=self._stream.latency,
                frames=frames,
                underflow=flags.output_underflow,
            )
            self._underflows += flags.output_underflow
            block[:, 0] = self._deck.render(start_ns, frames)
        except Exception as failure:  # noqa: BLE001 -- the root of PortAudio's thread
            block[:] = 0
            self._broken = str(failure)
            _log.exception("the output's callback failed")
        if closing:
            self._faded.set()

    def _ended(self) -> None:
        if not self._closing:
            self._broken = "the sound card has gone"
            _log.error("the output stream ended by itself")


def open_output(
    device: str | int | None, callback: Callback, ended: Callable[[], None], *, block_ms: int = BLOCK_MS
) -> Stream:
    """Open a PortAudio output, 48 kHz mono; bind `device` to make an `OpenStream`. Raises OSError.

    PortAudio looks for devices once. After a failure it is made to look again, for a card that is plugged in
    or a server that starts later; no other stream of this process may be open then.
    """
    import sounddevice  # noqa: PLC0415 -- opens PortAudio when imported: only where there is a sound card

    try:
        stream: Any = sounddevice.OutputStream(
            samplerate=RATE_HZ,
            blocksize=block_ms * RATE_HZ // 1000,
            latency=_BLOCKS_AHEAD * block_ms / 1000,
            device=device,
            channels=1,
            dtype="int16",
            callback=callback,
            finished_callback=ended,
        )
    except (sounddevice.PortAudioError, ValueError) as failure:
        sounddevice._terminate()  # noqa: SLF001 -- the library's own way to look anew, without another name
        sounddevice._initialize()  # noqa: SLF001 -- as above
        raise OSError(f"cannot open the sound card {device}: {failure}") from failure
    opened: Stream = stream
    return opened
