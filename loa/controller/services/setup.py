"""The first run: who reads the code at the controller's terminal becomes the first administrator."""

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from loa.controller.core.access import Grant, Role
from loa.controller.core.passwords import SHORTEST, is_acceptable
from loa.controller.core.tree import AreaKind
from loa.controller.errors import Conflict, Invalid, NotFound, Unavailable
from loa.controller.ports import Clock
from loa.controller.services.areas import Areas, NewArea
from loa.controller.services.attempts import Attempts
from loa.controller.services.people import NewUser, People
from loa.controller.services.sessions import Browser, Sessions, SignedIn
from loa.controller.store.database import Database, Work
from loa.controller.store.people import any_user
from loa.protocol.codes import LETTERS, normal, spaced
from loa.protocol.ids import AreaId, is_slug

CODE_LENGTH = 8
"""40 bits; whoever guesses waits longer after each wrong one, and a new start makes a new code."""
WAITS_FOR = timedelta(hours=2)
"""How long the first step may wait for the second."""
SETUP = "setup"
"""Who acts in the audit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """Who is to be the first administrator."""

    user: str
    name: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The first areas, from the widest to the narrowest; an empty name leaves a level out."""

    province: str = ""
    district: str = ""
    commune: str = ""
    villages: tuple[str, ...] = ()
    writes: bool = False
    """Whether the administrator writes bulletins, too."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    first: First
    token: str
    at: datetime


class Setup:
    """Open as long as there is no person; every act raises `NotFound` afterwards. Thread-safe."""

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        people: People,
        areas: Areas,
        sessions: Sessions,
        attempts: Attempts,
        tell: Callable[[str], None],
    ) -> None:
        self._db = db
        self._clock = clock
        self._people = people
        self._areas = areas
        self._sessions = sessions
        self._attempts = attempts
        self._tell = tell
        self._lock = threading.Lock()
        self._code = "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))
        self._waiting: _Waiting | None = None
        self._over = False

    def start(self) -> None:
        """Tell the code at the terminal, if there is nobody yet; without its database nobody can tell."""
        with suppress(Unavailable):
            if self.is_open():
                self._tell(spaced(self._code))

    def is_open(self) -> bool:
        """Whether there is no person yet; once there is one, never again."""
        if not self._over:
            with self._db.look() as session:
                self._over = any_user(session)
        return not self._over

    def begin(self, code: str, first: First, *, source: str) -> str:
        """The first step; returns the token of the second. Raises `Invalid`, `TooMany`, `NotFound`."""
        self._check_open()
        subject = f"{SETUP}@{source}"
        self._attempts.check(subject)
        if not secrets.compare_digest(normal(code).encode(), self._code.encode()):
            self._attempts.failed(subject)
            raise Invalid("wrong_setup_code", "take the code from the controller's terminal or log")
        _check(first)
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._waiting = _Waiting(first, token, self._clock.now())
        return token

    def waits(self, token: str) -> bool:
        """Whether the second step may follow with this token."""
        return self.is_open() and self._first(token) is not None

    def finish(self, token: str, ground: Ground) -> SignedIn:
        """The second step makes areas and administrator, and signs in; raises `Invalid`, `Conflict`."""
        self._check_open()
        first = self._first(token)
        if first is None:
            raise Conflict("setup_stale", "begin the setup again with the code")
        hashed = self._people.hashed(first.password, first.user)
        with self._db.work() as work:
            if any_user(work.session):
                raise _over()
            made = self._settle(work, ground)
            grants = {Grant(made[0], Role.ADMIN)} | (
                {Grant(made[-1], Role.OFFICIAL)} if ground.writes else set()
            )
            new = NewUser(id=first.user, name=first.name, password=hashed, grants=frozenset(grants))
            self._people.insert(work, SETUP, new)
        with self._lock:
            self._waiting = None
        return self._sessions.sign_in(first.user, first.password, Browser(source=SETUP))

    def _settle(self, work: Work, ground: Ground) -> list[AreaId]:
        levels = (
            (AreaKind.PROVINCE, ground.province),
            (AreaKind.DISTRICT, ground.district),
            (AreaKind.COMMUNE, ground.commune),
        )
        made: list[AreaId] = []
        for kind, name in levels:
            if name:
                parent = made[-1] if made else None
                made.append(
                    self._areas.insert(work, SETUP, NewArea(name=name, kind=kind, parent_id=parent)).id
                )
        if not made:
            raise Invalid("no_area", "name at least one area")
        for name in ground.villages:
            new = NewArea(name=name, kind=AreaKind.VILLAGE, parent_id=made[-1])
            self._areas.insert(work, SETUP, new)
        return made

    def _first(self, token: str) -> First | None:
        with self._lock:
            waiting = self._waiting
        if waiting is None or self._clock.now() - waiting.at > WAITS_FOR:
            return None
        return waiting.first if secrets.compare_digest(waiting.token.encode(), token.encode()) else None

    def _check_open(self) -> None:
        if not self.is_open():
            raise _over()


def _over() -> NotFound:
    return NotFound("set_up", "this controller is set up already")


def _check(first: First) -> None:
    if not is_slug(first.user):
        raise Invalid("bad_user_id", "a user name has 1 to 64 of a-z, 0-9, _ and -", user=first.user)
    if not is_acceptable(first.password, first.user):
        raise Invalid("weak_password", f"take at least {SHORTEST} characters", shortest=SHORTEST)
