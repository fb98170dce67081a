import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from loa.protocol.ids import DIGEST, RecordingId
from loa.protocol.units import SizeBytes

_SUFFIX, _PART = ".ogg", ".part"
_CHUNK_BYTES = 65_536

_log = logging.getLogger(__name__)


class RecordingFolder:
    """`Recordings` as files `<sha256>.ogg` in one folder, which it makes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._looked_at: set[RecordingId] = set()

    def place(self, recording: RecordingId) -> Path:
        """See `Recordings.place`."""
        return self._folder / f"{recording}{_SUFFIX}"

    def here(self) -> dict[RecordingId, SizeBytes]:
        """See `Recordings.here`."""
        return {name: SizeBytes(seen.st_size) for name, seen in self._files(_SUFFIX)}

    def begun(self) -> dict[RecordingId, SizeBytes]:
        """See `Recordings.begun`."""
        return {name: SizeBytes(seen.st_size) for name, seen in self._files(_SUFFIX + _PART)}

    def last_needed(self) -> dict[RecordingId, datetime]:
        """See `Recordings.last_needed`; kept as the time of the file's last change."""
        return {name: datetime.fromtimestamp(seen.st_mtime, UTC) for name, seen in self._files(_SUFFIX)}

    def note_needed(self, needed: Iterable[RecordingId], at: datetime) -> None:
        """See `Recordings.note_needed`."""
        for recording in set(needed) & self.here().keys():
            os.utime(self.place(recording), (at.timestamp(), at.timestamp()))

    def is_sound(self, recording: RecordingId) -> bool:
        """See `Recordings.is_sound`."""
        path = self.place(recording)
        if not path.exists():
            self._looked_at.discard(recording)
            return False
        if recording in self._looked_at:
            return True
        if digest_of(path) != recording:
            _log.error("event=recording_corrupt recording=%s", recording)
            path.replace(path.with_suffix(".corrupt"))
            return False
        self._looked_at.add(recording)
        return True

    def drop(self, recordings: Iterable[RecordingId]) -> None:
        """See `Recordings.drop`."""
        for recording in recordings:
            self.place(recording).unlink(missing_ok=True)
            self._looked_at.discard(recording)

    def sweep(self, awaited: Iterable[RecordingId]) -> int:
        """See `Recordings.sweep`. What was set aside goes too."""
        kept = {self.place(recording).name for recording in self.here()}
        kept |= {self.place(recording).name + _PART for recording in awaited}
        gone = [path for path in self._folder.iterdir() if path.name not in kept]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def free_bytes(self) -> SizeBytes:
        """See `Recordings.free_bytes`."""
        return SizeBytes(shutil.disk_usage(self._folder).free)

    def _files(self, suffix: str) -> Iterator[tuple[RecordingId, os.stat_result]]:
        with os.scandir(self._folder) as found:
            for file in found:
                name = file.name.removesuffix(suffix)
                if file.name.endswith(suffix) and re.fullmatch(DIGEST, name):
                    yield RecordingId(name), file.stat()


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
