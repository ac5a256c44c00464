"""Carriers over HTTP as the operator sets them up."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec
import structlog

from chappe.carriers.http.access import place_of
from chappe.carriers.http.options import HttpOptions
from chappe.carriers.http.template import Template, read_template
from chappe.carriers.http.vendor import Vendor
from chappe.carriers.http.vendors import GENERIC, vendor_of
from chappe.carriers.kinds import decode_options, encode_options
from chappe.domain.errors import BadData, NotFound
from chappe.domain.unknown import EVERY_HELD, UnknownPolicies
from chappe.manage.carrier_checks import NewCarrier, check
from chappe.manage.http_checks import check_http
from chappe.store import carriers, rules
from chappe.store.carriers import CarrierRow
from chappe.store.clock import now_ms
from chappe.store.ids import Ids
from chappe.store.sqlite import Store, Tx

_log = structlog.get_logger("chappe.carriers")

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
        options = _options(new, vendor, template)
        check_http(options)
        check(NewCarrier(new.name, *place_of(options)[:2], "", "", window=new.window, rate=new.rate, options=options))
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
            row, options = _http_options(tx, name)
            if renew:
                options = msgspec.structs.replace(options, callback_secret=_secret())
                carriers.update(tx, row._replace(options=encode_options(options)))
            return CallbackPlace(name, options.callback_secret)

        place = await self._store.write(unit)
        if renew:
            _log.info("callback addresses renewed", carrier=name)
        return place

    async def tell(self, name: str, values: Mapping[str, str], url: str | None = None) -> None:
        """Change what the vendor of a carrier asks for: those values that are given, and where its API is.

        Raises: NotFound, BadData.
        """

        def unit(tx: Tx) -> None:
            row, options = _http_options(tx, name)
            plain, hidden = _divided(values, vendor_of(options.vendor, options.template))
            changed = msgspec.structs.replace(
                options,
                values={**options.values, **plain},
                secrets={**options.secrets, **hidden},
                url=options.url if url is None else url,
            )
            check_http(changed)
            carriers.update(tx, row._replace(options=encode_options(changed)))

        await self._store.write(unit)
        _log.info("vendor told anew", carrier=name, values=sorted(values))


def _divided(values: Mapping[str, str], vendor: Vendor) -> tuple[dict[str, str], dict[str, str]]:
    """What a vendor asks for, the secrets apart."""
    secret = {field.name for field in vendor.fields if field.is_secret}
    return (
        {name: value for name, value in values.items() if name not in secret},
        {name: value for name, value in values.items() if name in secret},
    )


def _http_options(tx: Tx, name: str) -> tuple[CarrierRow, HttpOptions]:
    row = carriers.by_name(tx, name)
    if row is None:
        raise NotFound(f"there is no carrier {name}", field="name")
    options = decode_options(row.kind, row.options)
    if not isinstance(options, HttpOptions):
        raise BadData(f"{name} is a carrier over SMPP", field="name")
    return row, options


def _secret() -> str:
    return secrets.token_urlsafe(24)


def _options(new: NewHttpCarrier, vendor: Vendor, template: Template | None) -> HttpOptions:
    values, hidden = _divided(new.values, vendor)
    return HttpOptions(
        vendor=new.vendor,
        template=template,
        url=new.url,
        values=values,
        secrets=hidden,
        callback_secret=_secret(),
        seed=secrets.token_hex(6),
        timeout_s=new.timeout_s,
        tls_ca_file=new.tls_ca_file,
        sender=new.sender,
        unknown=new.unknown,
        is_idempotent=vendor.is_idempotent if new.is_idempotent is None else new.is_idempotent,
    )


def _row(carrier: int, new: NewHttpCarrier, vendor: Vendor, options: HttpOptions) -> CarrierRow:
    return CarrierRow(
        carrier, new.name, *place_of(options)[:2], "", "", place_of(options).tls, 1, new.window, new.rate,
        encode_options(options), "http", vendor.name,
    )  # fmt: skip
