"""The settings of carriers over HTTP."""

from typing import Annotated

import msgspec

from chappe.carriers.http.template import Template
from chappe.carriers.http.vendors import vendor_of
from chappe.carriers.options import CarrierOptions, says


class HttpOptions(CarrierOptions, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What an HTTP carrier needs beyond the address of its vendor.

    Shape: `template` describes a vendor that Chappe does not know; `values` and `secrets` are the vendor's fields;
           `seed` makes the keys of our messages differ from those of every other installation.
    Units: seconds.
    """

    vendor: Annotated[str, says("vendor", "who it is: `chappe carrier vendors`, or generic with a template")]
    template: Annotated[Template | None, says("vendor", "what a vendor that Chappe does not know is like")] = None
    url: Annotated[str, says("vendor", "where its API is, if not at its usual address", max_length=2000)] = ""
    values: Annotated[dict[str, str], says("vendor", "what the vendor asks for")] = msgspec.field(default_factory=dict)
    secrets: Annotated[dict[str, str], says("vendor", "the secrets among that")] = msgspec.field(default_factory=dict)
    callback_secret: Annotated[str, says("vendor", "part of the addresses that the vendor posts to")] = ""
    seed: Annotated[str, says("vendor", "part of the keys of messages")] = ""
    timeout_s: Annotated[int, says("vendor", "how long an answer is waited for", is_live=False, ge=2, le=300)] = 30
    tls_ca_file: Annotated[
        str, says("vendor", "certificates to trust instead of the system's", is_live=False, is_file=True)
    ] = ""

    def __repr__(self) -> str:
        return f"HttpOptions(vendor={self.vendor!r})"

    @property
    def is_told(self) -> bool:
        return self.template is None or self.template.receipt is not None or self.template.query is not None

    @property
    def can_query(self) -> bool:
        return vendor_of(self.vendor, self.template).can_query
