"""Carriers over HTTP as the operator sets them up."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec
import structlog

from chappe.carriers.http.options import HttpOptions
from chappe.carriers.http.template import Template, read_template
from chappe.carriers.http.vendor import Field, Vendor
from chappe.carriers.http.vendors import GENERIC, vendor_of
from chappe.carriers.kinds import decode_options, encode_options
from chappe.domain.errors import BadData, NotFound
from chappe.domain.sender_shape import plain_sender
from chappe.domain.unknown import EVERY_HELD, KINDS, UnknownPolicies, check_policy
from chappe.store import carriers, rules
from chappe.store.carriers import CarrierRow
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.carriers")

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MAX_VALUE, MAX_URL = 4000, 2000
MAX_WINDOW, MAX_RATE = 1000, 100_000
MIN_TIMEOUT_S, MAX_TIMEOUT_S = 2, 300
WINDOW: Final = 20
"""Requests at the same time, unless the operator says otherwise."""


@dataclass(frozen=True, slots=True)
class NewHttpCarrier:
    """What an operator says about an HTTP carrier.

    Shape: `template` is the text of a template, for the vendor `generic`; `values` are the vendor's fields, secrets
           too; `rate` in requests per second, 0 for no limit; `is_idempotent` as the vendor is when it is None.
    Units: seconds.
    """

    name: str
    vendor: str
    values: Mapping[str, str]
    template: str = ""
    url: str = ""
    window: int = WINDOW
    rate: int = 0
    sender: str = ""
    timeout_s: int = 30
    tls_ca_file: str = ""
    unknown: UnknownPolicies = EVERY_HELD
    is_idempotent: bool | None = None


class CallbackPlace(NamedTuple):
    """Where a carrier's vendor posts to. Shape: `secret` is part of the address."""

    name: str
    secret: str


class HttpCarriers:
    """The HTTP carriers of this installation."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids

    async def add(self, new: NewHttpCarrier) -> tuple[int, CallbackPlace]:
        """Set up a carrier; a running gateway serves it within a second or two. The first one is the default route.

        Raises: BadData.
        """
        template = read_template(new.template) if new.template else None
        if (template is None) == (new.vendor == GENERIC):
            raise BadData(f"goes with a template, and only with one: {GENERIC}", field="http")
        vendor = vendor_of(new.vendor, template)
        _check(new, vendor)
        options = _options(new, vendor, template)
        place = CallbackPlace(new.name, options.callback_secret)

        def unit(tx: Tx) -> int:
            if carriers.by_name(tx, new.name) is not None:
                raise BadData(f"{new.name} is already in use", field="name")
            carrier = self._ids.take(tx, "carrier")
            carriers.insert(tx, _row(carrier, new, vendor, options), now_ms())
            rules.changed(tx)
            return carrier

        carrier = await self._store.write(unit)
        _log.info("carrier added", carrier=new.name, id=carrier, vendor=vendor.name)
        return carrier, place

    async def callbacks(self, name: str, *, renew: bool = False) -> CallbackPlace:
        """Where the vendor of a carrier posts to; `renew` makes another secret, and the old addresses end at once.

        Raises: NotFound, BadData.
        """

        def unit(tx: Tx) -> CallbackPlace:
            row = carriers.by_name(tx, name)
            if row is None:
                raise NotFound(f"there is no carrier {name}", field="name")
            options = decode_options(row.kind, row.options)
            if not isinstance(options, HttpOptions):
                raise BadData(f"{name} is a carrier over SMPP: it delivers over its binds", field="name")
            if renew:
                options = msgspec.structs.replace(options, callback_secret=_secret())
                carriers.update(tx, row._replace(options=encode_options(options)))
            return CallbackPlace(name, options.callback_secret)

        place = await self._store.write(unit)
        if renew:
            _log.info("callback addresses renewed", carrier=name)
        return place


def _secret() -> str:
    return secrets.token_urlsafe(24)


def _options(new: NewHttpCarrier, vendor: Vendor, template: Template | None) -> HttpOptions:
    hidden = {field.name for field in vendor.fields if field.is_secret}
    return HttpOptions(
        vendor=new.vendor,
        template=template,
        url=new.url,
        values={name: value for name, value in new.values.items() if name not in hidden},
        secrets={name: value for name, value in new.values.items() if name in hidden},
        callback_secret=_secret(),
        seed=secrets.token_hex(6),
        timeout_s=new.timeout_s,
        tls_ca_file=new.tls_ca_file,
        sender=new.sender,
        unknown=new.unknown,
        is_idempotent=vendor.is_idempotent if new.is_idempotent is None else new.is_idempotent,
    )


def _row(carrier: int, new: NewHttpCarrier, vendor: Vendor, options: HttpOptions) -> CarrierRow:
    place = urlsplit(new.url or f"https://{vendor.place}")
    is_tls = place.scheme == "https"
    fixed: dict[str, Any] = {"system_id": "", "password": "", "binds": 1, "kind": "http"}
    return CarrierRow(
        id=carrier,
        name=new.name,
        host=place.hostname or "",
        port=place.port or (443 if is_tls else 80),
        tls=is_tls,
        window=new.window,
        rate=new.rate,
        options=encode_options(options),
        profile=vendor.name,
        **fixed,
    )


def _check(new: NewHttpCarrier, vendor: Vendor) -> None:
    if not _NAME.fullmatch(new.name):
        raise BadData("must have 1 to 64 letters, digits, dots, dashes or underscores", field="name")
    for name, value, low, high in (
        ("window", new.window, 1, MAX_WINDOW),
        ("rate", new.rate, 0, MAX_RATE),
        ("timeout", new.timeout_s, MIN_TIMEOUT_S, MAX_TIMEOUT_S),
    ):
        if not low <= value <= high:
            raise BadData(f"must be between {low} and {high}", field=name)
    if new.sender and plain_sender(new.sender) != new.sender:
        raise BadData("must have at most 11 printable ASCII characters, or 3 to 15 digits", field="sender")
    if new.url or not vendor.place:
        _check_url(new.url)
    _check_values(new.values, vendor.fields, vendor.name)
    for kind in KINDS:
        check_policy(new.unknown.of(kind))
    if new.unknown.ask and not vendor.can_query:
        raise BadData(f"{vendor.name} cannot be asked what became of a message", field="on_unknown")


def _check_values(values: Mapping[str, str], fields: Any, vendor: str) -> None:
    known: dict[str, Field] = {field.name: field for field in fields}
    for name, value in values.items():
        if name not in known:
            told = f"it asks for {', '.join(known)}" if known else "it asks for nothing"
            raise BadData(f"{vendor} has no such option: {told}", field=name)
        if len(value) > MAX_VALUE or not (value.isprintable() or not value):
            raise BadData(f"must have at most {MAX_VALUE} printable characters", field=name)
    for field in known.values():
        if field.default is None and not values.get(field.name):
            how = "--secret" if field.is_secret else "--option"
            raise BadData(f"is missing: {how} {field.name}=... ({field.help or 'see the template'})", field=field.name)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        is_good = False
    is_plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= MAX_URL
    if not is_good or not is_plain or "?" in url or "#" in url or "@" in url:
        raise BadData("must say where the API is, like https://sms.example.net/api", field="url")
