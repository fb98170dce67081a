"""A first password: by a link that serves once, or one that must be changed."""

from dataclasses import replace

import pytest

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.people import Address
from loa.controller.core.sample import COMMUNE
from loa.controller.errors import Forbidden, Invalid, NotFound, Unauthenticated
from loa.controller.services.invitations import Invitations
from loa.controller.services.people import NewUser, UserChange
from loa.controller.services.profiles import Profile, Profiles, is_email
from loa.controller.services.sessions import Browser
from loa.controller.store.database import Database
from loa.controller.store.tables import UserRow
from tests.controller.factories import DISTRICT, PASSWORD, Town

CHOSEN = "hoa sen trang 1986"


@pytest.fixture
def town(db: Database) -> Town:
    return Town(db).build()


@pytest.fixture
def admin(town: Town) -> Person:
    return town.user("quan", (COMMUNE, Role.ADMIN))


def invitations(town: Town) -> Invitations:
    return Invitations(clock=town.clock, audit=town.audit, people=town.people)


def invite(town: Town, admin: Person) -> str:
    grants = frozenset({Grant(COMMUNE, Role.OFFICIAL)})
    with town.db.work() as work:
        town.people.add(work, admin, NewUser(id="lan", name="Lan", grants=grants))
        return invitations(town).open(work, admin, "lan").secret


def accept(town: Town, secret: str, password: str = CHOSEN) -> None:
    hashed = town.people.hashed(password, "lan")
    with town.db.work() as work:
        invitations(town).accept(work, secret, hashed)


def test_who_is_invited_cannot_sign_in_before_choosing_a_password(town: Town, admin: Person) -> None:
    secret = invite(town, admin)
    with pytest.raises(Unauthenticated):
        town.sessions.sign_in("lan", "", Browser(source="test"))
    accept(town, secret)
    assert not town.sessions.sign_in("lan", CHOSEN, Browser(source="test")).must_change


def test_a_link_serves_once(town: Town, admin: Person) -> None:
    secret = invite(town, admin)
    accept(town, secret)
    with pytest.raises(NotFound):
        accept(town, secret, "mat khau khac")
    assert town.sessions.sign_in("lan", CHOSEN, Browser(source="test"))


def test_a_weak_password_leaves_the_link_open(town: Town, admin: Person) -> None:
    secret = invite(town, admin)
    with pytest.raises(Invalid):
        accept(town, secret, "ngan")
    accept(town, secret)


def test_a_link_is_over_after_a_week(town: Town, admin: Person) -> None:
    secret = invite(town, admin)
    town.clock.forward(days=7)
    with pytest.raises(NotFound):
        accept(town, secret)


def test_another_link_takes_the_place_of_the_one_before(town: Town, admin: Person) -> None:
    first = invite(town, admin)
    with town.db.work() as work:
        second = invitations(town).open(work, admin, "lan").secret
    with pytest.raises(NotFound):
        accept(town, first)
    accept(town, second)


def test_a_closed_account_has_no_link(town: Town, admin: Person) -> None:
    secret = invite(town, admin)
    with town.db.work() as work:
        town.people.change(work, admin, "lan", UserChange(active=False))
    with pytest.raises(NotFound):
        accept(town, secret)


def test_only_who_manages_all_areas_of_a_person_may_open_a_link(town: Town, admin: Person) -> None:
    town.user("huyen", (COMMUNE, Role.OFFICIAL), (DISTRICT, Role.SUPERVISOR))
    with pytest.raises(Forbidden), town.db.work() as work:
        invitations(town).open(work, admin, "huyen")


def test_a_password_given_by_another_must_be_changed_and_a_chosen_one_not(town: Town, admin: Person) -> None:
    hashed = town.people.hashed("cho tam dung 1", "lan")
    grants = frozenset({Grant(COMMUNE, Role.OFFICIAL)})
    with town.db.work() as work:
        town.people.add(work, admin, NewUser(id="lan", name="Lan", grants=grants))
        town.people.change(work, admin, "lan", UserChange(password=hashed))
    signed = town.sessions.sign_in("lan", "cho tam dung 1", Browser(source="test"))
    with town.db.look() as session:
        assert town.sessions.whose(session, signed.secret).must_change
    town.sessions.change_password(town.people, signed, "cho tam dung 1", CHOSEN)
    with town.db.look() as session:
        assert not town.sessions.whose(session, signed.secret).must_change


def test_an_administrator_signs_a_person_out_everywhere(town: Town, admin: Person) -> None:
    town.user("lan", (COMMUNE, Role.OFFICIAL))
    signed = town.sessions.sign_in("lan", PASSWORD, Browser(source="test"))
    with town.db.work() as work:
        town.people.end_sessions(work, admin, "lan")
    with pytest.raises(Unauthenticated), town.db.look() as session:
        town.sessions.whose(session, signed.secret)


def test_one_signs_ones_own_browsers_out_and_no_other(town: Town, admin: Person) -> None:
    here, there = (
        town.sessions.sign_in("quan", PASSWORD, Browser(source="test", agent=name)) for name in "ab"
    )
    town.user("lan", (COMMUNE, Role.OFFICIAL))
    strange = town.sessions.sign_in("lan", PASSWORD, Browser(source="test"))
    with pytest.raises(NotFound), town.db.work() as work:
        town.sessions.end_one(work, admin, "quan", strange.hash[:16])
    with town.db.work() as work:
        town.sessions.end_one(work, admin, "quan", there.hash[:16])
    with town.db.look() as session:
        assert [one.name for one in town.sessions.of(session, "quan")] == ["a"]
    again = town.sessions.sign_in("quan", PASSWORD, Browser(source="test", agent="c"))
    with town.db.work() as work:
        town.sessions.end_others(work, again)
    with town.db.look() as session:
        assert [one.name for one in town.sessions.of(session, "quan")] == ["c"]
        assert town.sessions.whose(session, strange.secret)
    assert here


def test_a_profile_is_kept_and_notices_need_an_address(town: Town, admin: Person) -> None:
    profile = Profile(name="Quân", address=Address.ONG, phone="0912", email="", mail_notices=True)
    profiles = Profiles(audit=town.audit)
    with pytest.raises(Invalid), town.db.work() as work:
        profiles.save(work, admin, profile)
    with town.db.work() as work:
        given = replace(profile, email="quan@xa.vn")
        assert profiles.save(work, admin, given).address is Address.ONG
    with town.db.look() as session:
        assert session.get_one(UserRow, "quan").email == "quan@xa.vn"


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("hoa@xa.vn", True),
        ("hoa+loa@thu.lang-cong.gov.vn", True),
        ("hoa", False),
        ("hoa@xa", False),
        ("hoa@xa.vn\nBcc: la@xa.vn", False),
        ("hoa@xa.vn, la@xa.vn", False),
        ("hòa@xa.vn", False),
        ("a" * 250 + "@xa.vn", False),
    ],
)
def test_only_one_plain_address_is_an_address(text: str, fits: bool) -> None:  # noqa: FBT001 -- of the table
    assert is_email(text) is fits
