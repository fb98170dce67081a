import logging
import secrets
from collections.abc import Callable
from dataclasses import replace

from loa.node_agent import logs
from loa.node_agent.core.reports import problem
from loa.node_agent.core.spare import Spare
from loa.node_agent.errors import StorageDamagedError, StorageError, StorageFailingError
from loa.node_agent.pending import join, occurrences_of
from loa.node_agent.ports import Change, Disk, Timekeeper, Unsent
from loa.protocol.ids import JournalId
from loa.protocol.reasons import ProblemCode
from loa.protocol.reports import Report

_TRY_AGAIN_S = 10.0
_TELL_AGAIN_S = 3600.0
"""The same trouble is not reported more often, however often it comes and goes."""

_log = logging.getLogger(__name__)


class Writing:
    """The way of changes to the disk, and of reports from it, also while the disk takes nothing.

    Then what is to be written waits in memory, joined into one change, and reports go out under a journal of
    their own. Once the disk takes writes again, those that were numbered so follow to the disk with journal
    and number: none is lost, and none gets a second number. For one thread.
    """

    def __init__(self, *, disk: Disk, clock: Timekeeper, snapshot: Callable[[], Change]) -> None:
        self._disk = disk
        self._clock = clock
        self._snapshot = snapshot
        """All that is known."""
        self._waiting = Change()
        self._spare = Spare(_new_id())
        self._covered: dict[JournalId, int] = {}
        """Receipts that the disk has not taken yet."""
        self._trouble: StorageError | None = None
        self._is_late = False
        """Something waits for the next write."""
        self._is_in_doubt = False
        """What the disk took before may be gone: a sync that failed is not made good by the next."""
        self._try_again_s = 0.0
        self._tell_again_s: dict[ProblemCode, float] = {}

    @property
    def journal_id(self) -> JournalId:
        """Of the disk."""
        return self._disk.journal_id

    @property
    def trouble(self) -> ProblemCode | None:
        """Why the disk takes no writes, None if it does."""
        return self._trouble.code if self._trouble else None

    def begin(self) -> None:
        """Say what is wrong with the disk from the start."""
        if self._disk.trouble is not None:
            self._suffer(self._disk.trouble)

    def keep(self, change: Change) -> None:
        """Write it down as soon as the disk takes it."""
        self._join(change)
        if self._trouble is None:
            self._write()

    def keep_soon(self, change: Change) -> None:
        """Write it down with the next change, or with `flush`."""
        self._join(change)
        self._is_late = True

    def flush(self, *, at_last: bool = False) -> None:
        """Write what waits; after a failure not before some seconds have passed, unless it is the end."""
        if self._trouble is None:
            if self._is_late:
                self._write()
        elif at_last or self._clock.monotonic() >= self._try_again_s:
            self._write()

    def unsent(self, limit: int) -> Unsent:
        """The next reports to be sent, of one journal; none if there are none."""
        found = self._read_unsent(limit)
        if found.reports or self._trouble is None:
            return found
        self._own_up()
        return Unsent(self._spare.journal_id, self._spare.unsent(limit), self._spare.chain)

    def count_unsent(self) -> int:
        """How many reports no receipt covers."""
        try:
            return self._disk.count_unsent(self._covered) + len(self._spare)
        except StorageError as error:
            self._suffer(error)
            return len(self._spare)

    def forget(self, journal_id: JournalId, up_to: int) -> None:
        """A receipt came."""
        if journal_id == self._spare.journal_id:
            self._spare.forget(up_to)
            return
        self._covered[journal_id] = max(up_to, self._covered.get(journal_id, 0))
        if self._trouble is None:
            self._attempt(self._forget_covered)

    def _read_unsent(self, limit: int) -> Unsent:
        try:
            return self._disk.unsent(limit, self._covered)
        except StorageError as error:
            self._suffer(error)
            return Unsent(self._disk.journal_id, ())

    def _join(self, change: Change) -> None:
        self._spare.add(change.reports)
        closed = {*change.closed, *occurrences_of(change.reports)}
        self._waiting = join(self._waiting, replace(change, reports=(), closed=closed))

    def _write(self) -> None:
        self._is_late = False
        was_sound = not isinstance(self._trouble, StorageDamagedError)
        self._attempt(self._write_all)
        if was_sound and isinstance(self._trouble, StorageDamagedError):
            self._attempt(self._write_all)

    def _attempt(self, act: Callable[[], None]) -> None:
        try:
            act()
        except StorageError as error:
            self._suffer(error)
        else:
            self._recover()

    def _write_all(self) -> None:
        if self._is_in_doubt:
            self._waiting = join(self._snapshot(), self._waiting)
        self._disk.write(self._whole())
        self._is_in_doubt = False
        self._waiting = Change()
        self._spare = Spare(_new_id())
        self._forget_covered()

    def _whole(self) -> Change:
        """What waits, with the reports: those without a number as drafts, the others as they are."""
        self._own_up()
        numbered, drafts = self._spare.numbered(), tuple(self._spare.drafts)
        carried = (Unsent(self._spare.journal_id, numbered, self._spare.chain),) if numbered else ()
        closed = set(self._waiting.closed) - occurrences_of(drafts)
        return replace(self._waiting, reports=drafts, closed=closed, carried=carried)

    def _forget_covered(self) -> None:
        for journal_id, up_to in list(self._covered.items()):
            self._disk.forget(journal_id, up_to)
            del self._covered[journal_id]

    def _own_up(self) -> None:
        """Tell of reports that found no room."""
        if self._spare.dropped and self._trouble is not None:
            detail = f"{self._spare.dropped} reports found no room in memory and are lost"
            self._spare.dropped = 0
            self._spare.add((self._problem(self._trouble.code, detail),))

    def _suffer(self, error: StorageError) -> None:
        now_s = self._clock.monotonic()
        self._try_again_s = now_s + _TRY_AGAIN_S
        if self._trouble is None or self._trouble.code is not error.code:
            logs.shout(_log, "disk_trouble", code=error.code, path=error.path, unsent=len(self._spare))
            if now_s >= self._tell_again_s.get(error.code, 0.0):
                self._tell_again_s[error.code] = now_s + _TELL_AGAIN_S
                self._spare.add((self._problem(error.code, str(error)),))
        self._trouble = error
        self._is_in_doubt |= isinstance(error, StorageDamagedError | StorageFailingError)

    def _recover(self) -> None:
        if self._trouble is not None:
            self._trouble = None
            logs.say(_log, "disk_writable_again")

    def _problem(self, code: ProblemCode, detail: str) -> Report:
        return problem(at=self._clock.now(), code=code, detail=detail)


def _new_id() -> JournalId:
    return JournalId(secrets.token_hex(16))
