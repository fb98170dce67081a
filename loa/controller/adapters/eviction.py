"""Ending a connection at the broker: whoever comes under the same name takes it over (MQTT 3.1.1, 3.1.4)."""

import socket
import ssl
import tempfile
from pathlib import Path

from loa.controller.core.certificates import Authority, KeyPair
from loa.controller.store.private_files import make_private

WITHIN_S = 5.0
_CONNECT, _DISCONNECT = 0x10, b"\xe0\x00"
_HEAD = b"\x00\x04MQTT\x04\x02\x00\x3c"
"""MQTT 3.1.1, a clean session, sixty seconds."""
_ACCEPTED = b"\x20\x02\x00\x00"


class NotEvictedError(OSError):
    """The broker did not let us in under that name."""


def evict(name: str, pair: KeyPair, authority: Authority, address: tuple[str, int]) -> None:
    """Take over the connection of the client of that name, and end it. Raises OSError.

    The broker takes the name from the certificate, so only who has the authority can do this.
    """
    context = _context(pair, authority)
    host, port = address
    with (
        socket.create_connection((host.strip("[]"), port), timeout=WITHIN_S) as plain,
        context.wrap_socket(plain, server_hostname=host.strip("[]")) as tls,
    ):
        tls.sendall(_connect(name))
        if (answer := tls.recv(len(_ACCEPTED))) != _ACCEPTED:
            raise NotEvictedError(f"the broker answered {answer.hex() or 'nothing'}")
        tls.sendall(_DISCONNECT)


def _connect(name: str) -> bytes:
    encoded = name.encode()
    body = _HEAD + len(encoded).to_bytes(2) + encoded
    return bytes([_CONNECT, len(body)]) + body


def _context(pair: KeyPair, authority: Authority) -> ssl.SSLContext:
    context = broker_context(authority.pem)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "client.pem"
        make_private(file, (pair.key + pair.leaf.pem).encode())
        context.load_cert_chain(file)
    return context


def broker_context(authority: str) -> ssl.SSLContext:
    """TLS 1.3 with a broker whose certificate is from the authority (PEM); our own is to be added."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=authority)
    return context
