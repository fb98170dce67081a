"""Uploads that come in pieces: a folder each, with what is known of it beside what has come by now."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

_ID = re.compile(r"[0-9a-f]{32}")
_FACTS, _CONTENT = "facts.json", "content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What its sender said of it, and what became of it."""

    id: str
    owner: str
    """The person's user id."""
    name: str
    size_bytes: int
    origin: str
    """`upload` or `recorded`."""
    recording: str | None = None
    """Once it was prepared; the content is gone then."""


class UploadFolder:
    """Uploads on disk. How long the content is, is what has arrived: nothing else counts it.

    Files carry the clock's time of the last change, not the machine's.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def create(self, upload: Upload, at: datetime) -> None:
        """Make room for it; raises OSError."""
        place = self._path / upload.id
        place.mkdir(parents=True, mode=0o700)
        (place / _CONTENT).touch()
        self._write(upload)
        self.touch(upload.id, at)

    def read(self, upload_id: str) -> Upload | None:
        """What is known of it; None if there is none of that id."""
        if not _ID.fullmatch(upload_id):
            return None
        try:
            return _FORM.validate_json((self._path / upload_id / _FACTS).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def finish(self, upload: Upload, recording: str, at: datetime) -> None:
        """Note what became of it, and let its content go."""
        self._write(replace(upload, recording=recording))
        with self.content(upload.id).open("wb"):
            self.touch(upload.id, at)

    def remove(self, upload_id: str) -> None:
        """All of it."""
        shutil.rmtree(self._path / upload_id, ignore_errors=True)

    def content(self, upload_id: str) -> Path:
        """The file of what has arrived."""
        return self._path / upload_id / _CONTENT

    def opened(self, upload_id: str) -> BinaryIO:
        """The same, to be added to at its end."""
        return self.content(upload_id).open("ab", buffering=0)

    def offset(self, upload_id: str) -> int:
        """How many bytes have arrived; 0 where there is nothing."""
        try:
            return self.content(upload_id).stat().st_size
        except FileNotFoundError:
            return 0

    def touch(self, upload_id: str, at: datetime) -> None:
        """It was changed now."""
        os.utime(self.content(upload_id), (at.timestamp(), at.timestamp()))

    def touched_at(self, upload_id: str) -> datetime:
        """When it was changed last; long ago for what is damaged."""
        try:
            changed_s = self.content(upload_id).stat().st_mtime
        except FileNotFoundError:
            changed_s = 0
        return datetime.fromtimestamp(changed_s, UTC)

    def ids(self) -> Iterator[str]:
        """Of all that lies here, damaged or not."""
        return (place.name for place in self._path.glob("*") if _ID.fullmatch(place.name))

    def _write(self, upload: Upload) -> None:
        facts = self._path / upload.id / _FACTS
        part = facts.with_suffix(".part")
        part.write_bytes(_FORM.dump_json(upload))
        part.replace(facts)


_FORM = TypeAdapter(Upload)
