"""How people show who they are: second factors, known devices, idle sessions, recoveries by two."""

from collections.abc import Callable
from datetime import timedelta

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loa.controller.core.access import PERMITTED, Act, Grant, Person, Role, granted, may
from loa.controller.core.factors import (
    RECOVERY_CODES,
    STEP_S,
    address_of,
    code_at,
    new_secret,
    spelt,
    step_of,
)
from loa.controller.core.guessing import place_of
from loa.controller.core.passwords import LONGEST_WAIT_S, wait_s
from loa.controller.errors import (
    Conflict,
    Forbidden,
    Invalid,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from loa.controller.ports import EventKind
from loa.controller.services.hashing import Hashed, PasswordHasher
from loa.controller.services.people import UserChange
from loa.controller.services.sessions import Browser, SignedIn
from loa.controller.store.database import Database, Work
from loa.controller.store.factors import factors_of
from loa.controller.store.people import row_of
from loa.controller.store.people_tables import RecoveryCodeRow
from loa.controller.store.sealing import KEY_BYTES, Sealer
from tests.controller.doors import (
    AWAY,
    COMMUNE,
    HOME,
    NEW,
    RFC_SECRET,
    Phone,
    acts,
    both,
    making,
    refused,
    whose,
)
from tests.controller.factories import PASSWORD, SEALER, Town
from tests.fakes.controller import START

# the code of the app


@pytest.mark.parametrize(
    ("at_s", "code"),
    [(59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924")],
)
def test_codes_are_those_of_rfc_6238(at_s: int, code: str) -> None:
    """Appendix B, the last six of its eight digits."""
    assert code_at(RFC_SECRET, at_s // STEP_S) == code


@given(st.integers(-4, 4), st.integers(0, 29))
def test_a_phone_s_clock_may_be_wrong_by_a_step(steps: int, second: int) -> None:
    present = int(START.timestamp()) // STEP_S
    now = START + timedelta(seconds=second)
    taken = step_of(RFC_SECRET, code_at(RFC_SECRET, present + steps), now, None)
    assert taken == (present + steps if abs(steps) <= 1 else None)


@pytest.mark.parametrize("code", ["", "28708", "2870822", "abcdef", "２８７０８２", "287 08", "-87082"])
def test_what_is_no_code_is_none(code: str) -> None:
    assert step_of(RFC_SECRET, code, START, None) is None


def test_a_code_is_taken_with_spaces_as_apps_show_it() -> None:
    present = int(START.timestamp()) // STEP_S
    code = code_at(RFC_SECRET, present)
    assert step_of(RFC_SECRET, f" {code[:3]} {code[3:]} ", START, None) == present


def test_apps_get_an_address_that_they_know() -> None:
    assert address_of(RFC_SECRET, "hoa", "Loa") == (
        "otpauth://totp/Loa%3Ahoa?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Loa"
        "&algorithm=SHA1&digits=6&period=30"
    )
    assert spelt(RFC_SECRET).startswith("GEZD GNBV ")
    assert len(new_secret()) == 20


# signing in with it


def test_a_password_alone_opens_nothing_where_a_factor_is_set_up(town: Town, hoa: Person) -> None:
    phone = Phone(town, hoa)
    half = town.sessions.sign_in("hoa", PASSWORD, HOME)
    assert half.is_half
    with refused(Unauthenticated, "session_over"):
        whose(town, half)
    signed = town.sessions.complete(half.secret, phone.code(), HOME)
    assert whose(town, signed).person.user_id == "hoa"
    with refused(Unauthenticated, "session_over"):
        town.sessions.complete(half.secret, phone.code(), HOME)


def test_a_code_is_taken_once(town: Town, hoa: Person) -> None:
    phone = Phone(town, hoa)
    code = phone.code()
    first, second = (town.sessions.sign_in("hoa", PASSWORD, HOME) for _ in range(2))
    assert town.sessions.complete(first.secret, code, HOME)
    with refused(Unauthenticated, "wrong_code"):
        town.sessions.complete(second.secret, code, HOME)
    assert "session.code_refused" in acts(town)
    phone.wait()
    assert town.sessions.complete(second.secret, phone.code(), HOME)


def test_a_code_on_paper_serves_once_however_it_is_typed(town: Town, hoa: Person) -> None:
    phone = Phone(town, hoa)
    assert len(set(phone.paper)) == RECOVERY_CODES
    typed = phone.paper[3].lower().replace("-", " ")
    half = town.sessions.sign_in("hoa", PASSWORD, HOME)
    assert town.sessions.complete(half.secret, typed, HOME)
    half = town.sessions.sign_in("hoa", PASSWORD, HOME)
    with refused(Unauthenticated, "wrong_code"):
        town.sessions.complete(half.secret, typed, HOME)
    with town.db.look() as session:
        assert town.second.standing(session, hoa).codes_left == RECOVERY_CODES - 1


def test_codes_on_paper_are_one_person_s_own(town: Town, hoa: Person) -> None:
    paper = Phone(town, hoa).paper
    mai = town.user("mai", (COMMUNE, Role.OFFICIAL))
    Phone(town, mai)
    half = town.sessions.sign_in("mai", PASSWORD, HOME)
    with refused(Unauthenticated, "wrong_code"):
        town.sessions.complete(half.secret, paper[0], HOME)


def test_who_guesses_codes_waits_longer_each_time(town: Town, hoa: Person) -> None:
    Phone(town, hoa)
    half = town.sessions.sign_in("hoa", PASSWORD, AWAY)
    for _ in range(3):
        with refused(Unauthenticated, "wrong_code"):
            town.sessions.complete(half.secret, "000000", AWAY)
    with refused(TooMany, "too_many_attempts"):
        elsewhere = Browser(source="203.0.113.9")
        town.sessions.complete(half.secret, "000000", elsewhere)


def test_a_half_session_is_over_after_ten_minutes(town: Town, hoa: Person) -> None:
    phone = Phone(town, hoa)
    half = town.sessions.sign_in("hoa", PASSWORD, HOME)
    town.clock.forward(minutes=10)
    with refused(Unauthenticated, "session_over"):
        town.sessions.complete(half.secret, phone.code(), HOME)


def test_another_phone_takes_over_once_it_was_confirmed(town: Town, hoa: Person) -> None:
    old = Phone(town, hoa)
    with town.db.work() as work:
        town.second.begin(work, hoa)
    half = town.sessions.sign_in("hoa", PASSWORD, HOME)
    assert town.sessions.complete(half.secret, old.code(), HOME)
    new = Phone(town, hoa)
    half = town.sessions.sign_in("hoa", PASSWORD, HOME)
    with refused(Unauthenticated, "wrong_code"):
        town.sessions.complete(half.secret, old.code(), HOME)
    assert town.sessions.complete(half.secret, new.code(), HOME)


def test_a_factor_is_not_confirmed_by_a_wrong_code(town: Town, hoa: Person) -> None:
    with town.db.work() as work, refused(Conflict, "no_fresh_factor"):
        town.second.confirm(work, hoa, "000000")
    with town.db.work() as work:
        town.second.begin(work, hoa)
    with refused(Invalid, "wrong_code"), town.db.work() as work:
        town.second.confirm(work, hoa, "000000")
    assert not town.sessions.sign_in("hoa", PASSWORD, HOME).is_half


def test_only_who_need_not_have_one_removes_it(town: Town, hoa: Person) -> None:
    phone = Phone(town, hoa)
    with refused(Conflict, "factor_asked"), town.db.work() as work:
        town.second.remove(work, hoa, phone.code())
    mai = town.user("mai", (COMMUNE, Role.OFFICIAL))
    phone = Phone(town, mai)
    with refused(Invalid, "wrong_code"), town.db.work() as work:
        town.second.remove(work, mai, "000000")
    with town.db.work() as work:
        town.second.remove(work, mai, phone.code())
    assert not town.sessions.sign_in("mai", PASSWORD, HOME).is_half


def test_a_stolen_database_gives_no_factor_away(town: Town, hoa: Person) -> None:
    phone = Phone(town, hoa)
    with town.db.look() as session:
        [row] = factors_of(session, "hoa")
        assert phone.secret.hex() not in row.secret
        with refused(Unavailable, "factor_unreadable"):
            Sealer(b"x" * KEY_BYTES).unseal(row.secret, row.id)
        with refused(Unavailable, "factor_unreadable"):
            SEALER.unseal(row.secret, "another row")
        assert session.get(RecoveryCodeRow, SEALER.mark(phone.paper[0].replace("-", "")))


# who must have one


def test_roles_that_ask_for_a_factor_are_curbed_after_the_grace(town: Town, hoa: Person) -> None:
    signed = town.sessions.sign_in("hoa", PASSWORD, HOME)
    assert whose(town, signed).person.curbed == frozenset()
    assert whose(town, signed).factor_due_at == START + timedelta(days=14)
    town.clock.forward(days=13)
    assert granted(whose(town, signed).person, Act.APPROVE)
    town.clock.forward(days=1)
    curbed = whose(town, signed).person
    assert not may(curbed, Act.APPROVE, [COMMUNE])
    assert not granted(curbed, Act.WRITE_BULLETIN)
    assert may(curbed, Act.STOP, [COMMUNE]), "STOP never waits for a factor"
    Phone(town, hoa)
    assert granted(whose(town, signed).person, Act.APPROVE)


def test_a_role_that_does_not_ask_works_on(town: Town) -> None:
    town.user("mai", (COMMUNE, Role.OFFICIAL))
    signed = town.sessions.sign_in("mai", PASSWORD, HOME)
    town.clock.forward(days=10)
    assert whose(town, signed)
    town.clock.forward(days=10)
    assert granted(whose(town, signed).person, Act.WRITE_BULLETIN)


@given(st.sampled_from(Role), st.sampled_from(Act))
def test_a_curbed_role_gives_what_every_role_gives(role: Role, act: Act) -> None:
    grant = Grant(COMMUNE, role)
    curbed = Person("x", "X", frozenset({grant}), frozenset({grant}))
    assert may(curbed, act, [COMMUNE]) == all(act in acts for acts in PERMITTED.values())


# guessing


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("setup", "setup"),
        ("", ""),
    ],
)
def test_addresses_of_one_subscriber_count_as_one(source: str, place: str) -> None:
    assert place_of(source) == place


@given(st.integers(0, 10_000))
def test_the_wait_has_an_end(failures: int) -> None:
    assert 0 <= wait_s(failures) <= LONGEST_WAIT_S


@pytest.mark.usefixtures("hoa")
def test_a_flood_under_another_s_name_delays_the_flooder_alone(town: Town) -> None:
    known = town.sessions.sign_in("hoa", PASSWORD, HOME)
    waits = 0
    for _ in range(30):
        try:
            town.sessions.sign_in("hoa", "doan mo mat khau", AWAY)
        except TooMany:
            waits += 1
        except Unauthenticated:
            pass
    assert waits == 27
    assert town.sessions.sign_in("hoa", PASSWORD, HOME), "from where nobody floods"
    same_place = Browser(source=AWAY.source, device=known.device)
    assert town.sessions.sign_in("hoa", PASSWORD, same_place), "even from the flooder's own network"
    with refused(TooMany, "too_many_attempts"):
        town.sessions.sign_in("hoa", PASSWORD, AWAY)


@pytest.mark.usefixtures("hoa")
def test_trying_many_names_from_one_place_is_slowed_down_too(town: Town) -> None:
    for number in range(20):
        with refused(Unauthenticated, "wrong_name_or_password"):
            town.sessions.sign_in(f"ten-{number}", "doan mo mat khau", AWAY)
    with refused(TooMany, "too_many_attempts"):
        town.sessions.sign_in("ten-moi", "doan mo mat khau", AWAY)
    assert town.sessions.sign_in("hoa", PASSWORD, HOME)


@pytest.mark.usefixtures("hoa")
def test_a_known_device_that_guesses_is_slowed_down(town: Town) -> None:
    device = town.sessions.sign_in("hoa", PASSWORD, HOME).device
    stolen = Browser(source=AWAY.source, device=device)
    for _ in range(3):
        with refused(Unauthenticated, "wrong_name_or_password"):
            town.sessions.sign_in("hoa", "doan mo mat khau", stolen)
    with refused(TooMany, "too_many_attempts"):
        town.sessions.sign_in("hoa", "doan mo mat khau", stolen)


@pytest.mark.usefixtures("hoa")
def test_a_device_is_known_for_the_person_who_signed_in_there(town: Town) -> None:
    town.user("mai", (COMMUNE, Role.OFFICIAL))
    device = town.sessions.sign_in("hoa", PASSWORD, HOME).device
    shared = Browser(source=HOME.source, device=device)
    assert town.sessions.sign_in("hoa", PASSWORD, shared).device == device
    assert town.sessions.sign_in("mai", PASSWORD, shared).device != device


def test_strangers_wait_for_each_other_and_known_devices_do_not() -> None:
    hasher = PasswordHasher(memory_kib=64, rounds=1, strangers=1)
    hashed = hasher.hash(PASSWORD).text
    with hasher._let_in(is_known=False):
        with refused(TooMany, "too_many_attempts"):
            hasher.fits(hashed, PASSWORD, is_known=False)
        assert hasher.fits(hashed, PASSWORD, is_known=True)
    assert hasher.fits(hashed, PASSWORD, is_known=False)


@pytest.mark.usefixtures("hoa")
def test_guesses_at_the_present_password_are_slowed_down(town: Town) -> None:
    own = town.sessions.sign_in("hoa", PASSWORD, HOME)
    for _ in range(3):
        with refused(Forbidden, "wrong_password"):
            town.sessions.change_password(town.people, own, "khong phai", NEW)
    with refused(TooMany, "too_many_attempts"):
        town.sessions.change_password(town.people, own, PASSWORD, NEW)


# hashing


class WatchingHasher(PasswordHasher):
    """Refuses to work while a write transaction keeps others waiting."""

    def __init__(self, db: Database, rounds: int = 1) -> None:
        super().__init__(memory_kib=64, rounds=rounds)
        self.calls = 0
        self._db = db

    def hash(self, password: str) -> Hashed:
        self._look()
        return super().hash(password)

    def fits(self, password_hash: str | None, password: str, *, is_known: bool = True) -> bool:
        self._look()
        return super().fits(password_hash, password, is_known=is_known)

    def _look(self) -> None:
        self.calls += 1
        # nobody else writes here: who gets the turn at once is outside of a transaction
        with self._db.work():
            pass


def test_passwords_are_hashed_outside_of_write_transactions(sqlite_db: Database) -> None:
    db = Database(str(sqlite_db.url), busy_timeout_s=0.1)
    hasher = WatchingHasher(db)
    town = Town(db, hasher=hasher).build()
    lan, quan = town.user("lan", (COMMUNE, Role.ADMIN)), town.user("quan", (COMMUNE, Role.ADMIN))
    town.user("hoa", (COMMUNE, Role.APPROVER))
    outdated = PasswordHasher(memory_kib=32, rounds=1).hash(PASSWORD)
    with db.work() as work:
        row_of(work.session, "hoa").password_hash = outdated.text
    signed = town.sessions.sign_in("hoa", PASSWORD, HOME)
    town.sessions.change_password(town.people, signed, PASSWORD, NEW)
    recoveries = making(town)
    recoveries.recover("hoa", both(recoveries, town, lan, quan), NEW, source="test")
    assert hasher.calls == 8
    db.close()


@pytest.mark.usefixtures("hoa")
def test_a_hash_of_weaker_parameters_is_renewed_at_the_sign_in(town: Town) -> None:
    outdated = PasswordHasher(memory_kib=32, rounds=1).hash(PASSWORD)
    with town.db.work() as work:
        row_of(work.session, "hoa").password_hash = outdated.text
    town.sessions.sign_in("hoa", PASSWORD, HOME)
    with town.db.look() as session:
        renewed = row_of(session, "hoa").password_hash or ""
    assert renewed.startswith("$argon2id$v=19$m=64,t=1")
    assert town.sessions.sign_in("hoa", PASSWORD, HOME)


def test_passwords_take_what_rfc_9106_recommends() -> None:
    parameters = argon2.extract_parameters(PasswordHasher().hash(PASSWORD).text)
    assert (parameters.type, parameters.memory_cost, parameters.time_cost) == (argon2.Type.ID, 65_536, 3)


# the life of sessions


@pytest.mark.usefixtures("hoa")
def test_a_session_that_nobody_uses_is_over(town: Town) -> None:
    signed = town.sessions.sign_in("hoa", PASSWORD, HOME)
    for _ in range(2):
        town.clock.forward(days=13)
        assert whose(town, signed)
    town.clock.forward(days=4)
    with refused(Unauthenticated, "session_over"):
        whose(town, signed)


@pytest.mark.usefixtures("hoa")
def test_an_idle_session_is_over_and_not_in_the_list(town: Town) -> None:
    signed = town.sessions.sign_in("hoa", PASSWORD, HOME)
    town.clock.forward(days=7)
    assert whose(town, signed, passive=True), "the page's own question is no use"
    town.clock.forward(days=7)
    with refused(Unauthenticated, "session_over"):
        whose(town, signed)
    with town.db.look() as session:
        assert town.sessions.of(session, "hoa") == []


@pytest.mark.usefixtures("hoa")
def test_what_was_used_survives_a_restart(town: Town) -> None:
    signed = town.sessions.sign_in("hoa", PASSWORD, HOME)
    town.clock.forward(days=13)
    whose(town, signed)
    town.sessions.keep_seen()
    town.sessions.keep_seen()
    again = Town(town.db, clock=town.clock)
    town.clock.forward(days=10)
    assert whose(again, signed)


ENDINGS: dict[str, Callable[[Town, Person, SignedIn], None]] = {
    "signed out": lambda town, _, signed: _work(town, lambda work: town.sessions.end(work, signed)),
    "by an administrator": lambda town, admin, _: _work(
        town, lambda work: town.people.end_sessions(work, admin, "hoa")
    ),
    "one of several": lambda town, admin, signed: _work(
        town, lambda work: town.sessions.end_one(work, admin, "hoa", signed.hash[:16])
    ),
    "account closed": lambda town, admin, _: _work(
        town, lambda work: town.people.change(work, admin, "hoa", UserChange(active=False))
    ),
    "role taken": lambda town, admin, _: _work(
        town, lambda work: town.people.grant(work, admin, "hoa", frozenset())
    ),
}


def _work(town: Town, act: Callable[[Work], object]) -> None:
    with town.db.work() as work:
        act(work)


@pytest.mark.usefixtures("hoa")
@pytest.mark.parametrize("how", ENDINGS)
def test_open_pages_look_again_whenever_a_session_or_role_ends(town: Town, how: str) -> None:
    admin = town.user("quan", (COMMUNE, Role.ADMIN))
    signed = town.sessions.sign_in("hoa", PASSWORD, HOME)
    town.events.told.clear()
    ENDINGS[how](town, admin, signed)
    assert [(event.kind, event.subject) for event in town.events.told] == [(EventKind.SESSION, "hoa")]


@pytest.mark.usefixtures("hoa")
def test_a_new_password_makes_the_other_pages_look_again(town: Town) -> None:
    signed = town.sessions.sign_in("hoa", PASSWORD, HOME)
    town.sessions.change_password(town.people, signed, PASSWORD, NEW)
    assert (EventKind.SESSION, "hoa") in [(event.kind, event.subject) for event in town.events.told]
