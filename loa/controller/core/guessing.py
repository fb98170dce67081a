"""Whose guesses are counted together, so that a stranger's never slow the person down."""

from ipaddress import IPv6Address, ip_address, ip_network

ANYBODY_FREE = 20
"""Wrong passwords from one address, for whatever names, before it has to wait."""
_SITE_BITS = 64
"""What one subscriber of IPv6 gets at least; single addresses in it cost nothing."""


def place_of(source: str) -> str:
    """The address, or for IPv6 the network of one subscriber; other words as they are."""
    try:
        address = ip_address(source)
    except ValueError:
        return source
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, _SITE_BITS), strict=False))
