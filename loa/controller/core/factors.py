"""Second factors: what a person has, beside the password that a person knows."""

import base64
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from loa.controller.core.access import Grant, Role
from loa.protocol.codes import LETTERS

SECRET_BYTES = 20
"""RFC 4226, 4 R6."""
DIGITS = 6
STEP_S = 30
STEPS_EITHER_WAY = 1
"""So many steps the clock of a phone may be wrong by (RFC 6238, 5.2)."""
RECOVERY_CODES = 10
RECOVERY_LETTERS = 16
"""80 bits: nobody finds one in a stolen database that holds only its hash."""
HALF_LETTERS = 10
"""Of one half of a recovery by two; 50 bits, hashed with a key that the database does not hold."""


class FactorKind(StrEnum):
    """What kinds of factors there are."""

    TOTP = "totp"
    """An app that shows a number (RFC 6238)."""


class RecoveryEnd(StrEnum):
    """How a recovery ended."""

    USED = "used"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """How it stands with a recovery by two."""

    id: str
    user: str
    reason: str
    opened_by: str
    opened_at: datetime
    confirmed_by: str | None
    until: datetime
    ended_at: datetime | None
    how: RecoveryEnd | None


def new_secret() -> bytes:
    """For an authenticator app."""
    return secrets.token_bytes(SECRET_BYTES)


def spelt(secret: bytes) -> str:
    """As people type it into an app that cannot scan: base32 in groups of four."""
    text = base64.b32encode(secret).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def address_of(secret: bytes, user: str, place: str) -> str:
    """The `otpauth:` address that apps scan."""
    label = quote(f"{place}:{user}", safe="")
    query = urlencode({"secret": base64.b32encode(secret).decode(), "issuer": place}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}&algorithm=SHA1&digits={DIGITS}&period={STEP_S}"


def step_of(secret: bytes, code: str, now: datetime, last_step: int | None) -> int | None:
    """The time step whose code this is; None for a wrong code, and for one that was taken before."""
    given = "".join(code.split())
    if len(given) != DIGITS or not (given.isascii() and given.isdigit()):
        return None
    present = int(now.timestamp()) // STEP_S
    for step in range(present - STEPS_EITHER_WAY, present + STEPS_EITHER_WAY + 1):
        fits = secrets.compare_digest(code_at(secret, step), given)
        if fits and (last_step is None or step > last_step):
            return step
    return None


def code_at(secret: bytes, step: int) -> str:
    """What the app shows in that time step."""
    sha1 = SHA1()  # noqa: S303 -- what all apps know; an HMAC does not suffer from its collisions
    return TOTP(secret, DIGITS, sha1, STEP_S).generate(step * STEP_S).decode()


def new_code(letters: int) -> str:
    """A code for paper, without letters that look alike."""
    return "".join(secrets.choice(LETTERS) for _ in range(letters))


def asking(grants: Collection[Grant], roles: Collection[Role]) -> frozenset[Grant]:
    """The grants that ask for a second factor."""
    return frozenset(grant for grant in grants if grant.role in roles)
