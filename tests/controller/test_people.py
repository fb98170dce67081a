from datetime import timedelta

import pytest

from loa.controller.core.access import Grant, Person, Role
from loa.controller.errors import (
    Conflict,
    ControllerError,
    Forbidden,
    Invalid,
    NotFound,
    TooMany,
    Unauthenticated,
)
from loa.controller.services.people import NewUser, UserChange
from loa.controller.services.sessions import Browser, SignedIn
from loa.controller.store.database import Database
from loa.protocol.ids import AreaId
from tests.controller.factories import DISTRICT, PASSWORD, PROVINCE, Town

COMMUNE = AreaId("lang-cong")


@pytest.fixture
def town(db: Database) -> Town:
    return Town(db).build()


def grants(*given: tuple[str, Role]) -> frozenset[Grant]:
    return frozenset(Grant(AreaId(area), role) for area, role in given)


def add(town: Town, who: Person, user_id: str, *given: tuple[str, Role]) -> None:
    hashed = town.people.hashed(PASSWORD, user_id)
    with town.db.work() as work:
        new = NewUser(id=user_id, name=user_id, password=hashed, grants=grants(*given))
        town.people.add(work, who, new)


def change(town: Town, who: Person, user_id: str, wanted: UserChange) -> None:
    with town.db.work() as work:
        town.people.change(work, who, user_id, wanted)


def grant(town: Town, who: Person, user_id: str, *given: tuple[str, Role]) -> None:
    with town.db.work() as work:
        town.people.grant(work, who, user_id, grants(*given))


def whose(town: Town, signed: SignedIn) -> Person:
    with town.db.look() as session:
        return town.sessions.whose(session, signed.secret).person


def sign_in(town: Town, user_id: str, password: str = PASSWORD, source: str = "10.0.0.1") -> SignedIn:
    return town.sessions.sign_in(user_id, password, Browser(source=source))


def test_a_commune_s_administrator_adds_people_of_the_commune(town: Town) -> None:
    quan = town.user("quan", (COMMUNE, Role.ADMIN))
    add(town, quan, "lan", (COMMUNE, Role.OFFICIAL))
    assert sign_in(town, "lan").person.grants == grants((COMMUNE, Role.OFFICIAL))


@pytest.mark.parametrize("area", [PROVINCE, DISTRICT])
def test_nobody_gives_a_role_above_his_own_area(town: Town, area: AreaId) -> None:
    quan = town.user("quan", (COMMUNE, Role.ADMIN))
    with pytest.raises(Forbidden):
        add(town, quan, "lan", (area, Role.OFFICIAL))
    with pytest.raises(Forbidden):
        grant(town, quan, "quan", (COMMUNE, Role.ADMIN), (area, Role.APPROVER))


def test_who_manages_nobody_adds_nobody(town: Town) -> None:
    with pytest.raises(Forbidden):
        add(town, town.user("mai", (COMMUNE, Role.APPROVER)), "lan")


def test_a_name_is_given_once(town: Town) -> None:
    quan = town.user("quan", (COMMUNE, Role.ADMIN))
    add(town, quan, "lan")
    with pytest.raises(Conflict):
        add(town, quan, "lan")


@pytest.mark.parametrize("password", ["ngắn", "lanlanlanlan", "aaaaaaaaaaaaaa", "x" * 201])
def test_a_weak_password_is_refused(town: Town, password: str) -> None:
    with pytest.raises(Invalid) as refused:
        town.people.hashed(password, "lan")
    assert refused.value.code == "weak_password"


@pytest.mark.parametrize("name", ["", "Lan", "nguyễn", "a b", "x" * 65])
def test_a_user_name_is_a_slug(town: Town, name: str) -> None:
    with town.db.work() as work, pytest.raises(Invalid):
        town.people.insert(work, "test", NewUser(id=name, name="Lan"))


def test_roles_hold_at_once_in_open_sessions(town: Town) -> None:
    quan = town.user("quan", (PROVINCE, Role.ADMIN))
    town.user("lan", (COMMUNE, Role.OFFICIAL))
    signed = sign_in(town, "lan")
    grant(town, quan, "lan", (COMMUNE, Role.SUPERVISOR))
    assert whose(town, signed).grants == grants((COMMUNE, Role.SUPERVISOR))


def test_nobody_takes_over_an_account_with_roles_above_him(town: Town) -> None:
    quan = town.user("quan", (COMMUNE, Role.ADMIN))
    town.user("hoa", (COMMUNE, Role.OFFICIAL), (PROVINCE, Role.APPROVER))
    with pytest.raises(Forbidden):
        change(town, quan, "hoa", UserChange(name="Quân"))
    assert sign_in(town, "hoa")


def test_people_of_other_places_do_not_exist(town: Town) -> None:
    quan = town.user("quan", (COMMUNE, Role.ADMIN))
    town.user("hoa", (DISTRICT, Role.APPROVER))
    with town.db.look() as session:
        with pytest.raises(NotFound):
            town.people.get(session, quan, "hoa")
        assert [user.id for user in town.people.find(session, quan, after="", limit=9)] == ["quan"]


def test_users_come_in_pages(town: Town) -> None:
    quan = town.user("quan", (PROVINCE, Role.ADMIN))
    for name in ("lan", "mai", "hoa"):
        town.user(name, (COMMUNE, Role.OFFICIAL))
    with town.db.look() as session:
        first = town.people.find(session, quan, after="", limit=2)
        rest = town.people.find(session, quan, after=first[-1].id, limit=9)
    assert [user.id for user in (*first, *rest)] == ["hoa", "lan", "mai", "quan"]


def test_an_administrator_locks_nobody_out_of_himself(town: Town) -> None:
    quan = town.user("quan", (PROVINCE, Role.ADMIN))
    with pytest.raises(Conflict):
        change(town, quan, "quan", UserChange(active=False))
    with pytest.raises(Conflict):
        grant(town, quan, "quan", (PROVINCE, Role.SUPERVISOR))


def test_a_closed_account_ends_all_sessions(town: Town) -> None:
    quan = town.user("quan", (PROVINCE, Role.ADMIN))
    town.user("lan", (COMMUNE, Role.OFFICIAL))
    signed = sign_in(town, "lan")
    change(town, quan, "lan", UserChange(active=False))
    with pytest.raises(Unauthenticated):
        whose(town, signed)
    with pytest.raises(Unauthenticated):
        sign_in(town, "lan")


def test_one_s_own_new_password_ends_the_other_sessions(town: Town) -> None:
    lan = town.user("lan", (COMMUNE, Role.OFFICIAL))
    other, own = sign_in(town, "lan"), sign_in(town, "lan")
    town.sessions.change_password(town.people, own, PASSWORD, "mot-mat-khau-khac")
    assert whose(town, own) == lan
    with pytest.raises(Unauthenticated):
        whose(town, other)
    assert sign_in(town, "lan", "mot-mat-khau-khac")


def test_the_present_password_must_be_right(town: Town) -> None:
    town.user("lan")
    own = sign_in(town, "lan")
    with pytest.raises(Forbidden):
        town.sessions.change_password(town.people, own, "khong-phai-no", "mot-mat-khau-khac")


def test_a_session_ends_by_time(town: Town) -> None:
    town.user("lan")
    signed = sign_in(town, "lan")
    for _ in range(29):
        town.clock.forward(days=1)
        assert whose(town, signed).user_id == "lan"
    town.clock.forward(days=1)
    with pytest.raises(Unauthenticated):
        whose(town, signed)


def test_signing_out_ends_this_session_alone(town: Town) -> None:
    town.user("lan")
    kept, ended = sign_in(town, "lan"), sign_in(town, "lan")
    with town.db.work() as work:
        town.sessions.end(work, ended)
        town.sessions.end(work, ended)
    assert whose(town, kept).user_id == "lan"
    with pytest.raises(Unauthenticated):
        whose(town, ended)


def test_guessing_is_slowed_down_for_the_guesser_alone(town: Town) -> None:
    town.user("lan")
    waits = []
    for _ in range(12):
        with pytest.raises(ControllerError) as refused:
            sign_in(town, "lan", "doan-mo", source="6.6.6.6")
        if isinstance(refused.value, TooMany):
            waits.append(refused.value.retry_after_s)
            town.clock.forward(seconds=refused.value.retry_after_s)
    assert waits == sorted(waits)
    assert waits[-1] > waits[0]
    assert sign_in(town, "lan", source="10.0.0.1").person.user_id == "lan"
    assert sign_in(town, "lan", source="6.6.6.6").person.user_id == "lan"


def test_a_right_password_does_not_pass_while_the_guesser_waits(town: Town) -> None:
    town.user("lan")
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            sign_in(town, "lan", "doan-mo")
    with pytest.raises(TooMany):
        sign_in(town, "lan")


def test_an_unknown_name_is_refused_like_a_wrong_password(town: Town) -> None:
    town.user("lan")
    codes = set()
    for user_id, password in (("lan", "doan-mo"), ("khong-co", PASSWORD)):
        with pytest.raises(Unauthenticated) as refused:
            sign_in(town, user_id, password)
        codes.add((refused.value.code, refused.value.detail))
    assert len(codes) == 1


def test_a_token_acts_as_its_maker_until_it_is_revoked(town: Town) -> None:
    lan = town.user("lan", (COMMUNE, Role.SUPERVISOR))
    with town.db.work() as work:
        made = town.sessions.make_token(work, lan, "thong-ke", timedelta(days=30))
    assert (whose(town, made), made.csrf) == (lan, None)
    with town.db.work() as work:
        [token] = town.sessions.tokens(work.session, lan)
        town.sessions.revoke_token(work, lan, token.id)
    with pytest.raises(Unauthenticated):
        whose(town, made)


def test_nobody_revokes_another_s_token(town: Town) -> None:
    lan, mai = town.user("lan"), town.user("mai")
    with town.db.work() as work:
        town.sessions.make_token(work, lan, "thong-ke", timedelta(days=30))
        [token] = town.sessions.tokens(work.session, lan)
    for guess in (token.id, "", "%"):
        with town.db.work() as work, pytest.raises(NotFound):
            town.sessions.revoke_token(work, mai, guess)


def test_who_did_what_is_noted_for_those_who_may_read_it(town: Town) -> None:
    quan = town.user("quan", (PROVINCE, Role.ADMIN))
    add(town, quan, "lan", (COMMUNE, Role.OFFICIAL))
    mai = town.user("mai", (COMMUNE, Role.OFFICIAL))
    with town.db.look() as session:
        [last, *_] = [
            one for one in town.audit.find(session, quan, before=None, limit=9) if one.subject == "lan"
        ]
        assert (last.user_id, last.act, last.area) == ("quan", "role.given", COMMUNE)
        assert town.audit.find(session, mai, before=None, limit=9) == []
