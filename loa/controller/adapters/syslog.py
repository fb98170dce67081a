"""Lines of the audit trail to a syslog server: UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425)."""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from loa.controller.core.syslog import framed, message
from loa.controller.core.trail import Sealed

PATIENCE_S = 5.0
PORTS = {"udp": 514, "tcp": 601, "tls": 6514}
LONGEST_DATAGRAM = 60_000
"""What is longer is cut, as receivers do by themselves: a datagram of IPv4 holds 65,507 bytes."""


@dataclass(frozen=True, slots=True)
class SyslogAddress:
    """Where, and how."""

    kind: str
    host: str
    port: int


def address_of(url: str) -> SyslogAddress:
    """Of `udp://host`, `tcp://host:601` or `tls://host:6514`; the settings have checked it."""
    parts = urlsplit(url)
    return SyslogAddress(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])


class SyslogSender:
    """`loa.controller.ports.LineSender`, for one thread; the next line opens a broken connection again."""

    def __init__(
        self, address: SyslogAddress, *, context: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        self._address = address
        self._context = context or ssl.create_default_context
        self._host = socket.gethostname()
        self._socket: socket.socket | None = None

    def send(self, line: Sealed) -> None:
        """Hand one line to the server, or to the network in between; raises OSError."""
        content = message(line, self._host)
        try:
            opened = self._socket = self._socket or self._connect()
            if self._address.kind == "udp":
                opened.send(content[:LONGEST_DATAGRAM])
            else:
                opened.sendall(framed(content))
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> socket.socket:
        where = (self._address.host, self._address.port)
        if self._address.kind == "udp":
            family, kind, protocol, _name, found = socket.getaddrinfo(*where, type=socket.SOCK_DGRAM)[0]
            opened = socket.socket(family, kind, protocol)
            opened.connect(found)
            return opened
        opened = socket.create_connection(where, timeout=PATIENCE_S)
        if self._address.kind == "tcp":
            return opened
        return self._context().wrap_socket(opened, server_hostname=self._address.host)
