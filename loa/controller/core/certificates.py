"""The controller's certificate authority: X.509 (RFC 5280) for nodes, the broker and the controller."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from loa.protocol.base64url import from_base64url
from loa.protocol.codes import fingerprint
from loa.protocol.ids import NodeId
from loa.protocol.keys import PublicKey

AUTHORITY_LASTS = timedelta(days=365 * 20)
LEAF_LASTS = timedelta(days=90)
RENEW_BEFORE = timedelta(days=30)
RENEW_SPREAD = timedelta(days=10)
"""Nodes that enrolled on one day renew on ten."""
CONTROLLER = "@controller"
"""Its name at the broker; no node can be called so."""
_BEGINS = datetime(2020, 1, 1, tzinfo=UTC)
"""Of the authority and of clients: a machine whose clock is behind must not refuse what is good."""
_BACK = timedelta(days=1)
"""Of servers: browsers of Apple take no certificate that is for more than 825 days."""
_PEM = Encoding.PEM


class BadAuthorityError(Exception):
    """The text holds no authority of ours."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate that was made: PEM and its serial number in hexadecimal."""

    pem: str
    serial: str
    not_after: datetime


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key in PEM, with its certificate; for a file that only its owner may read."""

    key: str = field(repr=False)
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class Authority:
    """A key on P-256 and its self-signed certificate; it signs leaves directly."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def make(cls, now: datetime) -> "Authority":
        """A new one, under a name that tells it apart from others of the same kind."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"Loa {secrets.token_hex(4)}")
        use = _key_usage(signs_certificates=True)
        subject = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        made = (
            _builder(name, name, key.public_key(), _BEGINS, now + AUTHORITY_LASTS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(use, critical=True)
            .add_extension(subject, critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(made, key)

    @classmethod
    def from_pem(cls, text: str) -> "Authority":
        """What `to_pem` wrote; raises `BadAuthorityError`."""
        try:
            key = load_pem_private_key(text.encode(), None)
            certificate = x509.load_pem_x509_certificate(text.encode())
        except (ValueError, TypeError) as error:
            raise BadAuthorityError(str(error)) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
            raise BadAuthorityError("key and certificate do not belong together")
        return cls(certificate, key)

    def to_pem(self) -> str:
        """Key and certificate, unencrypted; store it with mode 0600."""
        return _key_pem(self.key) + self.pem

    @property
    def pem(self) -> str:
        """The certificate, which everybody may have."""
        return self.certificate.public_bytes(_PEM).decode()

    @property
    def fingerprint(self) -> str:
        """As a node's code carries it."""
        return fingerprint(self.certificate.public_bytes(Encoding.DER))

    def certify_node(self, node: NodeId, key: PublicKey, now: datetime) -> Leaf:
        """For the node's own key, which it also signs its reports with."""
        raw = from_base64url(key.x)
        return self._sign_client(node, Ed25519PublicKey.from_public_bytes(raw), now)

    def make_client(self, name: str, now: datetime) -> KeyPair:
        """A key of its own for a client of the broker called `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        return KeyPair(_key_pem(key), self._sign_client(name, key.public_key(), now))

    def make_server(self, hosts: Sequence[str], now: datetime) -> KeyPair:
        """A key of its own for a server that is found under these names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [_general_name(host) for host in dict.fromkeys(hosts)]
        alternative = x509.SubjectAlternativeName(names)
        use = ExtendedKeyUsageOID.SERVER_AUTH
        builder = self._leaf("Loa", key.public_key(), (now - _BACK, now + LEAF_LASTS), use)
        return KeyPair(_key_pem(key), self._sign(builder.add_extension(alternative, critical=False)))

    def revoke(self, serials: Iterable[tuple[str, datetime]]) -> str:
        """The revocation list in PEM: serial number and when.

        It lasts as long as the authority: Mosquitto lets nobody in under a list that is over, and the broker
        must go on when the controller is off for months.
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(self.certificate.not_valid_before_utc)
            .next_update(self.certificate.not_valid_after_utc)
        )
        for serial, at in serials:
            entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(at)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(_PEM).decode()

    def _sign_client(self, name: str, key: "_PublicKey", now: datetime) -> Leaf:
        return self._sign(self._leaf(name, key, (_BEGINS, now + LEAF_LASTS), ExtendedKeyUsageOID.CLIENT_AUTH))

    def _leaf(
        self, name: str, key: "_PublicKey", lasts: tuple[datetime, datetime], use: x509.ObjectIdentifier
    ) -> x509.CertificateBuilder:
        until = min(lasts[1], self.certificate.not_valid_after_utc)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return (
            _builder(_name(name), self.certificate.subject, key, lasts[0], until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(issuer, critical=False)
        )

    def _sign(self, builder: x509.CertificateBuilder) -> Leaf:
        made = builder.sign(self.key, hashes.SHA256())
        return Leaf(made.public_bytes(_PEM).decode(), f"{made.serial_number:x}", made.not_valid_after_utc)


def renew_after(leaf: Leaf, share: float) -> datetime:
    """When its holder is to ask for the next one; `share` (0 to 1) spreads those that were made together."""
    return leaf.not_after - RENEW_BEFORE - RENEW_SPREAD * share


_PublicKey = Ed25519PublicKey | ec.EllipticCurvePublicKey


def _builder(
    name: x509.Name, issuer: x509.Name, key: _PublicKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host.strip("[]")))
    except ValueError:
        return x509.DNSName(host.encode("idna").decode())


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(_PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
