import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
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
        with suppress(OSError):  # on a disk that takes nothing: then none is here
            folder.mkdir(parents=True, exist_ok=True)
        self._looked_at: set[RecordingId] = set()
        self._damaged: dict[RecordingId, int] = {}
        """Files that are damaged and could not be set aside, with their inode."""

    def place(self, recording: RecordingId) -> Path:
        """See `Recordings.place`."""
        return self._folder / f"{recording}{_SUFFIX}"

    def here(self) -> dict[RecordingId, SizeBytes]:
        """See `Recordings.here`."""
        if not self._folder.is_dir():
            return {}
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
        inode = path.stat().st_ino
        if self._damaged.get(recording) == inode:
            return False
        if not _is_whole(path, recording):
            _log.error("event=recording_corrupt recording=%s", recording)
            self._damaged[recording] = inode
            with suppress(OSError):
                path.replace(path.with_suffix(".corrupt"))
            return False
        self._looked_at.add(recording)
        return True

    def keep_only(self, needed: Iterable[RecordingId]) -> int:
        """See `Recordings.keep_only`. What was set aside or only begun goes too."""
        names = {self.place(recording).name for recording in needed}
        parts = {f"{name}.part" for name in names}
        if not self._folder.is_dir():
            return 0
        gone = [path for path in self._folder.iterdir() if path.name not in names | parts]
        return sum(_delete(path) for path in gone)

    def free_bytes(self) -> SizeBytes:
        """See `Recordings.free_bytes`."""
        try:
            return SizeBytes(shutil.disk_usage(self._folder).free)
        except OSError:
            return SizeBytes(0)


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _is_whole(path: Path, recording: RecordingId) -> bool:
    """A dying card gives an error instead of bytes: that is damage, too."""
    try:
        return digest_of(path) == recording
    except OSError:
        return False


def _delete(path: Path) -> bool:
    """Whether it is gone; on a read-only disk it stays."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
