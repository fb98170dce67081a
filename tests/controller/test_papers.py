"""Papers: composed from the database, signed by two keepers, and what a node makes of them."""

import pytest

from loa.controller.core.access import Grant, Role
from loa.controller.core.papers import Change, Difference, PaperKind
from loa.controller.core.sample import COMMUNE, VILLAGES
from loa.controller.errors import Conflict, Forbidden, Invalid, NotFound
from loa.controller.store.database import Database
from loa.controller.store.passkeys import passkey_row, passkeys_of
from loa.controller.store.people import replace_grants
from loa.protocol.charter import appoint
from loa.protocol.errors import ProtocolError
from loa.protocol.ids import AreaId, NodeId
from loa.protocol.keys import SigningKey
from loa.protocol.kinds import BroadcastClass
from loa.protocol.trust import Trust, trust_in
from tests.controller.factories import Town
from tests.controller.keepers import NODE, Keepers
from tests.passkeys import SoftPasskey


@pytest.fixture
def office(db: Database) -> Keepers:
    return Keepers(Town(db).build())


def approvers(trust: Trust) -> set[str]:
    return {grant.approver.user for grants in trust.grants.values() for grant in grants}


def test_two_keepers_bring_the_papers_into_force_and_a_node_believes_them(office: Keepers) -> None:
    office.appoint()
    office.compose()
    office.town.publisher.configs.clear()
    assert {one.kind for one in office.trust().drafts} == set(PaperKind)
    assert office.sign("kim", office.draft(PaperKind.ROSTER)) is False
    assert office.sign("lam", office.draft(PaperKind.ROSTER)) is True
    assert office.bound() is None  # a roster alone is not enough
    assert office.town.publisher.configs == []
    office.sign("kim", office.draft(PaperKind.CHARTER))
    office.sign("lam", office.draft(PaperKind.CHARTER))
    assert AreaId(NODE) in office.town.publisher.configs[-1]
    believed = office.believed()
    assert approvers(believed) == {"hoa"}
    assert believed.areas[-1] == AreaId(NODE)
    assert {one: need.people for one, need in believed.charter.admissions.items()} == {
        BroadcastClass.NORMAL: 1,
        BroadcastClass.PRIORITY: 1,
        BroadcastClass.EMERGENCY: 2,
    }
    assert (office.trust().drafts, office.trust().lag) == ((), ())
    assert office.trust().lacking == 1  # Hoa alone cannot raise an alarm


def test_while_nobody_has_a_passkey_normal_is_the_controllers_word(db: Database) -> None:
    office = Keepers(Town(db).build())
    with db.work() as work:
        office.town.people.grant(work, office.people["quan"], "hoa", frozenset())
    office.appoint()
    office.renew()
    assert office.believed().charter.admissions[BroadcastClass.NORMAL].people == 0
    assert office.believed().charter.admissions[BroadcastClass.PRIORITY].people == 1


def test_the_controllers_word_never_counts_again(office: Keepers) -> None:
    """Who takes all approvers away, by the console or the database, wins nothing."""
    office.appoint()
    office.renew()
    with office.db.work() as work:
        replace_grants(work.session, "hoa", [])
    office.renew()
    found = office.trust()
    assert found.roster is not None
    assert found.charter is not None
    assert found.roster.approvers == ()
    assert found.charter.admissions[BroadcastClass.NORMAL].people == 1


def test_what_the_database_says_later_is_told_as_a_difference(office: Keepers) -> None:
    office.appoint()
    office.renew()
    office.give("binh")
    lost = office.give("hoa")
    office.town.node("cum-2", VILLAGES[1])
    told = {(one.change, one.subject) for one in office.trust().lag}
    assert told == {
        (Change.APPROVER_ADDED, "binh"),
        (Change.PASSKEY_ADDED, "hoa"),
        (Change.NODE_ADDED, "cum-2"),
    }
    assert office.bound(NodeId("cum-2")) is None
    office.renew()
    assert approvers(office.believed()) == {"hoa", "binh"}
    assert office.bound(NodeId("cum-2")) is not None
    with office.db.work() as work:
        row = passkey_row(work.session, "hoa", lost)
        assert row is not None
        row.removed_at, row.lost = office.clock.now(), True
    changes = {one.change for one in office.trust().lag}
    assert changes == {Change.PASSKEY_REMOVED, Change.PASSKEY_VOID}
    office.renew()
    assert office.passkeys["hoa"].credential in office.believed().void
    office.renew()
    assert office.passkeys["hoa"].credential in office.believed().void  # it stays so


def test_new_keepers_count_once_they_have_signed_both(office: Keepers) -> None:
    office.appoint()
    office.renew()
    before = office.bound()
    office.clock.forward(seconds=1)
    office.appoint("lam", "nam")
    assert office.bound() == before
    with pytest.raises(NotFound):
        office.compose("kim")
    office.renew("lam", "nam")
    after = office.bound()
    assert after is not None
    assert after != before
    assert approvers(office.believed(held=before)) == {"hoa"}


def test_one_keeper_twice_is_one_and_another_person_is_none(office: Keepers) -> None:
    office.appoint()
    office.compose()
    draft = office.draft(PaperKind.ROSTER)
    assert office.sign("kim", draft) is False
    assert office.sign("kim", draft) is False
    with pytest.raises(Forbidden) as refused:
        office.sign("quan", draft, SoftPasskey())
    assert refused.value.code == "no_keeper"
    with pytest.raises(NotFound):
        office.sign("hoa", draft)
    with pytest.raises(Invalid) as wrong:
        office.sign("lam", draft, office.passkeys["hoa"])
    assert wrong.value.code == "bad_assertion"
    assert office.draft(PaperKind.ROSTER).signed_by == ("kim",)


def test_a_signature_is_for_the_paper_that_was_shown(office: Keepers) -> None:
    office.appoint()
    office.compose()
    old = office.draft(PaperKind.ROSTER)
    with pytest.raises(Invalid):
        office.sign("kim", old, shown=office.draft(PaperKind.CHARTER))
    office.compose()
    with pytest.raises(NotFound):
        office.sign("kim", old)


def test_a_keeper_who_put_the_passkey_away_signs_no_more(office: Keepers) -> None:
    office.appoint()
    office.compose()
    with office.db.work() as work:
        (key,) = passkeys_of(work.session, {"kim"})
        row = passkey_row(work.session, "kim", key.id)
        assert row is not None
        row.removed_at = office.clock.now()
    with pytest.raises(Forbidden) as refused:
        office.sign("kim", office.draft(PaperKind.ROSTER))
    assert refused.value.code == "passkey_removed"


def test_only_the_root_appoints_and_never_backwards(office: Keepers) -> None:
    with pytest.raises(Invalid) as refused:
        office.appoint(root=SigningKey.generate())
    assert refused.value.code == "not_the_root"
    with office.db.look() as session:
        old = office.papers.request(session, AreaId(COMMUNE), ("kim", "lam"))
    office.clock.forward(seconds=1)
    office.appoint()
    with pytest.raises(Conflict), office.db.work() as work:
        office.papers.take(work, "terminal", appoint(old, office.root))
    for users in (("kim",), ("kim", "kim"), ("kim", "binh")):
        with pytest.raises(Invalid), office.db.look() as session:
            office.papers.request(session, AreaId(COMMUNE), users)


def test_others_do_not_know_of_the_papers(office: Keepers) -> None:
    office.appoint()
    stranger = office.person("la", (VILLAGES[0], Role.ADMIN))
    with office.db.look() as session:
        assert office.papers.find(session, stranger) == []
        assert [one.is_keeper for one in office.papers.find(session, office.people["quan"])] == [False]
    with pytest.raises(NotFound):
        office.compose("la")


def test_a_paper_altered_in_the_database_is_believed_by_no_node(office: Keepers) -> None:
    office.appoint()
    office.renew()
    papers = office.bound()
    assert papers is not None
    roster = papers.rosters[0]
    forged = roster.model_copy(update={"document": roster.document.replace('"hoa"', '"quan"')})
    altered = papers.model_copy(update={"rosters": (forged,)})
    with pytest.raises(ProtocolError):
        trust_in(altered, root=office.root.public, node=NODE)


def test_an_approver_below_a_narrower_area_with_keepers_is_none_of_ours(office: Keepers) -> None:
    office.appoint()
    village = AreaId(VILLAGES[0])
    with office.db.look() as session:
        wanted = office.papers.request(session, village, ("kim", "nam"))
    with office.db.work() as work:
        office.papers.take(work, "terminal", appoint(wanted, office.root))
        grants = frozenset({Grant(village, Role.APPROVER)})
        office.town.people.grant(work, office.people["quan"], "hoa", grants)
    with office.db.look() as session:
        found = {one.area: one.lag for one in office.papers.find(session, office.people["kim"])}
    hoa = Difference(Change.APPROVER_ADDED, "hoa", village)
    assert (hoa in found[AreaId(COMMUNE)], hoa in found[village]) == (False, True)
