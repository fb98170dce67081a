"""People: who they are and what they may do in which areas."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from loa.controller.core.access import Act, Grant, Person, granted, may
from loa.controller.core.passwords import LONGEST, SHORTEST, is_acceptable
from loa.controller.core.people import Address, User
from loa.controller.errors import Conflict, Forbidden, Invalid, NotFound
from loa.controller.ports import Clock
from loa.controller.services.audit import Audit
from loa.controller.services.hashing import Hashed, PasswordHasher
from loa.controller.store import people
from loa.controller.store.areas import path_of
from loa.controller.store.database import Session, Work
from loa.controller.store.tables import UserRow
from loa.protocol.ids import AreaId, is_slug


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A person who is to be able to sign in."""

    id: str
    name: str
    password: Hashed | None = None
    """As `People.hashed` made it; None: nobody can sign in until an invitation is accepted."""
    phone: str | None = None
    address: Address | None = None
    must_change: bool = False
    """Whether the person has to choose another password first."""
    grants: frozenset[Grant] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChange:
    """What an administrator changes; None stays as it is."""

    name: str | None = None
    phone: str | None = None
    password: Hashed | None = None
    active: bool | None = None


class People:
    """Users and their roles. Who manages people in an area manages those whose roles lie there."""

    def __init__(
        self,
        *,
        clock: Clock,
        audit: Audit,
        hasher: PasswordHasher,
        look_again: Callable[[str], None] = lambda _user: None,
    ) -> None:
        """`look_again` makes open pages of a user look whether their session is still one."""
        self._clock = clock
        self._audit = audit
        self._hasher = hasher
        self._look_again = look_again

    def hashed(self, password: str, user_id: str) -> Hashed:
        """For `NewUser` and the like, before the transaction begins; raises `Invalid`."""
        if not is_acceptable(password, user_id):
            raise Invalid(
                "weak_password",
                f"take {SHORTEST} to {LONGEST} characters that are not the user's name",
                shortest=SHORTEST,
            )
        return self._hasher.hash(password)

    def add(self, work: Work, who: Person, new: NewUser) -> User:
        """Raises `Forbidden`, `Conflict` (name taken), `Invalid` (name, password)."""
        if not granted(who, Act.MANAGE_PEOPLE):
            raise _forbidden()
        self._check_grants(work.session, who, new.grants)
        return self.insert(work, who.user_id, new)

    def insert(self, work: Work, by: str, new: NewUser) -> User:
        """As `add` without asking for rights."""
        if not is_slug(new.id):
            raise Invalid("bad_user_id", "a user name has 1 to 64 of a-z, 0-9, _ and -", user=new.id)
        if people.user_row(work.session, new.id) is not None:
            raise Conflict("user_exists", f"there is a user {new.id!r} already; choose another name")
        people.add_user(
            work.session,
            user_id=new.id,
            name=new.name,
            phone=new.phone,
            password_hash=None if new.password is None else new.password.text,
            at=self._clock.now(),
        )
        row = people.user_row(work.session, new.id)
        if row is not None:
            row.address, row.must_change = new.address, new.must_change
        people.replace_grants(work.session, new.id, new.grants)
        self._audit.note(work, by, "user.added", subject=new.id)
        for one in new.grants:
            self._audit.note(work, by, "role.given", area=one.area_id, subject=new.id, role=one.role)
        made = people.user_of(work.session, new.id)
        if made is None:
            raise _unknown(new.id)
        return made

    def change(self, work: Work, who: Person, user_id: str, change: UserChange) -> User:
        """Needs the right over every area in which the user has a role. A new password ends all sessions."""
        user = self.managed(work.session, who, user_id)
        row = people.user_row(work.session, user_id)
        if row is None:
            raise _unknown(user_id)
        if change.active is False and user_id == who.user_id:
            raise Conflict("own_account", "another administrator must close your account")
        row.name = row.name if change.name is None else change.name
        row.phone = row.phone if change.phone is None else change.phone
        row.active = row.active if change.active is None else change.active
        if change.password is not None:
            check_alone(row)
            self.set_password(work, user_id, change.password, must_change=user_id != who.user_id)
        if change.active is False:
            self._end(work, user_id)
        self._audit_change(work, who, user, change)
        return people.as_user(row, user.grants)

    def grant(self, work: Work, who: Person, user_id: str, grants: frozenset[Grant]) -> User:
        """Give the user these roles and no others; needs the right in every area that gains or loses one."""
        user = self.get(work.session, who, user_id)
        self._check_grants(work.session, who, user.grants ^ grants)
        as_wanted = Person(user_id, user.name, grants)
        if user_id == who.user_id and granted(who, Act.MANAGE_PEOPLE) - granted(as_wanted, Act.MANAGE_PEOPLE):
            raise Conflict("own_role", "another administrator must take your own role from you")
        people.replace_grants(work.session, user_id, grants)
        for one in user.grants ^ grants:
            act = "role.given" if one in grants else "role.taken"
            self._audit.note(work, who.user_id, act, area=one.area_id, subject=user_id, role=one.role)
        self._tell(work, user_id)
        found = people.user_of(work.session, user_id)
        return found if found is not None else user

    def set_own_password(self, work: Work, who: Person, old_hash: str, new: Hashed, *, but: str) -> None:
        """Ends all other sessions and tokens, not the one with hash `but`.

        Raises `Conflict` if the hash of the present password is not `old_hash` any more.
        """
        row = people.user_row(work.session, who.user_id)
        if row is None or row.password_hash != old_hash:
            raise Conflict("password_changed", "the password was changed meanwhile; sign in again")
        row.password_hash, row.must_change = new.text, False
        self._end(work, who.user_id, but=but)
        self._audit.note(work, who.user_id, "user.own_password", subject=who.user_id)

    def get(self, session: Session, who: Person, user_id: str) -> User:
        """Oneself, or a user whom one manages; raises `NotFound`."""
        user = people.user_of(session, user_id)
        if user is None or not (user_id == who.user_id or self._sees(session, who, user)):
            raise _unknown(user_id)
        return user

    def find(self, session: Session, who: Person, *, after: str, limit: int) -> list[User]:
        """The users whom the person manages, by id, after that one."""
        areas = granted(who, Act.MANAGE_PEOPLE)
        return people.users_within(session, areas, after=after, limit=limit) if areas else []

    def end_sessions(self, work: Work, who: Person, user_id: str) -> None:
        """Sign the user out everywhere, programs included; needs the right as `change` does."""
        user = self.managed(work.session, who, user_id)
        self._end(work, user_id)
        areas: list[AreaId | None] = [*{one.area_id for one in user.grants}]
        for area in areas or [None]:
            self._audit.note(work, who.user_id, "user.sessions_ended", area=area, subject=user_id)

    def all(self, session: Session, who: Person) -> list[User]:
        """All users whom the person manages, by id."""
        areas = granted(who, Act.MANAGE_PEOPLE)
        return people.all_within(session, areas) if areas else []

    def set_password(self, work: Work, user_id: str, password: Hashed, *, must_change: bool) -> None:
        """Without asking for rights; all sessions end. `must_change`: somebody else knows it, too."""
        row = people.user_row(work.session, user_id)
        if row is None:
            raise _unknown(user_id)
        row.password_hash, row.must_change = password.text, must_change
        self._end(work, user_id)

    def _end(self, work: Work, user_id: str, *, but: str | None = None) -> None:
        people.end_sessions(work.session, user_id, but=but)
        self._tell(work, user_id)

    def _tell(self, work: Work, user_id: str) -> None:
        work.after_commit(lambda: self._look_again(user_id))

    def _check_grants(self, session: Session, who: Person, grants: Iterable[Grant]) -> None:
        for one in grants:
            if not may(who, Act.MANAGE_PEOPLE, path_of(session, one.area_id)):
                raise _forbidden()

    def managed(self, session: Session, who: Person, user_id: str) -> User:
        """The user, if the person manages all areas where the user has a role; `NotFound`, `Forbidden`."""
        user = self.get(session, who, user_id)
        if not granted(who, Act.MANAGE_PEOPLE):
            raise _forbidden()
        self._check_grants(session, who, user.grants)
        return user

    def _sees(self, session: Session, who: Person, user: User) -> bool:
        if not user.grants:
            return bool(granted(who, Act.MANAGE_PEOPLE))
        return any(may(who, Act.MANAGE_PEOPLE, path_of(session, one.area_id)) for one in user.grants)

    def _audit_change(self, work: Work, who: Person, user: User, change: UserChange) -> None:
        changed = {
            "name": change.name,
            "phone": change.phone,
            "active": change.active,
            "password": None if change.password is None else "changed",
        }
        areas: list[AreaId | None] = [*{one.area_id for one in user.grants}]
        for area in areas or [None]:
            self._audit.note(work, who.user_id, "user.changed", area=area, subject=user.id, **changed)


def check_alone(row: UserRow) -> None:
    """Return if one administrator may give this user another password; raises `Forbidden`.

    Nobody alone takes over the account of somebody who has a password that others do not know.
    """
    if people.has_own_password(row):
        raise Forbidden(
            "needs_two", "the user has a password already: two administrators recover the account together"
        )


def _forbidden() -> Forbidden:
    return Forbidden("not_permitted", "you do not manage people there; ask an administrator of that area")


def _unknown(user_id: str) -> NotFound:
    return NotFound("no_such_user", f"there is no user {user_id!r}", user=user_id)
