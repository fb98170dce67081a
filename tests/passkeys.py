"""Passkeys of people, and whatever an attacker might make of them."""

import os
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from loa.controller.demo.authenticator import (
    GENUINE,
    PRESENT,
    VERIFIED,
    assertion,
    authenticator_data,
    client_data,
)
from loa.protocol.base64url import to_base64url
from loa.protocol.passkey import Assertion, Passkey, RelyingParty

__all__ = ["PARTY", "PRESENT", "VERIFIED", "Key", "SoftPasskey", "p256"]

PARTY = RelyingParty(id="loa.langcong.vn", origins=("https://loa.langcong.vn",))

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
        flags: int = GENUINE,
        **more: Any,  # noqa: ANN401 -- further members of the client's data
    ) -> Assertion:
        """An assertion over the challenge, genuine unless told otherwise."""
        self.uses += 1
        said = client_data(type_, to_base64url(challenge), origin or party.origins[0], **more)
        data = authenticator_data(party, flags, self.uses)
        return assertion(self.credential, data, said, self._signature(data + sha256(said).digest()))

    def _signature(self, signed: bytes) -> bytes:
        match self.key:
            case ec.EllipticCurvePrivateKey():
                return self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
            case ed25519.Ed25519PrivateKey():
                return self.key.sign(signed)
            case rsa.RSAPrivateKey():
                return self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
