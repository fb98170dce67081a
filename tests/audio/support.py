import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace

import numpy as np

from loa.audio.heard import Playback
from loa.audio.mixer import Samples, frame_at, ns_of, to_ns
from loa.audio.player import RATE_HZ
from loa.audio.sounddevice_player import BLOCK_MS, Callback


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def noise(seconds: float, *, seed: int = 1, level: float = 8000.0) -> Samples:
    """Deterministic noise: no two stretches of it are alike."""
    generator = np.random.default_rng(seed)
    samples: Samples = (generator.standard_normal(int(seconds * RATE_HZ)) * level / 3).astype(np.int16)
    return samples


def write_wav(path: Path, samples: Samples, *, rate_hz: int = RATE_HZ, channels: int = 1) -> Path:
    """Write interleaved samples as a WAV file."""
    import wave  # noqa: PLC0415 -- only here

    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.tobytes())
    return path


BLOCK_FRAMES = BLOCK_MS * RATE_HZ // 1000


class CardInTime:
    """Stands in for a sound card: calls back in real time and keeps what it was given, by the DAC's time."""

    latency = 0.08

    def __init__(self, callback: Callback, ended: Callable[[], None]) -> None:
        self.anchor_ns = 0
        self._callback = callback
        self._ended = ended
        self._blocks: list[Samples] = []
        self._closing = Event()
        self._thread = Thread(target=self._run, name="card", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        self._ended()

    def samples(self, from_at: datetime, to_at: datetime) -> Samples:
        """What left the converter between two instants."""
        everything = np.concatenate(self._blocks)
        first = frame_at(to_ns(from_at), self.anchor_ns)
        return everything[max(0, first) : max(0, frame_at(to_ns(to_at), self.anchor_ns))]

    def _run(self) -> None:
        started_s = time.monotonic()
        self.anchor_ns = time.time_ns() + int(self.latency * 1e9)
        flags = SimpleNamespace(output_underflow=False)
        while not self._closing.is_set():
            due_s = started_s + ns_of(len(self._blocks) * BLOCK_FRAMES) / 1e9
            self._closing.wait(max(0.0, due_s - time.monotonic()))
            block = np.zeros((BLOCK_FRAMES, 1), np.int16)
            times = SimpleNamespace(currentTime=time.monotonic(), outputBufferDacTime=due_s + self.latency)
            self._callback(block, BLOCK_FRAMES, times, flags)
            self._blocks.append(block[:, 0])


def heard_in(path: Path) -> Callable[[datetime, datetime], Samples]:
    """What the WAV player wrote between two instants."""
    return lambda from_at, to_at: Playback.open(path).samples(from_at, to_at)


def encode(source: Path, target: Path) -> Path:
    """Encode in the format that the target's ending names, what declares a length first."""
    flags = ["-movflags", "+faststart"] if target.suffix == ".m4a" else []
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(source), *flags]
    subprocess.run([*command, *(["-f", "wav"] if target.suffix == ".wav" else []), str(target)], check=True)
    return target


def wait_until(condition: Callable[[], bool], *, patience_s: float = 20.0) -> None:
    """Look every 10 ms until `condition` holds."""
    end_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end_s, "it never came true"
        Event().wait(0.01)
