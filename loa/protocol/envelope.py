"""The signing envelope: JWS compact serialisation (RFC 7515) with Ed25519 (RFC 8037, RFC 9864).

`typ` names what is inside, so that a genuine message of one kind cannot pass for another.
"""

import json
from typing import Any, cast

from joserfc import jws
from joserfc.errors import JoseError

from loa.protocol.base64url import from_base64url
from loa.protocol.errors import BadSignatureError, MalformedError
from loa.protocol.keys import KeyRing, SigningKey

ALGORITHM = "Ed25519"
_PARTS = len(("header", "payload", "signature"))
_MAX_BYTES = 64 * 1024 * 1024
_MAX_HEADER_BYTES = 512
"""Ours have about 120. What is read before the signature is verified stays small and shallow."""


def seal(payload: bytes, *, typ: str, key: SigningKey) -> bytes:
    """`payload` in a signed envelope of the kind `typ`."""
    protected = {"alg": ALGORITHM, "kid": key.kid, "typ": typ}
    return jws.serialize_compact(protected, payload, key.jwk, registry=_registry()).encode()


def unseal(sealed: bytes, *, typ: str, keys: KeyRing) -> bytes:
    """The payload, once its signature is verified.

    Raises `MalformedError`, `UnknownKeyError` or `BadSignatureError`.
    """
    return _verify(sealed, typ=typ, keys=keys, payload=None)


def payload_of(sealed: str) -> bytes:
    """The payload without a look at the signature, for an envelope that was verified before.

    Raises `MalformedError`.
    """
    parts = sealed.split(".")
    if len(parts) != _PARTS:
        raise MalformedError("not a JWS in compact serialisation")
    return from_base64url(parts[1])


def sign_detached(payload: bytes, *, typ: str, key: SigningKey) -> str:
    """A JWS over `payload` without the payload (RFC 7515, appendix F)."""
    header, _, signature = seal(payload, typ=typ, key=key).decode().split(".")
    return f"{header}..{signature}"


def verify_detached(signature: str, payload: bytes, *, typ: str, keys: KeyRing) -> None:
    """Return if `signature` was made over `payload`; raises as `unseal` does."""
    _verify(signature.encode(), typ=typ, keys=keys, payload=payload)


def _verify(sealed: bytes, *, typ: str, keys: KeyRing, payload: bytes | None) -> bytes:
    kid = _kid_of(sealed, typ)
    key = keys.find(kid)
    try:
        return jws.deserialize_compact(sealed, key.jwk, registry=_registry(), payload=payload).payload
    except (JoseError, ValueError) as error:
        raise BadSignatureError(kid) from error


def _kid_of(sealed: bytes, typ: str) -> str:
    header = _header_of(sealed)
    if header.get("alg") != ALGORITHM or not isinstance(header.get("kid"), str) or "crit" in header:
        raise MalformedError("the envelope's header is not ours")
    if header.get("typ") != typ:
        raise MalformedError(f"the envelope holds {header.get('typ')!r}, not {typ!r}")
    return cast("str", header["kid"])


def _header_of(sealed: bytes) -> dict[str, Any]:
    parts = sealed.split(b".")
    if len(parts) != _PARTS:
        raise MalformedError("not a JWS in compact serialisation")
    if len(parts[0]) > _MAX_HEADER_BYTES:
        raise MalformedError(f"the envelope's header has more than {_MAX_HEADER_BYTES} bytes")
    try:
        header = json.loads(from_base64url(parts[0].decode("ascii")))
    except ValueError as error:
        raise MalformedError("the envelope's header is not JSON") from error
    if not isinstance(header, dict):
        raise MalformedError("the envelope's header is not an object")
    return header


def _registry() -> jws.JWSRegistry:
    registry = jws.JWSRegistry(algorithms=[ALGORITHM])
    registry.max_payload_length = _MAX_BYTES
    return registry
