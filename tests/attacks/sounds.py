"""Each attack has a sound of its own, which every loudspeaker could play at once."""

import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from loa.protocol.broadcast import RecordingSource
from loa.protocol.ids import RecordingId, sha256_hex
from loa.protocol.units import DurationMs, SizeBytes
from tests.flow.ears import Sound, make_sound

LENGTH_S = 0.8


@dataclass(frozen=True, slots=True)
class Sample:
    """The sound of an attack, as a file of the kind that loudspeakers fetch."""

    sound: Sound
    content: bytes

    @property
    def source(self) -> RecordingSource:
        return RecordingSource(
            recording=RecordingId(sha256_hex(self.content)),
            duration_ms=DurationMs(round(LENGTH_S * 1000)),
            size_bytes=SizeBytes(len(self.content)),
        )


def make_samples(folder: Path, names: Iterable[str]) -> dict[str, Sample]:
    """One for each name; none is like another."""
    folder.mkdir()
    wanted = list(enumerate(names, start=1000))
    with ThreadPoolExecutor(2) as hands:
        made = hands.map(lambda one: _make(folder / f"{one[1]}.wav", seed=one[0]), wanted)
        return {name: sample for (_, name), sample in zip(wanted, made, strict=True)}


def _make(path: Path, *, seed: int) -> Sample:
    sound = make_sound(path, LENGTH_S, seed=seed)
    ogg = path.with_suffix(".ogg")
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(path), "-c:a", "libopus", "-b:a", "32k"]
    subprocess.run([*command, str(ogg)], check=True)
    return Sample(sound, ogg.read_bytes())
