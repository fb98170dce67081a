"""Papers: what the root and the keepers have signed, and what nobody has."""

import json

import pytest
from pydantic import ValidationError

from loa.protocol.charter import Appointment, Charter, Roster, Signed, verify_appointment, verify_paper
from loa.protocol.errors import BadAssertionError, MisaddressedError, UntrustedError
from loa.protocol.ids import AreaId, NodeId, sha256_hex
from loa.protocol.keys import SigningKey
from tests.protocol.makers import AREA, make_broadcast
from tests.trusting import ADMISSIONS, EMERGENCY, NORMAL, House

NODE = NodeId("cum-1")
AREAS = (AreaId("vinh-phuc"), AREA, AreaId("cum-1"))


@pytest.fixture(scope="module")
def house() -> House:
    return House(AREA)


def appointments(house: House) -> list[Appointment]:
    return [verify_appointment(house.appointment(), house.root.public)]


def test_the_root_names_keepers_and_nobody_else_does(house: House) -> None:
    assert [one.user for one in appointments(house)[0].keepers] == ["kim", "lam"]
    usurper = House(AREA, root=SigningKey.generate())
    with pytest.raises(UntrustedError):
        verify_appointment(usurper.appointment(), house.root.public)


@pytest.mark.parametrize("keepers", [("kim",), ("kim", "kim")])
def test_one_person_cannot_be_both_keepers(house: House, keepers: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match=r"keepers|own"):
        house.appointment(*keepers)


def test_one_passkey_cannot_be_two_keepers(house: House) -> None:
    house.passkeys["twin"] = house.passkey("kim")
    with pytest.raises(ValidationError, match="credential"):
        house.appointment("kim", "twin")


def test_what_two_keepers_signed_holds(house: House) -> None:
    roster = house.roster(house.approver("hoa"))
    assert verify_paper(Roster, house.signed(roster), appointments(house)) == roster
    charter = house.charter(NODE, AREAS)
    assert verify_paper(Charter, house.signed(charter), appointments(house)) == charter


@pytest.mark.parametrize("signers", [("kim",), ("kim", "hoa"), ("hoa", "tam")])
def test_what_fewer_than_two_keepers_signed_does_not(house: House, signers: tuple[str, ...]) -> None:
    signed = house.signed(house.roster(), *signers)
    with pytest.raises(BadAssertionError, match="of 2 keepers"):
        verify_paper(Roster, signed, appointments(house))


def test_one_keeper_under_two_names_is_one(house: House) -> None:
    signed = house.signed(house.roster(), "kim")
    twice = signed.model_copy(update={"signatures": {**signed.signatures, "lam": signed.signatures["kim"]}})
    with pytest.raises(BadAssertionError, match="1 of 2"):
        verify_paper(Roster, twice, appointments(house))


def test_no_byte_of_a_paper_may_change(house: House) -> None:
    signed = house.signed(house.roster(house.approver("hoa")))
    altered = signed.model_copy(update={"document": signed.document.replace('"hoa"', '"tam"')})
    altered.__dict__.pop("content", None)
    with pytest.raises(BadAssertionError):
        verify_paper(Roster, altered, appointments(house))


def test_a_paper_of_an_area_without_keepers_is_nobodys(house: House) -> None:
    elsewhere = House(AreaId("dong-que"), root=house.root, passkeys=house.passkeys)
    with pytest.raises(MisaddressedError):
        verify_paper(Roster, elsewhere.signed(elsewhere.roster()), appointments(house))


def test_who_signs_a_broadcast_has_signed_no_paper(house: House) -> None:
    """One document that reads as both is signed as a broadcast, and put forward as a roster."""
    both = make_broadcast().model_dump(mode="json", exclude_none=True, by_alias=True) | house.roster(
        house.approver("hoa")
    ).model_dump(mode="json", exclude_none=True)
    document = json.dumps(both).encode()
    signatures = {one: house.passkey(one).sign(bytes.fromhex(sha256_hex(document))) for one in ("kim", "lam")}
    forged = Signed(document=document.decode(), signatures=signatures)
    with pytest.raises(BadAssertionError, match="0 of 2"):
        verify_paper(Roster, forged, appointments(house))


def test_a_roster_cannot_pass_as_a_charter(house: House) -> None:
    charter = house.charter(NODE, AREAS)
    as_roster = {one: house.passkey(one).sign(Roster.challenge(charter.to_bytes())) for one in ("kim", "lam")}
    forged = Signed(document=charter.to_bytes().decode(), signatures=as_roster)
    with pytest.raises(BadAssertionError, match="0 of 2"):
        verify_paper(Charter, forged, appointments(house))


def test_the_controllers_word_is_for_class_normal_only(house: House) -> None:
    free = ADMISSIONS[NORMAL].model_copy(update={"people": 0})
    house.charter(NODE, AREAS, admissions=ADMISSIONS | {NORMAL: free})
    with pytest.raises(ValidationError, match="passkey"):
        house.charter(NODE, AREAS, admissions=ADMISSIONS | {EMERGENCY: free})


@pytest.mark.parametrize("areas", [(), (AREA,), ("vinh-phuc", "cum-1")])
def test_a_node_is_within_the_charters_area(house: House, areas: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="must be the last"):
        house.charter(NODE, [AreaId(one) for one in areas])
