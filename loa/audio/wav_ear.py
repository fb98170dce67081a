from pathlib import Path

from loa.audio.ear import FRAME_NS
from loa.audio.evidence import Bands, bands_of, thin
from loa.audio.heard import Playback
from loa.audio.mixer import from_ns as instant
from loa.audio.player import RATE_HZ

_FRAME = RATE_HZ * FRAME_NS // 1_000_000_000


class WavEar:
    """An `Ear` for a `WavPlayer`: reads what is really in its file, never what the mixer meant to write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.trouble: str | None = None

    def open(self) -> None:
        """See `Ear.open`; there is nothing to be opened."""

    def bands(self, from_ns: int, frames: int) -> Bands | None:
        """See `Ear.bands`; None as well where the clock was set between, or the file cannot be read."""
        try:
            heard = Playback.open(self._path)
            samples = heard.samples(instant(from_ns), instant(from_ns + frames * FRAME_NS))
        except OSError as failure:
            self.trouble = f"cannot read back {self._path}: {failure}"
            return None
        self.trouble = None
        return bands_of(thin(samples)) if 0 <= len(samples) - frames * _FRAME < _FRAME else None

    def close(self) -> None:
        """See `Ear.close`; nothing was kept."""
