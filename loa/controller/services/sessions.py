"""Signing in: sessions of browsers, tokens of programs."""

import hashlib
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from loa.controller.core.access import Person
from loa.controller.core.guessing import ANYBODY_FREE, place_of
from loa.controller.core.people import Token
from loa.controller.errors import Forbidden, Invalid, NotFound, TooMany, Unauthenticated
from loa.controller.ports import Clock
from loa.controller.services.attempts import Attempts
from loa.controller.services.audit import Audit
from loa.controller.services.failed_sign_ins import Step
from loa.controller.services.hashing import Hashed, PasswordHasher
from loa.controller.services.people import People
from loa.controller.services.second_factors import SecondFactors
from loa.controller.store import factors, people
from loa.controller.store.database import Database, Session, Work
from loa.controller.store.tables import SessionRow

TOKEN_PREFIX = "loa_"  # noqa: S105 -- marks our tokens for those who search for leaked ones
LONGEST_AGENT = 200
LONGEST_TOKEN = timedelta(days=730)
Refused = Callable[[Step, str, str | None], None]
HALF_LASTS = timedelta(minutes=10)
"""How long the second factor may follow the password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """Where somebody signs in."""

    source: str
    """The address of the client."""
    agent: str = ""
    """What it calls itself."""
    device: str = ""
    """The secret of a browser in which somebody has signed in before; empty: none was sent."""


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
    device: str = ""
    """The secret by which the browser is known from now on; empty where nobody signed in just now."""
    factor_due_at: datetime | None = None
    """From when on some roles of the person give nothing more without a second factor."""
    is_half: bool = False
    """The password was right, and a second factor is due: nothing is open but showing it."""

    def csrf_fits(self, given: str | None) -> bool:
        """Whether a browser's write is the person's own; always so for a token."""
        return self.csrf is None or secrets.compare_digest(self.csrf.encode(), (given or "").encode())

    @property
    def hash(self) -> str:
        """Names the session in the database."""
        return secret_hash(self.secret)


class Sessions:
    """Who is signed in. Wrong passwords slow down the guesser, by name and place, never the person."""

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        audit: Audit,
        hasher: PasswordHasher,
        attempts: Attempts,
        second: SecondFactors,
        lasting: timedelta,
        idle: timedelta,
        look_again: Callable[[str], None] = lambda _user: None,
        refused: Refused = lambda _step, _source, _user: None,
    ) -> None:
        """`look_again` makes open pages of a user look whether their session is still one.

        `refused` is told what failed, from where, and of whom if the name is one of ours.
        """
        self._db = db
        self._clock = clock
        self._audit = audit
        self._hasher = hasher
        self._attempts = attempts
        self._second = second
        self._lasting = lasting
        self._idle = idle
        self._look_again = look_again
        self._refused = refused
        self._lock = threading.Lock()
        self._seen: dict[str, datetime] = {}

    def sign_in(self, user_id: str, password: str, browser: Browser) -> SignedIn:
        """Open a session, or a half one where a second factor is due; see `complete`.

        Raises `Unauthenticated`, `TooMany`. Runs its own transactions, since checking a password takes
        too long to keep others waiting.
        """
        with self._db.look() as session:
            row = people.user_row(session, user_id)
            is_known = factors.knows_device(session, user_id, secret_hash(browser.device))
        known = row.password_hash if row is not None and row.active else None
        ours = None if row is None else user_id
        with self._noting_slowed(browser, ours):
            subjects = self._welcome(user_id, browser, is_known=is_known)
        if not self._hasher.fits(known, password, is_known=is_known):
            for subject in subjects:
                self._attempts.failed(subject)
            self._refused(Step.PASSWORD, browser.source, ours)
            raise Unauthenticated("wrong_name_or_password", "name or password is not right")
        self._attempts.succeeded(subjects[0])
        renewed = self._renewed(known, password)
        with self._db.work() as work:
            row = people.row_of(work.session, user_id)
            if row.password_hash != known:
                raise Unauthenticated("wrong_name_or_password", "name or password is not right")
            if renewed is not None:
                row.password_hash = renewed.text
            if self._second.is_set(work.session, user_id):
                half = self._open(work, user_id, people.HALF, browser.agent, HALF_LASTS)
                return replace(half, is_half=True)
            return self.open_for(work, user_id, browser)

    def complete(self, secret: str, code: str, browser: Browser) -> SignedIn:
        """Make a half session a whole one by a code of the app or from paper.

        Raises `Unauthenticated` (no half session, wrong or used code) and `TooMany`.
        """
        user_id = self.half_of(secret)
        with self._db.look() as session:
            is_known = factors.knows_device(session, user_id, secret_hash(browser.device))
        # Whoever gets here knows the password: counting by name alone lets no stranger slow the person down.
        subject = f"code:{user_id}#{secret_hash(browser.device)}" if is_known else f"code:{user_id}"
        with self._noting_slowed(browser, user_id):
            self._attempts.check(subject)
        with self._db.work() as work:
            if self._second.take(work, user_id, code):
                people.end_sessions(work.session, user_id, only=secret_hash(secret))
                self._attempts.succeeded(subject)
                return self.open_for(work, user_id, browser)
            self._attempts.failed(subject)
            self._audit.note(work, user_id, "session.code_refused", subject=user_id, source=browser.source)
        self._refused(Step.CODE, browser.source, user_id)
        raise Unauthenticated("wrong_code", "the code is wrong or was used; take the next one")

    def half_of(self, secret: str) -> str:
        """Whose second factor is due in that half session; raises `Unauthenticated`."""
        with self._db.look() as session:
            found = people.known_by(session, secret_hash(secret))
        if (
            found is None
            or found.kind != people.HALF
            or found.expires_at <= self._clock.now()
            or not found.active
        ):
            raise Unauthenticated("session_over", "give the password again")
        return found.user_id

    def whose(self, session: Session, secret: str, *, passive: bool = False) -> SignedIn:
        """Who a session or token belongs to, with the roles of now; raises `Unauthenticated`.

        `passive` questions, which nobody asked by hand, do not keep a session from being idle.
        """
        hash_ = secret_hash(secret)
        found = people.known_by(session, hash_)
        if found is None or found.kind == people.HALF or self._is_over(hash_, found):
            raise Unauthenticated("session_over", "the session or token is over; sign in again")
        if not found.active:
            raise Unauthenticated("session_over", "the account is closed; ask an administrator")
        if found.kind == people.SESSION and not passive:
            with self._lock:
                self._seen[hash_] = self._clock.now()
        return SignedIn(
            person=self._second.curbed(found),
            secret=secret,
            csrf=found.csrf if found.kind == people.SESSION else None,
            expires_at=found.expires_at,
            must_change=found.must_change and found.kind == people.SESSION,
            factor_due_at=self._second.due_at(found),
        )

    def keep_seen(self) -> None:
        """Write down when sessions were last used; often enough, so that a restart forgets little."""
        with self._lock:
            seen, self._seen = self._seen, {}
        if seen:
            with self._db.work() as work:
                people.keep_seen(work.session, seen)

    def open_for(self, work: Work, user_id: str, browser: Browser) -> SignedIn:
        """A session of somebody who has shown who they are."""
        source, agent = browser.source, browser.agent[:LONGEST_AGENT]
        self._audit.note(work, user_id, "session.opened", subject=user_id, source=source)
        self._second.ask(work, user_id)
        opened = self._open(work, user_id, people.SESSION, agent, self._lasting)
        known = factors.knows_device(work.session, user_id, secret_hash(browser.device))
        device = browser.device if known else secrets.token_urlsafe(32)
        factors.keep_device(work.session, user_id, secret_hash(device), self._clock.now())
        return replace(opened, device=device)

    def change_password(self, people_: People, signed_in: SignedIn, old: str, new: str) -> None:
        """Change one's own password; raises `Forbidden`, `Invalid`, `TooMany`. Runs its own transactions."""
        who, subject = signed_in.person, f"password:{signed_in.hash}"
        self._attempts.check(subject)
        with self._db.look() as session:
            row = people.user_row(session, who.user_id)
        known = None if row is None else row.password_hash
        if known is None or not self._hasher.fits(known, old):
            self._attempts.failed(subject)
            raise Forbidden("wrong_password", "the present password is not right")
        hashed = people_.hashed(new, who.user_id)
        self._attempts.succeeded(subject)
        with self._db.work() as work:
            people_.set_own_password(work, who, known, hashed, but=signed_in.hash)

    def of(self, session: Session, user_id: str) -> list[Token]:
        """Where the person is signed in, the last first; `name` is what the browser calls itself."""
        rows = people.sessions_of(session, user_id, people.SESSION)
        now = self._clock.now()
        return [
            _token(row)
            for row in rows
            if not self._is_idle(row.token_hash, row.seen_at or row.created_at, now)
        ]

    def end_one(self, work: Work, who: Person, user_id: str, session_id: str) -> None:
        """Sign a browser out, one's own or of somebody whom one manages; raises `NotFound`."""
        row = _row(work.session, user_id, session_id, people.SESSION)
        if row is None:
            raise NotFound("no_such_session", "there is no such session")
        self._audit.note(work, who.user_id, "session.ended", subject=user_id)
        work.session.delete(row)
        self._tell(work, user_id)

    def end_others(self, work: Work, signed_in: SignedIn) -> None:
        """Sign out everywhere but here; tokens of programs stay."""
        who = signed_in.person
        people.end_sessions(work.session, who.user_id, but=signed_in.hash, kind=people.SESSION)
        self._audit.note(work, who.user_id, "session.others_ended", subject=who.user_id)
        self._tell(work, who.user_id)

    def end(self, work: Work, signed_in: SignedIn) -> None:
        """Sign out; does nothing the second time."""
        row = people.session_row(work.session, signed_in.hash)
        if row is not None:
            work.session.delete(row)
            self._audit.note(work, row.user_id, "session.closed", subject=row.user_id)
            self._tell(work, row.user_id)

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
        row = _row(work.session, who.user_id, token_id, people.TOKEN)
        if row is None:
            raise NotFound("no_such_token", "you have no such token")
        self._audit.note(work, who.user_id, "token.revoked", subject=who.user_id, name=row.name)
        work.session.delete(row)
        self._tell(work, who.user_id)

    @contextmanager
    def _noting_slowed(self, browser: Browser, user: str | None) -> Iterator[None]:
        try:
            yield
        except TooMany:
            self._refused(Step.SLOWED, browser.source, user)
            raise

    def _welcome(self, user_id: str, browser: Browser, *, is_known: bool) -> tuple[str, ...]:
        """What a failure counts for; raises `TooMany`. Known browsers are counted by themselves alone."""
        name, place = user_id[:64], place_of(browser.source)
        if is_known:
            subject = f"{name}#{secret_hash(browser.device)}"
            self._attempts.check(subject)
            return (subject,)
        subject, everybody = f"{name}@{place}", f"@{place}"
        self._attempts.check(everybody, free=ANYBODY_FREE)
        self._attempts.check(subject)
        return subject, everybody

    def _renewed(self, password_hash: str | None, password: str) -> Hashed | None:
        is_outdated = password_hash is not None and self._hasher.is_outdated(password_hash)
        return self._hasher.hash(password) if is_outdated else None

    def _is_over(self, hash_: str, found: people.Known) -> bool:
        now = self._clock.now()
        if found.expires_at <= now:
            return True
        return found.kind == people.SESSION and self._is_idle(hash_, found.seen_at or found.created_at, now)

    def _is_idle(self, hash_: str, kept: datetime, now: datetime) -> bool:
        with self._lock:
            seen = self._seen.get(hash_, kept)
        return now - max(seen, kept) >= self._idle

    def _tell(self, work: Work, user_id: str) -> None:
        work.after_commit(lambda: self._look_again(user_id))

    def _open(self, work: Work, user_id: str, kind: str, name: str, lasting: timedelta) -> SignedIn:
        user = people.user_of(work.session, user_id)
        if user is None or not user.active:
            raise Unauthenticated("wrong_name_or_password", "name or password is not right")
        now = self._clock.now()
        prefix = TOKEN_PREFIX if kind == people.TOKEN else ""
        secret = prefix + secrets.token_urlsafe(32)
        csrf = "" if kind == people.TOKEN else secrets.token_urlsafe(24)
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


def _row(session: Session, user_id: str, id_: str, kind: str) -> SessionRow | None:
    if len(id_) != people.TOKEN_ID_CHARACTERS:
        return None
    return people.session_row_of(session, user_id, id_, kind)


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
