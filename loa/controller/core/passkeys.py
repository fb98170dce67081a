"""People's passkeys (khóa cá nhân), and for which site they are made."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from loa.protocol.ids import sha256_hex
from loa.protocol.passkey import Passkey, RelyingParty

LOCAL = "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalKey:
    """A passkey of a person, in use."""

    id: str
    user_id: str
    passkey: Passkey
    name: str
    """What the person calls it: mostly the phone or computer on which it lives."""
    created_at: datetime
    used_at: datetime | None = None


def party_of(address: str) -> RelyingParty | None:
    """The console as passkeys know it; None where browsers make none: without TLS, or without a name.

    After https://www.w3.org/TR/webauthn-3/#relying-party-identifier: a domain, which no IP address is.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    if not host or _is_ip(host) or (parts.scheme != "https" and host != LOCAL):
        return None
    return RelyingParty(id=host, origins=(f"{parts.scheme}://{parts.netloc}",))


def fingerprint(passkey: Passkey) -> str:
    """Short enough to be read out: 64 bits of the SHA-256 of the key."""
    digest = sha256_hex(passkey.key.encode())
    return " ".join(digest[start : start + 4] for start in range(0, 16, 4))


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
