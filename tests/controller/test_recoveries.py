"""Two administrators bring a person back; neither can alone."""

import hashlib
from dataclasses import dataclass, field

import pytest

from loa.controller.core.access import Person, Role
from loa.controller.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from loa.controller.services.invitations import Invitations
from loa.controller.services.people import UserChange
from loa.controller.services.recovery_mails import RecoveryMails
from loa.controller.store.people_tables import RecoveryRow
from loa.controller.store.tables import UserRow
from loa.controller.web.alert_words import compose_recovery
from loa.protocol.ids import AreaId
from tests.controller.doors import (
    COMMUNE,
    HOME,
    NEW,
    Phone,
    acts,
    both,
    making,
    refused,
    whose,
)
from tests.controller.factories import DISTRICT, PASSWORD, Town

# recovery by two


@pytest.fixture
def keepers(town: Town) -> tuple[Person, Person]:
    return town.user("lan", (COMMUNE, Role.ADMIN)), town.user("quan", (DISTRICT, Role.ADMIN))


def test_two_administrators_bring_a_person_back(
    town: Town, hoa: Person, keepers: tuple[Person, Person]
) -> None:
    Phone(town, hoa)
    before = town.sessions.open_for
    with town.db.work() as work:
        signed = before(work, "hoa", HOME)
    recoveries = making(town)
    first, second = both(recoveries, town, *keepers)
    assert whose(town, signed), "nothing has changed for the person so far"
    recoveries.recover("hoa", (second.lower(), first), NEW, source="test")
    with refused(Unauthenticated, "session_over"):
        whose(town, signed)
    with refused(Unauthenticated, "wrong_name_or_password"):
        town.sessions.sign_in("hoa", PASSWORD, HOME)
    assert not town.sessions.sign_in("hoa", NEW, HOME).is_half
    found = [act for act in acts(town) if act.startswith("recovery.")]
    assert found == ["recovery.opened", "recovery.confirmed", "recovery.used"]
    with refused(NotFound, "no_such_recovery"):
        recoveries.recover("hoa", (first, second), NEW, source="test")


@pytest.mark.usefixtures("hoa")
def test_neither_of_the_two_can_alone(town: Town, keepers: tuple[Person, Person]) -> None:
    recoveries = making(town)
    with town.db.work() as work:
        half = recoveries.open(work, keepers[0], "hoa", "mất điện thoại").code
    for halves in ((half, half), (half, ""), ("", half), ("", "")):
        with refused(NotFound, "no_such_recovery"):
            recoveries.recover("hoa", halves, NEW, source=str(halves))
    with refused(Conflict, "own_recovery"), town.db.work() as work:
        recoveries.confirm(work, keepers[0], "hoa")
    with town.db.work() as work:
        other = recoveries.confirm(work, keepers[1], "hoa").code
    with refused(NotFound, "no_such_recovery"):
        recoveries.recover("hoa", (other, other), NEW, source="quan")
    assert town.sessions.sign_in("hoa", PASSWORD, HOME)


@pytest.mark.usefixtures("hoa")
def test_nobody_alone_gives_another_password_to_who_has_one(
    town: Town, keepers: tuple[Person, Person]
) -> None:
    hashed = town.people.hashed(NEW, "hoa")
    with refused(Forbidden, "needs_two"), town.db.work() as work:
        town.people.change(work, keepers[0], "hoa", UserChange(password=hashed))
    invitations = Invitations(clock=town.clock, audit=town.audit, people=town.people)
    with refused(Forbidden, "needs_two"), town.db.work() as work:
        invitations.open(work, keepers[0], "hoa")


@pytest.mark.usefixtures("hoa")
def test_who_does_not_manage_the_person_has_no_part_in_it(town: Town, keepers: tuple[Person, Person]) -> None:
    recoveries = making(town)
    mai = town.user("mai", (COMMUNE, Role.OFFICIAL))
    elsewhere = town.user("ngoai", (AreaId("thon-thong-nhat"), Role.ADMIN))
    for stranger in (mai, elsewhere):
        with pytest.raises((NotFound, Forbidden)), town.db.work() as work:
            recoveries.open(work, stranger, "hoa", "tò mò")
    with town.db.work() as work:
        recoveries.open(work, keepers[0], "hoa", "mất điện thoại")
    for stranger in (mai, elsewhere):
        with pytest.raises((NotFound, Forbidden)), town.db.work() as work:
            recoveries.confirm(work, stranger, "hoa")
        with pytest.raises((NotFound, Forbidden)), town.db.work() as work:
            recoveries.cancel(work, stranger, "hoa")


def test_nobody_has_a_part_in_the_own_recovery(town: Town, keepers: tuple[Person, Person]) -> None:
    recoveries = making(town)
    with refused(Conflict, "own_recovery"), town.db.work() as work:
        recoveries.open(work, keepers[0], "lan", "quên")


def test_the_person_sees_it_and_cancels_it(town: Town, hoa: Person, keepers: tuple[Person, Person]) -> None:
    recoveries = making(town)
    halves = both(recoveries, town, *keepers)
    with town.db.look() as session:
        seen = recoveries.last(session, hoa, "hoa")
    assert seen is not None
    assert (seen.opened_by, seen.confirmed_by, recoveries.is_open(seen)) == ("lan", "quan", True)
    with town.db.work() as work:
        recoveries.cancel(work, hoa, "hoa")
    with refused(NotFound, "no_such_recovery"):
        recoveries.recover("hoa", halves, NEW, source="test")
    assert acts(town)[-1] == "recovery.cancelled"


@pytest.mark.usefixtures("hoa")
def test_a_recovery_lasts_a_day_and_one_is_open_at_a_time(town: Town, keepers: tuple[Person, Person]) -> None:
    recoveries = making(town)
    halves = both(recoveries, town, *keepers)
    with refused(Conflict, "recovery_open"), town.db.work() as work:
        recoveries.open(work, keepers[1], "hoa", "lần nữa")
    town.clock.forward(days=1)
    with refused(NotFound, "no_such_recovery"):
        recoveries.recover("hoa", halves, NEW, source="test")
    with town.db.work() as work:
        recoveries.open(work, keepers[1], "hoa", "lần nữa")


@pytest.mark.usefixtures("hoa")
def test_guesses_at_the_halves_are_slowed_down_and_told_alike(
    town: Town, keepers: tuple[Person, Person]
) -> None:
    recoveries = making(town)
    halves = both(recoveries, town, *keepers)
    for name in ("hoa", "khong-co", "lan"):
        with refused(NotFound, "no_such_recovery"):
            recoveries.recover(name, ("A" * 10, "B" * 10), NEW, source="198.51.100.7")
    with refused(TooMany, "too_many_attempts"):
        recoveries.recover("hoa", halves, NEW, source="198.51.100.7")
    with refused(Invalid, "weak_password"):
        recoveries.recover("hoa", halves, "ngắn", source="10.0.0.1")
    assert recoveries.recover("hoa", halves, NEW, source="10.0.0.1")


@pytest.mark.usefixtures("hoa")
def test_a_stolen_database_gives_no_half_away(town: Town, keepers: tuple[Person, Person]) -> None:
    first, _ = both(making(town), town, *keepers)
    with town.db.look() as session:
        row = session.get_one(RecoveryRow, f"{0:032x}")
    plain = hashlib.sha256(f"recovery:hoa:{first.replace('-', '')}".encode()).hexdigest()
    assert plain not in (row.first_hash, row.second_hash)
    assert first not in str(row)


@dataclass
class Letters:
    """A server that takes mails, or does not."""

    took: list[tuple[str, str]] = field(default_factory=list)
    away: bool = False

    def send(self, to: str, subject: str, text: str) -> None:
        if self.away:
            raise Unavailable("mail", "no answer")
        self.took.append((to, f"{subject}\n{text}"))


@pytest.mark.usefixtures("hoa")
def test_others_are_told_by_mail_that_a_recovery_was_opened(
    town: Town, keepers: tuple[Person, Person]
) -> None:
    """The person and the other administrators, whether they asked for notices or not; nobody else."""
    for user, area in (("mai", COMMUNE), ("ngoai", AreaId("thon-thong-nhat"))):
        town.user(user, (area, Role.OFFICIAL if user == "mai" else Role.ADMIN))
    with town.db.work() as work:
        for user in ("hoa", "lan", "quan", "mai", "ngoai"):
            work.session.get_one(UserRow, user).email = f"{user}@xa.vn"
    letters = Letters(away=True)
    mails = RecoveryMails(
        db=town.db,
        clock=town.clock,
        people=town.people,
        post=letters,
        compose=compose_recovery("https://loa.xa.vn"),
    )
    assert mails.send_due() == 0
    recoveries = making(town)
    with town.db.work() as work:
        half = recoveries.open(work, keepers[0], "hoa", "mất điện thoại")
    assert mails.send_due() == 0
    letters.away = False
    assert mails.send_due() == 2
    assert mails.send_due() == 0
    assert sorted(to for to, _ in letters.took) == ["hoa@xa.vn", "quan@xa.vn"]
    told = dict(letters.took)
    assert "https://loa.xa.vn/me" in told["hoa@xa.vn"]
    assert "https://loa.xa.vn/admin/people/hoa" in told["quan@xa.vn"]
    assert all("mất điện thoại" in text and half.code not in text for text in told.values())
    with town.db.work() as work:
        recoveries.cancel(work, keepers[1], "hoa")
        recoveries.open(work, keepers[1], "hoa", "lần nữa")
    assert mails.send_due() == 2, "another one is told anew"
    assert "lan@xa.vn" in dict(letters.took)
