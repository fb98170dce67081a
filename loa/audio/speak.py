from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Spoken:
    """A WAV file with a voice reading a text; `duration_ms` counts its samples."""

    path: Path
    voice: str
    duration_ms: int
    sample_rate_hz: int


class Speaker(Protocol):
    """Turns a text into a voice. The text is what `read_out` made of the official's text."""

    @property
    def voices(self) -> tuple[str, ...]:
        """Names that `speak` takes, the preferred one first."""
        ...

    def speak(self, text: str, voice: str, target: Path) -> Spoken:
        """Write the voice to `target` (WAV, mono), whole or not at all; blocks until done.

        Raises Empty, TextTooLong, VoiceUnknown, ToolMissing, ToolFailed, ToolTimeout or DiskFull.
        """
        ...
