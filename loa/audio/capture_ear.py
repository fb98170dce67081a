import json
import logging
import os
import subprocess
from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import IO, Any

import numpy as np

from loa.audio.clock import Clock
from loa.audio.ear import FRAME_NS, Ring
from loa.audio.evidence import BAND_RATE_HZ, FRAME_SAMPLES, Bands, bands_of
from loa.audio.mixer import to_ns

_CHUNK_FRAMES = 5
_CHUNK_BYTES = 2 * FRAME_SAMPLES * _CHUNK_FRAMES
_LEAK_NS = 20_000
"""By which the estimate of the time follows a slow clock each chunk of 100 ms: 200 ppm."""
_LOST_NS = 300_000_000
"""Chunks that come so much later than the ones before would make them mean that samples were lost."""
_AGAIN_S = 5.0
_ASK_S = 3.0

FindCommand = Callable[[], Sequence[str]]
"""Names the program that writes what is captured to its output, 16 kHz mono 16 bits; raises OSError."""

_log = logging.getLogger(__name__)


class CaptureEar:
    """An `Ear` on a program that captures (parec, arecord), which runs only while somebody listens.

    A thread turns its samples into powers of bands at once; the buffer that they came in is overwritten by
    the next ones. A program that ends is started again after some seconds, if still wanted.
    """

    def __init__(self, find_command: FindCommand, *, clock: Clock) -> None:
        self._clock = clock
        self._find_command = find_command
        self._ring = Ring()
        self._lock = Lock()
        self._wanted = False
        self._listener: Thread | None = None
        self._program: subprocess.Popen[bytes] | None = None
        self._again_s = 0.0
        self.trouble: str | None = None

    def open(self) -> None:
        """See `Ear.open`."""
        with self._lock:
            if self._listener is not None or self._clock.monotonic() < self._again_s:
                return
            self._wanted = True
            self._listener = Thread(target=self._run, name="loa-ear", daemon=True)
            self._listener.start()

    def bands(self, from_ns: int, frames: int) -> Bands | None:
        """See `Ear.bands`."""
        return self._ring.take(from_ns, frames)

    def close(self) -> None:
        """See `Ear.close`."""
        with self._lock:
            self._wanted = False
            listener, program = self._listener, self._program
            if program is not None:
                program.kill()
        if listener is not None:
            listener.join()
        self._ring.clear()

    def _run(self) -> None:
        try:
            self._listen()
        except Exception as failure:  # noqa: BLE001 -- the root of a thread: no sound may depend on an ear
            self._suffer(str(failure))
        finally:
            with self._lock:
                self._listener = self._program = None

    def _listen(self) -> None:
        command = self._find_command()
        program = self._start(command)
        if program is None or program.stdout is None:
            return
        try:
            self._follow(program.stdout)
        finally:
            program.kill()
            status = program.wait()
            program.stdout.close()
        if self._wanted:
            raise OSError(f"{command[0]} ended by itself ({status}); is the sound server there?")

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._wanted:
                self._program = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    bufsize=0,
                )
            return self._program

    def _follow(self, pipe: IO[bytes]) -> None:
        buffer, line = bytearray(_CHUNK_BYTES), _Line()
        while _fill(pipe, buffer):
            follows = line.place(to_ns(self._clock.now()))
            samples = np.frombuffer(buffer, np.int16).astype(np.float32)
            self._ring.put(bands_of(samples), line.end_ns, follows=follows)
            self.trouble = None

    def _suffer(self, detail: str) -> None:
        self._again_s = self._clock.monotonic() + _AGAIN_S
        if self.trouble is None:
            _log.warning("event=ear_failed detail=%s", detail)
        self.trouble = detail


class _Line:
    """Places chunks in time: they come late at times, and never early, so the earliest ones are right."""

    def __init__(self) -> None:
        self.end_ns = 0
        """When the last chunk ended."""

    def place(self, now_ns: int) -> bool:
        """A chunk came; False if it does not follow the one before."""
        follows_ns = self.end_ns + _CHUNK_FRAMES * FRAME_NS + _LEAK_NS
        is_lost = now_ns - follows_ns > _LOST_NS
        self.end_ns = now_ns if is_lost else min(follows_ns, now_ns)
        return not is_lost


def _fill(pipe: IO[bytes], buffer: bytearray) -> bool:
    """Read until the buffer is full; False at the end."""
    space = memoryview(buffer)
    while space:
        count = pipe.readinto(space)  # type: ignore[attr-defined]  # a raw pipe has it
        if not count:
            return False
        space = space[count:]
    return True


def capture_pulse(source: str) -> list[str]:
    """Capture a source of PulseAudio, or of PipeWire's server for its clients."""
    own = ["--raw", "--format=s16le", "--channels=1", f"--rate={BAND_RATE_HZ}", "--latency-msec=50"]
    return ["parec", f"--device={source}", "--client-name=loa-node", *own]


def capture_alsa(device: str) -> list[str]:
    """Capture a device of ALSA."""
    own = ["-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(BAND_RATE_HZ), "--buffer-time=200000"]
    return ["arecord", "-D", device, *own]


def capture_own_monitor() -> list[str]:
    """Capture the monitor of the sink on which this very process plays.

    Raises OSError where it plays on none: an idle sound server beside a card that is played on directly
    must not be taken for silence.
    """
    own = [one for one in _ask_pulse("sink-inputs") if _is_ours(one)]
    monitors = {sink["index"]: str(sink["monitor_source"]) for sink in _ask_pulse("sinks")} if own else {}
    found = [monitors[one["sink"]] for one in own if one["sink"] in monitors]
    if not found:
        raise OSError("this node plays on no sink of a sound server, so nothing can be captured from it")
    return capture_pulse(found[0])


def _is_ours(sink_input: dict[str, Any]) -> bool:
    return str(sink_input.get("properties", {}).get("application.process.id")) == str(os.getpid())


def _ask_pulse(what: str) -> list[dict[str, Any]]:
    command = ["pactl", "--format=json", "list", what]
    asked = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_S, check=False
    )
    if asked.returncode != 0:
        raise OSError(f"pactl: {asked.stderr.decode(errors='replace').strip()}")
    found: list[dict[str, Any]] = json.loads(asked.stdout or b"[]")
    return found
