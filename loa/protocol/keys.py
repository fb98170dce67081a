"""Ed25519 keys: who signs, and whom we believe."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from loa.protocol.errors import MalformedError, UnknownKeyError
from loa.protocol.ids import KeyId


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key, named by its RFC 7638 thumbprint."""

    kid: KeyId
    jwk: OKPKey = field(repr=False, compare=False)

    @classmethod
    def from_x(cls, x: str) -> "PublicKey":
        """From the 43 base64url characters of the raw key; `MalformedError` if they are none."""
        try:
            jwk = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x})
            return cls(kid=KeyId(jwk.thumbprint()), jwk=jwk)
        except (JoseError, ValueError, KeyError) as error:
            raise MalformedError(f"not an Ed25519 public key: {error}") from error

    @property
    def x(self) -> str:
        """The raw key in base64url, as it travels and is stored."""
        return cast("str", self.jwk.as_dict(private=False)["x"])


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key pair; keep it out of logs and messages."""

    public: PublicKey
    jwk: OKPKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls) -> "SigningKey":
        """A new key from the system's randomness."""
        return cls._of(OKPKey.generate_key("Ed25519", private=True, auto_kid=False))

    @classmethod
    def from_pem(cls, pem: str) -> "SigningKey":
        """From PKCS #8 PEM; `MalformedError` if it is not an Ed25519 private key."""
        try:
            return cls._of(OKPKey.import_key(pem))
        except (JoseError, ValueError) as error:
            raise MalformedError(f"not an Ed25519 private key: {error}") from error

    @classmethod
    def _of(cls, jwk: OKPKey) -> "SigningKey":
        if not jwk.is_private or jwk.curve_name != "Ed25519":
            raise MalformedError("not an Ed25519 private key")
        return cls(public=PublicKey.from_x(cast("str", jwk.as_dict(private=False)["x"])), jwk=jwk)

    def to_pem(self) -> str:
        """PKCS #8 PEM, unencrypted; store it with mode 0600."""
        return self.jwk.as_pem(private=True).decode()

    @property
    def kid(self) -> KeyId:
        """The name of the public half."""
        return self.public.kid


class KeyRing:
    """The public keys that an end believes; immutable."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._keys = {key.kid: key for key in keys}

    def find(self, kid: str) -> PublicKey:
        """The key of that name; `UnknownKeyError` if it is a stranger's."""
        try:
            return self._keys[KeyId(kid)]
        except KeyError:
            raise UnknownKeyError(kid) from None
