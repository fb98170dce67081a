"""Recordings (bản thu): uploads and read texts made ready for the nodes, kept under their SHA-256."""

import errno
import math
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from pydantic_core import from_json, to_json

from loa.audio.errors import AudioError, Empty, VoiceUnknown
from loa.audio.errors import DiskFull as NoRoom
from loa.audio.errors import Refused as SoundRefused
from loa.audio.errors import TooLarge as SoundTooLarge
from loa.audio.reading import Reading
from loa.audio.recording import Limits, Options, Prepared
from loa.audio.siren import write_siren
from loa.audio.speak import Speaker
from loa.controller.core.access import Act, Person, granted
from loa.controller.core.drills import Origin, drill_text
from loa.controller.errors import (
    ControllerError,
    DiskFull,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    Unavailable,
)
from loa.controller.ports import Clock
from loa.controller.services.audit import Audit
from loa.controller.services.budgets import Budget
from loa.controller.services.bulletins import text_digest
from loa.controller.services.hearing import may_hear
from loa.controller.store.bulletins import add_recording, read_recording, spoken_as
from loa.controller.store.database import Database
from loa.controller.store.recording_uses import add_maker, is_maker
from loa.controller.store.tables import RecordingRow
from loa.protocol.ids import RecordingId
from loa.protocol.units import to_whole_ms

AT_ONCE = 2
"""Sounds prepared at the same time: each keeps a core busy."""
PATIENCE_S = 300.0
"""How long a sound waits for its turn."""
SOUNDS_AN_HOUR = 300
"""That one person has prepared: more than anybody types or uploads, few enough for the machine."""
_CHUNK_BYTES = 1 << 16
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


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
    """`loa.controller.core.drills.Origin`."""
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


class Prepare(Protocol):
    """`loa.audio.prepare.prepare`."""

    def __call__(self, source: Path, target: Path, *, options: Options, limits: Limits) -> Prepared:
        """Make of the sound at `source` what the nodes play, at `target`."""
        ...


class Incoming:
    """A file that is being received; raises `TooLarge` or `DiskFull` as soon as it is so."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self.path = path
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        with room():
            self._file = path.open("wb", buffering=0)

    def write(self, content: bytes) -> None:
        """The next bytes of it."""
        self._size_bytes += len(content)
        if self._size_bytes > self._limit_bytes:
            raise _too_large(self._size_bytes, self._limit_bytes)
        with room():
            rest = memoryview(content)
            while rest:
                rest = rest[self._file.write(rest) :]

    def close(self) -> None:
        """All of it was received, or it is given up."""
        self._file.close()


class Recordings:
    """Takes sounds in; each call blocks until the sound is prepared and has its own transaction.

    What cannot be broadcast raises `Invalid` with the code of `loa.audio.errors`; after any error nothing is
    left on the disk. `folder` holds the recordings by name and is private to the controller.
    """

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        ids: Callable[[], str],
        audit: Audit,
        folder: Path,
        prepare: Prepare,
        speaker: Speaker,
        read_out: Callable[[str], Reading],
        limits: Limits,
        at_once: int = AT_ONCE,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._db = db
        self._clock = clock
        self._ids = ids
        self._audit = audit
        self._folder = folder
        self._prepare = prepare
        self._speaker = speaker
        self._read_out = read_out
        self._limits = limits
        self._turns = threading.BoundedSemaphore(at_once)
        self._patience_s = patience_s
        self._budget = Budget(clock=clock, most=SOUNDS_AN_HOUR)

    @property
    def voices(self) -> tuple[str, ...]:
        """Names of the voices, the preferred one first."""
        return self._speaker.voices

    @contextmanager
    def receive(self) -> Iterator[Incoming]:
        """A place for an upload while it comes in; gone when the block is left."""
        with self._job() as job:
            incoming = Incoming(job / "source", self._limits.max_bytes)
            try:
                yield incoming
            finally:
                incoming.close()

    def accept(self, who: Person, upload: BinaryIO, *, chime: bool = False, closing: bool = False) -> Kept:
        """Prepare an uploaded sound and keep it."""
        with self.receive() as incoming:
            while content := upload.read(_CHUNK_BYTES):
                incoming.write(content)
            return self.finish(who, incoming, chime=chime, closing=closing)

    def finish(self, who: Person, incoming: Incoming, *, chime: bool = False, closing: bool = False) -> Kept:
        """Prepare what `receive` has received and keep it."""
        check_writes(who)
        self._budget.spend(who.user_id)
        incoming.close()
        target = incoming.path.with_name("result.ogg")
        return self._keep(who.user_id, incoming.path, target, Options(chime=chime, closing=closing), None)

    def take(
        self, who: Person, source: Path, *, origin: Origin, chime: bool = False, closing: bool = False
    ) -> Kept:
        """Prepare a sound that lies at `source`, which stays there, and keep it."""
        check_writes(who)
        self._budget.spend(who.user_id)
        with self._job() as job:
            options = Options(chime=chime, closing=closing)
            return self._keep(who.user_id, source, job / "result.ogg", options, None, origin=origin)

    def speak(
        self, who: Person, text: str, *, voice: str | None = None, chime: bool = True, closing: bool = False
    ) -> tuple[Kept, tuple[ReadBack, ...]]:
        """Let a voice read a text, and keep it."""
        check_writes(who)
        self._budget.spend(who.user_id)
        reading = self._read(text)
        options = Options(chime=chime, closing=closing)
        return self._speak(who.user_id, text, reading, voice, options), _read_back(reading)

    def speak_alarm(self, who: Person, text: str) -> tuple[Kept, tuple[ReadBack, ...]]:
        """As `speak`, opened by the siren; what was read out so before is there at once."""
        check_writes(who)
        return self._once(who.user_id, text, Options(siren=True), Origin.ALARM), self.read_back(text)

    def speak_drill(self, who: Person, text: str) -> tuple[Kept, tuple[ReadBack, ...]]:
        """As `speak`, but the voice first says that it is a drill; never a siren. Made once a text."""
        check_writes(who)
        kept = self._once(who.user_id, drill_text(text), Options(chime=True), Origin.DRILL)
        return kept, self.read_back(text)

    def make_speech(self, by: str, text: str) -> Kept:
        """As `speak`, with the attention tones, for a text of the controller's own: asks for no rights."""
        return self._speak(by, text, self._read(text), None, Options(chime=True))

    def spoken(self, text: str, origin: Origin) -> Kept | None:
        """The recording of this origin that reads the text, if it was made and is still kept."""
        with self._db.look() as session:
            row = spoken_as(session, text_digest(text), origin)
        return _kept(row) if row is not None and self._place(row.sha256).is_file() else None

    def make_alarm(self, by: str, text: str) -> Kept:
        """As `speak_alarm`, for a text of the controller's own: asks for no rights."""
        return self._once(by, text, Options(siren=True), Origin.ALARM)

    def make_siren(self, by: str) -> Kept:
        """A siren at the loudness of all recordings."""
        with self._job() as job:
            write_siren(job / "siren.wav")
            return self._keep(by, job / "siren.wav", job / "result.ogg", Options(), None, origin=Origin.MADE)

    def read_back(self, text: str) -> tuple[ReadBack, ...]:
        """What a voice would say otherwise than it is written."""
        return _read_back(self._read(text))

    def get(self, sha256: RecordingId) -> Kept:
        """Facts of a recording; raises `NotFound`."""
        with self._db.look() as session:
            row = read_recording(session, sha256)
        if row is None:
            raise _not_found(sha256)
        return _kept(row)

    def heard_by(self, who: Person, sha256: RecordingId) -> Kept:
        """Facts of a recording; raises `NotFound` also where it is none of the person's business."""
        with self._db.look() as session:
            is_theirs = may_hear(session, who, sha256)
        if not is_theirs:
            raise _not_found(sha256)
        return self.get(sha256)

    def path(self, sha256: RecordingId) -> Path:
        """Its file; raises `NotFound`."""
        path = self._place(self.get(sha256).sha256)
        if not path.is_file():
            raise _not_found(sha256)
        return path

    def tidy(self) -> None:
        """Remove what jobs of a process that was killed left behind; call while none is running."""
        shutil.rmtree(self._folder / _JOBS, ignore_errors=True)

    def _once(self, by: str, text: str, options: Options, origin: Origin) -> Kept:
        kept = self.spoken(text, origin)
        if kept is None:
            return self._speak(by, text, self._read(text), None, options, origin)
        with self._db.look() as session:
            is_known = is_maker(session, kept.sha256, by)
        if not is_known:
            with self._db.work() as work:
                add_maker(work.session, kept.sha256, by)
        return kept

    def _speak(  # noqa: PLR0917 -- all that a reading is made from
        self,
        by: str,
        text: str,
        reading: Reading,
        voice: str | None,
        options: Options,
        origin: Origin = Origin.SPEECH,
    ) -> Kept:
        with self._job() as job:
            with self._turn(), _told():
                self._speaker.speak(reading.text, voice or self._first_voice(), job / "voice.wav")
            return self._keep(by, job / "voice.wav", job / "result.ogg", options, text, origin=origin)

    def _keep(
        self,
        by: str,
        source: Path,
        target: Path,
        options: Options,
        text: str | None,
        *,
        origin: Origin = Origin.UPLOAD,
    ) -> Kept:
        with self._turn(), _told():
            prepared = self._prepare(source, target, options=options, limits=self._limits)
        place = self._place(prepared.sha256)
        is_new = not place.is_file()
        if is_new:
            with room():
                _put(prepared.path, place)
        try:
            return self._write_down(by, prepared, text, origin)
        except ControllerError:
            if is_new:
                place.unlink(missing_ok=True)
            raise

    def _write_down(self, by: str, prepared: Prepared, text: str | None, origin: Origin) -> Kept:
        row = RecordingRow(
            sha256=prepared.sha256,
            duration_ms=prepared.duration_ms,
            size_bytes=prepared.size_bytes,
            loudness_lufs=prepared.loudness_lufs,
            loudness_before_lufs=prepared.source.loudness_lufs,
            true_peak_dbtp=prepared.true_peak_dbtp,
            origin=origin,
            warnings=to_json([str(caution) for caution in prepared.cautions]).decode(),
            created_by=by,
            created_at=to_whole_ms(self._clock.now()),
        )
        with self._db.work() as work:
            kept = add_recording(work.session, row, None if text is None else text_digest(text))
            self._audit.note(work, by, "recording.kept", subject=row.sha256, origin=row.origin)
        return _kept(kept)

    @contextmanager
    def _job(self) -> Iterator[Path]:
        job = self._folder / _JOBS / self._ids()
        with room():
            job.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            yield job
        finally:
            shutil.rmtree(job, ignore_errors=True)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._patience_s):
            raise Unavailable("busy", "other sounds are being prepared; send it again in a while")
        try:
            yield
        finally:
            self._turns.release()

    def _read(self, text: str) -> Reading:
        try:
            with _told():
                return self._read_out(text)
        except Invalid as error:
            if isinstance(error.__cause__, Empty):
                raise Invalid("empty_text", "write what the voice is to read") from error
            raise

    def _first_voice(self) -> str:
        if not self._speaker.voices:
            raise Unavailable("no_voice", "no voice is installed; install espeak-ng")
        return self._speaker.voices[0]

    def _place(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / f"{sha256}.ogg"


_JOBS = ".jobs"


def check_writes(who: Person) -> None:
    """Return if the person writes bulletins anywhere; raises `Forbidden`: sounds cost disk and time."""
    if not granted(who, Act.WRITE_BULLETIN):
        raise Forbidden("not_permitted", "only who writes bulletins makes recordings", act=Act.WRITE_BULLETIN)


def _put(source: Path, place: Path) -> None:
    """Move a file, which is on the disk already, to its place; after a power cut it is there or not."""
    place.parent.mkdir(mode=0o700, exist_ok=True)
    source.replace(place)
    for folder in (place.parent, place.parent.parent):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def room() -> Iterator[None]:
    """Raises `DiskFull` where the system says so."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFull from error
        raise


@contextmanager
def _told() -> Iterator[None]:
    """Errors of audio as refusals of the controller, with their facts."""
    try:
        yield
    except NoRoom as error:
        raise DiskFull from error
    except SoundTooLarge as error:
        raise _too_large(error.size_bytes, error.limit_bytes) from error
    except (SoundRefused, VoiceUnknown) as error:
        raise Invalid(error.code, str(error), **_facts(error)) from error
    except AudioError as error:
        raise Unavailable(error.code, f"the sound could not be prepared: {error}") from error


def _facts(error: AudioError) -> dict[str, object]:
    """What JSON can say of it: the level of digital silence, minus infinity, it cannot."""
    facts = {("said" if name == "detail" else name): value for name, value in vars(error).items()}
    return {
        name: value for name, value in facts.items() if not isinstance(value, float) or math.isfinite(value)
    }


def _too_large(size_bytes: int, limit_bytes: int) -> TooLarge:
    detail = f"the file has more than the {limit_bytes} bytes that are allowed; shorten it"
    return TooLarge("too_large", detail, size_bytes=size_bytes, limit_bytes=limit_bytes)


def _not_found(sha256: str) -> NotFound:
    return NotFound("no_such_recording", f"there is no recording {sha256}")


def _read_back(reading: Reading) -> tuple[ReadBack, ...]:
    return tuple(ReadBack(one.start, one.end, one.original, one.spoken) for one in reading.changes)


def _kept(row: RecordingRow) -> Kept:
    return Kept(
        sha256=RecordingId(row.sha256),
        duration_ms=row.duration_ms,
        size_bytes=row.size_bytes,
        loudness_lufs=row.loudness_lufs,
        loudness_before_lufs=row.loudness_before_lufs,
        true_peak_dbtp=row.true_peak_dbtp,
        origin=row.origin,
        warnings=tuple(from_json(row.warnings)),
        created_by=row.created_by,
        created_at=row.created_at,
    )
