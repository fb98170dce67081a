import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
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
            with suppress(OSError):  # a read-only disk keeps everything anyway
                os.utime(self.place(recording), (at.timestamp(), at.timestamp()))

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

    def drop(self, recordings: Iterable[RecordingId]) -> None:
        """See `Recordings.drop`."""
        for recording in recordings:
            _delete(self.place(recording))
            self._looked_at.discard(recording)

    def sweep(self, awaited: Iterable[RecordingId]) -> int:
        """See `Recordings.sweep`. What was set aside goes too."""
        kept = {self.place(recording).name for recording in self.here()}
        kept |= {self.place(recording).name + _PART for recording in awaited}
        if not self._folder.is_dir():
            return 0
        return sum(_delete(path) for path in self._folder.iterdir() if path.name not in kept)

    def free_bytes(self) -> SizeBytes:
        """See `Recordings.free_bytes`."""
        try:
            return SizeBytes(shutil.disk_usage(self._folder).free)
        except OSError:
            return SizeBytes(0)

    def _files(self, suffix: str) -> Iterator[tuple[RecordingId, os.stat_result]]:
        if not self._folder.is_dir():
            return
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
