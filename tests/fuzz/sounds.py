"""`python -m tests.fuzz.sounds`: malformed sounds through the intake, in a process whose memory is its own.

Each is taken or refused by the intake's own errors, soon, and within the memory of a small machine. The same
seed makes the same sounds.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Self

import psutil

from loa.audio.errors import Refused
from loa.audio.prepare import prepare
from loa.audio.recording import Options
from tests.audio.support import noise, write_wav
from tests.fuzz.malformed import malformed

Intake = Callable[..., object]
"""`loa.audio.prepare.prepare`."""
MOST_S = 10.0
MOST_BYTES = 300_000_000
KINDS = ("wav", "w64", "mp3", "flac", "ogg", "opus", "m4a", "mov", "3gp", "aac", "mka", "webm", "aiff", "caf")
_CODECS = {"3gp": ("-c:a", "aac"), "ogg": ("-c:a", "libvorbis")}


def main() -> int:
    """The status is 0 only if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.sounds", description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="loa-sounds-") as folder, _Memory() as memory:
        tally = search(Path(folder), first=asked.first, count=asked.count, seed=asked.seed)
    if memory.most_bytes > MOST_BYTES:
        tally.faults.append("more memory than a small machine has")
    print("\n".join(tally.faults))
    print(", ".join(f"{name} {n}" for name, n in tally.outcomes.most_common()))
    print(
        f"sounds: {asked.count} given, longest without progress {tally.longest_s:.1f} s, "
        f"most memory {memory.most_bytes / 1e6:.0f} MB, {len(tally.faults)} faults"
    )
    return 1 if tally.faults else 0


def genuine(folder: Path) -> dict[str, bytes]:
    """A second and a half of sound in every format that is taken in."""
    plain = write_wav(folder / "plain.wav", noise(1.5))
    found = {"amr": _amr()}
    for kind in KINDS:
        made = folder / f"genuine.{kind}"
        command = ["ffmpeg", "-v", "error", "-y", "-i", str(plain), *_CODECS.get(kind, ()), str(made)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        found[kind] = made.read_bytes()
    return found


def _amr() -> bytes:
    """AMR at 12.2 kbit/s; Debian's ffmpeg reads it and cannot write it."""
    rng = Random(0)
    return b"#!AMR\n" + b"".join(b"\x3c" + rng.randbytes(31) for _ in range(75))


@dataclass
class _Watch:
    """The longest time in which nothing went on: the work on a sound that is taken grows with its length."""

    longest_s: float = 0.0
    _since_s: float = field(default_factory=time.monotonic)

    def tick(self, _done: float = 0.0) -> None:
        now_s = time.monotonic()
        self.longest_s, self._since_s = max(self.longest_s, now_s - self._since_s), now_s


@dataclass
class Tally:
    """What became of the sounds."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    longest_s: float = 0.0


def search(folder: Path, *, count: int, seed: int, first: int = 0, intake: Intake = prepare) -> Tally:
    """Give so many malformed sounds to the intake."""
    tally = Tally()
    whole = genuine(folder)
    for number in range(first, first + count):
        name, content = malformed(whole, Random(f"{seed}.{number}"), number)
        watch = _Watch()
        outcome = _take_in(folder, content, watch, intake)
        tally.longest_s = max(tally.longest_s, watch.longest_s)
        tally.outcomes[outcome] += 1
        if watch.longest_s > MOST_S or outcome.startswith("!"):
            tally.faults.append(f"{number} ({name}): {outcome}, {watch.longest_s:.1f} s")
    return tally


def _take_in(folder: Path, content: bytes, watch: _Watch, intake: Intake) -> str:
    source, target = folder / "source", folder / "target.ogg"
    source.write_bytes(content)
    try:
        intake(source, target, options=Options(chime=True), progress=watch.tick)
    except Refused as refused:
        return refused.code
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is the finding
        return f"! {error!r}"
    finally:
        watch.tick()
    return "taken"


class _Memory:
    """The most that this process and the programs that it started held at one time."""

    def __init__(self) -> None:
        self.most_bytes = 0
        self._ended = Event()
        self._thread = Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        me = psutil.Process()
        while not self._ended.wait(0.02):
            everybody = (me, *me.children(recursive=True))
            self.most_bytes = max(self.most_bytes, sum(map(_resident_bytes, everybody)))


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


if __name__ == "__main__":
    sys.exit(main())
