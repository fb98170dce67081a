"""Codes that people type and read out, and the part of a node's code that says whom it may believe."""

import hashlib
from typing import NamedTuple

LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0, O, 1 and I, which people mix up: 32 letters, 5 bits each."""
SECRET_LENGTH = 12
"""60 bits, for a few hours."""
FINGERPRINT_LENGTH = 20
"""100 bits: nobody makes another authority with the same letters."""
_BITS = 5
_GROUP = 4


class NodeCode(NamedTuple):
    """A one-time code: the secret goes to the controller, the fingerprint stays at the node."""

    secret: str
    fingerprint: str

    def spaced(self) -> str:
        """As people read it."""
        return spaced(self.secret + self.fingerprint)

    @classmethod
    def read(cls, typed: str) -> "NodeCode | None":
        """What somebody typed; None if it is not whole."""
        letters = normal(typed)
        if len(letters) != SECRET_LENGTH + FINGERPRINT_LENGTH:
            return None
        return cls(letters[:SECRET_LENGTH], letters[SECRET_LENGTH:])


def fingerprint(certificate: bytes) -> str:
    """The first letters of the SHA-256 of a certificate in DER."""
    number = int.from_bytes(hashlib.sha256(certificate).digest())
    bits = hashlib.sha256().digest_size * 8
    places = range(bits - _BITS, bits - _BITS * (FINGERPRINT_LENGTH + 1), -_BITS)
    return "".join(LETTERS[(number >> place) % len(LETTERS)] for place in places)


def spaced(code: str) -> str:
    """As people read it: `7KQ2-MMX9-HJ4T`."""
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def normal(typed: str) -> str:
    """The code that was meant by what somebody typed."""
    return "".join(letter for letter in typed.upper() if letter.isalnum())
