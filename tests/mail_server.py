"""A real SMTP server on a loopback port that takes mails, or does not, as the test says."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.server import free_port

TAKEN = "250 2.0.0 taken"


@dataclass(slots=True)
class MailServerDouble:
    """What the server was given, and how it answers each recipient."""

    answer: Callable[[str], str] = lambda _: TAKEN
    mails: list[Envelope] = field(default_factory=list)
    were_encrypted: list[bool] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(self, _: Any, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        verdict = self.answer(address)
        if verdict.startswith("2"):
            envelope.rcpt_tos.append(address)
        return verdict

    async def handle_DATA(self, _: Any, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope)
        self.were_encrypted.append(session.ssl is not None)
        return TAKEN

    def read(self, index: int = -1) -> EmailMessage:
        """One of the mails, as a mail program would read it."""
        content = self.mails[index].content
        assert isinstance(content, bytes)
        parsed = message_from_bytes(content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@contextmanager
def mail_server(
    server: MailServerDouble | None = None,
    *,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    password: str | None = None,
) -> Iterator[MailServerDouble]:
    """A server in a thread of its own; with `tls` it offers STARTTLS, with `password` it takes a log-in."""
    double = server or MailServerDouble()

    def check(_: Any, __: Any, ___: Any, ____: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=data.password == (password or "").encode(), handled=False)

    auth: dict[str, Any] = {"authenticator": check, "auth_require_tls": False} if password else {}
    controller = Controller(
        double, hostname="127.0.0.1", port=port or free_port(), tls_context=tls, enable_SMTPUTF8=False, **auth
    )
    controller.start()
    double.port = controller.port
    try:
        yield double
    finally:
        controller.stop()


def self_signed(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A certificate for 127.0.0.1 that nobody signed: what a server shows, and the file to trust it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "mail.pem", folder / "mail.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return context, certificate
