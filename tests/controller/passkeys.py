"""What a browser returns for `navigator.credentials.create` of a software authenticator."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from loa.controller.demo.authenticator import GENUINE, client_data, registration
from loa.protocol.passkey import RelyingParty
from tests.passkeys import PARTY, Key, SoftPasskey


def created(
    passkey: SoftPasskey,
    challenge: str,
    *,
    party: RelyingParty = PARTY,
    type_: str = "webauthn.create",
    origin: str | None = None,
    flags: int = GENUINE,
) -> dict[str, Any]:
    """The credential, genuine unless told otherwise; `challenge` as the options have it."""
    said = client_data(type_, challenge, origin or party.origins[0])
    return registration(passkey.credential, _cose(passkey.key), said, party, flags)


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
