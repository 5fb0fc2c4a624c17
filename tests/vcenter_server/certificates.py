"""Certificates for the loopback: good ones, and those that a client must not accept."""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = ("127.0.0.1", "localhost")
_DAY = timedelta(days=1)


class Certificate(NamedTuple):
    """A certificate to serve with; `pin` is the SHA-256 of its DER form, `pem` what clients get."""

    context: ssl.SSLContext
    pin: bytes
    pem: bytes


class Authority:
    """A certificate authority; each call issues a new key and certificate."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    def write(self, path: Path) -> None:
        """Write the CA file for clients."""
        self._ca.cert_pem.write_to_path(path)

    def issue(self) -> Certificate:
        """Return a valid certificate."""
        return _of(self._ca.issue_cert(*_NAMES))

    def expired(self) -> Certificate:
        """Return a certificate that expired yesterday."""
        now = datetime.now(UTC)
        return _of(self._ca.issue_cert(*_NAMES, not_before=now - 2 * _DAY, not_after=now - _DAY))

    def misnamed(self) -> Certificate:
        """Return a certificate for another host."""
        return _of(self._ca.issue_cert("other.example.com"))


def self_signed() -> Certificate:
    """Return a self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return _served(pem, private + pem)


def _of(leaf: trustme.LeafCert) -> Certificate:
    return _served(leaf.cert_chain_pems[0].bytes(), leaf.private_key_and_cert_chain_pem.bytes())


def _served(pem: bytes, key_and_chain: bytes) -> Certificate:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with trustme.Blob(key_and_chain).tempfile() as path:
        context.load_cert_chain(path)
    pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode())).digest()
    return Certificate(context, pin, pem)
