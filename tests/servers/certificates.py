"""A certificate authority for the tests, and the good and bad certificates that it signs (RFC 5280)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificate:
    """The files that a server is configured with."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; ``file`` is what a client trusts it by."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("ticketd test authority")
        now = datetime.now(UTC)
        root = _builder(self._name, self._name, self._key, now - timedelta(days=9), now + timedelta(days=9))
        root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        root = root.add_extension(_usage(signs_certificates=True), critical=True)
        root = root.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
        )
        self.file = _write(directory / "authority.pem", root.sign(self._key, hashes.SHA256()))

    def good(self) -> Certificate:
        """Valid for localhost, 127.0.0.1 and 127.0.0.2."""
        return self._issue("good", "localhost", -1, 8)

    def expired(self) -> Certificate:
        """For the right host, but no longer valid."""
        return self._issue("expired", "localhost", -8, -1)

    def wrong_host(self) -> Certificate:
        """Valid, but for somebody else's host."""
        return self._issue("wrong-host", "mail.example.org", -1, 8)

    def _issue(self, label: str, host: str, first_day: int, last_day: int) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        first, last = now + timedelta(days=first_day), now + timedelta(days=last_day)
        names: list[x509.GeneralName] = [x509.DNSName(host)]
        if host == "localhost":
            names += [x509.IPAddress(ipaddress.ip_address(f"127.0.0.{last}")) for last in (1, 2)]
        leaf = _builder(_name(host), self._name, key, first, last)
        leaf = leaf.add_extension(x509.SubjectAlternativeName(names), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        leaf = leaf.add_extension(issuer, critical=False)
        signed = leaf.sign(self._key, hashes.SHA256())
        return Certificate(
            _write(self._directory / f"{label}.pem", signed),
            _write_key(self._directory / f"{label}.key", key),
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, first: datetime, last: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
    )


def _write(path: Path, certificate: x509.Certificate) -> Path:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> Path:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(pem)
    return path
