"""A software authenticator: makes what a passkey would return, and whatever an attacker might make of it."""

import json
import os
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from loa.protocol.base64url import to_base64url
from loa.protocol.passkey import Assertion, Passkey, RelyingParty

PARTY = RelyingParty(id="loa.langcong.vn", origins=("https://loa.langcong.vn",))
PRESENT, VERIFIED = 0x01, 0x04

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def p256() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class SoftPasskey:
    """One credential of one person."""

    key: Key = field(default_factory=p256)
    credential: str = field(default_factory=lambda: to_base64url(os.urandom(16)))
    uses: int = 0

    @property
    def public(self) -> Passkey:
        spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return Passkey(id=self.credential, key=to_base64url(spki))

    def sign(
        self,
        challenge: bytes,
        *,
        party: RelyingParty = PARTY,
        type_: str = "webauthn.get",
        origin: str | None = None,
        flags: int = PRESENT | VERIFIED,
        **more: Any,  # noqa: ANN401 -- further members of the client's data
    ) -> Assertion:
        """An assertion over the challenge, genuine unless told otherwise."""
        self.uses += 1
        said = {"type": type_, "challenge": to_base64url(challenge), "origin": origin or party.origins[0]}
        client_data = json.dumps(said | {"crossOrigin": False} | more).encode()
        data = sha256(party.id.encode()).digest() + bytes([flags]) + self.uses.to_bytes(4, "big")
        return Assertion(
            credential=self.credential,
            authenticator_data=to_base64url(data),
            client_data=to_base64url(client_data),
            signature=to_base64url(self._signature(data + sha256(client_data).digest())),
        )

    def _signature(self, signed: bytes) -> bytes:
        match self.key:
            case ec.EllipticCurvePrivateKey():
                return self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
            case ed25519.Ed25519PrivateKey():
                return self.key.sign(signed)
            case rsa.RSAPrivateKey():
                return self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
