"""What a browser returns for `navigator.credentials.create` of a software authenticator."""

import json
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from webauthn.helpers import encode_cbor

from loa.protocol.base64url import from_base64url, to_base64url
from loa.protocol.passkey import RelyingParty
from tests.passkeys import PARTY, PRESENT, VERIFIED, Key, SoftPasskey

ATTESTED = 0x40


def created(
    passkey: SoftPasskey,
    challenge: str,
    *,
    party: RelyingParty = PARTY,
    type_: str = "webauthn.create",
    origin: str | None = None,
    flags: int = PRESENT | VERIFIED,
) -> dict[str, Any]:
    """The credential, genuine unless told otherwise; `challenge` as the options have it."""
    said = {"type": type_, "challenge": challenge, "origin": origin or party.origins[0]}
    credential = from_base64url(passkey.credential)
    data = (
        sha256(party.id.encode()).digest()
        + bytes([flags | ATTESTED])
        + bytes(4)  # the counter
        + bytes(16)  # the model, which is not told
        + len(credential).to_bytes(2, "big")
        + credential
        + encode_cbor(_cose(passkey.key))
    )
    attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
    return {
        "id": passkey.credential,
        "rawId": passkey.credential,
        "type": "public-key",
        "response": {
            "clientDataJSON": to_base64url(json.dumps(said | {"crossOrigin": False}).encode()),
            "attestationObject": to_base64url(attestation),
        },
    }


def _cose(key: Key) -> dict[int, Any]:
    """RFC 9053, 7; RFC 8230, 4."""
    match key:
        case ec.EllipticCurvePrivateKey():
            point = key.public_key().public_numbers()
            return {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        case ed25519.Ed25519PrivateKey():
            return {1: 1, 3: -8, -1: 6, -2: key.public_key().public_bytes_raw()}
        case rsa.RSAPrivateKey():
            numbers = key.public_key().public_numbers()
            size = key.key_size // 8
            return {1: 3, 3: -257, -1: numbers.n.to_bytes(size, "big"), -2: numbers.e.to_bytes(3, "big")}
