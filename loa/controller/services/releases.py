"""Releases of the agent: bundles that somebody with a release key signed, kept under their SHA-256."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from loa.controller.core.access import Act, Person, granted
from loa.controller.errors import Forbidden, Invalid, NotFound
from loa.controller.ports import Clock
from loa.controller.services.audit import Audit
from loa.controller.services.recordings import Incoming
from loa.controller.store import rollouts as store
from loa.controller.store.database import Database, Session
from loa.controller.store.tables import ReleaseRow
from loa.protocol.bundle import read_bundle
from loa.protocol.errors import ProtocolError
from loa.protocol.ids import NodeId
from loa.protocol.keys import KeyRing
from loa.protocol.release import BUNDLE_LIMIT_BYTES, Manifest
from loa.protocol.units import to_whole_ms

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A bundle as it is kept."""

    sha256: str
    version: str
    size_bytes: int
    manifest: Manifest
    added_by: str
    added_at: datetime


class Releases:
    """The controller can neither make nor change a release: it knows only the public keys."""

    def __init__(self, *, db: Database, clock: Clock, audit: Audit, folder: Path, keys: KeyRing) -> None:
        self._db = db
        self._clock = clock
        self._audit = audit
        self._folder = folder
        self._keys = keys

    @contextmanager
    def receive(self) -> Iterator[Incoming]:
        """A place for a bundle while it comes in; gone when the block is left."""
        self._folder.mkdir(exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="incoming-") as job:
            incoming = Incoming(Path(job) / "bundle", BUNDLE_LIMIT_BYTES)
            try:
                yield incoming
            finally:
                incoming.close()

    def finish(self, who: Person, incoming: Incoming) -> Release:
        """Keep what `receive` has received, if nodes would take it; raises `Invalid`. Idempotent."""
        check_updates(who)
        return self.keep(who.user_id, incoming)

    def keep(self, by: str, incoming: Incoming) -> Release:
        """As `finish` without asking for rights."""
        incoming.close()
        manifest = self._verify(incoming.path)
        sha256, size_bytes = _digest(incoming.path), incoming.path.stat().st_size
        with incoming.path.open("rb") as file:
            os.fsync(file.fileno())
        incoming.path.replace(self._place(sha256))
        row = {
            "sha256": sha256,
            "version": manifest.version,
            "size_bytes": size_bytes,
            "manifest": manifest.to_bytes().decode(),
            "added_by": by,
            "added_at": to_whole_ms(self._clock.now()),
        }
        with self._db.work() as work:
            store.add_release(work.session, row)
            self._audit.note(work, by, "release.added", subject=sha256, version=manifest.version)
            return as_release(store.release_row(work.session, sha256))

    def find(self, who: Person) -> list[Release]:
        """All, the last added first."""
        check_updates(who)
        with self._db.look() as session:
            return [as_release(row) for row in store.releases(session)]

    def content(self, sha256: str, reader: Person | NodeId) -> Path:
        """The bundle, for a node that is to run it and for people who update; raises `NotFound`."""
        if not isinstance(reader, str):
            check_updates(reader)
        else:
            with self._db.look() as session:
                self._check_is_told(session, sha256, reader)
        place = self._place(sha256)
        if not place.exists():
            raise _no_release(sha256)
        return place

    def _check_is_told(self, session: Session, sha256: str, node: NodeId) -> None:
        pointer = store.pointers(session, [node]).get(node)
        if pointer is None or pointer.sha256 != sha256:
            raise _no_release(sha256)

    def _verify(self, path: Path) -> Manifest:
        try:
            with path.open("rb") as file:
                return read_bundle(file, self._keys)
        except ProtocolError as error:
            raise Invalid(
                "bad_release",
                f"{error}; build it with `loa-controller release build`, and name the public part of its key "
                "in LOA_RELEASE_KEYS",
                reason=error.reason,
            ) from error

    def _place(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.bundle"


def check_updates(who: Person) -> None:
    """Raise `Forbidden` for whoever may update nodes nowhere."""
    if not granted(who, Act.UPDATE_NODES):
        raise Forbidden("not_permitted", "only an administrator adds releases", act=Act.UPDATE_NODES)


def as_release(row: ReleaseRow) -> Release:
    """The row as the rest of the controller knows it."""
    return Release(
        sha256=row.sha256,
        version=row.version,
        size_bytes=row.size_bytes,
        manifest=Manifest.from_bytes(row.manifest),
        added_by=row.added_by,
        added_at=row.added_at,
    )


def _no_release(sha256: str) -> NotFound:
    return NotFound("no_such_release", f"there is no release {sha256}", sha256=sha256)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
