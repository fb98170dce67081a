"""What an assertion proves, and what it does not."""

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loa.protocol.base64url import from_base64url, to_base64url
from loa.protocol.errors import BadAssertionError, MalformedError
from loa.protocol.passkey import Assertion, Passkey, verify_assertion
from tests.passkeys import PARTY, PRESENT, VERIFIED, Key, SoftPasskey

CHALLENGE = sha256(b"a broadcast").digest()
KEYS: dict[str, Key] = {
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "rsa": rsa.generate_private_key(65_537, 2048),
}
ALIEN = PARTY.model_copy(update={"id": "loa.example", "origins": ("https://loa.example",)})


def verify(passkey: SoftPasskey, assertion: Assertion) -> None:
    verify_assertion(assertion, passkey.public, CHALLENGE, PARTY)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_genuine_assertion_holds_for_every_kind_of_key(key: Key) -> None:
    passkey = SoftPasskey(key)
    verify(passkey, passkey.sign(CHALLENGE))


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_the_signature_of_another_key_does_not_do(key: Key) -> None:
    passkey = SoftPasskey(key)
    forged = SoftPasskey().sign(CHALLENGE).model_copy(update={"credential": passkey.credential})
    with pytest.raises(BadAssertionError, match="signature"):
        verify(passkey, forged)


@pytest.mark.parametrize(
    ("altered", "why"),
    [
        (lambda one: one.sign(sha256(b"another").digest()), "something else"),
        (lambda one: one.sign(CHALLENGE, type_="webauthn.create"), "to sign"),
        (lambda one: one.sign(CHALLENGE, origin="https://loa.langcong.vn.evil.example"), "made at"),
        (lambda one: one.sign(CHALLENGE, origin="http://loa.langcong.vn"), "made at"),
        (lambda one: one.sign(CHALLENGE, crossOrigin=True), "made at"),
        (lambda one: one.sign(CHALLENGE, party=ALIEN, origin=PARTY.origins[0]), "another name"),
        (lambda one: one.sign(CHALLENGE, flags=0), "nobody"),
        (lambda one: one.sign(CHALLENGE, flags=PRESENT), "nobody"),
        (lambda one: one.sign(CHALLENGE, flags=VERIFIED), "nobody"),
        (lambda one: one.sign(CHALLENGE, flags=PRESENT | VERIFIED | 0x10), "contradict"),
        (lambda one: one.sign(CHALLENGE).model_copy(update={"credential": "AAAA"}), "another credential"),
        (lambda one: one.sign(CHALLENGE).model_copy(update={"client_data": "AAAA"}), "JSON"),
        (lambda one: one.sign(CHALLENGE).model_copy(update={"authenticator_data": "AAAA"}), "too short"),
    ],
)
def test_what_is_altered_is_refused(altered: object, why: str) -> None:
    passkey = SoftPasskey(KEYS["p256"])
    assert callable(altered)
    with pytest.raises(BadAssertionError, match=why):
        verify(passkey, altered(passkey))


@given(st.sampled_from(["authenticator_data", "client_data", "signature"]), st.data())
def test_no_bit_may_change(part: str, data: st.DataObject) -> None:
    passkey = SoftPasskey(KEYS["ed25519"])
    assertion = passkey.sign(CHALLENGE)
    content = bytearray(from_base64url(getattr(assertion, part)))
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BadAssertionError):
        verify(passkey, assertion.model_copy(update={part: to_base64url(bytes(content))}))


@given(st.binary(max_size=300), st.binary(max_size=300), st.binary(max_size=100))
def test_garbage_is_refused_in_an_orderly_way(client_data: bytes, data: bytes, signature: bytes) -> None:
    passkey = SoftPasskey(KEYS["p256"])
    garbage = Assertion(
        credential=passkey.credential,
        authenticator_data=to_base64url(data),
        client_data=to_base64url(client_data),
        signature=to_base64url(signature),
    )
    with pytest.raises(BadAssertionError):
        verify(passkey, garbage)


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1()])
def test_a_key_of_another_curve_is_no_passkey(curve: ec.EllipticCurve) -> None:
    with pytest.raises(ValidationError, match="P-256"):
        _ = SoftPasskey(ec.generate_private_key(curve)).public


def test_a_short_rsa_key_is_no_passkey() -> None:
    short = rsa.generate_private_key(65_537, 1024)  # noqa: S505 -- that is what is refused
    with pytest.raises(ValidationError, match="P-256"):
        _ = SoftPasskey(short).public


def test_a_key_that_is_none_is_no_passkey() -> None:
    with pytest.raises(MalformedError, match="not a public key"):
        Passkey.from_bytes(b'{"id":"AAAA","key":"AAAA"}')


@given(st.binary(max_size=40))
def test_base64url_goes_there_and_back(content: bytes) -> None:
    assert from_base64url(to_base64url(content)) == content


@pytest.mark.parametrize("text", ["A", "AB==", "A+/A", "AA A", "AB", "é", "AAA=A"])
def test_base64url_has_one_form(text: str) -> None:
    with pytest.raises(MalformedError, match="base64url"):
        from_base64url(text)
