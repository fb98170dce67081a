import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from loa.protocol.ids import DIGEST, RecordingId
from loa.protocol.units import SizeBytes

_SUFFIX = ".ogg"
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
        with os.scandir(self._folder) as found:
            return {
                RecordingId(file.name.removesuffix(_SUFFIX)): SizeBytes(file.stat().st_size)
                for file in found
                if file.name.endswith(_SUFFIX) and re.fullmatch(DIGEST, file.name.removesuffix(_SUFFIX))
            }

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

    def keep_only(self, needed: Iterable[RecordingId]) -> int:
        """See `Recordings.keep_only`. What was set aside or only begun goes too."""
        names = {self.place(recording).name for recording in needed}
        parts = {f"{name}.part" for name in names}
        gone = [path for path in self._folder.iterdir() if path.name not in names | parts]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def free_bytes(self) -> SizeBytes:
        """See `Recordings.free_bytes`."""
        return SizeBytes(shutil.disk_usage(self._folder).free)


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
