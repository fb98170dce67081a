"""The shape of a sound, for drawing it."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from loa.audio.inspect import DOWNMIX
from loa.audio.process import Tool

COUNT = 400
_RATE_HZ = 8_000
_WINDOW = _RATE_HZ // 100
_BLOCK_BYTES = _WINDOW * 2 * 1_000
_TIMEOUT_S = 300.0


def read_peaks(path: Path, count: int = COUNT) -> tuple[int, ...]:
    """`count` heights from 0 to 100 over the length of an Ogg file of ours, the highest 100.

    Each is the mean of the peaks of its 10 ms windows, so that words and pauses show in a long sound, too.
    Raises ToolFailed, ToolTimeout or ToolMissing.
    """
    with TemporaryDirectory(prefix="loa-peaks-") as private:
        windows = _windows(Tool(Path(private), _TIMEOUT_S), path)
    edges = np.linspace(0, max(len(windows), 1), count + 1).astype(int)
    padded = np.append(windows, 0.0)
    heights = np.array([padded[start : max(end, start + 1)].mean() for start, end in pairwise(edges)])
    highest = max(float(heights.max()), 1.0)
    return tuple(round(100 * float(height) / highest) for height in heights)


def _windows(tool: Tool, path: Path) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """The peak of each window of 10 ms."""
    command = [
        *("ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-protocol_whitelist", "file"),
        *("-f", "ogg", "-i", f"file:{path.resolve()}", "-af", DOWNMIX, "-ar", str(_RATE_HZ)),
        *("-f", "s16le", "pipe:1"),
    ]
    found = [np.zeros(0)]
    rest = b""
    with tool.start(command, name="peaks") as running:
        running.feed(b"")
        while block := running.read(_BLOCK_BYTES):
            rest += block
            whole = len(rest) // (_WINDOW * 2) * (_WINDOW * 2)
            samples = np.abs(np.frombuffer(rest[:whole], dtype="<i2").astype(np.float64))
            found.append(samples.reshape(-1, _WINDOW).max(axis=1))
            rest = rest[whole:]
        running.finish()
    return np.concatenate(found)
