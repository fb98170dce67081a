"""Sounds that come in pieces over a network that breaks: nothing that has arrived is sent twice.

The semantics of offsets are those of tus 1.0.0: a piece names where it begins, which must be where the last
one ended; what has arrived of a piece that was cut off counts.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO

import structlog

from loa.controller.core.access import Person
from loa.controller.core.drills import Origin
from loa.controller.errors import Conflict, Invalid, NotFound, TooLarge, Unavailable
from loa.controller.ports import Clock
from loa.controller.services.recordings import Kept, Recordings, check_writes, room
from loa.controller.store.uploads import Upload, UploadFolder
from loa.protocol.ids import RecordingId

ORIGINS = frozenset({"upload", "recorded"})
MOST_OPEN = 8
"""Uploads that a person may have at a time; the one that has rested longest gives way."""
LONGEST_NAME = 200
PATIENCE_S = 300.0
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Gate:
    """Who may add to an upload: the last who began a piece, since a dead connection may hang for hours."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    turn: int = 0


class Piece:
    """A piece that is coming in; raises `Conflict` once another one has begun."""

    def __init__(self, upload: Upload, file: BinaryIO, gate: _Gate, *, touch: Callable[[], object]) -> None:
        self._file = file
        self._touch = touch
        self._gate = gate
        self._turn = gate.turn
        self._size_bytes = upload.size_bytes

    def write(self, content: bytes) -> None:
        """The next bytes; raises `TooLarge` for more than were announced, DiskFull."""
        with self._gate.lock:
            if self._turn != self._gate.turn:
                raise Conflict("overtaken", "a later request goes on with this upload; ask for the offset")
            if self._file.tell() + len(content) > self._size_bytes:
                raise TooLarge(
                    "more_than_announced", f"the upload was announced with {self._size_bytes} bytes"
                )
            with room():
                rest = memoryview(content)
                while rest:
                    rest = rest[self._file.write(rest) :]

    def close(self) -> int:
        """No more of it comes; the offset that is now on the disk."""
        with self._file:
            os.fdatasync(self._file.fileno())
            self._touch()
            return self._file.tell()


class Uploads:
    """Uploads of a person are nobody else's: for others they are not there. Thread-safe."""

    def __init__(
        self,
        *,
        folder: UploadFolder,
        clock: Clock,
        ids: Callable[[], str],
        recordings: Recordings,
        limit_bytes: int,
        lasting: timedelta,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._ids = ids
        self._recordings = recordings
        self._limit_bytes = limit_bytes
        self._lasting = lasting
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._gates: dict[str, _Gate] = {}

    @property
    def limit_bytes(self) -> int:
        """The largest upload."""
        return self._limit_bytes

    def begin(self, who: Person, *, size_bytes: int, name: str = "", origin: str = "upload") -> Upload:
        """Announce an upload of that size; raises `Forbidden`, `TooLarge`, `Invalid`, DiskFull."""
        check_writes(who)
        if size_bytes <= 0:
            raise Invalid("empty", "the file is empty; choose another one")
        if size_bytes > self._limit_bytes:
            detail = f"the file has more than the {self._limit_bytes} bytes that are allowed; shorten it"
            raise TooLarge("too_large", detail, size_bytes=size_bytes, limit_bytes=self._limit_bytes)
        if origin not in ORIGINS:
            raise Invalid("bad_origin", f"the origin is one of {sorted(ORIGINS)}")
        upload = Upload(
            id=self._ids(),
            owner=who.user_id,
            name=name[:LONGEST_NAME],
            size_bytes=size_bytes,
            origin=origin,
        )
        with self._lock, room():
            self._make_way(who)
            self._folder.create(upload, self._clock.now())
        return upload

    def get(self, who: Person, upload_id: str) -> Upload:
        """Raises `NotFound`, also for another person's."""
        upload = self._folder.read(upload_id)
        if upload is None or upload.owner != who.user_id:
            raise NotFound("no_such_upload", "there is no such upload; begin anew")
        return upload

    def offset(self, upload: Upload) -> int:
        """How many bytes have arrived; all once it was finished."""
        return upload.size_bytes if upload.recording else self._folder.offset(upload.id)

    def expires_at(self, upload: Upload) -> datetime:
        """When it goes unless more of it comes."""
        return self._folder.touched_at(upload.id) + self._lasting

    def add(self, who: Person, upload_id: str, offset: int) -> Piece:
        """Begin a piece at that offset; raises `NotFound`, `Conflict` where the offset is another."""
        with self._held(who, upload_id) as (upload, gate):
            there = self.offset(upload)
            if offset != there:
                raise Conflict("wrong_offset", f"the upload goes on at {there}", offset=there)
            gate.turn += 1
            file = self._folder.opened(upload.id)
            return Piece(upload, file, gate, touch=lambda: self._touch(upload.id))

    def finish(self, who: Person, upload_id: str, *, chime: bool = False, closing: bool = False) -> Kept:
        """Prepare what has arrived, and keep it; a second call tells the same.

        Raises `Conflict` while bytes are missing. What cannot be broadcast raises as in `Recordings` and is
        gone; when a part of the controller is to blame, the upload stays and this may be called again.
        """
        with self._held(who, upload_id) as (upload, _):
            if upload.recording:
                return self._recordings.get(RecordingId(upload.recording))
            there = self.offset(upload)
            if there < upload.size_bytes:
                raise Conflict("incomplete_upload", f"bytes from {there} on are missing", offset=there)
            kept = self._prepare(who, upload, chime=chime, closing=closing)
            self._folder.finish(upload, kept.sha256, self._clock.now())
            return kept

    def drop(self, who: Person, upload_id: str) -> None:
        """Give it up; raises `NotFound`."""
        with self._held(who, upload_id) as (upload, _):
            self._forget(upload.id)

    def expire(self) -> None:
        """Remove what nobody has gone on with for long."""
        before = self._clock.now() - self._lasting
        for upload_id in list(self._folder.ids()):
            if self._folder.touched_at(upload_id) < before:
                self._forget(upload_id)
                _log.info("upload.expired", upload=upload_id)

    def _prepare(self, who: Person, upload: Upload, *, chime: bool, closing: bool) -> Kept:
        source = self._folder.content(upload.id)
        try:
            return self._recordings.take(
                who, source, origin=Origin(upload.origin), chime=chime, closing=closing
            )
        except (Invalid, TooLarge):
            self._forget(upload.id)
            raise

    def _touch(self, upload_id: str) -> None:
        with suppress(FileNotFoundError):  # dropped in the meantime
            self._folder.touch(upload_id, self._clock.now())

    def _make_way(self, who: Person) -> None:
        known = [upload for one in self._folder.ids() if (upload := self._folder.read(one))]
        mine = [upload for upload in known if upload.owner == who.user_id]
        mine.sort(key=lambda upload: self._folder.touched_at(upload.id), reverse=True)
        for upload in mine[MOST_OPEN - 1 :]:
            self._forget(upload.id)

    def _forget(self, upload_id: str) -> None:
        self._folder.remove(upload_id)
        self._gates.pop(upload_id, None)

    @contextmanager
    def _held(self, who: Person, upload_id: str) -> Iterator[tuple[Upload, _Gate]]:
        """The person's upload, as it is once nobody else is at it."""
        gate = self._gates.setdefault(self.get(who, upload_id).id, _Gate())
        if not gate.lock.acquire(timeout=self._patience_s):
            raise Unavailable("busy", "this upload is being prepared; ask again in a while")
        try:
            yield self.get(who, upload_id), gate
        finally:
            gate.lock.release()
