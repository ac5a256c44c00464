"""Every setting: one table that is read, checked, shown and documented from here.

A setting comes from the environment (`CHAPPE_` and its name in capitals), else from the TOML file, else it has its
default.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from chappe.domain.errors import BadData
from chappe.domain.invoices import read_money
from chappe.domain.mails import MailServer, mail_sender, mail_server
from chappe.domain.rule_table import read_value
from chappe.domain.rulebook import EXAMPLE_STOP_NUMBER
from chappe.domain.sender_shape import MAX_ALPHANUMERIC, plain_sender

Network = IPv4Network | IPv6Network
PREFIX: Final = "CHAPPE_"
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
# Plain letters only: every character counts once in a text, and no handset breaks the link.
_SHORT_URL: Final = re.compile(r"(https?://)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
LOG_FORMATS: Final = ("console", "json")
MAX_ISSUER_LINES, MAX_ISSUER_CHARACTERS = 12, 1000


class SettingsError(Exception):
    """Some settings cannot be used. Shape: `faults` has a line for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective settings. Units: as the table says."""

    data: Path
    database_url: str
    host: str
    port: int
    smpp_host: str
    smpp_port: int
    smpp_tls_port: int
    smpp_tls_certificate: str
    smpp_tls_key: str
    smpp_tls_client_ca: str
    smpp_part_wait_s: int
    smpp_delivery_keep_days: int
    public_url: str
    short_url: str
    webhook_allow_networks: tuple[Network, ...]
    log_level: str
    log_format: str
    trusted_proxies: str
    max_parts: int
    default_sender: str
    stop_text: str
    stop_number: str
    max_recipients: int
    max_list_recipients: int
    max_body_bytes: int
    open_registration: bool
    max_failed_logins: int
    lock_s: int
    validity_s: int
    receipt_wait_s: int
    reply_window_days: int
    reply_parts_wait_s: int
    event_keep_days: int
    moderation_days: int
    smtp_url: str
    mail_from: str
    smtp_ca_file: str
    credit_price: Decimal | None
    currency: str
    vat_percent: Decimal
    invoice_issuer: str
    invoice_prefix: str

    @property
    def database(self) -> Path:
        """The file of the embedded database."""
        path = self.database_url.removeprefix("sqlite:///")
        return Path(path) if path else self.data / "chappe.db"

    @property
    def smpp_address(self) -> str:
        """Where customers bind over SMPP."""
        return f"{self.smpp_host or self.host}:{self.smpp_port}" if self.smpp_port else "off"

    @property
    def mail_server(self) -> MailServer | None:
        """Where mails are handed over; None when none is set up."""
        return mail_server(self.smtp_url, self.mail_from, self.smtp_ca_file) if self.smtp_url else None

    @property
    def links_base(self) -> str:
        """What stands before the code of a short link in a text."""
        return self.short_url or self.public_url or f"http://{self.host}:{self.port}"

    @property
    def links_host(self) -> str | None:
        """The name that serves short links only: one that customers do not reach the API at."""
        short, public = _host_of(self.short_url), _host_of(self.public_url)
        return short if short and public and short != public else None


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: how it is read and what it is for."""

    name: str
    default: str
    read: Callable[[str], Any]
    help: str
    is_secret: bool = False


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError(f"must be a whole number, not {text!r}") from None
        if not low <= value <= high:
            raise ValueError(f"must be between {low} and {high}, not {value}")
        return value

    return read


def _choice(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, not {text!r}")
        return text.lower()

    return read


def _yes_or_no(text: str) -> bool:
    if text not in ("0", "1", "False", "True"):
        raise ValueError(f"must be 0 or 1, not {text!r}")
    return text in ("1", "True")


def _url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError(f"must be like https://sms.example.org, not {text!r}")
    return text.rstrip("/")


def _short_url(text: str) -> str:
    url = text.strip().rstrip("/")
    if url and not _SHORT_URL.fullmatch(url):
        raise ValueError(f"must be like sms.example or https://sms.example, without a path, not {text!r}")
    return url


def _host_of(url: str) -> str | None:
    return urlsplit(url if "://" in url else f"//{url}").hostname


def _database_url(text: str) -> str:
    if text and not (text.startswith("sqlite:///") and len(text) > len("sqlite:///")):
        raise ValueError("must be like sqlite:////var/lib/chappe/chappe.db")
    return text


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())
    except ValueError as error:
        raise ValueError(f"must be networks like 10.0.0.0/8, separated by commas: {error}") from None


def _proxies(text: str) -> str:
    return ",".join(map(str, _networks(text)))


def _smtp_url(text: str) -> str:
    if text:
        mail_server(text, "sender@example.org")
    return text


def _mail_from(text: str) -> str:
    if text:
        mail_sender(text)
    return text


def _file(text: str) -> str:
    if text and not Path(text).is_file():
        raise ValueError(f"there is no file {text}")
    return text


def _text(text: str) -> str:
    return text


def _sender_name(text: str) -> str:
    if plain_sender(text) != text:
        raise ValueError(f"must be a name of 1 to {MAX_ALPHANUMERIC} plain characters, not {text!r}")
    return text


def _stop_text(text: str) -> str:
    _rule("stop_text", text)
    return text


def _stop_number(text: str) -> str:
    return str(_rule("stop_number", text))


def _rule(name: str, text: str) -> object:
    """A setting that is the default of a rule is read as the rule is."""
    try:
        return read_value(name, text)
    except BadData as error:
        raise ValueError(error.reason) from None


def _price(text: str) -> Decimal | None:
    return read_money(text) if text.strip() else None


def _percent(text: str) -> Decimal:
    return read_money(text, high=Decimal(100))


def _currency(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{3}", text.strip()):
        raise ValueError(f"must be three letters of ISO 4217, like EUR, not {text!r}")
    return text.strip().upper()


def _prefix(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,16}", text):
        raise ValueError(f"must be at most 16 letters, digits, dots, dashes or underscores, not {text!r}")
    return text


def _lines(text: str) -> str:
    """Some lines; in an environment variable they may be written with \\n between them."""
    lines = [line.strip() for line in text.replace("\\n", "\n").splitlines()]
    if len(lines) > MAX_ISSUER_LINES or len(text) > MAX_ISSUER_CHARACTERS:
        raise ValueError(f"must have at most {MAX_ISSUER_LINES} lines and {MAX_ISSUER_CHARACTERS} characters")
    return "\n".join(filter(None, lines))


SETTINGS: Final = (
    Setting("data", "./chappe-data", Path, "Folder of the embedded database and its lock files."),
    Setting(
        "database_url",
        "",
        _database_url,
        "The database; empty: `chappe.db` in the data folder.",
        is_secret=True,
    ),
    Setting("host", "127.0.0.1", _text, "Address the HTTP API listens on."),
    Setting("port", "8000", _whole(0, 65535), "Port the HTTP API listens on; 0 picks a free one."),
    Setting("smpp_host", "", _text, "Address that customers bind to over SMPP; empty: that of the API."),
    Setting("smpp_port", "2775", _whole(0, 65535), "Port that customers bind to over SMPP; 0 for none."),
    Setting(
        "smpp_tls_port",
        "3550",
        _whole(0, 65535),
        "Port that customers bind to over SMPP with TLS, once there is a certificate; 0 for none.",
    ),
    Setting("smpp_tls_certificate", "", _file, "File with the certificate, and those that signed it, in PEM."),
    Setting("smpp_tls_key", "", _file, "File with its key; empty: it is in the file of the certificate."),
    Setting(
        "smpp_tls_client_ca",
        "",
        _file,
        "File with the certificates that sign those of customers, for bind users who need one.",
    ),
    Setting(
        "smpp_part_wait_s",
        "3600",
        _whole(1, 7 * 86_400),
        "Seconds for which parts of a long message over SMPP wait for the others.",
    ),
    Setting(
        "smpp_delivery_keep_days",
        "7",
        _whole(1, 365),
        "Days for which receipts and replies wait for a customer who does not bind.",
    ),
    Setting("public_url", "", _url, "The address customers reach the API at; empty: host and port."),
    Setting(
        "short_url",
        "",
        _short_url,
        "What stands before the code of a short link, like sms.example or https://sms.example; empty: public_url.",
    ),
    Setting(
        "webhook_allow_networks",
        "",
        _networks,
        "Private networks that webhooks may call, separated by commas; none by default.",
    ),
    Setting(
        "trusted_proxies",
        "",
        _proxies,
        "Addresses or networks of proxies whose X-Forwarded-For is believed, separated by commas.",
    ),
    Setting("log_level", "info", _choice(LOG_LEVELS), "Least level that is logged: debug, info, warning or error."),
    Setting("log_format", "console", _choice(LOG_FORMATS), "console for people, json for machines."),
    Setting("max_parts", "10", _whole(1, 255), "Most parts (SMS) one message may take."),
    Setting(
        "default_sender",
        "Chappe",
        _sender_name,
        "The sender in countries that need a name (Switzerland), for accounts that give none.",
    ),
    Setting(
        "stop_text",
        "STOP au {number}",
        _stop_text,
        "What tells people how to opt out of marketing under a name; {number} stands for stop_number.",
    ),
    Setting(
        "stop_number",
        EXAMPLE_STOP_NUMBER,
        _stop_number,
        "Your carrier's number that STOP is sent to; the default is only an example.",
    ),
    Setting("max_recipients", "100000", _whole(1, 1_000_000), "Most recipients in one request."),
    Setting(
        "max_list_recipients",
        "5000000",
        _whole(1, 20_000_000),
        "Most contacts of lists in one request; a million takes some 70 MB of memory while it is accepted.",
    ),
    Setting(
        "max_body_bytes",
        str(32 * 1024 * 1024),
        _whole(1024, 1024**3),
        "Largest request body in octets.",
    ),
    Setting(
        "open_registration",
        "1",
        _yes_or_no,
        "1 lets customers open main accounts (without credits) over the API, as the vendor's does; 0 leaves it to you.",
    ),
    Setting(
        "max_failed_logins",
        "10",
        _whole(0, 1000),
        "Wrong passwords in a row that lock an account's log-in (not its tokens); 0 for never.",
    ),
    Setting("lock_s", "900", _whole(1, 30 * 86_400), "Seconds after which such a lock opens by itself."),
    Setting(
        "validity_s",
        "172800",
        _whole(1, 30 * 86_400),
        "Seconds within which a carrier must have taken a message.",
    ),
    Setting(
        "receipt_wait_s",
        "86400",
        _whole(1, 30 * 86_400),
        "Seconds after the validity within which a receipt may still come.",
    ),
    Setting(
        "reply_window_days",
        "30",
        _whole(1, 366),
        "Days after a message within which a text from its recipient is a reply to it.",
    ),
    Setting(
        "reply_parts_wait_s",
        "3600",
        _whole(1, 7 * 86_400),
        "Seconds for which the missing parts of a long reply are waited for; then it is told with gaps.",
    ),
    Setting(
        "event_keep_days",
        "30",
        _whole(1, 3650),
        "Days for which finished webhook events, mails, unmatched receipts and nobody's replies are kept.",
    ),
    Setting(
        "moderation_days",
        "7",
        _whole(1, 365),
        "Days after which a campaign that waits for a person is refused, when nobody has decided about it.",
    ),
    Setting(
        "smtp_url",
        "",
        _smtp_url,
        "Mail server, like smtp://user:password@mail.example.org:587 (encrypted when the server offers it) or smtps://.",
        is_secret=True,
    ),
    Setting("mail_from", "", _mail_from, "Whom mails are from, like Acme <sms@example.org>; needed with smtp_url."),
    Setting("smtp_ca_file", "", _file, "File with the certificates to trust for the mail server, not the system's."),
    Setting(
        "credit_price",
        "",
        _price,
        "Net price of one credit, for the invoices of top-ups; empty: an invoice only where a price is given.",
    ),
    Setting("currency", "EUR", _currency, "Currency of prices and invoices (ISO 4217)."),
    Setting("vat_percent", "20", _percent, "Value added tax on invoices, in percent."),
    Setting(
        "invoice_issuer",
        "",
        _lines,
        "Who writes the invoices: name, address, registration and VAT number, lines separated by `\\n`.",
    ),
    Setting("invoice_prefix", "", _prefix, "What stands before the year in the number of an invoice."),
)


def load(environment: Mapping[str, str] | None = None, file: Path | None = None, **given: object) -> Settings:
    """Read all settings; what the command line gives (not None) wins.

    Raises: SettingsError naming every fault at once.
    """
    environment = os.environ if environment is None else environment
    faults: list[str] = []
    from_file = _read_file(file or _named_file(environment), faults)
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        variable = PREFIX + setting.name.upper()
        on_line = given.get(setting.name)
        if on_line is not None:
            text, origin = str(on_line), f"--{setting.name.replace('_', '-')}"
        elif variable in environment:
            text, origin = environment[variable], variable
        elif setting.name in from_file:
            text, origin = _as_text(from_file[setting.name]), f"{setting.name} in the settings file"
        else:
            text, origin = setting.default, setting.name
        try:
            values[setting.name] = setting.read(text)
        except ValueError as error:
            faults.append(f"{origin}: {error}")
    if values.get("smtp_url") and values.get("mail_from") == "":
        faults.append(f"{PREFIX}MAIL_FROM: is needed with smtp_url")
    faults += [f"{PREFIX}{name}: there is no such setting" for name in _unknown_variables(environment)]
    if faults:
        raise SettingsError(faults)
    return Settings(**values)


def shown(settings: Settings) -> dict[str, str]:
    """The effective values as text, secrets masked."""
    lines = {}
    for setting in SETTINGS:
        text = written(settings, setting)
        lines[setting.name] = _masked(text) if setting.is_secret else text
    return lines


def written(settings: Settings, setting: Setting) -> str:
    """An effective value as it would be given in the environment."""
    value = getattr(settings, setting.name)
    if value is None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def reference() -> str:
    """The table of settings as documentation."""
    lines = ["# Settings", "", "| environment | TOML | default | what for |", "| --- | --- | --- | --- |"]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else "-"
        lines.append(f"| `{PREFIX}{setting.name.upper()}` | `{setting.name}` | {default} | {setting.help} |")
    lines += ["", f"`{PREFIX}CONFIG` names the TOML file. The environment wins over the file, an option over both."]
    return "\n".join(lines) + "\n"


def _named_file(environment: Mapping[str, str]) -> Path | None:
    name = environment.get(PREFIX + "CONFIG")
    return Path(name) if name else None


def _read_file(path: Path | None, faults: list[str]) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        with path.open("rb") as file:
            found = tomllib.load(file)
    except (OSError, ValueError) as error:  # not there, not TOML, not UTF-8
        faults.append(f"the settings file {path} cannot be read: {error}")
        return {}
    known = {setting.name for setting in SETTINGS}
    faults += [f"{name} in the settings file: there is no such setting" for name in found if name not in known]
    return found


def _as_text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _unknown_variables(environment: Mapping[str, str]) -> list[str]:
    known = {setting.name.upper() for setting in SETTINGS} | {"CONFIG"}
    return [
        name.removeprefix(PREFIX)
        for name in environment
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in known
    ]


def _masked(url: str) -> str:
    """A database URL without its password."""
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url
