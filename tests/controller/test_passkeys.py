"""People's passkeys: what is taken, from whom, and how often."""

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from sqlmodel import select

from loa.controller.core.access import Role
from loa.controller.core.passkeys import PersonalKey, party_of
from loa.controller.core.sample import COMMUNE
from loa.controller.errors import Conflict, ControllerError, Forbidden, Invalid, NotFound
from loa.controller.services.ceremonies import LASTING, Ceremonies
from loa.controller.services.passkeys import MOST, Passkeys
from loa.controller.services.sessions import Browser, SignedIn
from loa.controller.store.database import Database
from loa.controller.store.trust_tables import PasskeyRow
from loa.protocol.base64url import from_base64url
from loa.protocol.passkey import RelyingParty, verify_assertion
from tests.controller.factories import Town
from tests.controller.passkeys import created
from tests.passkeys import PARTY, PRESENT, SoftPasskey


@dataclass
class Bureau:
    """Passkeys of Hoa and Mai, each signed in with a browser."""

    town: Town
    party: RelyingParty | None = PARTY
    numbers: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.db, self.clock = self.town.db, self.town.clock
        self.passkeys = Passkeys(
            clock=self.clock,
            ids=lambda: f"{next(self.numbers):032x}",
            audit=self.town.audit,
            ceremonies=Ceremonies(clock=self.clock),
            party=self.party,
        )
        self.hoa, self.mai = (self._signed_in(name) for name in ("hoa", "mai"))

    def _signed_in(self, name: str) -> SignedIn:
        person = self.town.user(name, (COMMUNE, Role.APPROVER))
        with self.db.work() as work:
            return self.town.sessions.open_for(work, person.user_id, Browser(source="test"))

    def begin(self, signed: SignedIn) -> dict[str, Any]:
        with self.db.look() as session:
            return self.passkeys.begin(session, signed)

    def finish(self, signed: SignedIn, credential: dict[str, Any], name: str = "Máy") -> PersonalKey:
        with self.db.work() as work:
            return self.passkeys.finish(work, signed, name, credential)

    def add(self, signed: SignedIn, passkey: SoftPasskey | None = None, name: str = "Máy") -> PersonalKey:
        challenge = self.begin(signed)["challenge"]
        return self.finish(signed, created(passkey or SoftPasskey(), challenge), name)

    def of(self, signed: SignedIn) -> list[PersonalKey]:
        with self.db.look() as session:
            return self.passkeys.of(session, signed.person)


@pytest.fixture
def bureau(db: Database) -> Bureau:
    return Bureau(Town(db).build())


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ],
    ids=["P-256", "Ed25519", "RSA"],
)
def test_what_a_kept_passkey_signs_verifies_as_on_a_node(bureau: Bureau, key: Any) -> None:  # noqa: ANN401 -- three kinds
    soft = SoftPasskey(key)
    bureau.add(bureau.hoa, soft, "  Điện thoại   của Hòa ")
    (kept,) = bureau.of(bureau.hoa)
    verify_assertion(soft.sign(b"document"), kept.passkey, b"document", PARTY)
    assert (kept.name, kept.used_at) == ("Điện thoại của Hòa", None)


def test_the_options_demand_a_verified_person_and_no_attestation(bureau: Bureau) -> None:
    first = bureau.add(bureau.hoa)
    options = bureau.begin(bureau.hoa)
    assert options["rp"]["id"] == PARTY.id
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "preferred"
    assert [one["id"] for one in options["excludeCredentials"]] == [first.passkey.id]
    assert len(from_base64url(options["challenge"])) == 32
    assert b"hoa" not in from_base64url(options["user"]["id"])


FORGED: dict[str, dict[str, Any]] = {
    "made to sign in": {"type_": "webauthn.get"},
    "at another site": {"origin": "https://evil.example"},
    "for another name": {"party": RelyingParty(id="evil.example", origins=PARTY.origins)},
    "nobody verified": {"flags": PRESENT},
}


@pytest.mark.parametrize("how", FORGED.values(), ids=FORGED)
def test_what_was_made_otherwise_is_not_taken(bureau: Bureau, how: dict[str, Any]) -> None:
    challenge = bureau.begin(bureau.hoa)["challenge"]
    with pytest.raises(Invalid) as refused:
        bureau.finish(bureau.hoa, created(SoftPasskey(), challenge, **how))
    assert (refused.value.code, bureau.of(bureau.hoa)) == ("bad_passkey", [])


ODD: list[Any] = [{}, {"id": 1}, {"id": "a", "rawId": "a", "type": "x", "response": {}}]


@pytest.mark.parametrize("credential", ODD)
def test_what_is_no_credential_is_refused(bureau: Bureau, credential: dict[str, Any]) -> None:
    bureau.begin(bureau.hoa)
    with pytest.raises(Invalid):
        bureau.finish(bureau.hoa, credential)


def test_a_challenge_is_good_once_for_one_session_and_not_for_long(bureau: Bureau) -> None:
    challenge = bureau.begin(bureau.hoa)["challenge"]
    with pytest.raises(Conflict):  # Mai has none
        bureau.finish(bureau.mai, created(SoftPasskey(), challenge))
    bureau.begin(bureau.mai)
    with pytest.raises(Invalid):  # and hers is another one
        bureau.finish(bureau.mai, created(SoftPasskey(), challenge))
    bureau.finish(bureau.hoa, created(SoftPasskey(), challenge))
    with pytest.raises(Conflict):  # used
        bureau.finish(bureau.hoa, created(SoftPasskey(), challenge))
    late = bureau.begin(bureau.hoa)["challenge"]
    bureau.clock.forward(seconds=LASTING.total_seconds())
    with pytest.raises(Conflict) as refused:
        bureau.finish(bureau.hoa, created(SoftPasskey(), late))
    assert refused.value.code == "challenge_over"
    assert len(bureau.of(bureau.hoa)) == 1


def test_a_refused_answer_uses_the_challenge_up(bureau: Bureau) -> None:
    challenge = bureau.begin(bureau.hoa)["challenge"]
    with pytest.raises(Invalid):
        bureau.finish(bureau.hoa, created(SoftPasskey(), challenge, flags=PRESENT))
    with pytest.raises(Conflict):
        bureau.finish(bureau.hoa, created(SoftPasskey(), challenge))


def test_a_credential_belongs_to_one_person_for_ever(bureau: Bureau) -> None:
    soft = SoftPasskey()
    first = bureau.add(bureau.hoa, soft)
    with bureau.db.work() as work:
        bureau.passkeys.remove(work, bureau.hoa.person, first.id, lost=True)
    for who in (bureau.mai, bureau.hoa):
        with pytest.raises(Conflict) as refused:
            bureau.add(who, soft)
        assert refused.value.code == "passkey_known"


def test_names_change_and_lost_ones_are_remembered(bureau: Bureau) -> None:
    first, second = bureau.add(bureau.hoa), bureau.add(bureau.hoa)
    with bureau.db.work() as work:
        bureau.passkeys.rename(work, bureau.hoa.person, first.id, "Máy bàn")
        bureau.passkeys.remove(work, bureau.hoa.person, second.id, lost=True)
    assert [one.name for one in bureau.of(bureau.hoa)] == ["Máy bàn"]
    with bureau.db.look() as session:
        row = session.exec(select(PasskeyRow).where(PasskeyRow.id == second.id)).one()
    assert (row.lost, row.removed_at) == (True, bureau.clock.now())


def test_nobody_touches_the_passkeys_of_others(bureau: Bureau) -> None:
    key = bureau.add(bureau.hoa)
    with bureau.db.work() as work:
        with pytest.raises(NotFound):
            bureau.passkeys.rename(work, bureau.mai.person, key.id, "Của tôi")
        with pytest.raises(NotFound):
            bureau.passkeys.remove(work, bureau.mai.person, key.id, lost=False)
    assert [one.name for one in bureau.of(bureau.hoa)] == ["Máy"]


def test_there_is_room_for_some_and_names_are_short(bureau: Bureau) -> None:
    for _ in range(MOST):
        bureau.add(bureau.hoa)
    with pytest.raises(Conflict) as refused:
        bureau.begin(bureau.hoa)
    assert refused.value.code == "too_many_passkeys"
    for name in ("  ", "x" * 81):
        with pytest.raises(Invalid):
            bureau.add(bureau.mai, name=name)


def test_a_program_makes_no_passkey(bureau: Bureau) -> None:
    with bureau.db.work() as work:
        token = bureau.town.sessions.make_token(work, bureau.hoa.person, "program", timedelta(days=1))
    with pytest.raises(Forbidden):
        bureau.begin(token)


def test_without_a_name_and_tls_there_are_none(db: Database) -> None:
    bureau = Bureau(Town(db).build(), party=None)
    with pytest.raises(ControllerError) as refused:
        bureau.begin(bureau.hoa)
    assert refused.value.code == "no_passkeys_here"


@pytest.mark.parametrize(
    ("address", "party"),
    [
        ("https://loa.langcong.vn", ("loa.langcong.vn", "https://loa.langcong.vn")),
        ("https://loa.langcong.vn:8443", ("loa.langcong.vn", "https://loa.langcong.vn:8443")),
        ("http://localhost:8080", ("localhost", "http://localhost:8080")),
        ("http://loa.langcong.vn", None),
        ("https://192.0.2.1", None),
        ("https://[2001:db8::1]:443", None),
    ],
)
def test_passkeys_need_a_name_and_tls(address: str, party: tuple[str, str] | None) -> None:
    found = party_of(address)
    assert (found and (found.id, *found.origins)) == party
