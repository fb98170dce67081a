import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store

from loa.controller.core.access import Grant, Person, Role
from loa.controller.core.certificates import (
    LEAF_LASTS,
    RENEW_BEFORE,
    RENEW_SPREAD,
    Authority,
    BadAuthorityError,
    renew_after,
)
from loa.controller.core.sample import COMMUNE
from loa.controller.errors import TooMany, Unauthenticated
from loa.controller.services.attempts import Attempts
from loa.controller.services.certificates import Certified, Renewals, revocation_list
from loa.controller.services.retention import Periods, Retention
from loa.controller.store.certificates import revoked_ones
from loa.controller.store.database import Database
from loa.protocol.ids import NodeId
from loa.protocol.keys import SigningKey
from loa.protocol.proof import answer
from tests.controller.factories import AUTHORITY, Town
from tests.fakes.controller import START

TECHNICIAN = Person("binh", "Bình", frozenset({Grant(COMMUNE, Role.TECHNICIAN)}))
NODE, KEY = NodeId("loa-1"), SigningKey.generate()


@pytest.fixture
def town(sqlite_db: Database) -> Town:
    return Town(sqlite_db).build()


@pytest.fixture
def renewals(town: Town) -> Renewals:
    attempts = Attempts(clock=town.clock)
    return Renewals(certificates=town.certificates, key=town.key, clock=town.clock, attempts=attempts)


def serial(pem: str) -> str:
    return f"{x509.load_pem_x509_certificate(pem.encode()).serial_number:x}"


def revoked(town: Town) -> set[str]:
    with town.db.look() as session:
        return {number for number, _ in revoked_ones(session)}


def renew(town: Town, renewals: Renewals, key: SigningKey, node: NodeId = NODE) -> Certified:
    proof = answer(renewals.challenge(node), key=key)
    with town.db.work() as work:
        return renewals.renew(work, node, proof, source="10.0.0.9")


def test_a_nodes_certificate_is_for_its_own_key_and_for_a_client_alone() -> None:
    leaf = x509.load_pem_x509_certificate(AUTHORITY.certify_node(NODE, KEY.public, START).pem.encode())
    leaf.verify_directly_issued_by(AUTHORITY.certificate)
    assert leaf.subject.rfc4514_string() == "CN=loa-1"
    raw = leaf.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert base64.urlsafe_b64encode(raw).decode().rstrip("=") == KEY.public.x
    use = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(use) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert leaf.not_valid_after_utc - START == LEAF_LASTS


def test_a_servers_certificate_is_valid_for_its_names_and_addresses() -> None:
    pair = AUTHORITY.make_server(["loa.example", "127.0.0.1", "[::1]", "loa.example"], START)
    leaf = x509.load_pem_x509_certificate(pair.leaf.pem.encode())
    verifier = PolicyBuilder().store(Store([AUTHORITY.certificate])).time(START + timedelta(days=1))
    chain = verifier.build_server_verifier(x509.DNSName("loa.example")).verify(leaf, [])
    assert chain == [leaf, AUTHORITY.certificate]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)


def test_an_authority_comes_back_from_its_file_and_no_other_does() -> None:
    again, other = Authority.from_pem(AUTHORITY.to_pem()), Authority.make(START)
    assert again.fingerprint == AUTHORITY.fingerprint != other.fingerprint
    key, _, _ = other.to_pem().partition("-----BEGIN CERTIFICATE")
    for text in ("", KEY.to_pem() + AUTHORITY.pem, AUTHORITY.pem, key + AUTHORITY.pem):
        with pytest.raises(BadAuthorityError):
            Authority.from_pem(text)


def test_the_list_names_what_was_revoked_and_lasts_as_long_as_the_authority() -> None:
    leaf = AUTHORITY.certify_node(NODE, KEY.public, START)
    found = x509.load_pem_x509_crl(AUTHORITY.revoke([(leaf.serial, START)]).encode())
    assert found.is_signature_valid(AUTHORITY.key.public_key())
    assert found.get_revoked_certificate_by_serial_number(int(leaf.serial, 16)) is not None
    assert len(list(x509.load_pem_x509_crl(AUTHORITY.revoke([]).encode()))) == 0
    assert found.next_update_utc == AUTHORITY.certificate.not_valid_after_utc


def test_nodes_of_one_day_renew_on_ten_and_a_month_ahead() -> None:
    leaf = AUTHORITY.certify_node(NODE, KEY.public, START)
    assert renew_after(leaf, 0.0) == leaf.not_after - RENEW_BEFORE
    assert renew_after(leaf, 1.0) == leaf.not_after - RENEW_BEFORE - RENEW_SPREAD


def test_a_retired_nodes_certificates_are_revoked_and_it_is_thrown_out(town: Town) -> None:
    town.node(NODE)
    assert revoked(town) == set()
    with town.db.work() as work:
        town.nodes.retire(work, TECHNICIAN, NODE)
        assert town.access.cut_off == [], "not before the commit"
    assert town.access.cut_off == [NODE]
    [number] = revoked(town)
    found = x509.load_pem_x509_crl(revocation_list(AUTHORITY, town.db).encode())
    assert found.get_revoked_certificate_by_serial_number(int(number, 16)) is not None


def test_another_key_under_the_same_name_shuts_the_first_one_out(town: Town) -> None:
    town.node(NODE)
    with town.db.work() as work:
        code = town.nodes.new_code(work, TECHNICIAN, NODE)
    assert (revoked(town), town.access.cut_off) == (set(), []), "it works on until another enrols"
    with town.db.work() as work:
        new = town.nodes.enrol(work, code.code, KEY.public.x, source="")
    assert town.access.cut_off == [NODE]
    assert len(revoked(town)) == 1
    assert serial(new.certified.certificate) not in revoked(town)


def test_who_asks_again_with_the_same_code_and_key_keeps_both_certificates(town: Town) -> None:
    with town.db.work() as work:
        code = town.nodes.insert(work, "test", name="Cụm", parent=COMMUNE, node=NODE)
    for _ in range(2):
        with town.db.work() as work:
            town.nodes.enrol(work, code.code, KEY.public.x, source="")
    assert (revoked(town), town.access.cut_off) == (set(), [])


def test_a_node_renews_by_proof_of_its_key_long_after_the_last_was_over(
    town: Town, renewals: Renewals
) -> None:
    key = town.node(NODE)
    town.clock.forward(days=400)
    made = renew(town, renewals, key)
    leaf = x509.load_pem_x509_certificate(made.certificate.encode())
    assert leaf.not_valid_after_utc == town.clock.now() + LEAF_LASTS
    assert town.clock.now() + timedelta(days=50) <= made.renew_after <= town.clock.now() + timedelta(days=60)
    with town.db.work() as work:
        town.nodes.retire(work, TECHNICIAN, NODE)
    assert serial(made.certificate) in revoked(town)


def test_nobody_else_renews_and_guessing_is_slowed_down(town: Town, renewals: Renewals) -> None:
    key, other = town.node(NODE), town.node("loa-2")
    for stranger in (other, SigningKey.generate(), other):
        with pytest.raises(Unauthenticated):
            renew(town, renewals, stranger)
    with pytest.raises(TooMany):
        renew(town, renewals, key)


def test_a_retired_node_does_not_renew(town: Town, renewals: Renewals) -> None:
    key = town.node(NODE)
    with town.db.work() as work:
        town.nodes.retire(work, TECHNICIAN, NODE)
    with pytest.raises(Unauthenticated):
        renew(town, renewals, key)


def test_what_is_over_is_forgotten_after_a_year(town: Town) -> None:
    town.node(NODE)
    with town.db.work() as work:
        town.nodes.retire(work, TECHNICIAN, NODE)
    tidy = Retention(db=town.db, clock=town.clock, periods=Periods()).tidy
    town.clock.forward(days=90 + 364)
    tidy()
    assert len(revoked(town)) == 1
    town.clock.forward(days=2)
    tidy()
    assert revoked(town) == set()


def test_no_certificate_outlives_the_authority() -> None:
    late = AUTHORITY.certificate.not_valid_after_utc - timedelta(days=1)
    leaf = AUTHORITY.certify_node(NODE, KEY.public, late)
    assert leaf.not_after == AUTHORITY.certificate.not_valid_after_utc
    assert datetime.now(UTC) < leaf.not_after
