"""A software authenticator: makes and uses a passkey as a person's phone does, and asks for no finger.

After https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data and RFC 9053, 7.1.1. For demonstrations and
tests: the key lies in memory, and whoever has the process has it.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

from loa.protocol.base64url import from_base64url, to_base64url
from loa.protocol.passkey import Assertion, RelyingParty

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
GENUINE = PRESENT | VERIFIED
Json = dict[str, Any]


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _new_credential() -> str:
    return to_base64url(os.urandom(16))


@dataclass(slots=True)
class SoftPasskey:
    """One credential of one person, by ECDSA on P-256 (ES256), as most phones make it."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=_new_key, repr=False)
    credential: str = field(default_factory=_new_credential)
    """Base64url."""
    uses: int = 0

    def create(self, challenge: str, party: RelyingParty) -> Json:
        """The answer of `navigator.credentials.create`; `challenge` in base64url, as the options have it."""
        point = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        said = client_data("webauthn.create", challenge, party.origins[0])
        return registration(self.credential, cose, said, party)

    def sign(self, challenge: str, party: RelyingParty) -> Assertion:
        """The answer of `navigator.credentials.get`; `challenge` in base64url."""
        self.uses += 1
        said = client_data("webauthn.get", challenge, party.origins[0])
        data = authenticator_data(party, GENUINE, self.uses)
        signature = self.key.sign(data + sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return assertion(self.credential, data, said, signature)


def client_data(type_: str, challenge: str, origin: str, **more: object) -> bytes:
    """What the browser says about the ceremony."""
    said = {"type": type_, "challenge": challenge, "origin": origin, "crossOrigin": False}
    return json.dumps(said | more).encode()


def authenticator_data(party: RelyingParty, flags: int, uses: int) -> bytes:
    """What the authenticator says: for which name, whether somebody was there, and its counter."""
    return sha256(party.id.encode()).digest() + bytes([flags]) + uses.to_bytes(4, "big")


def registration(
    credential: str, cose: Mapping[int, object], said: bytes, party: RelyingParty, flags: int = GENUINE
) -> Json:
    """A new credential without attestation, as `PublicKeyCredential.toJSON()` gives it."""
    raw = from_base64url(credential)
    model_not_told = bytes(16)
    head = authenticator_data(party, flags | ATTESTED, 0) + model_not_told
    data = head + len(raw).to_bytes(2, "big") + raw + encode_cbor(dict(cose))
    attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
    answer = {"clientDataJSON": to_base64url(said), "attestationObject": to_base64url(attestation)}
    return {"id": credential, "rawId": credential, "type": "public-key", "response": answer}


def assertion(credential: str, data: bytes, said: bytes, signature: bytes) -> Assertion:
    """As it travels."""
    return Assertion(
        credential=credential,
        authenticator_data=to_base64url(data),
        client_data=to_base64url(said),
        signature=to_base64url(signature),
    )
