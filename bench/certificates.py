"""A server's certificate as the world has them: leaf and intermediate on P-256, below a known root."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

NAME = "loa.langcong.example"
_TIMESTAMPS = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_TIMESTAMPS_BYTES = 242
"""Two signed certificate timestamps, which a certificate of a public authority carries."""

Key = ec.EllipticCurvePrivateKey


def make_chain(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a client and a server need to speak TLS 1.3 with each other."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    root = _certificate("Root X1", keys[0], "Root X1", keys[0], is_authority=True)
    middle = _certificate("Intermediate E7", keys[1], "Root X1", keys[0], is_authority=True)
    leaf = _certificate(NAME, keys[2], "Intermediate E7", keys[1], is_authority=False)
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (leaf, middle)))
    key.write_bytes(
        keys[2].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, key)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=root.public_bytes(serialization.Encoding.PEM).decode())
    for one in (client, server):
        one.minimum_version = ssl.TLSVersion.TLSv1_3
    return client, server


def _certificate(
    name: str, key: Key, issuer: str, issuer_key: Key, *, is_authority: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        stamps = x509.UnrecognizedExtension(_TIMESTAMPS, bytes(_TIMESTAMPS_BYTES))
        made = made.add_extension(stamps, critical=False)
    return made.sign(issuer_key, hashes.SHA256())


def _name(name: str) -> x509.Name:
    parts = {
        NameOID.COUNTRY_NAME: "VN",
        NameOID.ORGANIZATION_NAME: "Example Trust",
        NameOID.COMMON_NAME: name,
    }
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts.items()])
