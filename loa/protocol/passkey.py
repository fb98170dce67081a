"""Passkeys (WebAuthn): what an assertion proves, checked with cryptography alone.

After https://www.w3.org/TR/webauthn-3/#sctn-verifying-assertion, as far as it can be checked by who did not
see the person: whoever holds the document, the credential's key and the assertion can tell at any later time.
"""

import json
from functools import lru_cache
from typing import Annotated, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import AfterValidator, Field

from loa.protocol.base64url import from_base64url, to_base64url
from loa.protocol.errors import BadAssertionError, MalformedError
from loa.protocol.ids import sha256_hex
from loa.protocol.wire import Wire

_HEAD_BYTES = 37
"""Hash of the relying party's id, flags, counter."""
_PRESENT, _VERIFIED, _MAY_BE_BACKED_UP, _IS_BACKED_UP = 0x01, 0x04, 0x08, 0x10
_LEAST_RSA_BITS = 2048

_Key = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


def _check_base64url(text: str) -> str:
    try:
        from_base64url(text)
    except MalformedError as error:
        raise ValueError(str(error)) from error
    return text


def _check_key(text: str) -> str:
    try:
        _key(text)
    except MalformedError as error:
        raise ValueError(str(error)) from error
    return text


CredentialId = Annotated[str, Field(min_length=1, max_length=1364), AfterValidator(_check_base64url)]
"""Base64url, as the authenticator chose it."""
_Bytes = Annotated[str, Field(max_length=4096), AfterValidator(_check_base64url)]


class RelyingParty(Wire):
    """For whom an assertion was made: the console's name, and the addresses under which it is open."""

    id: Annotated[str, Field(min_length=1, max_length=253)]
    origins: Annotated[tuple[str, ...], Field(min_length=1, max_length=8)]


class Passkey(Wire):
    """The public half of a credential."""

    id: CredentialId
    key: Annotated[str, Field(max_length=2048), AfterValidator(_check_key)]
    """SubjectPublicKeyInfo (DER) in base64url: P-256, Ed25519 or RSA of at least 2048 bits."""


class Assertion(Wire):
    """What an authenticator returned for `navigator.credentials.get`; bytes in base64url."""

    credential: CredentialId
    authenticator_data: _Bytes
    client_data: _Bytes
    """The JSON of the client, byte by byte."""
    signature: _Bytes


def verify_assertion(assertion: Assertion, passkey: Passkey, challenge: bytes, party: RelyingParty) -> None:
    """Return if the passkey's holder, present and verified, signed the challenge; or `BadAssertionError`."""
    client_data = from_base64url(assertion.client_data)
    data = from_base64url(assertion.authenticator_data)
    if assertion.credential != passkey.id:
        raise BadAssertionError("it was made with another credential")
    _check_client(client_data, challenge, party)
    _check_authenticator(data, party)
    signed = data + bytes.fromhex(sha256_hex(client_data))
    try:
        _verify(_key(passkey.key), from_base64url(assertion.signature), signed)
    except InvalidSignature as error:
        raise BadAssertionError("the signature does not fit") from error


def _check_client(client_data: bytes, challenge: bytes, party: RelyingParty) -> None:
    try:
        said: Any = json.loads(client_data)
    except (ValueError, RecursionError) as error:
        raise BadAssertionError("the client's data are no JSON") from error
    if not isinstance(said, dict) or said.get("type") != "webauthn.get":
        raise BadAssertionError("it was not made to sign something")
    if said.get("challenge") != to_base64url(challenge):
        raise BadAssertionError("it was made for something else")
    if said.get("origin") not in party.origins or said.get("crossOrigin", False) is not False:
        raise BadAssertionError(f"it was made at {said.get('origin')!r}"[:200])


def _check_authenticator(data: bytes, party: RelyingParty) -> None:
    if len(data) < _HEAD_BYTES:
        raise BadAssertionError("the authenticator's data are too short")
    if data[:32].hex() != sha256_hex(party.id.encode()):
        raise BadAssertionError("it was made for another name")
    flags = data[32]
    if not flags & _PRESENT or not flags & _VERIFIED:
        raise BadAssertionError("nobody proved to be there")
    if flags & _IS_BACKED_UP and not flags & _MAY_BE_BACKED_UP:
        raise BadAssertionError("its flags contradict each other")


def _verify(key: _Key, signature: bytes, signed: bytes) -> None:
    match key:
        case ec.EllipticCurvePublicKey():
            key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
        case ed25519.Ed25519PublicKey():
            key.verify(signature, signed)
        case rsa.RSAPublicKey():
            key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())


@lru_cache(maxsize=512)
def _key(spki: str) -> _Key:
    try:
        key = load_der_public_key(from_base64url(spki))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MalformedError(f"not a public key: {error}") from error
    match key:
        case ed25519.Ed25519PublicKey():
            return key
        case ec.EllipticCurvePublicKey() if isinstance(key.curve, ec.SECP256R1):
            return key
        case rsa.RSAPublicKey() if key.key_size >= _LEAST_RSA_BITS:
            return key
        case _:
            raise MalformedError("a passkey's key is P-256, Ed25519 or RSA of at least 2048 bits")
