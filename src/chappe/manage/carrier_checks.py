"""What is checked of a carrier before it is kept: SMPP could not carry the rest, or nobody could read it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from chappe.carriers.http.options import HttpOptions
from chappe.carriers.kinds import KINDS, options_from
from chappe.carriers.options import CarrierOptions
from chappe.carriers.own_fields import written
from chappe.carriers.refusals import FAILURES, read_meaning, status_number
from chappe.carriers.smpp_options import SmppOptions
from chappe.domain.errors import BadData
from chappe.domain.sender_shape import plain_sender, pool_of
from chappe.domain.unknown import KINDS as MESSAGE_KINDS
from chappe.domain.unknown import check_policy
from chappe.manage.http_checks import check_http
from chappe.telecom.gsm7 import LANGUAGES, Language
from chappe.telecom.receipts import STATES

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# A carrier's error code of a failed message, without leading zeros.
_CODE: Final = re.compile(r"[A-Za-z0-9]{1,8}")
MAX_ERRORS: Final = 200
MAX_BINDS, MAX_WINDOW, MAX_RATE = 32, 10_000, 100_000
# The lengths that SMPP allows, without the final zero octet. Source: SMPP 3.4, 4.1.1.
MAX_SYSTEM_ID, MAX_PASSWORD = 15, 8
MAX_POOL: Final = 50
MAX_FIELDS: Final = 20


@dataclass(frozen=True, slots=True)
class NewCarrier:
    """What an operator says about a carrier.

    Shape: `rate` in submits per second, 0 for no limit; `profile` is where its options began.
    """

    name: str
    host: str
    port: int
    system_id: str
    password: str
    tls: bool = False
    binds: int = 1
    window: int = 100
    rate: int = 0
    options: CarrierOptions = field(default_factory=SmppOptions)
    profile: str | None = None

    @property
    def kind(self) -> str:
        return next(kind for kind, type_ in KINDS.items() if type(self.options) is type_)


def check(new: NewCarrier) -> None:
    """Raises: BadData that names what cannot be."""
    if not _NAME.fullmatch(new.name):
        raise BadData("must have 1 to 64 letters, digits, dots, dashes or underscores", field="name")
    if new.kind != "sandbox":
        _check_place(new)
    for name, text, longest in (
        ("system_id", new.system_id, MAX_SYSTEM_ID),
        ("password", new.password, MAX_PASSWORD),
    ):
        if len(text) > longest or not _is_plain(text):
            raise BadData(f"must have at most {longest} ASCII characters, as SMPP allows", field=name)
    for name, value, low, high in (
        ("binds", new.binds, 1, MAX_BINDS),
        ("window", new.window, 1, MAX_WINDOW),
        ("rate", new.rate, 0, MAX_RATE),
    ):
        if not low <= value <= high:
            raise BadData(f"must be between {low} and {high}", field=name)
    check_options(new.kind, new.options)


def _check_place(new: NewCarrier) -> None:
    if not new.host or len(new.host) > 255 or any(character.isspace() for character in new.host):
        raise BadData("must be a host name or an address", field="smpp")
    if not is_host(new.host):
        raise BadData("the parts of a host name have 1 to 63 characters between their dots", field="smpp")
    if not 1 <= new.port <= 65535:
        raise BadData("must have a port between 1 and 65535", field="smpp")


def is_host(name: str) -> bool:
    """Whether the name of a host can be looked up at all."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True


def check_options(kind: str, options: CarrierOptions) -> None:
    """Raises: BadData that names the option."""
    options_from(kind, msgspec.to_builtins(options))  # types and limits
    _check_lookups(options)
    _check_receipts(options)
    _check_senders(options.sender)
    _check_unknown(options)
    if isinstance(options, SmppOptions):
        _check_smpp(options)
    if isinstance(options, HttpOptions):
        check_http(options)


def read_languages(names: list[str]) -> tuple[Language, ...]:
    """Languages by their names, in one order. Raises: BadData for one whose tables are not known."""
    wanted = {name.strip().lower() for name in names} - {""}
    if unknown := sorted(wanted.difference(LANGUAGES)):
        raise BadData(f"must be some of {', '.join(LANGUAGES)}, not {unknown[0]!r}", field="national")
    return tuple([language for language in LANGUAGES if language in wanted])


def _check_senders(sender: str) -> None:
    pool = pool_of(sender)
    for each in pool:
        if plain_sender(each) != each:
            raise BadData("must have at most 11 printable ASCII characters, or 3 to 15 digits", field="sender")
        if len(pool) > 1 and not each.isdigit():
            raise BadData(f"several senders are numbers, unlike {each}", field="sender")
    if len(set(pool)) < len(pool) or len(pool) > MAX_POOL:
        raise BadData(f"must have at most {MAX_POOL} numbers, each of them once", field="sender")


def _check_lookups(options: CarrierOptions) -> None:
    url, token = options.lookup_url, options.lookup_token
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        is_url = False
    if url and (not is_url or not _is_plain(url) or " " in url):
        raise BadData("must be like https://hlr.example.net/lookup", field="lookup_url")
    if not _is_plain(token):
        raise BadData("must have printable ASCII characters", field="lookup_token")
    if token and not url:
        raise BadData("is for a carrier with an address for look-ups", field="lookup_token")


def _check_unknown(options: CarrierOptions) -> None:
    for kind in MESSAGE_KINDS:
        check_policy(options.unknown.of(kind))
    if options.unknown.ask and not options.can_query:
        raise BadData("this carrier cannot be asked what became of a message", field="on_unknown")


def _check_receipts(options: CarrierOptions) -> None:
    if len(options.receipt_errors) > MAX_ERRORS:
        raise BadData(f"at most {MAX_ERRORS} codes", field="receipt_error")
    for code, dlr in options.receipt_errors.items():
        if not _CODE.fullmatch(code):
            raise BadData(f"a code has 1 to 8 letters and digits, unlike {code!r}", field="receipt_error")
        if dlr not in FAILURES.values():
            raise BadData(f"a failure is one of {', '.join(FAILURES)}", field="receipt_error")


def _check_smpp(options: SmppOptions) -> None:
    for name in ("system_type", "address_range", "service_type"):
        if not _is_plain(getattr(options, name)):
            raise BadData("must have printable ASCII characters, as SMPP allows", field=name)
    if not is_host(options.tls_server_name):
        raise BadData("the parts of a host name have 1 to 63 characters between their dots", field="tls_server_name")
    if "national" in (options.sender_form, options.dest_form) and not options.national_code:
        raise BadData("is needed for numbers in national form, like 33", field="national_code")
    if options.tls_key_file and not options.tls_certificate_file:
        raise BadData("is the key of a certificate: name that too", field="tls_key_file")
    if options.receipt_zone:
        _read("receipt_zone", ZoneInfo, options.receipt_zone)
    for word, meaning in options.receipt_states.items():
        if meaning.upper() not in STATES:
            raise BadData(f"{word} must mean one of {', '.join(STATES)}", field="receipt_states")
    for number, meaning in options.statuses.items():
        _read("statuses", status_number, number)
        _read("statuses", read_meaning, meaning)
    for number in options.status_names:
        _read("status_names", status_number, number)
    if len(options.fields) > MAX_FIELDS:
        raise BadData(f"at most {MAX_FIELDS} of them", field="fields")
    for each in options.fields:
        _read("fields", written, each)


def _read(name: str, reader: Callable[..., object], value: object) -> None:
    try:
        reader(value)
    except (ValueError, OSError, KeyError) as error:
        raise BadData(str(error).strip("'"), field=name) from None


def _is_plain(text: str) -> bool:
    return text.isascii() and (text.isprintable() or not text)
