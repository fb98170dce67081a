"""How recordings look as waves: computed once, kept beside the recording, made anew if lost."""

import threading
from collections.abc import Callable
from pathlib import Path

from loa.audio.errors import AudioError
from loa.controller.errors import Unavailable
from loa.controller.services.recordings import Recordings
from loa.protocol.ids import RecordingId


class Peaks:
    """`draw` gives heights from 0 to 100; one recording is drawn at a time."""

    def __init__(self, *, recordings: Recordings, draw: Callable[[Path], tuple[int, ...]]) -> None:
        self._recordings = recordings
        self._draw = draw
        self._turn = threading.Lock()

    def of(self, sha256: RecordingId) -> tuple[int, ...]:
        """The heights of a recording; raises `NotFound`, `Unavailable`."""
        path = self._recordings.path(sha256)
        # Not the ending of a recording: a backup leaves it out.
        kept = path.with_name(f"{path.name}.peaks")
        if kept.is_file():
            return tuple(kept.read_bytes())
        with self._turn:
            if not kept.is_file():
                self._keep(path, kept)
            return tuple(kept.read_bytes())

    def _keep(self, path: Path, kept: Path) -> None:
        try:
            heights = self._draw(path)
        except AudioError as error:
            raise Unavailable(error.code, f"the sound could not be drawn: {error}") from error
        part = kept.with_name(f"{kept.name}.part")
        part.write_bytes(bytes(heights))
        part.replace(kept)
