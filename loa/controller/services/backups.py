"""Backups made from the console: one at a time, in the background, the last few kept on the disk."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from loa.controller.core.access import Person
from loa.controller.errors import Conflict, ControllerError, NotFound
from loa.controller.ports import Clock
from loa.controller.services.audit import Audit
from loa.controller.services.house import permit_house
from loa.controller.store.database import Database, Session, Work

_log = structlog.get_logger(__name__)
KEPT = 3
"""A backup is as big as all recordings; those downloaded are elsewhere."""
_NAME = re.compile(r"loa-\d{8}T\d{6}Z\.tar")

Report = Callable[[float], None]
Write = Callable[[Path, datetime, Report], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A whole backup on the disk."""

    name: str
    size_bytes: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """How the one that is being made goes, or how the last attempt ended."""

    share: float | None
    """Of the work that is done; None while nothing is made."""
    failure: str


class Backups:
    """For those who keep the whole installation; others get `NotFound`. Thread-safe."""

    def __init__(self, *, db: Database, clock: Clock, audit: Audit, folder: Path, write: Write) -> None:
        self._db = db
        self._clock = clock
        self._audit = audit
        self._folder = folder
        self._write = write
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._share: float | None = None
        self._failure = ""

    def make(self, work: Work, who: Person) -> None:
        """Begin one after the commit; raises `Conflict` while one is being made."""
        permit_house(work.session, who)
        with self._lock:
            if self._share is not None:
                raise Conflict("backup_running", "a backup is being made; wait for it")
            self._share, self._failure = 0.0, ""
        self._audit.note(work, who.user_id, "backup.made")
        work.after_commit(self._begin)

    def stop(self) -> None:
        """Wait for the one that is being made."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def making(self, session: Session, who: Person) -> Making:
        """How it goes."""
        permit_house(session, who)
        with self._lock:
            return Making(share=self._share, failure=self._failure)

    def find(self, session: Session, who: Person) -> list[Backup]:
        """Those on the disk, the last first."""
        permit_house(session, who)
        return self._kept()

    def file(self, work: Work, who: Person, name: str) -> Path:
        """The file of a backup, to be taken away; it holds the controller's key, so that this is noted."""
        permit_house(work.session, who)
        if not _NAME.fullmatch(name) or not (self._folder / name).is_file():
            raise NotFound("no_such_backup", "there is no such backup")
        self._audit.note(work, who.user_id, "backup.downloaded", subject=name)
        return self._folder / name

    def _begin(self) -> None:
        thread = threading.Thread(target=self._run, name="backup")
        with self._lock:
            self._thread = thread
        thread.start()

    def _run(self) -> None:
        now, failure = self._clock.now(), ""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._write(self._folder / f"loa-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar", now, self._report)
        except (ControllerError, OSError) as error:
            failure = str(error)
            _log.error("backup.failed", why=failure)
        else:
            for old in self._kept()[KEPT:]:
                (self._folder / old.name).unlink(missing_ok=True)
        with self._lock:
            self._share, self._failure = None, failure

    def _report(self, share: float) -> None:
        with self._lock:
            self._share = min(share, 1.0)

    def _kept(self) -> list[Backup]:
        if not self._folder.is_dir():
            return []
        files = sorted((path for path in self._folder.iterdir() if _NAME.fullmatch(path.name)), reverse=True)
        return [
            Backup(
                name=path.name,
                size_bytes=path.stat().st_size,
                at=datetime.strptime(path.name, "loa-%Y%m%dT%H%M%SZ.tar").replace(tzinfo=UTC),
            )
            for path in files
        ]
