"""Two administrators bring a person back who lost password or second factor; neither can alone.

Each gets one half of a code and tells it to the person, who needs both. The person is shown who opened it
wherever they are still signed in, and may cancel it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from loa.controller.core.access import Person
from loa.controller.core.factors import HALF_LETTERS, Recovery, RecoveryEnd, new_code
from loa.controller.core.guessing import place_of
from loa.controller.core.people import User
from loa.controller.errors import Conflict, Invalid, NotFound
from loa.controller.ports import Clock
from loa.controller.services.attempts import Attempts
from loa.controller.services.audit import Audit
from loa.controller.services.failed_sign_ins import Step
from loa.controller.services.hashing import Hashed
from loa.controller.services.people import People
from loa.controller.store import factors, people
from loa.controller.store import recoveries as store
from loa.controller.store.database import Database, Session, Work
from loa.controller.store.people_tables import RecoveryRow
from loa.controller.store.sealing import Sealer
from loa.protocol.codes import normal, spaced

LASTING = timedelta(hours=24)
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """One half of the code, for the person; shown this once."""

    code: str
    recovery: Recovery


class Recoveries:
    """At most one is open for a person; it lasts a day."""

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        ids: Callable[[], str],
        audit: Audit,
        people: People,
        attempts: Attempts,
        sealer: Sealer,
        refused: Callable[[Step, str, str | None], None] = lambda _step, _source, _user: None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._ids = ids
        self._audit = audit
        self._people = people
        self._attempts = attempts
        self._sealer = sealer
        self._refused = refused

    def open(self, work: Work, who: Person, user_id: str, reason: str) -> Half:
        """The first administrator; `NotFound`, `Forbidden`, `Conflict` (oneself, open already), `Invalid`."""
        user = self._managed(work.session, who, user_id)
        if not reason.strip():
            raise Invalid("reason_missing", "say why, for the audit trail")
        if self._open_row(work.session, user_id) is not None:
            raise Conflict("recovery_open", "a recovery is open already; another administrator confirms it")
        now, code = self._clock.now(), new_code(HALF_LETTERS)
        row = RecoveryRow(
            id=self._ids(),
            user_id=user_id,
            reason=reason.strip()[:LONGEST_REASON],
            opened_by=who.user_id,
            opened_at=now,
            first_hash=self._mark(user_id, code),
            until=now + LASTING,
        )
        work.session.add(row)
        work.session.flush()
        self._note(work, who.user_id, "recovery.opened", user, reason=row.reason)
        return Half(code=spaced(code), recovery=store.as_recovery(row))

    def confirm(self, work: Work, who: Person, user_id: str) -> Half:
        """The second administrator; `Conflict` for the first one, and for one that was confirmed already."""
        user = self._managed(work.session, who, user_id)
        row = self._open_row(work.session, user_id)
        if row is None:
            raise Conflict("no_recovery", "no recovery is open; open one")
        if row.opened_by == who.user_id:
            raise Conflict("own_recovery", "another administrator must confirm it")
        if row.confirmed_by is not None:
            raise Conflict("recovery_confirmed", "it was confirmed already; cancel it to begin anew")
        code = new_code(HALF_LETTERS)
        row.confirmed_by, row.confirmed_at = who.user_id, self._clock.now()
        row.second_hash = self._mark(user_id, code)
        self._note(work, who.user_id, "recovery.confirmed", user, opened_by=row.opened_by)
        return Half(code=spaced(code), recovery=store.as_recovery(row))

    def cancel(self, work: Work, who: Person, user_id: str) -> None:
        """By the person or by who manages the person; does nothing if none is open."""
        own = user_id == who.user_id
        user = (
            self._people.get(work.session, who, user_id) if own else self._managed(work.session, who, user_id)
        )
        row = self._open_row(work.session, user_id)
        if row is not None:
            self._end(row, RecoveryEnd.CANCELLED)
            self._note(work, who.user_id, "recovery.cancelled", user)

    def last(self, session: Session, who: Person, user_id: str) -> Recovery | None:
        """The last one of that person, or of oneself, whether it is open or not."""
        self._people.get(session, who, user_id)
        row = store.last_of(session, user_id)
        return None if row is None else store.as_recovery(row)

    def is_open(self, recovery: Recovery) -> bool:
        """Whether it can still be confirmed or used."""
        return recovery.ended_at is None and recovery.until > self._clock.now()

    def recover(self, user_id: str, halves: tuple[str, str], password: str, *, source: str) -> User:
        """The person has both halves: another password, no factor, no session, no known device any more.

        Raises `NotFound` alike for a wrong half, a name that is none, and a recovery that is over; `Invalid`
        (password), `TooMany`. Runs its own transactions, since hashing takes too long to keep others waiting.
        """
        subject = f"recovery@{place_of(source)}"
        self._attempts.check(subject)
        with self._db.look() as session:
            fits = self._fitting(session, user_id, halves) is not None
        if not fits:
            self._attempts.failed(subject)
            self._refused(Step.RECOVERY, source, None)
            raise _unknown()
        hashed = self._people.hashed(password, user_id)
        self._attempts.succeeded(subject)
        with self._db.work() as work:
            row = self._fitting(work.session, user_id, halves)
            if row is None:
                raise _unknown()
            return self._accept(work, row, hashed)

    def _accept(self, work: Work, row: RecoveryRow, password: Hashed) -> User:
        self._end(row, RecoveryEnd.USED)
        self._people.set_password(work, row.user_id, password, must_change=False)
        factors.forget_everything(work.session, row.user_id)
        user = people.as_user(
            people.row_of(work.session, row.user_id), people.grants_of(work.session, row.user_id)
        )
        by = {"opened_by": row.opened_by, "confirmed_by": row.confirmed_by}
        self._note(work, row.user_id, "recovery.used", user, **by)
        return user

    def _fitting(self, session: Session, user_id: str, halves: tuple[str, str]) -> RecoveryRow | None:
        row = self._open_row(session, user_id)
        given = {self._mark(user_id, normal(half)) for half in halves}
        return row if row is not None and given == {row.first_hash, row.second_hash} else None

    def _managed(self, session: Session, who: Person, user_id: str) -> User:
        user = self._people.managed(session, who, user_id)
        if user_id == who.user_id:
            raise Conflict("own_recovery", "two other administrators must do that")
        return user

    def _open_row(self, session: Session, user_id: str) -> RecoveryRow | None:
        row = store.last_of(session, user_id)
        return row if row is not None and self.is_open(store.as_recovery(row)) else None

    def _end(self, row: RecoveryRow, how: RecoveryEnd) -> None:
        row.ended_at, row.how = self._clock.now(), how

    def _mark(self, user_id: str, code: str) -> str:
        return self._sealer.mark(f"recovery:{user_id}:{code}")

    def _note(self, work: Work, by: str, act: str, user: User, **detail: object) -> None:
        areas: list[str | None] = [*{one.area_id for one in user.grants}]
        for area in areas or [None]:
            self._audit.note(work, by, act, area=area, subject=user.id, **detail)


def _unknown() -> NotFound:
    return NotFound("no_such_recovery", "name or codes are not right, or the day is over")
