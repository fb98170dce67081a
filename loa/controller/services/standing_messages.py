"""Standing messages: the recordings that every node keeps, made once, replaced by administrators."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from loa.controller.core.access import Act, Person, may
from loa.controller.core.standing_texts import TEXTS, WARNINGS
from loa.controller.errors import ControllerError, Forbidden, Invalid, NotFound
from loa.controller.ports import Clock, Publisher
from loa.controller.services.audit import Audit
from loa.controller.services.recordings import Kept, Recordings
from loa.controller.services.tasks import Task
from loa.controller.store.bulletins import read_recording
from loa.controller.store.database import Database, Session, Work
from loa.controller.store.standing_messages import is_standing, set_standing, standing_rows
from loa.controller.store.tables import StandingRow
from loa.controller.store.tree import read_tree
from loa.protocol.ids import AreaId, RecordingId
from loa.protocol.kinds import StandingMessage
from loa.protocol.units import to_whole_ms

MAKER = "controller"
"""Who made a recording that no person asked for."""
LONGEST_MS = 300_000
"""Every node fetches and keeps them over its SIM."""
AGAIN_S = 600.0
"""After a failure, such as a missing voice."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A standing message; without a recording as long as it is being made."""

    name: StandingMessage
    recording: RecordingId | None = None
    duration_ms: int | None = None
    size_bytes: int | None = None
    changed_by: str | None = None
    changed_at: datetime | None = None


class StandingMessages:
    """What stands for each message. `make_missing` blocks while sounds are prepared; the rest is quick."""

    def __init__(
        self, *, db: Database, clock: Clock, audit: Audit, recordings: Recordings, publisher: Publisher
    ) -> None:
        self._db = db
        self._clock = clock
        self._audit = audit
        self._recordings = recordings
        self._publisher = publisher

    def all(self, session: Session) -> list[Standing]:
        """Every message, in the order of the contract."""
        rows = {row.name: row for row in standing_rows(session)}
        return [_standing(session, name, rows.get(name.value)) for name in StandingMessage]

    def has(self, session: Session, recording: RecordingId) -> bool:
        """Whether the recording stands for a message, so that every node may have it."""
        return is_standing(session, recording)

    def replace(self, work: Work, who: Person, name: StandingMessage, recording: RecordingId) -> Standing:
        """Let another recording stand for a message; nodes are told after the commit.

        It concerns every node, so it takes an administrator of each widest area. Raises `Forbidden`,
        `NotFound` and `Invalid`.
        """
        self._check(work.session, who)
        row = read_recording(work.session, recording)
        if row is None:
            raise NotFound("no_such_recording", f"there is no recording {recording}")
        if row.duration_ms > LONGEST_MS:
            detail = (
                f"a standing message lasts at most {LONGEST_MS // 60_000} minutes; name a shorter recording"
            )
            raise Invalid("too_long", detail, duration_ms=row.duration_ms, limit_ms=LONGEST_MS)
        kept = self._keep(work, name, recording, who.user_id)
        self._tell_nodes(work)
        return _standing(work.session, name, kept)

    def make_missing(self, is_stopped: Callable[[], bool]) -> None:
        """Make what has no recording yet, one by one, and tell the nodes once all are there.

        Idempotent, also after it was killed. Raises a `ControllerError` for what cannot be made now.
        """
        made = 0
        for name in self._missing():
            if is_stopped():
                return
            kept = self._make(name)
            with self._db.work() as work:
                if name in _unmade(work.session):
                    self._keep(work, name, kept.sha256, MAKER)
            made += 1
            _log.info("standing.made", name=name.value, recording=kept.sha256, bytes=kept.size_bytes)
        if made:
            with self._db.work() as work:
                self._tell_nodes(work)

    def _missing(self) -> list[StandingMessage]:
        with self._db.look() as session:
            return _unmade(session)

    def _make(self, name: StandingMessage) -> Kept:
        if name is StandingMessage.SIREN:
            return self._recordings.make_siren(MAKER)
        if name in WARNINGS:
            return self._recordings.make_alarm(MAKER, TEXTS[name])
        return self._recordings.make_speech(MAKER, TEXTS[name])

    def _keep(self, work: Work, name: StandingMessage, recording: RecordingId, by: str) -> StandingRow:
        now = to_whole_ms(self._clock.now())
        row = set_standing(work.session, name, recording, by=by, at=now)
        self._audit.note(work, by, "standing.changed", subject=name.value, recording=recording)
        return row

    def _tell_nodes(self, work: Work) -> None:
        nodes = frozenset(AreaId(node) for node in read_tree(work.session).nodes())
        if nodes:
            work.after_commit(lambda: self._publisher.config_changed(nodes))

    def _check(self, session: Session, who: Person) -> None:
        widest = read_tree(session).widest()
        if not widest or not all(may(who, Act.MANAGE_AREAS, [area]) for area in widest):
            detail = "standing messages are every node's: ask an administrator of the widest area"
            raise Forbidden("not_permitted", detail, act=Act.MANAGE_AREAS)


class StandingMaker:
    """Makes the standing messages beside everything else, one after the other."""

    def __init__(self, messages: StandingMessages, *, again_s: float = AGAIN_S) -> None:
        self._messages = messages
        self._again_s = again_s
        self._stopped = threading.Event()
        self._task = Task("standing messages", self._run)

    def start(self) -> None:
        """Begin; returns at once."""
        self._task.start()

    def stop(self) -> None:
        """Make no further one; returns when the one in hand is done."""
        self._stopped.set()
        self._task.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._messages.make_missing(self._stopped.is_set)
            except ControllerError as error:
                _log.warning("standing.not_made", why=str(error), again_in_s=self._again_s)
                self._stopped.wait(self._again_s)
            else:
                return


def _unmade(session: Session) -> list[StandingMessage]:
    made = {row.name for row in standing_rows(session)}
    return [name for name in StandingMessage if name.value not in made]


def _standing(session: Session, name: StandingMessage, row: StandingRow | None) -> Standing:
    kept = None if row is None else read_recording(session, RecordingId(row.recording))
    if row is None or kept is None:
        return Standing(name=name)
    return Standing(
        name=name,
        recording=RecordingId(kept.sha256),
        duration_ms=kept.duration_ms,
        size_bytes=kept.size_bytes,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )
