"""Signing in: sessions of browsers, tokens of programs."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.access import Person
from loa.controller.core.people import Token
from loa.controller.errors import Invalid, NotFound, Unauthenticated
from loa.controller.ports import Clock
from loa.controller.services.attempts import Attempts
from loa.controller.services.audit import Audit
from loa.controller.services.hashing import PasswordHasher
from loa.controller.store import people
from loa.controller.store.database import Database, Session, Work
from loa.controller.store.tables import SessionRow

TOKEN_PREFIX = "loa_"  # noqa: S105 -- marks our tokens for those who search for leaked ones
LONGEST_AGENT = 200
LONGEST_TOKEN = timedelta(days=730)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A person by a session of a browser, or by a program's token."""

    person: Person
    secret: str
    """What the cookie or the Authorization header carries; only its hash is kept."""
    csrf: str | None
    """None for a token, which no browser sends by itself."""
    expires_at: datetime
    must_change: bool = False
    """The password is known to another person: nothing is open but the choice of another one."""

    def csrf_fits(self, given: str | None) -> bool:
        """Whether a browser's write is the person's own; always so for a token."""
        return self.csrf is None or secrets.compare_digest(self.csrf.encode(), (given or "").encode())

    @property
    def hash(self) -> str:
        """Names the session in the database."""
        return secret_hash(self.secret)


class Sessions:
    """Who is signed in. Wrong passwords slow down the guesser, by name and address, never the person."""

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        audit: Audit,
        hasher: PasswordHasher,
        attempts: Attempts,
        lasting: timedelta,
    ) -> None:
        self._db = db
        self._clock = clock
        self._audit = audit
        self._hasher = hasher
        self._attempts = attempts
        self._lasting = lasting

    def sign_in(self, user_id: str, password: str, *, source: str, agent: str = "") -> SignedIn:
        """Open a session; `source` is the address of the client, `agent` what it calls itself.

        Raises `Unauthenticated`, `TooMany`. Runs its own transactions, since checking a password takes
        too long to keep others waiting.
        """
        subject = f"{user_id[:64]}@{source}"
        self._attempts.check(subject)
        with self._db.look() as session:
            row = people.user_row(session, user_id)
        known = row.password_hash if row is not None and row.active else None
        if not self._hasher.fits(known, password):
            self._attempts.failed(subject)
            raise Unauthenticated("wrong_name_or_password", "name or password is not right")
        self._attempts.succeeded(subject)
        with self._db.work() as work:
            self._renew_hash(work, user_id, password)
            self._audit.note(work, user_id, "session.opened", subject=user_id, source=source)
            return self._open(work, user_id, people.SESSION, agent[:LONGEST_AGENT], self._lasting)

    def whose(self, session: Session, secret: str) -> SignedIn:
        """Who a session or token belongs to, with the roles of now; raises `Unauthenticated`."""
        found = people.known_by(session, secret_hash(secret))
        if found is None or found.expires_at <= self._clock.now():
            raise Unauthenticated("session_over", "the session or token is over; sign in again")
        if not found.active:
            raise Unauthenticated("session_over", "the account is closed; ask an administrator")
        return SignedIn(
            person=Person(found.user_id, found.name, found.grants),
            secret=secret,
            csrf=found.csrf if found.kind == people.SESSION else None,
            expires_at=found.expires_at,
            must_change=found.must_change and found.kind == people.SESSION,
        )

    def open_for(self, work: Work, user_id: str, *, source: str, agent: str = "") -> SignedIn:
        """A session of somebody who has shown by other means who they are."""
        self._audit.note(work, user_id, "session.opened", subject=user_id, source=source)
        return self._open(work, user_id, people.SESSION, agent[:LONGEST_AGENT], self._lasting)

    def of(self, session: Session, who: Person) -> list[Token]:
        """Where the person is signed in, the last first; `name` is what the browser calls itself."""
        return [_token(row) for row in people.sessions_of(session, who.user_id, people.SESSION)]

    def end_one(self, work: Work, who: Person, session_id: str) -> None:
        """Sign one's own browser out; raises `NotFound`."""
        row = _row(work.session, who, session_id, people.SESSION)
        if row is None:
            raise NotFound("no_such_session", "you have no such session")
        self._audit.note(work, who.user_id, "session.ended", subject=who.user_id)
        work.session.delete(row)

    def end_others(self, work: Work, signed_in: SignedIn) -> None:
        """Sign out everywhere but here; tokens of programs stay."""
        who = signed_in.person
        people.end_sessions(work.session, who.user_id, but=signed_in.hash, kind=people.SESSION)
        self._audit.note(work, who.user_id, "session.others_ended", subject=who.user_id)

    def end(self, work: Work, signed_in: SignedIn) -> None:
        """Sign out; does nothing the second time."""
        row = people.session_row(work.session, signed_in.hash)
        if row is not None:
            work.session.delete(row)

    def make_token(self, work: Work, who: Person, name: str, lasting: timedelta) -> SignedIn:
        """A token for a program that acts as this person; its secret is shown this once."""
        if not timedelta() < lasting <= LONGEST_TOKEN:
            raise Invalid("bad_token_life", f"a token lasts 1 to {LONGEST_TOKEN.days} days")
        self._audit.note(work, who.user_id, "token.made", subject=who.user_id, name=name)
        return self._open(work, who.user_id, people.TOKEN, name, lasting)

    def tokens(self, session: Session, who: Person) -> list[Token]:
        """The person's own tokens, the last made first."""
        return [_token(row) for row in people.sessions_of(session, who.user_id, people.TOKEN)]

    def revoke_token(self, work: Work, who: Person, token_id: str) -> None:
        """End a token of one's own at once; raises `NotFound`."""
        row = _row(work.session, who, token_id, people.TOKEN)
        if row is None:
            raise NotFound("no_such_token", "you have no such token")
        self._audit.note(work, who.user_id, "token.revoked", subject=who.user_id, name=row.name)
        work.session.delete(row)

    def _renew_hash(self, work: Work, user_id: str, password: str) -> None:
        row = people.user_row(work.session, user_id)
        if row is not None and row.password_hash and self._hasher.is_outdated(row.password_hash):
            row.password_hash = self._hasher.hash(password)

    def _open(self, work: Work, user_id: str, kind: str, name: str, lasting: timedelta) -> SignedIn:
        user = people.user_of(work.session, user_id)
        if user is None or not user.active:
            raise Unauthenticated("wrong_name_or_password", "name or password is not right")
        now = self._clock.now()
        prefix = TOKEN_PREFIX if kind == people.TOKEN else ""
        secret = prefix + secrets.token_urlsafe(32)
        csrf = secrets.token_urlsafe(24) if kind == people.SESSION else ""
        people.add_session(
            work.session,
            token_hash=secret_hash(secret),
            user_id=user_id,
            kind=kind,
            name=name,
            csrf=csrf,
            at=now,
            until=now + lasting,
        )
        return SignedIn(
            person=Person(user.id, user.name, user.grants),
            secret=secret,
            csrf=csrf or None,
            expires_at=now + lasting,
        )


def _row(session: Session, who: Person, id_: str, kind: str) -> SessionRow | None:
    if len(id_) != people.TOKEN_ID_CHARACTERS:
        return None
    return people.session_row_of(session, who.user_id, id_, kind)


def _token(row: SessionRow) -> Token:
    return Token(
        id=row.token_hash[: people.TOKEN_ID_CHARACTERS],
        name=row.name,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def secret_hash(secret: str) -> str:
    """SHA-256 in hex; enough, since the secret is 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()
