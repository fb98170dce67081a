"""Whom a node believes at the other end of a connection, and what it shows of itself.

Certificates are checked for who made them and for the name, not for their time: a node without a battery
clock learns the time over these very connections. What comes over them is signed by the controller besides.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

_NO_CHECK_TIME = 0x200000
"""`X509_V_FLAG_NO_CHECK_TIME` of OpenSSL, which Python's module has no name for."""


@dataclass(frozen=True, slots=True)
class Pass:
    """With what a node goes to the broker."""

    authority: str
    """PEM of the certificate that the broker's own is from."""
    certificate: Path
    key: Path


def broker_context(authority: str) -> ssl.SSLContext:
    """TLS 1.3 with a broker whose certificate is from the authority, and from nobody else."""
    context = _context(authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def web_context(authority: str) -> ssl.SSLContext:
    """TLS with a controller whose certificate is from the authority, or from one that the system knows."""
    context = _context(authority)
    folder = ssl.get_default_verify_paths().capath
    if folder is None:
        context.load_default_certs()
    else:
        # from a folder OpenSSL reads the one that it needs; all of them at once take half a megabyte
        context.load_verify_locations(capath=folder)
    return context


def _context(authority: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= _NO_CHECK_TIME
    context.load_verify_locations(cadata=authority)
    return context


def unverified_context() -> ssl.SSLContext:
    """To ask a stranger who he says he is; nothing secret may be said over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
