"""Who we are to a vendor, and where it finds us."""

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from chappe.carriers.http.options import HttpOptions
from chappe.carriers.http.vendor import Access
from chappe.carriers.http.vendors import vendor_of

PREFIX: Final = "/carrier/"
"""Below it are the addresses that vendors post to."""


def access_of(options: HttpOptions, callbacks: str) -> Access:
    """Who we are to the vendor of a carrier, what is not said being as usual. Raises: BadData."""
    fields = vendor_of(options.vendor, options.template).fields
    values = {field.name: field.default or "" for field in fields} | options.values | options.secrets
    return Access(values, options.url.rstrip("/"), callbacks)


class Place(NamedTuple):
    """Where a vendor's API is."""

    host: str
    port: int
    tls: bool


def place_of(options: HttpOptions) -> Place:
    """Where the vendor of a carrier is reached. Raises: BadData; ValueError for an address that is none."""
    url = urlsplit(options.url or f"https://{vendor_of(options.vendor, options.template).place}")
    is_tls = url.scheme == "https"
    return Place(url.hostname or "", url.port or (443 if is_tls else 80), is_tls)


def callbacks_at(public_url: str, name: str, secret: str) -> str:
    """What stands before `/receipt` and `/reply` in a carrier's addresses; empty when ours is not known."""
    return f"{public_url.rstrip('/')}{PREFIX}{name}/{secret}" if public_url and secret else ""
