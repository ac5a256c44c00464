"""Mails: to whom one may be written, what it looks like on the wire, when it is tried again."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from enum import IntEnum
from typing import Final
from unicodedata import category
from urllib.parse import unquote, urlsplit

from chappe.domain.errors import BadData

MAX_ADDRESS: Final = 254
# Source: the HTML standard's valid e-mail address, which is what people's other programs take.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*")

# Unicode's control characters, half pairs, and separators of lines and paragraphs.
_NOT_IN_A_LINE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})

# Seconds between the tries: minutes while it may be a restart or a greylist, hours later; two days in all.
RETRY_S: Final = (60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400)
# Without a mail server a mail waits for one to be set up.
WAIT_FOR_SERVER_MS: Final = 86_400_000
_PORTS: Final = {"smtp": 587, "smtps": 465}


class MailState(IntEnum):
    """Where a mail stands. The numbers are stored."""

    DUE = 0
    SENT = 1
    GIVEN_UP = 2


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed over, and whom they are from.

    Shape: `is_tls` encrypts from the first octet; otherwise it is encrypted as soon as the server offers it.
           `ca_file` holds the certificates to trust instead of the system's, when it is not empty.
    """

    host: str
    port: int
    is_tls: bool
    user: str
    password: str
    sender: Address
    ca_file: str = ""


def mail_server(url: str, sender: str, ca_file: str = "") -> MailServer:
    """The server that a URL like smtp://user:password@host:587 or smtps://host names. Raises: ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must be like smtp://user:password@mail.example.org:587 or smtps://mail.example.org")
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise ValueError("has a port that is none") from None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(parts.hostname, port, parts.scheme == "smtps", user, password, mail_sender(sender), ca_file)


def mail_sender(text: str) -> Address:
    """Whom mails are from: an address, or `Name <address>`. Raises: ValueError."""
    name, address = parseaddr(text)
    if not text.isprintable() or not _ADDRESS.fullmatch(address):
        raise ValueError(f"must be like sms@example.org or Acme <sms@example.org>, not {text!r}")
    return Address(display_name=name, addr_spec=address)


def mail_address(text: str, *, field: str) -> str:
    """An address that a mail can be written to. Raises: BadData."""
    text = text.strip()
    if len(text) > MAX_ADDRESS or not _ADDRESS.fullmatch(text):
        raise BadData("is no e-mail address", field=field)
    return text


def mail_octets(sender: Address, recipient: str, subject: str, body: str, *, id_: str, at: int) -> bytes:
    """A plain text mail with its headers, ready to be handed over.

    Shape:  `id_` is the same for every try, so that a mail which was taken twice can be known as one.
    Raises: BadData when one of the headers would not be one line, or the recipient is no address.
    Units:  `at` is in milliseconds UTC.
    """
    if any(category(character) in _NOT_IN_A_LINE for character in subject):
        raise BadData("has control characters", field="subject")
    mail = EmailMessage(policy=SMTP)
    try:
        mail["Date"] = format_datetime(datetime.fromtimestamp(at // 1000, UTC))
        mail["Message-ID"] = f"<{id_}@{sender.domain}>"
        mail["From"] = sender
        mail["To"] = Address(addr_spec=mail_address(recipient, field="to"))
        mail["Subject"] = subject
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's out-of-office note should answer it
        mail.set_content(body, cte="quoted-printable")
        return mail.as_bytes()
    except (ValueError, MessageError) as error:
        raise BadData(f"cannot be written as a mail: {error}", field="mail") from None


def next_try_ms(attempts: int) -> int | None:
    """How long to wait after so many tries, None when it is time to give up. Units: milliseconds."""
    return RETRY_S[attempts - 1] * 1000 if attempts <= len(RETRY_S) else None
