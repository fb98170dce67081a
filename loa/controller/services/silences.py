"""STOP: silences an area at once, with or without the database."""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from loa.controller.core.access import Act, Person, may
from loa.controller.errors import DiskFull, Forbidden, Invalid, NotFound, Unavailable
from loa.controller.ports import AreaSilence, Clock, EventKind, Events, SilenceJournal
from loa.controller.services.audit import Audit
from loa.controller.services.metrics import Metrics
from loa.controller.services.publisher import Publisher
from loa.controller.services.spare_rights import RightsKeeper
from loa.controller.services.tasks import Task
from loa.controller.store import silences as store
from loa.controller.store.areas import path_of
from loa.controller.store.database import Database, Work
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId, NodeId, SilenceId
from loa.protocol.programme import Silence

_log = structlog.get_logger(__name__)

SHORTEST = timedelta(minutes=1)
LONGEST = timedelta(hours=24)
"""Who wants longer silence withdraws what is planned."""
SHOWN_FOR = timedelta(days=30)
_RETRY_S = 5.0


@dataclass(frozen=True, slots=True)
class _Where:
    path: list[AreaId]
    authority: int


class Silences:
    """A silence is for good: what it ended does not come back, so there is nothing to release.

    What is approved after its issue sounds, though it lasts; to bring back what it ended, approve it anew.
    """

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        ids: Callable[[], str],
        journal: SilenceJournal,
        publisher: Publisher,
        rights: RightsKeeper,
        events: Events,
        audit: Audit,
        metrics: Metrics,
    ) -> None:
        self._db = db
        self._clock = clock
        self._ids = ids
        self._journal = journal
        self._publisher = publisher
        self._rights = rights
        self._events = events
        self._audit = audit
        self._metrics = metrics
        self._unmerged = threading.Event()
        self._stopping = False
        self._task = Task("silences", self._run)

    def start(self) -> None:
        """Bring journal and database together, and keep them so."""
        self._unmerged.set()
        self._task.start()

    def stop(self) -> None:
        """End the thread; what is not merged yet is merged at the next start."""
        self._stopping = True
        self._unmerged.set()
        self._task.join()

    def silence(self, who: Person, area: AreaId, lasting: timedelta) -> AreaSilence:
        """Stop everything in the area from now on; returns once it is on the disk and handed to the broker.

        Raises `NotFound`, `Forbidden`, `Invalid`, `DiskFull`.
        """
        where = self._where(area)
        _permit(who, where.path, Act.STOP)
        if not SHORTEST <= lasting <= LONGEST:
            raise Invalid("bad_silence_length", "a silence lasts 1 minute to 24 hours")
        now = self._clock.now()
        made = self._make(who, where.authority, now, now + lasting)
        try:
            noted = self._journal.append(area, made)
        except OSError as error:
            _log.error("silence.not_written", area=area, why=str(error))
            raise DiskFull from error
        self._publisher.silenced(area)
        self._unmerged.set()
        self._metrics.silences.inc()
        self._events.announce(EventKind.SILENCE, area, made.id)
        _log.warning("silence.issued", area=area, by=who.user_id, until_at=str(made.until_at))
        return noted

    def of(self, who: Person, area: AreaId) -> list[Silence]:
        """The area's own silences that last or ended in the last 30 days, the newest first."""
        _permit(who, self._where(area).path, Act.READ_AREA)
        return self._journal.of(area, self._clock.now() - SHOWN_FOR)[::-1]

    def silent_until(self, who: Person, node: NodeId, zones: Collection[AreaId]) -> datetime | None:
        """Until when orders for it, its zones or any area above keep a node silent; None: none does."""
        path = self._where(AreaId(node)).path
        _permit(who, path, Act.READ_AREA)
        now = self._clock.now()
        orders = (one for area in (*path, *zones) for one in self._journal.of(area, now))
        return max((one.until_at for one in orders if one.from_at <= now), default=None)

    def merge(self) -> int:
        """Bring what is new to the database, returns how many; raises Unavailable, DiskFull."""
        with self._db.work() as work:
            new = self._journal.after(store.highest_counter(work.session))
            homeless = store.insert_silences(work.session, new) if new else []
            for one in new:
                if one not in homeless:
                    self._note(work, one)
        if homeless:
            _log.warning("silence.area_unknown", ids=[one.silence.id for one in homeless])
        return len(new) - len(homeless)

    def adopt(self) -> None:
        """Take silences that last to a journal that lost them; raises Unavailable, OSError."""
        with self._db.look() as session:
            self._journal.adopt(store.lasting(session, self._clock.now()))

    def _run(self) -> None:
        adopted = False
        while self._unmerged.wait() and not self._stopping:
            self._unmerged.clear()
            try:
                if not adopted:
                    self.adopt()
                    adopted = True
                self.merge()
            except (Unavailable, DiskFull, OSError) as error:
                _log.error("silence.not_merged", why=str(error), again_in_s=_RETRY_S)
                self._unmerged.wait(_RETRY_S)
                self._unmerged.set()

    def _note(self, work: Work, one: AreaSilence) -> None:
        silence = one.silence
        self._audit.note(
            work, silence.by, "silence.issued", area=one.area, subject=silence.id, until=silence.until_at
        )

    def _make(self, who: Person, authority: int, now: datetime, until: datetime) -> Silence:
        return Silence(
            id=SilenceId(self._ids()),
            counter=0,
            from_at=now,
            until_at=until,
            issued_at=now,
            authority=authority,
            by=who.user_id,
        )

    def _where(self, area: AreaId) -> _Where:
        try:
            with self._db.look() as session:
                path = path_of(session, area)
                return _Where(list(path), read_tree(session).place(area).authority)
        except Unavailable:
            return _Where(self._rights.path(area), self._rights.authority(area))


def _permit(who: Person, path: list[AreaId], act: Act) -> None:
    if may(who, act, path):
        return
    if may(who, Act.READ_AREA, path):
        raise Forbidden("not_permitted", f"you lack the right to {act} in this area", act=act)
    raise NotFound("no_such_area", "there is no such area")
