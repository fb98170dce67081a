"""Keeps watch over the audit trail: its head in a file beside the database, its lines forwarded."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from loa.controller.core.access import Act, Person, granted
from loa.controller.core.trail import EMPTY, Broken, Fault, Head, Sealed, verify
from loa.controller.errors import ControllerError
from loa.controller.ports import Clock, LineSender
from loa.controller.services.tasks import Task
from loa.controller.store import audits
from loa.controller.store.database import Database
from loa.controller.store.heads import HeadFile

_log = structlog.get_logger(__name__)
LINES_AT_ONCE = 200
LOOK_EVERY_S = 15.0
"""Commands at the terminal write lines, too, and cannot wake us."""
LATE = 60.0
"""Seconds after which lines that were not forwarded are worth a word in the console."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with the trail or its forwarding."""

    broken: Broken | None = None
    waiting: int = 0
    """Lines that were not forwarded yet."""
    since: datetime | None = None
    """When forwarding last began to fail; None while it goes well."""
    failure: str = ""


class TrailKeeper:
    """Works on a thread of its own: no act waits for a disk or a syslog server, or fails with them."""

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        head: HeadFile,
        forwarded: HeadFile,
        sender: LineSender | None = None,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._db = db
        self._clock = clock
        self._head = head
        self._forwarded = forwarded
        self._sender = sender
        self._look_every_s = look_every_s
        self._woken = threading.Event()
        self._ends = threading.Event()
        self._lock = threading.Lock()
        self._trouble = Trouble()
        self._task = Task("audit trail", self._run)

    def wake(self) -> None:
        """There are new lines. Never waits."""
        self._woken.set()

    def start(self) -> None:
        """Begin, after the database was migrated."""
        self._task.start()

    def stop(self) -> None:
        """Take the last head and end."""
        self._ends.set()
        self._woken.set()
        self._task.join()
        if self._sender is not None:
            self._sender.close()

    def keep(self) -> None:
        """Take the head to the file and forward what is new; failures are remembered and told."""
        try:
            self._take_head()
            self._forward()
        except (ControllerError, OSError) as error:
            _log.warning("audit.not_kept", why=str(error))

    def trouble(self, who: Person) -> Trouble | None:
        """What is wrong, for those who read the trail; None while all is well or it is nobody's business."""
        with self._lock:
            found = self._trouble
        late = found.since and (self._clock.now() - found.since).total_seconds() >= LATE
        return found if granted(who, Act.READ_AUDIT) and (found.broken or late) else None

    def check(self) -> None:
        """Walk the whole chain; a fault is logged and told as one of the head is."""
        kept = self._head.read()
        with self._db.look() as session:
            found = verify(audits.all_lines(session), kept)
        if isinstance(found, Broken):
            self._tell_broken(found)

    def _run(self) -> None:
        while not self._ends.is_set():
            self._woken.clear()
            self.keep()
            self._woken.wait(self._look_every_s)
        self.keep()

    def _take_head(self) -> None:
        kept = self._head.read()
        with self._db.look() as session:
            head = audits.head(session)
            there = kept is None or kept == EMPTY or audits.digest_at(session, kept.id) == kept.digest
        if kept is not None and not there:
            self._tell_broken(Broken(min(kept.id, head.id + 1), Fault.CUT))
        elif head != kept:
            self._head.write(head)

    def _tell_broken(self, broken: Broken) -> None:
        with self._lock:
            is_new = self._trouble.broken is None
            self._trouble = replace(self._trouble, broken=broken)
        if is_new:
            _log.error("audit.broken", line=broken.id, fault=broken.fault, see="loa-controller audit verify")

    def _forward(self) -> None:
        if self._sender is None:
            return
        last = self._forwarded.read() or self._begin()
        try:
            while lines := self._lines_after(last):
                last = self._send(self._sender, lines, last)
        except OSError as error:
            self._tell_late(str(error))
        else:
            self._tell_sent()

    def _begin(self) -> Head:
        """What was done before forwarding was set is exported, not forwarded."""
        with self._db.look() as session:
            head = audits.head(session)
        self._forwarded.write(head)
        return head

    def _lines_after(self, last: Head) -> list[Sealed]:
        with self._db.look() as session:
            return audits.lines_after(session, last.id, LINES_AT_ONCE)

    def _send(self, sender: LineSender, lines: Sequence[Sealed], last: Head) -> Head:
        sent = last
        try:
            for sealed in lines:
                sender.send(sealed)
                sent = Head(sealed.line.id, sealed.digest)
        finally:
            if sent != last:
                self._forwarded.write(sent)
        return sent

    def _tell_late(self, failure: str) -> None:
        last = self._forwarded.read() or EMPTY
        with self._db.look() as session:
            waiting = audits.count_after(session, last.id)
        with self._lock:
            since, known = self._trouble.since or self._clock.now(), self._trouble.failure
            self._trouble = replace(self._trouble, waiting=waiting, since=since, failure=failure)
        if not known:
            _log.warning("audit.not_forwarded", waiting=waiting, why=failure)

    def _tell_sent(self) -> None:
        with self._lock:
            was_late = self._trouble.since is not None
            self._trouble = replace(self._trouble, waiting=0, since=None, failure="")
        if was_late:
            _log.info("audit.forwarded_again")
