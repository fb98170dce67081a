"""Recordings (bản thu): uploads and read texts made ready for the nodes, kept under their SHA-256."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from loa.controller.core.access import Person
from loa.controller.ports import Clock
from loa.controller.store.database import Database
from loa.protocol.ids import RecordingId


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A recording as it is kept."""

    sha256: RecordingId
    duration_ms: int
    size_bytes: int
    loudness_lufs: float
    loudness_before_lufs: float | None
    true_peak_dbtp: float
    origin: str
    """`upload` or `speech`."""
    warnings: tuple[str, ...]
    """`loa.audio.recording.Caution`."""
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ReadBack:
    """A passage of the text that the voice says in other words."""

    start: int
    end: int
    original: str
    spoken: str


class Recordings:
    """Takes sounds in; each call blocks until the sound is prepared and runs in its own transaction."""

    def __init__(self, *, db: Database, clock: Clock, folder: Path) -> None:
        self._db = db
        self._clock = clock
        self._folder = folder

    def accept(self, who: Person, upload: BinaryIO, *, chime: bool = False, closing: bool = False) -> Kept:
        """Prepare an uploaded sound and keep it; raises `Invalid` or `StorageFull`, and then nothing is left."""
        raise NotImplementedError

    def speak(
        self, who: Person, text: str, *, voice: str | None = None, chime: bool = True, closing: bool = False
    ) -> tuple[Kept, tuple[ReadBack, ...]]:
        """Let a voice read a text, and keep it."""
        raise NotImplementedError

    def read_back(self, text: str) -> tuple[ReadBack, ...]:
        """What a voice would say otherwise than it is written."""
        raise NotImplementedError

    def get(self, sha256: RecordingId) -> Kept:
        """Facts of a recording; raises `NotFound`."""
        raise NotImplementedError

    def path(self, sha256: RecordingId) -> Path:
        """Its file; raises `NotFound`."""
        raise NotImplementedError
