"""Somebody who signs certificates, for tests of TLS in both directions."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Authority:
    """Signs certificates. Shape: `file` is what trusts it."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = self._builder(self._name, self._key).add_extension(x509.BasicConstraints(True, None), critical=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(
        self, name: str, *, host: str = "127.0.0.1", days: tuple[int, int] = (-1, 1), has_cn: bool = True
    ) -> tuple[Path, Path]:
        """A certificate for a name, which also serves on a host, and its key.

        Shape: valid from and to, from today; without `has_cn` the name is that of its files only.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        common = [x509.NameAttribute(x509.NameOID.COMMON_NAME, name)] if has_cn else []
        builder = self._builder(x509.Name(common), key, days)
        where = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        made = builder.add_extension(x509.SubjectAlternativeName([where]), critical=False).sign(
            self._key, hashes.SHA256()
        )
        certificate, private = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, private

    def client(self, name: str | None = None) -> ssl.SSLContext:
        """What a client uses who trusts this authority, and shows a certificate of his own."""
        context = ssl.create_default_context(cafile=self.file)
        if name is not None:
            context.load_cert_chain(*self.issue(name))
        return context

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: tuple[int, int] = (-1, 1)
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
        )
