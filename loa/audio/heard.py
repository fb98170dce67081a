import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from loa.audio.mixer import Samples, frame_at, from_ns, ns_of, to_ns
from loa.audio.player import RATE_HZ

HEADER_BYTES = 44
FRAME_BYTES = 2


@dataclass(frozen=True, slots=True)
class Anchor:
    """Frame `frame` of the file sounded at `at_ns` (epoch), the following ones after it."""

    frame: int
    at_ns: int


@dataclass(frozen=True, slots=True)
class Playback:
    """What a `WavPlayer` wrote, addressed by wall time; it may be read while it grows."""

    path: Path
    anchors: tuple[Anchor, ...]

    @classmethod
    def open(cls, path: Path) -> "Playback":
        """Read the anchors beside `path`; raises FileNotFoundError when nothing was written there yet."""
        found = json.loads(sidecar(path).read_text())
        return cls(path, tuple(Anchor(entry["frame"], entry["at_ns"]) for entry in found["anchors"]))

    @property
    def frames(self) -> int:
        """How many frames the file holds now."""
        return max(0, self.path.stat().st_size - HEADER_BYTES) // FRAME_BYTES

    def at(self, frame: int) -> datetime:
        """When `frame` sounded, aware UTC."""
        anchor = next((one for one in reversed(self.anchors) if one.frame <= frame), self.anchors[0])
        return from_ns(anchor.at_ns + ns_of(frame - anchor.frame))

    def frame(self, at: datetime) -> int:
        """The frame that sounded at `at`; before the first one it is negative."""
        at_ns = to_ns(at)
        anchor = next((one for one in reversed(self.anchors) if one.at_ns <= at_ns), self.anchors[0])
        return anchor.frame + frame_at(at_ns, anchor.at_ns)

    def samples(self, from_at: datetime, to_at: datetime) -> Samples:
        """What sounded between two instants, as far as it is written; a copy."""
        first, last = max(0, self.frame(from_at)), min(self.frames, self.frame(to_at))
        if first >= last:
            return np.zeros(0, np.int16)
        offset = HEADER_BYTES + first * FRAME_BYTES
        return np.fromfile(self.path, np.int16, last - first, offset=offset)


def sidecar(path: Path) -> Path:
    """Where the wall times of the WAV file at `path` are kept."""
    return path.with_name(path.name + ".json")


def write_anchors(path: Path, anchors: Sequence[Anchor]) -> None:
    """Replace the sidecar of `path` as a whole."""
    entries = [
        {"frame": one.frame, "at_ns": one.at_ns, "at": from_ns(one.at_ns).isoformat()} for one in anchors
    ]
    part = sidecar(path).with_suffix(".part")
    part.write_text(json.dumps({"rate_hz": RATE_HZ, "channels": 1, "anchors": entries}))
    part.replace(sidecar(path))
