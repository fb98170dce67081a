"""Second factors: set up, asked for, taken once, and replaced by codes on paper when the phone is lost."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.access import Person, Role
from loa.controller.core.factors import (
    RECOVERY_CODES,
    RECOVERY_LETTERS,
    FactorKind,
    address_of,
    asking,
    new_code,
    new_secret,
    spelt,
    step_of,
)
from loa.controller.errors import Conflict, Invalid, NotFound
from loa.controller.ports import Clock
from loa.controller.services.audit import Audit
from loa.controller.store import factors as store
from loa.controller.store import people
from loa.controller.store.database import Session, Work
from loa.controller.store.people_tables import FactorRow
from loa.controller.store.sealing import Sealer
from loa.protocol.codes import normal, spaced

PLACE = "Loa"
"""What apps write beside the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands with a person's second factor."""

    confirmed_at: datetime | None
    """Since when there is one; None: there is none."""
    codes_left: int
    is_asked: bool
    """Whether a role of the person asks for one."""
    due_at: datetime | None
    """From when on those roles give nothing more without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A factor that the person has yet to show; its secret is shown until then."""

    spelt: str
    address: str


class SecondFactors:
    """One app a person for now; a factor of another kind is one more row, asked for in the same place."""

    def __init__(
        self, *, clock: Clock, audit: Audit, sealer: Sealer, roles: Collection[Role] = (), grace: timedelta
    ) -> None:
        self._clock = clock
        self._audit = audit
        self._sealer = sealer
        self._roles = frozenset(roles)
        self._grace = grace

    @property
    def roles(self) -> frozenset[Role]:
        """Those that ask for a second factor."""
        return self._roles

    def standing(self, session: Session, who: Person) -> Standing:
        """One's own."""
        confirmed = _confirmed(session, who.user_id)
        asked = bool(asking(who.grants, self._roles))
        row = people.row_of(session, who.user_id)
        return Standing(
            confirmed_at=None if confirmed is None else confirmed.confirmed_at,
            codes_left=store.codes_left(session, who.user_id),
            is_asked=asked,
            due_at=row.factor_due_at if asked and confirmed is None else None,
        )

    def begin(self, work: Work, who: Person) -> Fresh:
        """A new secret to scan, in place of one not confirmed; one that works goes on until then."""
        self._drop_fresh(work.session, who.user_id)
        secret = new_secret()
        id_ = new_code(32)
        row = FactorRow(
            id=id_,
            user_id=who.user_id,
            kind=FactorKind.TOTP,
            secret=self._sealer.seal(secret, id_),
            made_at=self._clock.now(),
        )
        work.session.add(row)
        work.session.flush()
        return _fresh(secret, who)

    def fresh(self, session: Session, who: Person) -> Fresh:
        """What `begin` made last; raises `Conflict` if nothing waits."""
        return _fresh(self._secret(self._waiting(session, who)), who)

    def confirm(self, work: Work, who: Person, code: str) -> list[str]:
        """The person has scanned it; returns new codes for paper, shown this once. `Invalid`, `Conflict`."""
        row = self._waiting(work.session, who)
        step = step_of(self._secret(row), code, self._clock.now(), None)
        if step is None:
            raise _wrong()
        for old in store.factors_of(work.session, who.user_id):
            if old.id != row.id:
                work.session.delete(old)
        row.confirmed_at, row.last_step = self._clock.now(), step
        people.row_of(work.session, who.user_id).factor_due_at = None
        self._audit.note(work, who.user_id, "factor.added", subject=who.user_id, kind=row.kind)
        return self._new_codes(work, who.user_id)

    def renew_codes(self, work: Work, who: Person, code: str) -> list[str]:
        """Other codes for paper; the old ones are void. Asks for a code of the app; raises `Invalid`."""
        self._prove(work, who, code)
        self._audit.note(work, who.user_id, "factor.codes_renewed", subject=who.user_id)
        return self._new_codes(work, who.user_id)

    def remove(self, work: Work, who: Person, code: str) -> None:
        """Sign in by password alone again; `Invalid`: a wrong code, `Conflict`: a role asks for it."""
        if asking(who.grants, self._roles):
            raise Conflict("factor_asked", "your role asks for a second factor; set up another one instead")
        self._prove(work, who, code)
        store.forget_factors(work.session, who.user_id)
        self._audit.note(work, who.user_id, "factor.removed", subject=who.user_id)

    def is_set(self, session: Session, user_id: str) -> bool:
        """Whether to ask for it when the person signs in."""
        return _confirmed(session, user_id) is not None

    def take(self, work: Work, user_id: str, code: str) -> bool:
        """Whether the code is right now and was not used before; from now on it is used."""
        row = _confirmed(work.session, user_id)
        if row is None:
            return False
        step = step_of(self._secret(row), code, self._clock.now(), row.last_step)
        if step is not None:
            row.last_step = step
            return True
        paper = store.unused_code(work.session, user_id, self._sealer.mark(normal(code)))
        if paper is None:
            return False
        paper.used_at = self._clock.now()
        self._audit.note(work, user_id, "factor.code_used", subject=user_id)
        return True

    def ask(self, work: Work, user_id: str) -> None:
        """The person signs in: from the first time on that a role asks for a factor, the grace runs."""
        row = people.row_of(work.session, user_id)
        asked = asking(people.grants_of(work.session, user_id), self._roles)
        if asked and row.factor_due_at is None and not self.is_set(work.session, user_id):
            row.factor_due_at = self._clock.now() + self._grace

    def due_at(self, known: people.Known) -> datetime | None:
        """From when on the roles of the person that ask for a factor are curbed; None: they are not."""
        asked = asking(known.grants, self._roles) and not known.has_factor
        return known.factor_due_at if asked else None

    def curbed(self, known: people.Known) -> Person:
        """The person, whose roles that ask for a factor are curbed once the grace is over."""
        due_at = self.due_at(known)
        is_over = due_at is not None and due_at <= self._clock.now()
        curbed = asking(known.grants, self._roles) if is_over else frozenset()
        return Person(known.user_id, known.name, known.grants, curbed)

    def _prove(self, work: Work, who: Person, code: str) -> None:
        if not self.is_set(work.session, who.user_id):
            raise NotFound("no_factor", "you have no second factor")
        if not self.take(work, who.user_id, code):
            raise _wrong()

    def _new_codes(self, work: Work, user_id: str) -> list[str]:
        codes = [new_code(RECOVERY_LETTERS) for _ in range(RECOVERY_CODES)]
        hashes = [self._sealer.mark(code) for code in codes]
        store.replace_codes(work.session, user_id, hashes, self._clock.now())
        return [spaced(code) for code in codes]

    def _waiting(self, session: Session, who: Person) -> FactorRow:
        for row in store.factors_of(session, who.user_id):
            if row.confirmed_at is None:
                return row
        raise Conflict("no_fresh_factor", "begin to set it up first")

    def _drop_fresh(self, session: Session, user_id: str) -> None:
        for row in store.factors_of(session, user_id):
            if row.confirmed_at is None:
                session.delete(row)
        session.flush()

    def _secret(self, row: FactorRow) -> bytes:
        return self._sealer.unseal(row.secret, row.id)


def _confirmed(session: Session, user_id: str) -> FactorRow | None:
    found: Sequence[FactorRow] = store.factors_of(session, user_id)
    return next((row for row in found if row.confirmed_at is not None), None)


def _fresh(secret: bytes, who: Person) -> Fresh:
    return Fresh(spelt=spelt(secret), address=address_of(secret, who.user_id, PLACE))


def _wrong() -> Invalid:
    return Invalid("wrong_code", "the code is wrong or was used; take the next one that the app shows")
