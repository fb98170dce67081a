"""What the address must be under which people and nodes find the controller, and why another one fails."""

from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

LOCAL = "localhost"


class NameFault(StrEnum):
    """What is wrong with an address, as it is told at the terminal."""

    NOT_HTTPS = (
        "browsers let a page use passkeys and microphones over https alone, and so do nodes: https://…"
    )
    IP_ADDRESS = "passkeys belong to a name, never to an IP address: give the machine a DNS name"
    NO_NAME = "a passkey needs a name with a dot, such as loa.langcong.gov.vn (or localhost)"


def name_fault(url: str) -> NameFault | None:
    """The first thing that is wrong with the public address, None if it will do (WebAuthn, 5.1.3)."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return NameFault.NOT_HTTPS
    host = parts.hostname or ""
    if is_address(host):
        return NameFault.IP_ADDRESS
    if host != LOCAL and "." not in host.strip("."):
        return NameFault.NO_NAME
    return None


def is_address(host: str) -> bool:
    """Whether it is a literal of IPv4 or IPv6, in brackets or not."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def host_of(url: str) -> str:
    """The name or address in it."""
    return urlsplit(url).hostname or LOCAL
