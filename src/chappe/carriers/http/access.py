"""Who we are to a vendor, and where it finds us."""

from typing import Final

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


def callbacks_at(public_url: str, name: str, secret: str) -> str:
    """What stands before `/receipt` and `/reply` in a carrier's addresses; empty when ours is not known."""
    return f"{public_url.rstrip('/')}{PREFIX}{name}/{secret}" if public_url and secret else ""
