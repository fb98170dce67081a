import logging
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from queue import Queue
from threading import Event, Thread

from loa.audio.clock import Clock
from loa.audio.deck import Deck, OpenSound
from loa.audio.decoder import DecodedFile
from loa.audio.heard import FRAME_BYTES, HEADER_BYTES, Anchor, Playback, sidecar, write_anchors
from loa.audio.mixer import Samples, frame_at, ns_of, to_ns
from loa.audio.player import RATE_HZ, Cue, PlayerEvent, PlayerStatus

_BLOCK_FRAMES = RATE_HZ // 20
_STEP_NS = 30_000_000
"""Wall clock and file this far apart: the clock was set, and the file gets a new anchor."""
_LEAP_NS = 1_000_000_000
_PATIENCE = 3
_AHEAD_FRAMES = 4 * _BLOCK_FRAMES
_MAX_DATA_BYTES = 0xFFFFFFFF - HEADER_BYTES

_log = logging.getLogger(__name__)


class WavPlayer:
    """A `Player` that writes what would sound to a WAV file, in real time, silence included.

    The file's position is wall time (`Playback` turns one into the other); it is valid at any moment and
    holds up to 50 ms more than what should have sounded. A new player on the same file goes on where it
    ended: up to `max_gap_s` of silence is filled in, after a longer pause the next sound follows directly,
    under an anchor of its own. Past 4 GiB (12 hours) the header's length stays at its maximum.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        open_sound: OpenSound = DecodedFile,
        max_gap_s: float = 3600.0,
        max_events: int = 1024,
    ) -> None:
        self._clock = clock
        self._file = _GrowingWav(path)
        self._deck = Deck(clock=clock, open_sound=open_sound, max_events=max_events)
        self._anchors = _previous_anchors(path, self._file.frames)
        self._path = path
        self._started_s = clock.monotonic()
        self._begun_at_frame = self._fill_gap(max_gap_s)
        self._suspicions = 0
        self._broken: str | None = None
        self._closing = Event()
        self._pacer = Thread(target=self._run, name="loa-wav", daemon=True)
        self._pacer.start()

    @property
    def events(self) -> Queue[PlayerEvent]:
        """See `Player.events`."""
        return self._deck.events

    def set_plan(self, cues: Sequence[Cue]) -> None:
        """See `Player.set_plan`."""
        self._deck.set_plan(cues)

    def status(self) -> PlayerStatus:
        """See `Player.status`; a file is never out of sync and never runs dry."""
        return PlayerStatus(
            sounding=self._deck.sounding(),
            sync_degraded=False,
            underflows=0,
            missed_events=self._deck.missed_events,
            broken=self._broken or self._deck.broken,
        )

    def close(self) -> None:
        """See `Player.close`."""
        if self._closing.is_set():
            return
        self._deck.fade_away()
        self._closing.set()
        self._pacer.join()
        self._deck.close(self._next_ns())
        self._file.close()

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._catch_up()
                self._closing.wait(self._until_next_s())
            self._write_block()
        except Exception as failure:  # noqa: BLE001 -- the root of a thread
            self._broken = str(failure)
            _log.exception("the sound file can no longer be written")

    def _catch_up(self) -> None:
        """Write until one block more than what should have sounded by now is in the file."""
        due = self._due_frames()
        while self._file.frames < due:
            self._watch_clock()
            self._write_block()

    def _write_block(self) -> None:
        self._file.append(self._deck.render(self._next_ns(), _BLOCK_FRAMES))

    def _due_frames(self) -> int:
        elapsed_s = self._clock.monotonic() - self._started_s
        return self._begun_at_frame + int(elapsed_s * RATE_HZ) + _BLOCK_FRAMES

    def _until_next_s(self) -> float:
        ahead_s = (self._file.frames - self._begun_at_frame) / RATE_HZ
        passed_s = self._clock.monotonic() - self._started_s
        return max(0.0, ahead_s - passed_s)

    def _next_ns(self) -> int:
        anchor = self._anchors[-1]
        return anchor.at_ns + ns_of(self._file.frames - anchor.frame)

    def _watch_clock(self) -> None:
        """Set a new anchor when the wall clock was set; one odd reading (a busy machine) is not enough.

        No reading is off by more than a second: then the block that follows belongs to the new time already,
        or it would end what a new plan says of that time.
        """
        elapsed_s = self._clock.monotonic() - self._started_s
        ahead_ns = ns_of(self._file.frames - self._begun_at_frame) - int(elapsed_s * 1_000_000_000)
        wall_ns = to_ns(self._clock.now()) + ahead_ns
        apart_ns = abs(wall_ns - self._next_ns())
        self._suspicions = self._suspicions + 1 if apart_ns > _STEP_NS else 0
        if self._suspicions >= _PATIENCE or apart_ns > _LEAP_NS:
            self._suspicions = 0
            self._anchor(wall_ns)

    def _fill_gap(self, max_gap_s: float) -> int:
        """Bring the file up to now; the frame that belongs to now, which its last writer may have passed."""
        now_ns = to_ns(self._clock.now())
        if self._anchors:
            frame = self._file.frames + frame_at(now_ns, self._next_ns())
            gap = frame - self._file.frames
            if -_AHEAD_FRAMES <= gap <= max_gap_s * RATE_HZ:
                self._file.append_silence(max(0, gap))
                return frame
        self._anchor(now_ns)
        return self._file.frames

    def _anchor(self, at_ns: int) -> None:
        self._anchors.append(Anchor(self._file.frames, at_ns))
        write_anchors(self._path, self._anchors)


class _GrowingWav:
    """A WAV file, 48 kHz mono 16 bits, whose header is right after every write."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        size_bytes = os.fstat(self._fd).st_size
        self.frames = max(0, size_bytes - HEADER_BYTES) // FRAME_BYTES
        self._write_header()

    def append(self, block: Samples) -> None:
        """Add a block; silence becomes a hole, which costs neither time nor disk."""
        if not block.any():
            self.append_silence(len(block))
            return
        os.pwrite(self._fd, block.tobytes(), HEADER_BYTES + self.frames * FRAME_BYTES)
        self.frames += len(block)
        self._write_header()

    def append_silence(self, frames: int) -> None:
        """Add `frames` of silence."""
        self.frames += frames
        os.ftruncate(self._fd, HEADER_BYTES + self.frames * FRAME_BYTES)
        self._write_header()

    def close(self) -> None:
        """Put everything on the disk."""
        os.fsync(self._fd)
        os.close(self._fd)

    def _write_header(self) -> None:
        data_bytes = min(self.frames * FRAME_BYTES, _MAX_DATA_BYTES)
        riff = struct.pack("<4sI4s", b"RIFF", data_bytes + HEADER_BYTES - 8, b"WAVE")
        form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE_HZ, RATE_HZ * FRAME_BYTES, FRAME_BYTES, 16)
        os.pwrite(self._fd, riff + form + struct.pack("<4sI", b"data", data_bytes), 0)


def _previous_anchors(path: Path, frames: int) -> list[Anchor]:
    if frames == 0 or not sidecar(path).is_file():
        return []
    return list(Playback.open(path).anchors)
