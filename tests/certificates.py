"""Certificates for tests, made by the controller's own authority code."""

import base64
import hashlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from loa.controller.adapters.pem_files import write_private
from loa.controller.core.certificates import Authority
from loa.node_agent.adapters.tls import broker_context
from loa.protocol.ids import NodeId
from loa.protocol.keys import SigningKey

AUTHORITY = Authority.make(datetime.now(UTC))
HOST = "loa.langcong.test"
"""A public name; browsers are told where it is, and who asks from here goes by the address."""
HOSTS = ("127.0.0.1", "::1", "localhost", HOST)
SERVER = AUTHORITY.make_server(HOSTS, datetime.now(UTC))


@dataclass(frozen=True)
class Issuer:
    """An authority, and a folder for what it makes."""

    folder: Path
    authority: Authority

    @classmethod
    def new(cls, folder: Path) -> "Issuer":
        return cls(folder, AUTHORITY)

    @classmethod
    def of_controller(cls, data: Path, folder: Path) -> "Issuer":
        """Somebody who has the authority's key of this data directory."""
        return cls(folder, Authority.from_pem((data / "authority.pem").read_text()))

    def client(self, name: str) -> Path:
        """Key and certificate of a client called `name`, in one file."""
        pair = self.authority.make_client(name, datetime.now(UTC))
        path = self.folder / f"client-{name}.pem"
        write_private(path, pair.key + pair.leaf.pem)
        return path

    def server(self) -> Path:
        """Key and certificate of a server of the loopback, in one file."""
        is_ours = self.authority is AUTHORITY
        pair = SERVER if is_ours else self.authority.make_server(HOSTS, datetime.now(UTC))
        path = self.folder / "server.pem"
        write_private(path, pair.key + pair.leaf.pem)
        return path

    def node(self, node: NodeId, key: SigningKey) -> str:
        """The certificate of a node's own key in PEM."""
        return self.authority.certify_node(node, key.public, datetime.now(UTC)).pem

    def client_context(self, name: str) -> ssl.SSLContext:
        """To go to a broker under that name."""
        return context_of(self.authority.pem, self.client(name))

    def server_context(self) -> ssl.SSLContext:
        """To serve HTTPS on the loopback."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server())
        return context


def context_of(authority: str, certificate: Path, key: Path | None = None) -> ssl.SSLContext:
    """To go to a broker with a certificate from files."""
    context = broker_context(authority)
    context.load_cert_chain(certificate, key)
    return context


def spki_of_server(pem: str = SERVER.leaf.pem) -> str:
    """By what Chromium knows the key of a server of ours (`--ignore-certificate-errors-spki-list`)."""
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(info).digest()).decode()


def node_context(folder: Path, authority: str, certificate: str, key: SigningKey) -> ssl.SSLContext:
    """To go to a broker as the node of that key."""
    path = folder / f"{key.kid}.pem"
    write_private(path, key.to_pem() + certificate)
    return context_of(authority, path)
