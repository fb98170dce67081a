"""Keeps the copy of rights with which STOP works while the database is down."""

import threading

import structlog

from loa.controller.core.spare_rights import SpareRights
from loa.controller.errors import NotFound, Unauthenticated
from loa.controller.ports import Clock, RightsFile
from loa.controller.services.sessions import SignedIn, secret_hash
from loa.controller.store.database import Database
from loa.controller.store.spare_rights import read_spare_rights
from loa.protocol.errors import MalformedError
from loa.protocol.ids import AreaId

_log = structlog.get_logger(__name__)


class RightsKeeper:
    """Copies from the database to memory and file; reads neither of them while the database answers."""

    def __init__(self, *, db: Database, clock: Clock, file: RightsFile) -> None:
        self._db = db
        self._clock = clock
        self._file = file
        self._lock = threading.Lock()
        self._rights: SpareRights | None = None

    def renew(self) -> None:
        """The job: copy anew, and to the file if anything changed. Raises Unavailable or OSError."""
        with self._db.look() as session:
            rights = read_spare_rights(session, self._clock.now())
        with self._lock:
            if rights == self._rights:
                return
            self._file.write(rights.to_bytes())
            self._rights = rights
        _log.info("spare_rights.renewed", users=len(rights.users), sessions=len(rights.sessions))

    def whose(self, secret: str) -> SignedIn:
        """Who a session or token belonged to when the copy was made; raises Unauthenticated."""
        found = self._copy().whose(secret_hash(secret), self._clock.now())
        if found is None:
            raise Unauthenticated(
                "session_unknown", "the database is down, and this session is not in the copy of rights"
            )
        person, csrf = found
        return SignedIn(person=person, secret=secret, csrf=csrf, expires_at=self._clock.now())

    def path(self, area: AreaId) -> list[AreaId]:
        """From the area up to the widest; raises NotFound."""
        path = self._copy().path(area)
        if not path:
            raise NotFound("no_such_area", f"there is no area {area!r}", area=area)
        return path

    def authority(self, area: AreaId) -> int:
        """Rank of an area that `path` knows."""
        return self._copy().areas[area].authority

    def _copy(self) -> SpareRights:
        with self._lock:
            if self._rights is None:
                self._rights = self._read()
            return self._rights

    def _read(self) -> SpareRights:
        content = self._file.read()
        try:
            return SpareRights.from_bytes(content) if content is not None else SpareRights()
        except MalformedError as error:
            _log.error("spare_rights.unreadable", why=str(error))
            return SpareRights()
